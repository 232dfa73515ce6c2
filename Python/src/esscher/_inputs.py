# SPDX-License-Identifier: Apache-2.0
"""From the arguments of :func:`esscher.frontier` to a table of the library."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import fspath
from typing import Any

from . import _files, _structs
from ._arrow import arrow_failures
from ._cells import Array, Elements, Reading, not_bfloat16
from ._library import ErrorSlot, Handle, encoded, library
from ._roles import checked_columns, is_wanted, refuse_roles_as_models
from ._tables import Part, PromptTable, note_of_order, open_companion, open_table, plain_array, whole_numbers
from ._values import as_table, depth, is_sequence, module_of, normalized, parts_of
from .errors import InputError, InputTypeError, UsageError

_COMPANIONS = (
    ("gold", "gold", "gold", _structs.GOLD),
    ("log_weights", "logweight", "log-weights", _structs.LOG_WEIGHTS),
    ("logprobs", "logprob", "logprobs", _structs.LOGPROBS),
)

#: Bytes of identifiers that go along with a run that does not need them.
_SHORT = 1 << 20


@dataclass
class Inputs:
    """What is read and how, as the caller said it.

    Attributes
    ----------
    rewards, gold, logprobs, log_weights : object
        As :func:`esscher.frontier` takes them.
    num_samples, num_correct : object
        Counts.
    column, key, dtype, input_format, label, missing :
        As :func:`esscher.frontier` takes them.
    """

    rewards: Any = None
    gold: Any = None
    logprobs: Any = None
    log_weights: Any = None
    num_samples: Any = None
    num_correct: Any = None
    column: Mapping[str, Any] | None = None
    key: str | None = None
    dtype: str | None = None
    input_format: str | None = None
    label: str | None = None
    missing: str | None = None


@dataclass
class Loaded:
    """A table of the library, what keeps its cells alive, and what is to be said about it.

    Attributes
    ----------
    table : Handle
        An ``esscher_table``.
    owners : list
        To be let go after the table.
    notes : list of str
        Warnings.
    """

    table: Handle
    owners: list[object] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Rewards:
    """Rewards in the making."""

    label: str
    models: list[tuple[str, Part]] = field(default_factory=list)
    counts: tuple[Array, Array] | None = None
    table: PromptTable | None = None


class _Loader:
    """Reads the inputs of one run."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.chosen = checked_columns(inputs.column)
        self.notes: list[str] = []
        if inputs.dtype not in (None, "bf16"):
            raise UsageError(f"dtype takes 'bf16', not {inputs.dtype!r}; every other type is read from the input.")
        _files.check_format(inputs.input_format)
        if inputs.label is not None and not isinstance(inputs.label, str):
            raise UsageError(f"label takes a text, not an object of type {type(inputs.label).__name__}.")
        self._reading = Reading(inputs.dtype, inputs.missing)
        self._has_table = False
        self._has_file = False

    def finish(self) -> None:
        """Refuse what was said of other kinds of input than there were.

        Raises
        ------
        UsageError
            For columns of arrays, and keys and formats of what is no file.
        """
        if self.chosen and not self._has_table:
            raise UsageError("column is for tables and files of tables; arrays have no columns. Leave it out.")
        if self._has_file:
            return
        if self.inputs.key is not None:
            raise UsageError("key names an array of an .npz, and the rewards are no file; leave it out.")
        if self.inputs.input_format is not None:
            raise UsageError("input_format says what a file is, and the rewards are no file; leave it out.")

    # Rewards

    def rewards(self) -> _Rewards:
        """The rewards, whatever they are."""
        value = self.inputs.rewards
        if self.inputs.num_samples is not None or self.inputs.num_correct is not None:
            return self._counts()
        if value is None:
            raise UsageError(
                "frontier needs rewards: an array, a tensor, a table, lists of numbers or a file's name; or "
                "num_samples and num_correct."
            )
        if isinstance(value, Mapping) and module_of(value) != "datasets":
            refuse_roles_as_models(value)
            return self._ensemble([(str(name), item) for name, item in value.items()])
        if is_sequence(value) and sum(_is_standard_input(item) for item in value) > 1:
            raise UsageError("standard input can be read once; name files for the other rewards")
        if is_sequence(value) and len(value) and (_are_names(value) or depth(value, "rewards") == 3):
            return self._ensemble(self._named_members(value))
        return self._model(value, None)

    def _named_members(self, value: Any) -> list[tuple[str, Any]]:
        """A name for each model of a list: a file's own, unless two are alike."""
        if _are_names(value):
            paths = [fspath(item) for item in value]
            labels = [_files.label_of(path) for path in paths]
            return list(zip(labels if len(set(labels)) == len(labels) else paths, value))
        label = self.inputs.label or "rewards"
        return [(f"{label}[{index}]", item) for index, item in enumerate(value)]

    def _counts(self) -> _Rewards:
        samples, corrects = self.inputs.num_samples, self.inputs.num_correct
        if samples is None or corrects is None or self.inputs.rewards is not None:
            raise UsageError(
                "num_samples and num_correct go together, and in the place of rewards; pass both and no rewards."
            )
        arrays = []
        for name, value in (("num_samples", samples), ("num_correct", corrects)):
            known = normalized(value, name)
            if not isinstance(known, Elements):
                known = Elements(plain_array(getattr(known, "exporter", known), name), "")
                if known.values.dtype.kind not in "iuf":
                    raise InputTypeError(f"{name}: takes whole numbers, one a prompt.", name)
            arrays.append(whole_numbers(known, name))
        if len(arrays[0]) != len(arrays[1]):
            raise InputError(
                f"num_samples has {len(arrays[0])} prompts and num_correct {len(arrays[1])}; pass one number a "
                "prompt to each.",
                "num_samples",
            )
        return _Rewards(self.inputs.label or "rewards", counts=(arrays[0], arrays[1]))

    def _ensemble(self, members: list[tuple[str, Any]]) -> _Rewards:
        """Several reward models; what lies beside rewards in a table is read from the first one."""
        if not members:
            raise UsageError("rewards: the ensemble has no model; pass at least one.")
        found: _Rewards | None = None
        for name, value in members:
            model = self._model(value, name, found)
            if model.counts is not None:
                raise InputError(f"{name}: holds counts, which cannot be a member of an ensemble.", name)
            if found is None:
                found = model
            else:
                found.models += model.models
        assert found is not None
        if self.inputs.label:
            found.label = self.inputs.label
        return found

    def _model(self, value: Any, name: str | None, first: _Rewards | None = None) -> _Rewards:
        """One argument: rewards, or several models of an array; prompts in the order of the ensemble's first one."""
        follow = None if first is None else first.table
        label = name or self.inputs.label
        if _files.is_name(value):
            place = fspath(value)
            label = label or _files.label_of(place)
            value = self._read(place, self.inputs.key, is_first=first is None)
        else:
            place = name or "rewards"
        table = as_table(value, place, self._is_wanted, "reward", self._prompt)
        if table is None:
            label = label or "rewards"
            if first is not None:
                self._note_places(label, None, follow)
            return _Rewards(label, parts_of(value, label, self._reading))
        self._take_table(place)
        with arrow_failures(place):
            opened = self._opened(table, place, follow)
            if opened.roles.is_counts:
                return _Rewards(label or "rewards", counts=opened.counts(), table=opened)
            if first is None:
                self._note(opened)
            else:
                self._note_places(place, opened, follow)
            return self._columns(opened, name, name or self.inputs.label)

    def _take_table(self, place: str) -> None:
        if self.inputs.dtype is not None:
            raise not_bfloat16(place, "a table, whose columns say their types themselves")
        self._has_table = True

    def _note_places(self, place: str, own: PromptTable | None, rewards: PromptTable | None) -> None:
        """Say so where one of two names its prompts, and the other's places alone say which prompt is which."""
        note = note_of_order(place, own, rewards)
        if note is not None:
            self.notes.append(note)

    def _read(self, text: str, key: str | None, is_first: bool = False, is_companion: bool = False) -> Any:
        self._has_file = True
        # The format is that of the rewards; of other files where nothing else says theirs.
        form = self.inputs.input_format if is_first or not _files.has_known_ending(text) else None
        return _files.read(
            text,
            key,
            self._prompt,
            form,
            lambda column: column == key or self._is_wanted(column),
            is_companion,
        )

    @property
    def _prompt(self) -> str | None:
        """The column of prompts that the caller named."""
        return self.chosen["prompt"][0] if "prompt" in self.chosen else None

    def _is_wanted(self, column: str) -> bool:
        return is_wanted(column, self.chosen)

    def _opened(self, table: Any, place: str, follow: PromptTable | None) -> PromptTable:
        """A table with its columns found, its prompts in the order of another one's."""
        elsewhere = [role for name, role, _, _ in _COMPANIONS if getattr(self.inputs, name) is not None]
        opened = open_table(table, place, self.chosen, tuple(elsewhere), self._reading.drops)
        if follow is not None:
            opened.follow(follow)
        return opened

    def _columns(self, opened: PromptTable, member: str | None, label: str | None) -> _Rewards:
        """The columns of rewards of a table, one a model."""
        columns = opened.roles.rewards
        if len(columns) == 1:
            name = label or columns[0]
            models = [(name, opened.part(columns[0]))]
        else:
            name = label or "rewards"
            models = [(f"{member}:{column}" if member else column, opened.part(column)) for column in columns]
        return _Rewards(name, models, table=opened)

    def _note(self, opened: PromptTable) -> None:
        """What is to be said about the rewards' table."""
        if opened.is_one_prompt:
            self.notes.append(
                "No column names the prompts, so all samples count as one prompt; name it with column={'prompt': NAME}."
            )
        for column in opened.roles.textual_gold:
            self.notes.append(
                f"The column '{column}' holds no numbers and was not read as gold rewards; if it does, cast it."
            )

    # What goes with rewards

    def companion(self, argument: str, role: str, name: str, rewards: _Rewards) -> Part | None:
        """Gold rewards, log weights or log-probabilities; None where there are none."""
        value = getattr(self.inputs, argument)
        if value is None:
            return self._beside(role, rewards.table)
        key: str | None = None
        place = name
        if _files.is_name(value):
            if _is_standard_input(value):
                raise UsageError("only the rewards can come from standard input; name a file")
            text, key = _files.split_key(fspath(value))
            place = text
            value = self._read(text, key, is_companion=True)
        usual = "log_weight" if role == "logweight" else role
        table = as_table(value, place, lambda column: column == key or self._is_wanted(column), usual, self._prompt)
        if table is not None:
            self._has_table = True
            with arrow_failures(place):
                opened = open_companion(table, place, role, key, self.chosen, self._reading.drops)
                if not opened.roles.rewards:
                    raise InputError(f"{place}: holds counts, and one number a sample is needed.", place)
                if rewards.table is not None:
                    opened.follow(rewards.table)
                self._note_places(place, opened, rewards.table)
                return opened.part(opened.roles.rewards[0])
        self._note_places(place, None, rewards.table)
        parts = parts_of(value, place, replace(self._reading, is_beside=True))
        if len(parts) > 1:
            raise InputError(
                f"{place}: holds {len(parts)} numbers a sample, and one is needed; pass one of them.", place
            )
        return parts[0][1]

    def _beside(self, role: str, table: PromptTable | None) -> Part | None:
        """A column of the rewards' own table."""
        if table is None or table.roles.is_counts:
            return None
        column = table.roles[role]
        if column is None:
            return None
        is_guess = role == "logprob" and "logprob" not in self.chosen
        if is_guess and not table.same_lengths(column, table.roles.rewards[0]):
            return None
        return table.part(column)


