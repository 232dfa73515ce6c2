# SPDX-License-Identifier: Apache-2.0
"""Blocks of cells in memory, as the library takes them, and what keeps them alive."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import ErrorSlot, Handle, encoded, library
from ._structs import CONTIGUOUS, ELEMENT_CODES, Matrix
from .errors import InputError, InputTypeError, UsageError

#: Any NumPy array.
Array = npt.NDArray[Any]

#: Two bytes that are known to be bfloat16, where ml_dtypes with a type of its own may not be installed.
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])


@dataclass(frozen=True)
class Elements:
    """A NumPy array and what its items are, which NumPy has no word for where they are bfloat16.

    Attributes
    ----------
    values : ndarray
        The items; of bfloat16 as uint16.
    kind : str
        A name of :data:`ELEMENT_CODES`.
    valid : ndarray of bool, optional
        False where an item is missing; of the shape of `values`.
    """

    values: Array
    kind: str
    valid: Array | None = None


@dataclass(frozen=True)
class Cells:
    """A prompt x sample matrix for ``esscher_table_add``.

    Attributes
    ----------
    matrix : Matrix
        Where the cells are.
    owners : list
        What must live as long as the table.
    """

    matrix: Matrix
    owners: list[object]

    def add_to(self, table: Handle, role: int, name: str) -> None:
        """Add the cells to an ``esscher_table``, which must not outlive this object.

        Parameters
        ----------
        table : Handle
            The table.
        role : int
            What the numbers are.
        name : str
            Of the array, for messages.
        """
        error = ErrorSlot()
        error.check(
            library().esscher_table_add(
                table.pointer,
                role,
                encoded(name, "The array's name"),
                ctypes.byref(self.matrix),
                error.address,
            )
        )


@dataclass(frozen=True)
class Reading:
    """How numbers are read, whatever they come in.

    Attributes
    ----------
    dtype : str or None
        ``"bf16"`` where cells of two bytes are bfloat16.
    missing : str or None
        What becomes of missing samples.
    is_beside : bool
        Whether the numbers go with rewards, of which alone `dtype` has to be right.
    """

    dtype: str | None = None
    missing: str | None = None
    is_beside: bool = False

    @property
    def drops(self) -> bool:
        """Whether prompts without samples are left out, and not refused."""
        return self.missing == "drop"

    def typed(self, elements: Elements, name: str) -> Elements:
        """Items as the caller says they are.

        Raises
        ------
        UsageError
            If `dtype` is said of items that are not two bytes of an unknown type.
        """
        if self.dtype is None or elements.kind == "bfloat16":
            return elements
        if elements.kind != "uint16":
            if self.is_beside:
                return elements
            raise not_bfloat16(name, elements.kind)
        return Elements(elements.values, "bfloat16", elements.valid)

    def opaque(self, array: Array) -> Array:
        """An array of two opaque bytes a cell as what the caller says they are; a view."""
        if self.dtype is None or array.dtype != np.dtype("V2"):
            return array
        return array.view(BFLOAT16)


def not_bfloat16(name: str, what: str) -> UsageError:
    """The error of a `dtype` that does not apply."""
    return UsageError(
        f"{name}: dtype='bf16' is for arrays of type V2 or uint16, and this holds {what}; leave it out.", name
    )


def check_samples(lengths: Array, name: str, drops: bool) -> None:
    """Refuse prompts without samples, as the program does.

    Raises
    ------
    InputError
        For the first such prompt, unless such prompts are dropped.
    """
    if not drops and np.any(lengths == 0):
        place = f"{name}, row {int(np.argmax(lengths == 0))}"
        raise InputError(
            f"{place}: the prompt has no samples; score some, or leave such prompts out with missing='drop'.", place
        )


def elements_of(array: Array, name: str) -> Elements:
    """A NumPy array's items, without a copy where they are numbers in this machine's order of bytes.

    Parameters
    ----------
    array : ndarray
        Of any shape and strides; masked items are missing.
    name : str
        For messages.

    Raises
    ------
    InputTypeError
        For items that are no real numbers.
    """
    valid = None
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        valid = ~mask if mask.any() else None
        array = array.data
    kind = array.dtype.name
    if kind == "bfloat16" or array.dtype == BFLOAT16:
        return Elements(array.view(np.uint16), "bfloat16", valid)
    if kind in ELEMENT_CODES:
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return Elements(np.asarray(array), kind, valid)
    raise InputTypeError(f"{name}: {_refusal(array.dtype)}", name)


def _refusal(dtype: np.dtype[Any]) -> str:
    """Why items of a type are not taken, and what to do."""
    if dtype.kind == "c":
        return f"holds complex numbers ({dtype}), and a reward is real; pass the part that is meant, such as x.real."
    if dtype.kind == "O":
        return "holds Python objects; pass numbers, such as x.astype(float), or a list of rows."
    if dtype.names:
        return "holds a structured array; pass one of its fields, such as x['reward']."
    if dtype.kind in "US":
        return "holds text; pass numbers, such as x.astype(float)."
    if dtype == np.dtype("V2"):
        return "holds two opaque bytes a cell; say what they are with dtype='bf16'."
    return (
        f"holds {dtype}, which is no element type of Esscher (float16, bfloat16, float32, float64, integers of 8 to "
        "64 bits, bool); convert it, such as x.astype('float32')."
    )


def matrices(elements: Elements, name: str) -> list[Cells]:
    """The matrices of an array: one of (P, M) and of (M), which is one prompt, R of (R, P, M).

    Raises
    ------
    InputError
        If there are no cells.
    InputTypeError
        If there are no dimensions, or more than three.
    """
    shape = elements.values.shape
    if not 1 <= len(shape) <= 3:
        kind = "a single number" if not shape else f"an array of {len(shape)} dimensions"
        raise InputTypeError(
            f"{name}: is {kind}; pass rewards of shape (prompts, samples), (samples) for one prompt, or (models, "
            "prompts, samples).",
            name,
        )
    if 0 in shape:
        raise InputError(f"{name}: has the shape {shape}, and so no cells; pass at least one sample.", name)
    if len(shape) == 1:
        return [_matrix(_part(elements, np.newaxis))]
    if len(shape) == 2:
        return [_matrix(elements)]
    return [_matrix(_part(elements, index)) for index in range(shape[0])]


def _part(elements: Elements, index: int | None) -> Elements:
    valid = None if elements.valid is None else elements.valid[index]
    return Elements(elements.values[index], elements.kind, valid)


def _bits(valid: Array) -> Array:
    """Bits as Arrow packs them, the lowest of a byte first."""
    return np.packbits(valid.reshape(-1), bitorder="little")


def _matrix(elements: Elements) -> Cells:
    values = elements.values
    rows, columns = values.shape
    owners: list[object] = [values]
    matrix = Matrix(
        data=values.ctypes.data,
        dtype=ELEMENT_CODES[elements.kind],
        rows=rows,
        columns=columns,
        row_stride=values.strides[0],
        column_stride=values.strides[1],
    )
    if elements.valid is not None:
        bits = _bits(elements.valid)
        owners.append(bits)
        matrix.validity = bits.ctypes.data
    return Cells(matrix, owners)


def ragged(elements: Elements, offsets: Array) -> Cells:
    """Rows of any length: row r has the items ``offsets[r]`` up to ``offsets[r + 1]``.

    Parameters
    ----------
    elements : Elements
        Of one dimension, contiguous.
    offsets : ndarray of int64
        Of shape (rows + 1).
    """
    values = np.ascontiguousarray(elements.values)
    if values.size == 0:
        # The library takes no empty block; no row refers to this cell.
        values = np.zeros(1, dtype=values.dtype)
    offsets = np.ascontiguousarray(offsets, dtype=np.int64)
    owners: list[object] = [values, offsets]
    matrix = Matrix(
        data=values.ctypes.data,
        dtype=ELEMENT_CODES[elements.kind],
        offset_dtype=ELEMENT_CODES["int64"],
        rows=len(offsets) - 1,
        columns=values.size,
        row_stride=CONTIGUOUS,
        column_stride=CONTIGUOUS,
        offsets=offsets.ctypes.data,
    )
    if elements.valid is not None:
        bits = _bits(elements.valid)
        owners.append(bits)
        matrix.validity = bits.ctypes.data
    return Cells(matrix, owners)


def view_of_memory(address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str, owner: object) -> Array:
    """A NumPy array over memory that somebody else owns.

    Parameters
    ----------
    address : int
        Of the first item.
    shape, strides : tuple of int
        Strides in bytes, none negative.
    dtype : str
        A NumPy type.
    owner : object
        Kept alive by the array.
    """
    item = np.dtype(dtype)
    if 0 in shape:
        return np.empty(shape, dtype=item)
    length = sum((count - 1) * stride for count, stride in zip(shape, strides)) + item.itemsize
    memory = (ctypes.c_char * length).from_address(address)
    memory._esscher_owner = owner  # type: ignore[attr-defined]
    array: Array = np.ndarray(shape, dtype=item, buffer=memoryview(memory), strides=strides)
    return array
