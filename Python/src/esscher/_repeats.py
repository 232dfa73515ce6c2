# SPDX-License-Identifier: Apache-2.0
"""Prompts of a sweep's parts, by digests of their identifiers: one that is in two parts would count twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from ._arrow import pyarrow
from ._cells import Array
from ._identifiers import coded, texts_of
from ._roles import GUESSES
from .errors import InputError

_BYTES = 16


def prompt_column(names: Sequence[str], chosen: Mapping[str, tuple[str, ...]]) -> str | None:
    """The column that names prompts; None where there is none."""
    if "prompt" in chosen:
        return chosen["prompt"][0]
    return next((name for name in GUESSES["prompt"] if name in names), None)


def _texts(table: Any, prompt: str, place: str) -> list[str]:
    arrow = pyarrow(f"{place}: a table")
    texts: list[str] = texts_of(arrow, coded(arrow, table.column(prompt), place, prompt)[1]).to_pylist()
    return texts


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_BYTES).digest()


def digests_of(table: Any, prompt: str, place: str) -> Array:
    """A digest of each prompt, in order of first appearance.

    Parameters
    ----------
    table : pyarrow.Table
        With the column of prompts.
    prompt : str
        That column.
    place : str
        The part, for messages.

    Returns
    -------
    ndarray of S16
        Of shape (prompts).

    Raises
    ------
    InputError
        For a row without a prompt.
    """
    return np.array([_digest(text) for text in _texts(table, prompt, place)], dtype=f"S{_BYTES}")


def text_of(table: Any, prompt: str, digest: bytes) -> str:
    """The identifier with a digest; the digest itself where the table has changed meanwhile."""
    wanted = digest.ljust(_BYTES, b"\0")
    return next((text for text in _texts(table, prompt, "") if _digest(text) == wanted), digest.hex())


def refuse_repeats(
    places: Sequence[str], digests: Sequence[Array | None], name_of: Callable[[int, bytes], str]
) -> None:
    """Refuse a prompt that is in two parts.

    Parameters
    ----------
    places : sequence of str
        What the parts are called.
    digests : sequence of ndarray or None
        Of each part's prompts; None where they have no names.
    name_of : callable
        From a part's number and a digest to the identifier.

    Raises
    ------
    InputError
        For the first prompt that comes again.
    """
    known = [index for index, part in enumerate(digests) if part is not None and len(part)]
    if not known:
        return
    lengths = [len(part) for part in digests if part is not None and len(part)]
    everything = np.concatenate([part for part in digests if part is not None and len(part)])
    order = np.argsort(everything, kind="stable")
    ordered = everything[order]
    again = order[1:][ordered[1:] == ordered[:-1]]
    if not again.size:
        return
    later = int(again.min())
    earlier = int(np.argmax(everything == everything[later]))
    ends = np.cumsum(lengths)
    one, other = (known[int(np.searchsorted(ends, place, side="right"))] for place in (earlier, later))
    raise InputError(
        f"The prompt '{name_of(other, bytes(everything[later]))}' is in {places[one]} and again in {places[other]}, "
        "and would count twice; put all rows of a prompt into one row group of one file (or one block of a dataset), "
        "or run esscher.frontier over all of them at once.",
        places[other],
    )