def _is_standard_input(value: Any) -> bool:
    return isinstance(value, str) and value == _files.STANDARD_INPUT


def _are_names(values: Sequence[Any]) -> bool:
    return all(_files.is_name(value) for value in values)


def load(inputs: Inputs, names_prompts: bool = False) -> Loaded:
    """Read the inputs of a run into a table of the library.

    Parameters
    ----------
    inputs : Inputs
        As the caller said it.
    names_prompts : bool, optional
        Whether the prompts' identifiers are needed; where they are short they go along in any case, for messages.

    Returns
    -------
    Loaded
        The table. Cells of arrays are not copied.

    Raises
    ------
    EsscherError
        For what cannot be read.
    """
    loader = _Loader(inputs)
    rewards = loader.rewards()
    error = ErrorSlot()
    address = library().esscher_table_create(encoded(rewards.label, "The label"), error.address)
    if not address:
        error.check(2)
    loaded = Loaded(Handle(address, "esscher_table_destroy"), notes=loader.notes)
    if rewards.counts is not None:
        samples, corrects = rewards.counts
        status = library().esscher_table_set_counts(
            loaded.table.pointer,
            encoded(rewards.label, "The label"),
            samples.ctypes.data_as(ctypes.c_void_p),
            corrects.ctypes.data_as(ctypes.c_void_p),
            len(samples),
            error.address,
        )
        error.check(status)
    for name, part in rewards.models:
        part.add_to(loaded.table, _structs.REWARDS, name)
        loaded.owners.append(part)
    if rewards.table is not None:
        names = rewards.table.names(None if names_prompts else _SHORT)
        if names is not None:
            texts, offsets = names
            status = library().esscher_table_set_prompts(
                loaded.table.pointer,
                ctypes.c_char_p(texts),
                offsets.ctypes.data_as(ctypes.c_void_p),
                len(offsets) - 1,
                error.address,
            )
            error.check(status)
    for argument, role, name, code in _COMPANIONS:
        companion = loader.companion(argument, role, name, rewards)
        if companion is not None:
            companion.add_to(loaded.table, code, name)
            loaded.owners.append(companion)
    loader.finish()
    return loaded
