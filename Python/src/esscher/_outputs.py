# SPDX-License-Identifier: Apache-2.0
"""Where ``python -m esscher`` writes its result: whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import InputError, UsageError
from .result import FrontierResult

_ENDINGS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".txt": "table", ".parquet": "parquet"}
_FORMATS = ("table", "csv", "json", "jsonl")
_PICTURES = (".svg", ".png", ".pdf")

_TEXTS: dict[str, Callable[[FrontierResult], str]] = {
    "table": str,
    "csv": FrontierResult.to_csv,
    "json": FrontierResult.to_json,
    "jsonl": FrontierResult.to_jsonl,
}


class Outputs:
    """Files and formats of one run, found to be possible before anything is read.

    Parameters
    ----------
    outputs : sequence of str
        As ``-o`` took them; none is standard output.
    form : str, optional
        As ``--format`` took it.
    plots : sequence of str
        As ``--plot`` took them.
    plot_axis : str, optional
        As ``--plot-axis`` took it.
    inputs : sequence of str
        Names that are read, none of which may be written.

    Raises
    ------
    UsageError
        For formats that there are not, and for two outputs, or an output and an input, in one place.
    """

    def __init__(
        self,
        outputs: Sequence[str],
        form: str | None,
        plots: Sequence[str],
        plot_axis: str | None,
        inputs: Sequence[str],
    ) -> None:
        if form is not None and form not in _FORMATS:
            raise UsageError(f"--format takes {', '.join(_FORMATS)}, not '{form}'.")
        if plot_axis not in (None, "linear", "sqrt"):
            raise UsageError(f"--plot-axis takes linear or sqrt, not '{plot_axis}'.")
        for path in plots:
            if Path(path).suffix.lower() not in _PICTURES:
                raise UsageError(f"--plot takes FILE.svg, .png or .pdf, not '{path}'.")
        self._targets = [(path, _format(path, form)) for path in outputs or ["-"]]
        self._plots = list(plots)
        self._is_sqrt = plot_axis == "sqrt"
        written = [path for path in (*outputs, *plots) if path != "-"]
        if list(outputs).count("-") > 1:
            raise UsageError("-o - is given twice; standard output takes one format.")
        for index, path in enumerate(written):
            if any(_is_same(path, other) for other in written[:index]):
                raise UsageError(f"Two outputs go to '{path}'; give each a name of its own.")
            for read in inputs:
                if _is_same(path, read):
                    raise UsageError(f"Output '{path}' would replace the input '{read}'; choose another name.")

    def write(self, result: FrontierResult) -> None:
        """Write the result everywhere, and draw it.

        Parameters
        ----------
        result : FrontierResult
            The result.
        """
        for path, form in self._targets:
            if path == "-":
                sys.stdout.write(_TEXTS[form](result))
                sys.stdout.flush()
            elif form == "parquet":
                _replace(path, lambda partial: _write_parquet(result, partial))
            else:
                text = _TEXTS[form](result).encode()
                _replace(path, lambda partial, text=text: _write_bytes(partial, text))  # type: ignore[misc]
        for path in self._plots:
            _replace(path, lambda partial: self._draw(result, partial))

    def _draw(self, result: FrontierResult, path: str) -> None:
        try:
            from matplotlib.figure import Figure
        except ImportError as problem:
            raise UsageError(
                "--plot needs matplotlib, which is not installed; run pip install 'esscher[plot]'."
            ) from problem
        figure = Figure(figsize=(8, 5), layout="constrained")
        result.plot(figure.subplots(), sqrt_axis=self._is_sqrt)
        figure.savefig(path, format=Path(path).suffix[1:])


def _format(path: str, form: str | None) -> str:
    if path == "-":
        return form or "table"
    found = _ENDINGS.get(Path(path).suffix.lower()) or form
    if found is None:
        raise UsageError(
            f"The ending of '{path}' names no format; use .csv, .json, .jsonl, .txt or .parquet, or add --format."
        )
    return found


def _is_same(path: str, other: str) -> bool:
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.abspath(path) == os.path.abspath(other)


def _write_bytes(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _write_parquet(result: FrontierResult, path: str) -> None:
    table = result.to_arrow()
    from pyarrow import parquet

    parquet.write_table(table, path)


def _replace(path: str, write: Callable[[str], None]) -> None:
    """Write a file beside its place, and move it there once it is whole."""
    place = Path(path)
    partial = str(place.with_name(f".esscher.{os.getpid()}.partial{place.suffix}"))
    try:
        write(partial)
        os.replace(partial, path)
    except OSError as problem:
        raise InputError(
            f"{path}: could not be written ({problem.strerror or problem}); check the folder and its room.", path
        ) from problem
    finally:
        with suppress(FileNotFoundError):
            os.unlink(partial)
