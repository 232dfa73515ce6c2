# SPDX-License-Identifier: Apache-2.0
"""What a run found: :class:`FrontierResult`."""

from __future__ import annotations

import copy
import ctypes
import importlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _structs
from ._html import html_of
from ._library import ErrorSlot, Handle, library
from .errors import UsageError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from matplotlib.axes import Axes

#: A value of a point: None where it is undefined.
Cell = float | int | bool | str | None

_FORMATS = ("csv", "json", "jsonl", "table")


class FrontierResult:
    """Points of frontiers, best-of-n curves and policies, with their intervals.

    The columns are those of the program (docs/output.md): ``curve``, ``label``, ``beta``, ``lambda``, ``n``, ``kl`` in
    nats, ``reward``, ``gain``, their intervals ``..._low`` and ``..._high``, ``ess``, ``khat``, ``trusted``, ``note``
    and so on. A result holds no memory of the library, and can be pickled.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    warnings : tuple of str
        What the run warns of.
    """

    def __init__(self, kinds: dict[str, int], texts: dict[str, str], warnings: Sequence[str]) -> None:
        self._kinds = kinds
        self._texts = texts
        self.columns: tuple[str, ...] = tuple(kinds)
        self.warnings: tuple[str, ...] = tuple(warnings)

    @cached_property
    def _report(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self._texts["json"])
        return parsed

    @property
    def points(self) -> list[dict[str, Cell]]:
        """A dictionary a point; None where a cell is undefined, and then ``note`` says why.

        Every call gives copies, which may be changed.
        """
        return [dict(point) for point in self._points]

    @property
    def _points(self) -> list[dict[str, Cell]]:
        points: list[dict[str, Cell]] = self._report["points"]
        return points

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from: version, inputs and their shapes, device, precision, seed, seconds a stage."""
        provenance: dict[str, Any] = copy.deepcopy(self._report["provenance"])
        return provenance

    def curve(self, name: str, label: str | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """The points of one curve as arrays.

        Parameters
        ----------
        name : str
            tilt, budget, best_of_n, best_of_poisson, soft_best_of_n, rewind_and_repeat, equal_kl, gold_peak, gao_fit,
            ensemble_error or policy.
        label : str, optional
            The reward's name where there are several models; by default the first one, the ensemble's own. Policies are
            all taken.

        Returns
        -------
        dict of str to ndarray
            A column each, of shape (points): numbers and whole numbers as float64, NaN where they are undefined;
            ``trusted`` as bool, False where it is undefined; text as objects.

        Raises
        ------
        UsageError
            If the result has no such curve.
        """
        chosen = [point for point in self._points if point["curve"] == name]
        if label is None and name != "policy" and chosen:
            label = str(chosen[0]["label"])
        points = [point for point in chosen if label is None or point["label"] == label]
        if not points:
            known = dict.fromkeys(str(point["curve"]) for point in self._points)
            about = f" of '{label}'" if chosen else ""
            raise UsageError(f"the result has no curve '{name}'{about}; its curves are {', '.join(known)}.")
        return {column: self._array(column, points) for column in self.columns}

    def _array(self, column: str, points: list[dict[str, Cell]]) -> np.ndarray[Any, Any]:
        cells = [point[column] for point in points]
        kind = self._kinds[column]
        if kind == _structs.TEXT:
            return np.array(cells, dtype=object)
        if kind == _structs.FLAG:
            return np.array([bool(cell) for cell in cells], dtype=bool)
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)

    def to_dict(self) -> dict[str, list[Cell]]:
        """Columns as lists, None where a cell is undefined."""
        return {column: [point[column] for point in self._points] for column in self.columns}

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame of pandas: float64 with NaN, whole numbers as Int64 and ``trusted`` as boolean, both with NA."""
        module = _package("pandas", "to_pandas", "pandas")
        types = {_structs.INTEGER: "Int64", _structs.FLAG: "boolean", _structs.NUMBER: "float64"}
        columns = self.to_dict()
        series = {name: module.Series(cells, dtype=types.get(self._kinds[name])) for name, cells in columns.items()}
        frame: pandas.DataFrame = module.DataFrame(series)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """A data frame of polars; undefined cells are null."""
        module = _package("polars", "to_polars", "polars")
        types: dict[int, Any] = {
            _structs.INTEGER: module.Int64,
            _structs.FLAG: module.Boolean,
            _structs.NUMBER: module.Float64,
            _structs.TEXT: module.String,
        }
        schema = {name: types[kind] for name, kind in self._kinds.items()}
        frame: polars.DataFrame = module.DataFrame(self.to_dict(), schema=schema)
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """A table of Arrow; undefined cells are null."""
        module = _package("pyarrow", "to_arrow", "'esscher[arrow]'")
        types = {
            _structs.INTEGER: module.int64(),
            _structs.FLAG: module.bool_(),
            _structs.NUMBER: module.float64(),
            _structs.TEXT: module.string(),
        }
        schema = module.schema([(name, types[kind]) for name, kind in self._kinds.items()])
        table: pyarrow.Table = module.table(self.to_dict(), schema=schema)
        return table

    def to_csv(self) -> str:
        """The points as the program's CSV, byte for byte; the shortest digits that read back as the same number."""
        return self._texts["csv"]

    def to_json(self) -> str:
        """Points, provenance and warnings as the program's JSON."""
        return self._texts["json"]

    def to_jsonl(self) -> str:
        """The points as the program's JSON lines, byte for byte."""
        return self._texts["jsonl"]

    def plot(self, ax: Axes | None = None, *, gold: bool = True, sqrt_axis: bool = False) -> Axes:
        """Draw the frontier with its band, best-of-n, budgets and policies.

        Lines are dashed where they are not trusted.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where it goes; a new figure without it.
        gold : bool
            Draw gold rewards, on an axis of their own, where there are any.
        sqrt_axis : bool
            Scale the KL axis by its square root, along which frontiers begin as straight lines.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the rewards.
        """
        from ._plot import draw

        return draw(self, ax, with_gold=gold, sqrt_axis=sqrt_axis)

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._points)

    def __repr__(self) -> str:
        provenance = self.provenance
        return (
            f"<FrontierResult: {len(self)} points, {provenance['prompts']} prompts, "
            f"{provenance['samples_minimum']} to {provenance['samples_maximum']} samples, {provenance['device']}>"
        )

    def __str__(self) -> str:
        """The program's table."""
        return self._texts["table"]

    def _repr_html_(self) -> str:
        """What notebooks show."""
        return html_of(self)

    def __eq__(self, other: object) -> bool:
        """Whether the points are the same, bit for bit."""
        if not isinstance(other, FrontierResult):
            return NotImplemented
        return self._texts["csv"] == other._texts["csv"]

    def __hash__(self) -> int:
        return hash(self._texts["csv"])


def _package(name: str, method: str, requirement: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise ImportError(f"{method} needs {name}, which is not installed; run pip install {requirement}.") from problem


def result_of_report(report: Handle, notes: Sequence[str]) -> FrontierResult:
    """A result from a report of the library.

    Parameters
    ----------
    report : Handle
        An ``esscher_report``.
    notes : sequence of str
        Warnings from reading, which come first.
    """
    loaded = library()
    kinds: dict[str, int] = {}
    for column in range(loaded.esscher_report_column_count(report.pointer)):
        name = loaded.esscher_report_column_name(report.pointer, column).decode()
        kinds[name] = loaded.esscher_report_column_kind(report.pointer, column)
    texts = {form: _rendered(report, form) for form in _FORMATS}
    result = FrontierResult(kinds, texts, ())
    result.warnings = (*notes, *result._report["warnings"])
    return result


def _rendered(report: Handle, form: str) -> str:
    text, length, error = ctypes.c_char_p(), ctypes.c_size_t(), ErrorSlot()
    error.check(
        library().esscher_report_text(
            report.pointer,
            form.encode(),
            ctypes.byref(text),
            ctypes.byref(length),
            error.address,
        )
    )
    return (text.value or b"").decode()
