# SPDX-License-Identifier: Apache-2.0
"""What tells prompts apart in a column of Arrow: numbers, text, categories, or chats by their content."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ._cells import Array
from .errors import InputError


def one_chunk(arrow: Any, values: Any) -> Any:
    """A column as one array, which copies it where it has several chunks."""
    if isinstance(values, arrow.ChunkedArray):
        joined = values.combine_chunks()
        # combine_chunks keeps what is too large for one array in several.
        return joined if isinstance(joined, arrow.Array) else arrow.concat_arrays(joined.chunks)
    return values


def coded(arrow: Any, column: Any, place: str, name: str) -> tuple[Array, Any]:
    """The prompt of each row, by number in order of first appearance, and the prompts' identifiers.

    Parameters
    ----------
    arrow : module
        pyarrow.
    column : pyarrow.ChunkedArray
        An identifier a row.
    place : str
        The table, for messages.
    name : str
        The column, for messages.

    Returns
    -------
    tuple of ndarray of int64 and pyarrow.Array
        Of shape (rows), and of shape (prompts).

    Raises
    ------
    InputError
        If a row has none, or the column holds what cannot be compared.
    """
    joined = one_chunk(arrow, column)
    _check_nulls(arrow, joined, place, name)
    try:
        if arrow.types.is_dictionary(joined.type):
            codes = joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            values = _comparable(arrow, joined.dictionary)
        else:
            codes = None
            values = _comparable(arrow, joined)
        encoded = values.dictionary_encode()
    except (arrow.ArrowException, UnicodeDecodeError) as problem:
        raise InputError(
            f"{place}: the column '{name}' of type {joined.type} identifies no prompt ({problem}); cast it to text, or "
            "name another with column={'prompt': NAME}.",
            place,
        ) from problem
    # A dictionary that came with the data may be in any order, hold what no row has, and hold the same twice.
    found = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = found if codes is None else found[codes]
    if np.any(codes < 0):
        raise _no_prompt(int(np.argmin(codes)), place, name)
    present, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[codes.reshape(-1)], encoded.dictionary.take(arrow.array(present[order]))


def texts_of(arrow: Any, identifiers: Any) -> Any:
    """Identifiers as an array of text; bytes that are not UTF-8 as Python writes them."""
    try:
        texts = identifiers.cast(arrow.large_string())
        texts.validate(full=True)
        return texts
    except (arrow.ArrowException, UnicodeDecodeError):
        return arrow.array([_text(item) for item in identifiers], arrow.large_string())


def _text(item: Any) -> str:
    try:
        return str(item.as_py())
    except UnicodeDecodeError:
        return repr(item.as_buffer().to_pybytes())


def _check_nulls(arrow: Any, joined: Any, place: str, name: str) -> None:
    if joined.null_count:
        raise _no_prompt(int(np.argmin(np.asarray(joined.is_valid()))), place, name)
    if arrow.types.is_null(joined.type) and len(joined):
        raise _no_prompt(0, place, name)


def _no_prompt(row: int, place: str, name: str) -> InputError:
    return InputError(
        f"{place}, row {row}: has no prompt in the column '{name}'; give every row its identifier.",
        f"{place}, row {row}",
    )


def _comparable(arrow: Any, values: Any) -> Any:
    """Values in a type that Arrow compares: chats as JSON, views of polars as what they show."""
    types = arrow.types
    if isinstance(values, arrow.ExtensionArray):
        values = values.storage
    if types.is_nested(values.type):
        # As the program writes them.
        compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
        texts = (compact.encode(item) for item in values.to_pylist())
        return arrow.array(texts, arrow.large_string())
    if str(values.type) == "string_view":
        return values.cast(arrow.large_string())
    if str(values.type) == "binary_view":
        return values.cast(arrow.large_binary())
    return values
