# SPDX-License-Identifier: Apache-2.0
"""Frames and series of pandas as Arrow and NumPy have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrow import pyarrow
from ._roles import GUESSES
from ._tables import is_list_type
from .errors import InputError, InputTypeError


def refuse_groups(value: Any, name: str) -> None:
    """Refuse what ``groupby`` gives, which has no rows yet.

    Raises
    ------
    InputTypeError
        For a frame or series in groups.
    """
    if type(value).__name__.endswith("GroupBy"):
        raise InputTypeError(
            f"{name}: is in groups, which are no rows yet; pass the frame itself with its column of prompts, or "
            "x.agg(list).",
            name,
        )


def table_of_frame(frame: Any, name: str, wanted: Callable[[str], bool], prompt: str | None = None) -> Any:
    """A frame as a table of Arrow; a level of its index that names prompts is a column too, where no column does.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame.
    name : str
        For messages.
    wanted : callable
        Which columns may be asked for.
    prompt : str, optional
        The column or level of prompts, as the caller named it.

    Raises
    ------
    InputError
        For columns that cannot be told apart, or read.
    InputTypeError
        For columns that hold no real numbers, or not each of them.
    """
    arrow = pyarrow(f"{name}: a data frame of pandas")
    columns = [column for column in frame.columns if isinstance(column, str) and wanted(column)]
    if not columns:
        # Only the names are of interest, to the sentence that says what is there.
        return arrow.schema([(str(column), arrow.null()) for column in frame.columns]).empty_table()
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f"{name}: has more than one column '{column}'; rename all but one.", name)
        check_items(frame[column].dtype, f"{name}, column '{column}'")
    try:
        table = arrow.Table.from_pandas(frame[columns], preserve_index=False)
        level = _level_of_prompts(arrow, frame, table, prompt)
        if level is None:
            return table
        return table.append_column(level, arrow.Array.from_pandas(frame.index.get_level_values(level)))
    except (arrow.ArrowException, TypeError, ValueError) as problem:
        words = str(problem.args[0]) if problem.args else str(problem)
        raise InputError(
            f"{name}: a column cannot be read ({words}); pass the columns that are needed, of numbers.", name
        ) from problem


def _level_of_prompts(arrow: Any, frame: Any, table: Any, prompt: str | None) -> str | None:
    """The level of a frame's index that names prompts, where no column does; None where there is none."""
    names = [level for level in frame.index.names if isinstance(level, str)]
    if prompt is not None:
        return prompt if prompt in names and prompt not in frame.columns else None
    if any(column in GUESSES["prompt"] for column in frame.columns if isinstance(column, str)):
        return None
    level = next((known for known in GUESSES["prompt"] if known in names), None)
    if level is None or type(frame.index).__name__ == "RangeIndex":
        return None
    # A name of each row of a long table is a sample's, and no prompt's.
    has_lists = any(is_list_type(arrow, kind) for kind in table.schema.types)
    return level if has_lists or not frame.index.get_level_values(level).is_unique else None


def names_prompts(value: Any) -> bool:
    """Whether a series has an index that is called as columns of prompts are."""
    levels = getattr(getattr(value, "index", None), "names", ())
    return hasattr(value, "to_frame") and any(level in GUESSES["prompt"] for level in levels)


def frame_of_series(series: Any, name: str) -> Any:
    """A series as a frame of one column, which keeps its name where that is one of rewards."""
    keeps = name == "reward" and series.name in GUESSES["reward"]
    return series.to_frame(series.name if keeps else name)


def values_of_series(series: Any, name: str) -> Any:
    """The values of a series or index: its NumPy array where it has one, else its Arrow array."""
    if isinstance(getattr(series, "dtype", None), np.dtype):
        return series.to_numpy()
    if hasattr(series, "__arrow_c_stream__"):
        return series
    arrow = pyarrow(f"{name}: a series of pandas with {getattr(series, 'dtype', 'its type')}")
    return arrow.chunked_array([arrow.array(series)])


def check_items(dtype: Any, place: str) -> None:
    """Refuse values that are no real numbers, or not each of them.

    Raises
    ------
    InputTypeError
        For sparse and complex ones.
    """
    if type(dtype).__name__ == "SparseDtype":
        raise InputTypeError(f"{place}: is sparse; pass it dense, as x.sparse.to_dense().", place)
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        raise InputTypeError(
            f"{place}: holds complex numbers ({dtype}), and a reward is real; pass the part that is meant.", place
        )
