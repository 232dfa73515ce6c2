# SPDX-License-Identifier: Apache-2.0
"""Arrow streams of pyarrow, polars, DuckDB, pandas and others, handed to the library without a copy."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ._dlpack import capsule_pointer
from ._library import ErrorSlot, Handle, encoded, library
from ._structs import ArrowSchema, ArrowStream
from .errors import InputError, InputTypeError


def has_stream(value: object) -> bool:
    """Whether an object exports Arrow streams."""
    return hasattr(value, "__arrow_c_stream__")


def pyarrow(purpose: str) -> Any:
    """The module pyarrow.

    Parameters
    ----------
    purpose : str
        What needs it, as the beginning of a sentence.

    Raises
    ------
    InputTypeError
        If it is not installed.
    """
    try:
        import pyarrow as module
    except ImportError as problem:
        raise InputTypeError(
            f"{purpose} needs pyarrow, which is not installed; run pip install 'esscher[arrow]'."
        ) from problem
    return module


def _capsule(exporter: Any, name: str) -> object:
    try:
        return exporter.__arrow_c_stream__()
    except Exception as problem:
        raise InputError(
            f"{name}: cannot be exported as an Arrow stream ({problem}); pass its columns as lists or arrays.",
            name,
        ) from problem


def stream_depth(exporter: Any, name: str) -> int:
    """How deep numbers lie in a stream: 0 in a table's columns, 1 for plain numbers, 2 for lists, 3 and more deeper.

    Parameters
    ----------
    exporter : object
        With ``__arrow_c_stream__``, which is asked for a stream that is then let go.
    name : str
        For messages.
    """
    capsule = _capsule(exporter, name)
    stream = ArrowStream.from_address(capsule_pointer(capsule, b"arrow_array_stream"))
    schema = ArrowSchema()
    status = stream.get_schema(ctypes.byref(stream), ctypes.byref(schema))
    if status != 0:
        words = stream.get_last_error(ctypes.byref(stream)) or b""
        raise InputError(
            f"{name}: its Arrow schema could not be read ({words.decode('utf-8', 'replace') or status}); check where "
            "the stream comes from.",
            name,
        )
    try:
        return _depth(schema)
    finally:
        schema.release(ctypes.addressof(schema))


def has_array(value: object) -> bool:
    """Whether an object exports one array of Arrow, and no stream."""
    return hasattr(value, "__arrow_c_array__") and not has_stream(value)


def array_depth(exporter: Any, name: str) -> int:
    """As :func:`stream_depth`, of an object with ``__arrow_c_array__``."""
    try:
        capsule, _ = exporter.__arrow_c_array__()
    except Exception as problem:
        raise InputError(
            f"{name}: cannot be exported as an Arrow array ({problem}); pass its columns as lists or arrays.", name
        ) from problem
    # The capsule releases what it holds.
    return _depth(ArrowSchema.from_address(capsule_pointer(capsule, b"arrow_schema")))


def _depth(schema: Any) -> int:
    if schema.format == b"+s":
        return 0
    depth = 1
    level: Any = schema
    while level.format.startswith((b"+l", b"+L", b"+w", b"+v")) and level.n_children == 1:
        level = level.children[0].contents
        depth += 1
    return depth


def stored(table: Any, name: str) -> Any:
    """A table with columns of extension types as what they are stored as: tensors of one axis are lists.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    name : str
        For messages.

    Raises
    ------
    InputError
        For tensors of several axes, which are no list of scores.
    """
    arrow = pyarrow(f"{name}: a table with columns")
    for index, field in enumerate(table.schema):
        kind = field.type
        if not isinstance(kind, arrow.BaseExtensionType):
            continue
        shape = getattr(kind, "shape", None)
        if shape is not None and len(shape) != 1:
            raise InputError(
                f"{name}, column '{field.name}': holds tensors of shape {tuple(shape)}, where a list of scores "
                "belongs; flatten them, or select other columns.",
                name,
            )
        chunks = [chunk.storage for chunk in table.column(index).chunks]
        table = table.set_column(index, field.name, arrow.chunked_array(chunks, kind.storage_type))
    return table


def table_of(exporter: Any, name: str) -> Any:
    """Columns that an object exports, as a pyarrow table without a copy.

    Parameters
    ----------
    exporter : object
        With an Arrow stream or array of structs; a struct that is null has null in each column.
    name : str
        For messages.

    Raises
    ------
    InputError
        For columns of types that pyarrow does not know.
    """
    arrow = pyarrow(f"{name}: a table with columns")
    try:
        if isinstance(exporter, arrow.Table):
            return exporter
        if has_stream(exporter):
            known = getattr(exporter, "type", None)
            if not isinstance(exporter, arrow.ChunkedArray) or not arrow.types.is_struct(known):
                return arrow.table(exporter)
            structs = exporter
        else:
            structs = arrow.array(exporter)
        return arrow.Table.from_arrays(structs.flatten(), names=[field.name for field in structs.type])
    except arrow.ArrowException as problem:
        raise InputError(
            f"{name}: cannot be read as a table of Arrow ({problem}); pass the columns that are needed, of numbers "
            "that Esscher reads (floats, integers of 8 to 64 bits, booleans).",
            name,
        ) from problem


def list_lengths(lists: Any) -> npt.NDArray[np.int64] | None:
    """How many items each list of a pyarrow column has, a null one none.

    Parameters
    ----------
    lists : pyarrow.Array or pyarrow.ChunkedArray
        Of any type of lists.

    Returns
    -------
    ndarray of int64 or None
        None where this pyarrow does not count lists of the type, as older ones do not views.
    """
    from pyarrow import ArrowNotImplementedError, compute

    try:
        lengths: npt.NDArray[np.int64] = compute.list_value_length(lists).fill_null(0).to_numpy().astype(np.int64)
    except ArrowNotImplementedError:
        return None
    return lengths


@contextmanager
def arrow_failures(place: str) -> Iterator[None]:
    """Turn what pyarrow raises on a table's content into an :class:`InputError` that says where."""
    try:
        yield
    except Exception as problem:
        if not type(problem).__module__.startswith("pyarrow"):
            raise
        raise InputError(
            f"{place}: could not be read ({problem}); check the columns and cast them to plain numbers and text.", place
        ) from problem


class StreamPart:
    """A column of numbers or of lists, as an Arrow stream.

    Parameters
    ----------
    exporter : object
        With ``__arrow_c_stream__``; read once.
    """

    def __init__(self, exporter: Any) -> None:
        self.exporter = exporter

    def add_to(self, table: Handle, role: int, name: str) -> None:
        """Hand the stream over to an ``esscher_table``.

        Parameters
        ----------
        table : Handle
            The table.
        role : int
            What the numbers are.
        name : str
            Of the array, for messages.
        """
        capsule = _capsule(self.exporter, name)
        error = ErrorSlot()
        error.check(
            library().esscher_table_add_arrow(
                table.pointer,
                role,
                encoded(name, "The array's name"),
                None,
                capsule_pointer(capsule, b"arrow_array_stream"),
                error.address,
            )
        )
