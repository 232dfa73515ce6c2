# SPDX-License-Identifier: Apache-2.0
"""Trained policies to place against the frontier: from records, a frame or a file."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from os import fspath
from typing import Any

from . import _files
from ._library import ErrorSlot, Handle, encoded, library
from ._values import as_table, is_sequence
from .errors import InputError, UsageError


def add_policies(options: Handle, policies: Any) -> None:
    """Add policies to options of the library.

    Parameters
    ----------
    options : Handle
        An ``esscher_options``.
    policies : list of mappings, table, or file's name
        With ``name``, ``kl`` in nats, ``reward`` and, where it was measured, ``gold``.

    Raises
    ------
    InputError
        If something is missing or no number.
    UsageError
        For what holds no policies.
    """
    for row, record in enumerate(_records(policies)):
        place = f"policies, row {row}"
        if not isinstance(record, Mapping):
            raise UsageError(
                f"{place}: is a {type(record).__name__}; pass dictionaries with name, kl, reward and, "
                "where measured, gold."
            )
        unknown = [key for key in ("name", "kl", "reward") if record.get(key) is None]
        if unknown:
            raise InputError(
                f"{place}: has no {unknown[0]}; a policy has name, kl, reward and, where measured, gold.",
                place,
            )
        error = ErrorSlot()
        error.check(
            library().esscher_options_add_policy(
                options.pointer,
                encoded(_name(record["name"]), f"{place}, name"),
                _number(record["kl"], f"{place}, kl"),
                _number(record["reward"], f"{place}, reward"),
                math.nan if record.get("gold") is None else _number(record["gold"], f"{place}, gold"),
                error.address,
            )
        )


def _records(policies: Any) -> list[Any]:
    if _files.is_name(policies):
        # Names are text, also where they look like numbers.
        policies = _files.read(fspath(policies), prompt="name")
    if isinstance(policies, Mapping):
        raise UsageError("policies takes a list of dictionaries; put the one policy into a list.")
    if is_sequence(policies):
        return list(policies)
    table = as_table(policies, "policies")
    if table is None:
        raise UsageError(
            "policies takes a list of dictionaries, a table or a file's name, not an object of type "
            f"{type(policies).__name__}."
        )
    records: list[Any] = table.to_pylist()
    if not records:
        raise InputError("policies: holds no policy; add a row with name, kl and reward for each.", "policies")
    return records


def _name(value: Any) -> str:
    """A name as JSON writes it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{place}: {value!r} is no number; pass one.", place)
    try:
        return float(value)
    except OverflowError as problem:
        raise InputError(f"{place}: the number is too large for float64; correct it.", place) from problem
