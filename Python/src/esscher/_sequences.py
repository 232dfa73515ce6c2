# SPDX-License-Identifier: Apache-2.0
"""Rows that come as sequences: lists of lists, lists of arrays, of one length or ragged."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ._cells import Array, Cells, Elements, Reading, check_samples, matrices, ragged
from .errors import InputError, InputTypeError


def numbers_of(row: Sequence[Any], name: str) -> Elements:
    """A list of numbers; None is missing.

    Parameters
    ----------
    row : sequence
        Of numbers, booleans and None; whole numbers become int64, others float64.
    name : str
        For messages.

    Raises
    ------
    InputError
        For a whole number that float64 does not reach.
    InputTypeError
        For anything else.
    """
    try:
        array = np.array(row)
    except ValueError as problem:  # Rows of several lengths.
        raise _not_numbers(row, name) from problem
    if array.dtype.kind == "O":
        # A cast would read text, and leave out imaginary parts.
        if not all(_is_number(kind) for kind in {type(item) for item in row}):
            raise _not_numbers(row, name)
        try:
            array = np.array(row, dtype=np.float64)
        except OverflowError as problem:
            raise InputError(
                f"{name}: holds a whole number that is too large for float64; scale the rewards.", name
            ) from problem
        except (TypeError, ValueError) as problem:
            raise _not_numbers(row, name) from problem
    if array.dtype.kind == "c":
        raise InputTypeError(f"{name}: holds complex numbers, and a reward is real; pass the part that is meant.", name)
    if array.dtype.kind not in "biuf":
        raise _not_numbers(row, name)
    return Elements(array, array.dtype.name)


def _is_number(kind: type) -> bool:
    return issubclass(kind, (numbers.Real, Decimal, np.bool_, type(None), type(np.ma.masked)))


def _not_numbers(row: Sequence[Any], name: str) -> InputTypeError:
    example = next((item for item in row if not _is_number(type(item))), None)
    return InputTypeError(
        f"{name}: holds {type(example).__name__} {str(example)[:40]!r}, where a number belongs; pass floats, integers, "
        "booleans or None.",
        name,
    )


def rows_of(
    rows: Sequence[Any], name: str, elements_of_row: Callable[[Any, str, Reading], Elements], reading: Reading
) -> Cells:
    """Rows as one block.

    Parameters
    ----------
    rows : sequence
        A row each; None is a prompt without samples.
    name : str
        For messages.
    elements_of_row : callable
        Turns a row into elements of one dimension.
    reading : Reading
        How numbers are read.

    Returns
    -------
    Cells
        A matrix where all rows have one length, else ragged. The cells are copied.

    Raises
    ------
    InputError
        If there is no row, or no sample in any, or none in one and such prompts are not dropped.
    InputTypeError
        If a row is not of one dimension.
    """
    parts: list[Elements] = []
    for index, row in enumerate(rows):
        place = f"{name}, row {index}"
        part = numbers_of([], place) if row is None else elements_of_row(row, place, reading)
        if part.values.ndim != 1:
            raise InputTypeError(
                f"{place}: has {part.values.ndim} dimensions where a row of numbers belongs; numbers are nested too "
                "deep or not enough. Pass (prompts, samples), or (models, prompts, samples) for an ensemble.",
                place,
            )
        parts.append(part)
    lengths = np.array([part.values.size for part in parts], dtype=np.int64)
    if lengths.sum() == 0:
        raise InputError(f"{name}: holds no samples; check what was scored.", name)
    check_samples(lengths, name, reading.drops)
    joined = _joined([part for part in parts if part.values.size])
    if (lengths == lengths[0]).all():
        shape = (len(parts), int(lengths[0]))
        valid = None if joined.valid is None else joined.valid.reshape(shape)
        return matrices(Elements(joined.values.reshape(shape), joined.kind, valid), name)[0]
    return ragged(joined, np.concatenate([[0], np.cumsum(lengths)]))


def _joined(parts: list[Elements]) -> Elements:
    """Parts one after the other, in the smallest type that holds all of them."""
    kinds = {part.kind for part in parts}
    valid: Array | None = None
    if any(part.valid is not None for part in parts):
        valid = np.concatenate(
            [np.ones(part.values.shape, dtype=bool) if part.valid is None else part.valid for part in parts]
        )
    if len(kinds) == 1:
        return Elements(np.concatenate([part.values for part in parts]), kinds.pop(), valid)
    wide = [_widened(part) for part in parts]
    values = np.concatenate(wide)
    return Elements(values, values.dtype.name, valid)


def _widened(part: Elements) -> Array:
    """Items as NumPy can join them with others: bfloat16 as float32, without a rounding."""
    if part.kind != "bfloat16":
        return part.values
    wide: Array = (part.values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide
