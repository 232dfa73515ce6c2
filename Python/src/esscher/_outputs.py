# SPDX-License-Identifier: Apache-2.0
"""Where ``python -m esscher`` writes its result: whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ._whole_files import WholeFiles, is_same
from .errors import InternalError, UsageError
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
    files : WholeFiles
        What takes its names at the end.
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
    others : sequence of str
        Files that the command itself writes.

    Raises
    ------
    UsageError
        For formats that there are not, for two outputs, or an output and an input, in one place, and for files that
        cannot be created.
    """

    def __init__(
        self,
        files: WholeFiles,
        outputs: Sequence[str],
        form: str | None,
        plots: Sequence[str],
        plot_axis: str | None,
        inputs: Sequence[str],
        others: Sequence[str] = (),
    ) -> None:
        if form is not None and form not in _FORMATS:
            raise UsageError(f"--format takes {', '.join(_FORMATS)}, not '{form}'.")
        if plot_axis not in (None, "linear", "sqrt"):
            raise UsageError(f"--plot-axis takes linear or sqrt, not '{plot_axis}'.")
        for path in plots:
            if Path(path).suffix.lower() not in _PICTURES:
                raise UsageError(f"--plot takes FILE.svg, .png or .pdf, not '{path}'.")
        targets = [(path, _format(path, form)) for path in outputs or ["-"]]
        if form is not None and all(path != "-" and found != form for path, found in targets):
            path, found = targets[0]
            raise UsageError(
                f"--format {form} contradicts the ending of '{path}', which means {found}; drop one of them, or add "
                "-o - for standard output."
            )
        self._is_sqrt = plot_axis == "sqrt"
        written = [path for path in (*outputs, *others, *plots) if path != "-"]
        if list(outputs).count("-") > 1:
            raise UsageError("-o - is given twice; standard output takes one format.")
        for index, path in enumerate(written):
            if any(is_same(path, other) for other in written[:index]):
                raise UsageError(f"Two outputs go to '{path}'; give each a name of its own.")
            for read in inputs:
                if is_same(path, read):
                    raise UsageError(f"Output '{path}' would replace the input '{read}'; choose another name.")
        if plots:
            _require("matplotlib", "--plot", "plot")
        if any(found == "parquet" for _, found in targets):
            _require("pyarrow", "A Parquet file", "arrow")
        self._files = files
        self._targets = [(path if path == "-" else files.add(path), found) for path, found in targets]
        self._plots = [files.add(path) for path in plots]

    def write(self, result: FrontierResult) -> None:
        """Write the result everywhere, and draw it; files take their names at the end.

        Parameters
        ----------
        result : FrontierResult
            The result.
        """
        shown = None
        for path, form in self._targets:
            if path == "-":
                shown = _TEXTS[form](result)
            elif form == "parquet":
                self._save(path, lambda path: _write_parquet(result, path))
            else:
                self._files.write(path, _TEXTS[form](result).encode())
        for path in self._plots:
            self._save(path, lambda path: self._draw(result, path))
        try:
            if shown is not None:
                _print(shown)
        except BrokenPipeError:
            # Whoever reads standard output has what they want; the files are another matter.
            self._files.commit()
            raise
        self._files.commit()

    def _save(self, path: str, save: Callable[[str], None]) -> None:
        try:
            save(path)
        except OSError as problem:
            raise self._files.failure(path, problem) from problem

    def _draw(self, result: FrontierResult, path: str) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        result.plot(figure.subplots(), sqrt_axis=self._is_sqrt)
        figure.savefig(path, format=Path(path).suffix[1:])


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        # Python would try once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InternalError(
            f"standard output: could not be written ({problem.strerror or problem}); check where it goes.",
            "standard output",
        ) from problem


def _require(module: str, what: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise UsageError(f"{what} needs {module}, which is not installed; run pip install 'esscher[{extra}]'.")


def _format(path: str, form: str | None) -> str:
    if path == "-":
        return form or "table"
    found = _ENDINGS.get(Path(path).suffix.lower()) or form
    if found is None:
        raise UsageError(
            f"The ending of '{path}' names no format; use .csv, .json, .jsonl, .txt or .parquet, or add --format."
        )
    return found


def _write_parquet(result: FrontierResult, path: str) -> None:
    table = result.to_arrow()
    from pyarrow import parquet

    parquet.write_table(table, path)
