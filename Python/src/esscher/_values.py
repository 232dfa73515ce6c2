# SPDX-License-Identifier: Apache-2.0
"""What kind of thing an argument is: an array, a tensor, a column, a table, a sequence or a file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ._arrow import (
    StreamPart,
    array_depth,
    has_array,
    has_stream,
    list_lengths,
    pyarrow,
    stored,
    stream_depth,
    table_of,
)
from ._cells import Elements, Reading, check_samples, elements_of, matrices, not_bfloat16
from ._dlpack import tensor_elements
from ._frames import check_items, frame_of_series, names_prompts, refuse_groups, table_of_frame, values_of_series
from ._sequences import numbers_of, rows_of
from ._tables import Part
from .errors import InputTypeError

_PLAIN = Reading()


def module_of(value: object) -> str:
    """The package that an object's type comes from."""
    return type(value).__module__.partition(".")[0]


def as_table(
    value: Any,
    name: str,
    wanted: Callable[[str], bool] = lambda column: True,
    series_name: str | None = None,
    prompt: str | None = None,
) -> Any:
    """An object with columns as a pyarrow table, without a copy; None for what has no columns.

    Parameters
    ----------
    value : object
        A table or frame of pyarrow, polars, pandas or DuckDB, a data set of Hugging Face, or anything whose Arrow
        stream or array has columns.
    name : str
        For messages.
    wanted : callable
        Which columns may be asked for, where leaving the others out saves work; all where there are none of them.
    series_name : str, optional
        What a series of pandas is called whose index names prompts; its own name where that is a column's.
    prompt : str, optional
        The column of prompts, as the caller named it.
    """
    table = _columns(value, name, wanted, series_name, prompt)
    return None if table is None else stored(table, name)


def _columns(value: Any, name: str, wanted: Callable[[str], bool], series_name: str | None, prompt: str | None) -> Any:
    """As :func:`as_table`, in the types that the columns have."""
    if module_of(value) == "datasets":
        return _dataset_table(value, name, wanted)
    if type(value).__name__ == "LazyFrame" and hasattr(value, "collect"):
        value = value.collect()
    if module_of(value) == "pandas":
        refuse_groups(value, name)
        if hasattr(value, "columns"):
            return table_of_frame(value, name, wanted, prompt)
        check_items(getattr(value, "dtype", None), name)
        if series_name is not None and names_prompts(value):
            return table_of_frame(frame_of_series(value, series_name), name, wanted, prompt)
    if type(value).__name__ == "RecordBatchReader" and hasattr(value, "read_all"):
        return value.read_all()
    if has_stream(value):
        return table_of(value, name) if stream_depth(value, name) == 0 else None
    if has_array(value) and array_depth(value, name) == 0:
        return table_of(value, name)
    return None


def _dataset_table(value: Any, name: str, wanted: Callable[[str], bool]) -> Any:
    """A data set of Hugging Face as it lies in memory or on disk; None for one of its columns."""
    kind = type(value).__name__
    if kind in ("DatasetDict", "IterableDatasetDict"):
        raise InputTypeError(
            f"{name}: is a dictionary of splits ({', '.join(value)}); pass one, such as "
            f"x['{next(iter(value), 'train')}'].",
            name,
        )
    if kind.startswith("Iterable"):
        raise InputTypeError(
            f"{name}: is a stream, and rewards are read more than once; pass Dataset.from_list(list(x)), or load the "
            "data set without streaming.",
            name,
        )
    if not hasattr(value, "with_format"):
        return None
    if (getattr(value, "format", None) or {}).get("type") == "custom":
        raise InputTypeError(
            f"{name}: has a transform of its own, which is not in the columns that are read; pass x.map(transform, "
            "batched=True), or x.with_format(None) for what is stored.",
            name,
        )
    columns = [column for column in value.column_names if wanted(column)]
    return (value.select_columns(columns) if columns else value).with_format("arrow")[:]


def _dataset_column(value: Any, name: str) -> Any:
    """A column of a data set as Arrow has it, where that can be reached."""
    source, column = getattr(value, "source", None), getattr(value, "column_name", None)
    if hasattr(source, "with_format") and isinstance(column, str):
        return _dataset_table(source, name, lambda other: other == column).column(column)
    return list(value)


def is_tensor(value: object) -> bool:
    """Whether an object exports itself through DLPack and is no NumPy array."""
    return hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray)


