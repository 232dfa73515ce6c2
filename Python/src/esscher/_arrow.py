# SPDX-License-Identifier: Apache-2.0
"""Arrow streams of pyarrow, polars, DuckDB, pandas and others, handed to the library without a copy."""

from __future__ import annotations

import ctypes
from typing import Any

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
        if schema.format == b"+s":
            return 0
        depth = 1
        level: Any = schema
        while level.format.startswith((b"+l", b"+L", b"+w", b"+v")) and level.n_children == 1:
            level = level.children[0].contents
            depth += 1
        return depth
    finally:
        schema.release(ctypes.addressof(schema))


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
