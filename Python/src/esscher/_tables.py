# SPDX-License-Identifier: Apache-2.0
"""Tables: a prompt a row with lists, or a sample a row with the prompt's identifier, as in the program's text files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._arrow import StreamPart, list_lengths, pyarrow
from ._cells import Array, Cells, Elements, check_samples, elements_of, matrices, ragged
from ._identifiers import coded, one_chunk, texts_of
from ._roles import GUESSES, LOG_WEIGHT_NAMES, Roles
from .errors import InputError, InputTypeError

#: Cells of a table, or a column that is handed over as it is.
Part = Cells | StreamPart


class PromptTable:
    """A pyarrow table whose rows are brought into prompts.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    name : str
        For messages.
    roles : Roles
        Its columns.
    drops : bool, optional
        Whether prompts without samples are left out, and not refused.

    Attributes
    ----------
    name : str
        As given.
    identifiers : pyarrow.Array or None
        A prompt's each, in order of first appearance; None where no column names them.
    is_one_prompt : bool
        Whether samples count as one prompt because nothing says otherwise.
    """

    def __init__(self, table: Any, name: str, roles: Roles, drops: bool = False) -> None:
        self._arrow = pyarrow(f"{name}: a table")
        if table.num_rows == 0:
            raise InputError(f"{name}: has no rows; check what was scored.", name)
        self.name = name
        self._drops = drops
        self._table = table
        self.roles = roles
        self.identifiers: Any = None
        self._codes: Array | None = None
        first = roles.rewards[0] if roles.rewards else roles["num_samples"]
        assert first is not None
        prompt = roles["prompt"]
        if prompt is not None:
            self._codes, self.identifiers = coded(self._arrow, table.column(prompt), name, prompt)
        self.is_one_prompt = not self._is_list(first) and self._codes is None and not roles.is_counts

    def _is_list(self, column: str) -> bool:
        return is_list_type(self._arrow, self._table.schema.field(column).type)

    def follow(self, other: PromptTable) -> None:
        """Bring the prompts into the order of another table, where both name them.

        Raises
        ------
        InputError
            If either has a prompt that the other lacks.
        """
        if self._codes is None or other.identifiers is None:
            return
        from pyarrow import compute

        own = texts_of(self._arrow, self.identifiers)
        theirs = texts_of(self._arrow, other.identifiers)
        for known, wanted, has, lacks in (
            (own, theirs, other.name, self.name),
            (theirs, own, self.name, other.name),
        ):
            found = compute.is_in(wanted, value_set=known)
            if not compute.all(found).as_py():
                missing = wanted[compute.index(found, False).as_py()].as_py()
                raise InputError(
                    f"{lacks}: has no prompt '{missing}', which {has} has; both must hold the same samples.",
                    lacks,
                )
        place = compute.index_in(own, value_set=theirs).to_numpy(zero_copy_only=False)
        self._codes = place.astype(np.int64)[self._codes]
        self.identifiers = other.identifiers

    def names(self, most: int | None) -> tuple[bytes, Array] | None:
        """The prompts' identifiers as text, one after another, and where each begins and ends.

        Parameters
        ----------
        most : int, optional
            Bytes that are not worth more; None where they are wanted whatever they take.
        """
        if self.identifiers is None or (most is not None and self.identifiers.nbytes > most):
            return None
        texts = texts_of(self._arrow, self.identifiers)
        _, offsets, data = texts.buffers()
        places = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
        held = b"" if data is None else data.to_pybytes()
        return held[places[0] : places[-1]], places - places[0]

    def part(self, column: str) -> Part:
        """The numbers of a column, a row for each prompt.

        Columns of lists with a row a prompt are handed over as they are; other ones are brought into prompts,
        which copies them unless the rows of each prompt are adjacent.
        """
        if self._is_list(column):
            codes = self._codes
            if codes is None or np.array_equal(codes, np.arange(len(codes))):
                lengths = list_lengths(self._table.column(column))
                if lengths is not None:
                    check_samples(lengths, self.name, self._drops)
                return StreamPart(self._table.column(column))
            return self._of_lists(column, codes)
        elements = self._flat(self._table.column(column), column)
        if self._codes is None:
            return matrices(elements, self.name)[0]
        return _grouped(elements, self._codes)

    def _of_lists(self, column: str, codes: Array) -> Cells:
        """Lists of prompts that come more than once, or in another order."""
        from pyarrow import compute

        lists = one_chunk(self._arrow, self._table.column(column))
        # Null lists may lie over numbers, which flattening leaves out.
        lengths = list_lengths(lists)
        if lengths is None:
            raise InputError(
                f"{self.name}, column '{column}': this pyarrow cannot join views of lists ({lists.type}); update "
                "pyarrow, or cast the column to lists.",
                self.name,
            )
        owners = np.repeat(codes, lengths)
        check_samples(np.bincount(owners, minlength=len(self.identifiers)), self.name, self._drops)
        elements = self._flat(compute.list_flatten(lists), column)
        return _grouped(elements, owners, len(self.identifiers))

    def _flat(self, values: Any, column: str) -> Elements:
        place = f"{self.name}, column '{column}'"
        joined = one_chunk(self._arrow, values)
        valid = np.asarray(joined.is_valid()) if joined.null_count else None
        if not (
            self._arrow.types.is_floating(joined.type)
            or self._arrow.types.is_integer(joined.type)
            or self._arrow.types.is_boolean(joined.type)
        ):
            raise InputError(
                f"{place}: holds {joined.type}, and Esscher reads floats, integers and booleans; cast the column.",
                place,
            )
        if valid is not None:
            joined = joined.fill_null(False if self._arrow.types.is_boolean(joined.type) else 0)
        elements = elements_of(joined.to_numpy(zero_copy_only=False), place)
        return Elements(elements.values, elements.kind, valid)

    def counts(self) -> tuple[Array, Array]:
        """How many samples each prompt has, and how many of them are correct."""
        columns = []
        for role in ("num_samples", "num_correct"):
            elements = self._flat(self._table.column(self.roles[role]), str(self.roles[role]))
            columns.append(whole_numbers(elements, f"{self.name}, column '{self.roles[role]}'"))
        if self._codes is not None and len(self.identifiers) < len(self._codes):
            row = int(np.setdiff1d(np.arange(len(self._codes)), np.unique(self._codes, return_index=True)[1])[0])
            name = texts_of(self._arrow, self.identifiers)[int(self._codes[row])].as_py()
            raise InputError(
                f"{self.name}, row {row}: the prompt '{name}' was counted in an earlier row; add its counts up.",
                f"{self.name}, row {row}",
            )
        return columns[0], columns[1]

    def same_lengths(self, column: str, other: str) -> bool:
        """Whether a column has as many numbers as another in its first row, so that it is not one a token."""
        if self._is_list(column) != self._is_list(other):
            return False
        if not self._is_list(column) or self._table.num_rows == 0:
            return True
        from pyarrow import compute

        lengths = [
            compute.list_value_length(self._table.column(name).slice(0, 1))[0].as_py() for name in (column, other)
        ]
        return bool(lengths[0] == lengths[1])


def note_of_order(place: str, own: PromptTable | None, rewards: PromptTable | None) -> str | None:
    """What to say where one of two names its prompts, and places alone tell which of the other's is which.

    Parameters
    ----------
    place : str
        What goes with the rewards.
    own, rewards : PromptTable, optional
        Its table and the rewards' one, where they are tables.

    Returns
    -------
    str or None
        None where both name their prompts, or neither does.
    """
    known = None if own is None else own.identifiers
    theirs = None if rewards is None else rewards.identifiers
    if (known is None) == (theirs is None):
        return None
    without, named = ("the rewards", place) if rewards is None or theirs is None else (place, rewards.name)
    return (
        f"Prompts of '{without}' have no identifiers and those of '{named}' have, so they were paired by their order, "
        "first appearance first; give both identifiers to have them matched."
    )


def plain_array(value: Any, name: str) -> Array:
    """Counts as an array.

    Raises
    ------
    InputTypeError
        For rows of several lengths.
    """
    try:
        return np.asarray(value)
    except ValueError as problem:
        raise InputTypeError(f"{name}: takes whole numbers, one a prompt.", name) from problem


def whole_numbers(elements: Elements, name: str) -> Array:
    """Items as int64.

    Raises
    ------
    InputError
        If one is missing or no whole number.
    """
    values = elements.values
    if elements.valid is not None or values.ndim != 1:
        raise InputError(f"{name}: takes one whole number a prompt, and none may be missing.", name)
    if elements.kind == "bfloat16" or values.dtype.kind == "b":
        raise InputError(f"{name}: holds {elements.kind}, where whole numbers belong.", name)
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise InputError(f"{name}: holds a number that is not whole; counts are whole numbers.", name)
    return np.ascontiguousarray(whole)


def open_table(
    table: Any, name: str, chosen: Mapping[str, tuple[str, ...]], without: tuple[str, ...] = (), drops: bool = False
) -> PromptTable:
    """A table of rewards, and of what else it holds.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    name : str
        For messages.
    chosen : mapping
        The caller's columns.
    without : tuple of str
        Roles that come from elsewhere.
    drops : bool, optional
        Whether prompts without samples are left out, and not refused.
    """
    guesses = {role: names for role, names in GUESSES.items() if role not in without}
    return PromptTable(table, name, Roles(*columns_of(table, name), chosen, name, guesses), drops)


def open_companion(
    table: Any, name: str, role: str, key: str | None, chosen: Mapping[str, tuple[str, ...]], drops: bool = False
) -> PromptTable:
    """A table that holds one kind of number beside the rewards' one.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    name : str
        For messages.
    role : str
        gold, logweight or logprob.
    key : str, optional
        The column.
    chosen : mapping
        The caller's columns.
    drops : bool, optional
        Whether prompts without samples are left out, and not refused.
    """
    usual = {
        "gold": GUESSES["gold"] + GUESSES["reward"],
        "logprob": GUESSES["logprob"],
        "logweight": LOG_WEIGHT_NAMES,
    }[role]
    names = {"prompt": chosen["prompt"]} if "prompt" in chosen else {}
    wanted = (key,) if key else chosen.get(role)
    if wanted:
        names["reward"] = wanted
    guesses = {"prompt": GUESSES["prompt"], "reward": usual}
    return PromptTable(
        table, name, Roles(*columns_of(table, name), names, name, guesses, f"{role} numbers", role), drops
    )


def columns_of(table: Any, name: str) -> tuple[list[str], set[str]]:
    """A table's columns, and those of them that hold numbers or lists of them."""
    arrow = pyarrow(f"{name}: a table")
    numeric = set()
    for field in table.schema:
        kind = field.type
        if is_list_type(arrow, kind):
            kind = kind.value_type
        if arrow.types.is_floating(kind) or arrow.types.is_integer(kind) or arrow.types.is_boolean(kind):
            numeric.add(field.name)
    return list(table.schema.names), numeric


def is_list_type(arrow: Any, kind: Any) -> bool:
    """Whether a type of Arrow is one of lists."""
    types = arrow.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _grouped(elements: Elements, codes: Array, prompts: int | None = None) -> Cells:
    """Items by prompt, in their order within it.

    Parameters
    ----------
    elements : Elements
        Of one dimension.
    codes : ndarray of int64
        The prompt of each.
    prompts : int, optional
        How many prompts there are, where some may have no items.
    """
    count = int(codes.max()) + 1 if prompts is None else prompts
    lengths = np.bincount(codes, minlength=count)
    values, valid = elements.values, elements.valid
    if np.any(codes[1:] < codes[:-1]):
        order = np.argsort(codes, kind="stable")
        values = values[order]
        valid = None if valid is None else valid[order]
    if (lengths == lengths[0]).all():
        shape = (count, int(lengths[0]))
        rows = Elements(values.reshape(shape), elements.kind, None if valid is None else valid.reshape(shape))
        return matrices(rows, "rewards")[0]
    return ragged(Elements(values, elements.kind, valid), np.concatenate([[0], np.cumsum(lengths)]))