def is_sequence(value: object) -> bool:
    """Whether an object is a list of rows or of numbers."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))


def normalized(value: Any, name: str, reading: Reading = _PLAIN) -> Any:
    """A value in one of the forms that the rest knows.

    Parameters
    ----------
    value : object
        Anything but a table or a file's name.
    name : str
        For messages.
    reading : Reading, optional
        How numbers are read.

    Returns
    -------
    Elements, StreamPart or list
        Items where they lie, a stream of Arrow, or a list of rows or numbers.

    Raises
    ------
    InputTypeError
        For what is none of them.
    UsageError
        For a `dtype` that does not apply.
    """
    found = _found(value, name, reading)
    if isinstance(found, Elements):
        return reading.typed(found, name)
    if isinstance(found, StreamPart) and reading.dtype is not None and not reading.is_beside:
        raise not_bfloat16(name, "a column of Arrow, which says its type itself")
    return found


def _found(value: Any, name: str, reading: Reading) -> Any:
    if module_of(value) == "pandas":
        value = values_of_series(value, name)
    elif module_of(value) == "datasets":
        value = _dataset_column(value, name)
    if isinstance(value, np.ndarray):
        return value.tolist() if _holds_rows(value) else elements_of(reading.opaque(value), name)
    if has_stream(value):
        return StreamPart(value)
    if hasattr(value, "__arrow_c_array__"):
        arrow = pyarrow(f"{name}: an Arrow array")
        return StreamPart(arrow.chunked_array([arrow.array(value)]))
    if is_tensor(value):
        return tensor_elements(value, name)
    if isinstance(value, (bytes, bytearray)):
        raise InputTypeError(f"{name}: is bytes; pass np.frombuffer(x, dtype=...).", name)
    if isinstance(value, (Mapping, set, frozenset)):
        raise InputTypeError(
            f"{name}: is a {type(value).__name__}, which has no rows in an order; pass a list or an array.",
            name,
        )
    if hasattr(value, "__array__") or _has_buffer(value):
        return elements_of(reading.opaque(np.asarray(value)), name)
    if is_sequence(value):
        return list(value)
    if hasattr(value, "__iter__"):
        return list(value)
    raise InputTypeError(
        f"{name}: an object of type {type(value).__name__} holds no rewards; pass an array, a tensor, a table, lists "
        "of numbers or a file's name.",
        name,
    )


def _has_buffer(value: object) -> bool:
    try:
        memoryview(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _holds_rows(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array of objects is a list of rows, as pandas keeps them."""
    return array.dtype == object and array.ndim == 1


def depth(value: Any, name: str) -> int:
    """How deep numbers lie: 1 in one prompt's samples, 2 in a matrix, 3 in several models' ones.

    Parameters
    ----------
    value : object
        Normalized or not; a table counts as a matrix.
    name : str
        For messages.
    """
    if isinstance(value, Elements):
        return value.values.ndim
    if isinstance(value, StreamPart):
        return stream_depth(value.exporter, name)
    if isinstance(value, (str, bytes, Mapping)):
        return 0
    if isinstance(value, np.ndarray) and not _holds_rows(value):
        return value.ndim
    if is_tensor(value) and not has_stream(value) and hasattr(value, "ndim"):
        return int(value.ndim)
    if has_stream(value):
        return stream_depth(value, name) or 2
    if has_array(value):
        return array_depth(value, name) or 2
    if is_sequence(value) or isinstance(value, np.ndarray):
        first = next((item for item in value if item is not None), None)
        return 1 + (0 if first is None else depth(first, name))
    if module_of(value) == "pandas" and hasattr(value, "to_numpy"):
        return 2 if hasattr(value, "columns") else depth(value.to_numpy(), name)
    return 0


def row_elements(row: Any, name: str, reading: Reading = _PLAIN) -> Elements:
    """One row of a list of rows.

    Raises
    ------
    InputTypeError
        If it is no row of numbers.
    UsageError
        For a `dtype` that does not apply.
    """
    known = normalized(row, name, reading)
    if isinstance(known, Elements):
        return known
    if isinstance(known, StreamPart):
        return elements_of(_numbers_of_column(known.exporter), name)
    return _numbers(known, name, reading)


def _numbers(row: Sequence[Any], name: str, reading: Reading) -> Elements:
    if reading.dtype is not None and not reading.is_beside and len(row):
        raise not_bfloat16(name, "Python's numbers")
    return numbers_of(row, name)


def _numbers_of_column(exporter: Any) -> np.ndarray[Any, Any]:
    """A column of numbers as an array; booleans among which some are missing as float32 with NaN."""
    array = np.asarray(exporter)
    if array.dtype == object and all(item is None or isinstance(item, (bool, np.bool_)) for item in array):
        return array.astype(np.float32)
    return array


def parts_of(
    value: Any, name: str, reading: Reading = _PLAIN, member_name: Callable[[int], str] | None = None
) -> list[tuple[str, Part]]:
    """The matrices of a value, with a name each: one, or one for each model.

    Parameters
    ----------
    value : object
        Anything but a table or a file's name.
    name : str
        Of the value.
    reading : Reading, optional
        How numbers are read.
    member_name : callable, optional
        From a model's number to its name; ``name[0]``, ``name[1]`` and so on without it.

    Raises
    ------
    InputTypeError
        For numbers that are nested too deep, or not at all.
    """
    known = normalized(value, name, reading)
    if isinstance(known, StreamPart):
        if not reading.drops:
            _check_lists(known.exporter, name)
        return [(name, known)]
    named = member_name or (lambda index: f"{name}[{index}]")
    if isinstance(known, Elements):
        found = matrices(known, name)
        if known.values.ndim < 3:
            return [(name, found[0])]
        return [(named(index), cells) for index, cells in enumerate(found)]
    levels = depth(known, name)
    if levels == 1:
        return [(name, matrices(_numbers(known, name, reading), name)[0])]
    if levels == 2:
        return [(name, rows_of(known, name, row_elements, reading))]
    if levels == 3:
        return [part for index, model in enumerate(known) for part in parts_of(model, named(index), reading)]
    raise InputTypeError(
        f"{name}: numbers are nested {levels} deep; pass (samples), (prompts, samples) or (models, prompts, samples), "
        "with a number for each sample.",
        name,
    )


def _check_lists(exporter: Any, name: str) -> None:
    """Refuse empty and null lists of a column, where pyarrow is there to see them."""
    if not has_stream(exporter) or stream_depth(exporter, name) != 2:
        return
    try:
        import pyarrow as arrow
    except ImportError:
        return
    try:
        lengths = list_lengths(arrow.chunked_array(exporter))
    except arrow.ArrowException:
        # A type of another library's, which is the engine's to read or to refuse.
        return
    if lengths is not None:
        check_samples(lengths, name, drops=False)
