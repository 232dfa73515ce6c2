# SPDX-License-Identifier: Apache-2.0
"""The parts of a sweep over files: which prompts each holds, found without reading a score."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._arrow import arrow_failures, pyarrow, stored
from ._cells import Array
from ._repeats import digests_of, prompt_column, refuse_repeats, text_of
from ._roles import Roles, is_wanted
from ._tables import columns_of, is_list_type
from .errors import InputError, UsageError

#: Arrays that go along with the rewards' files, one file each for every file of rewards.
COMPANIONS = ("gold", "logprobs", "log_weights")


@dataclass
class Part:
    """Neighbouring prompts of one file.

    Attributes
    ----------
    path : str
        The file.
    prompts : int
        How many there are.
    first : int
        The first one's place in the file.
    row_groups : tuple of int
        Of a Parquet file.
    companions : dict
        The files of gold and so on, by argument.
    columns : tuple of str
        Of a Parquet file, those that play a role.
    prompt : str or None
        Of a Parquet file, the column that names prompts.
    """

    path: str
    prompts: int
    first: int = 0
    row_groups: tuple[int, ...] = ()
    companions: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    prompt: str | None = None

    def load(self, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """Read the part's own bytes.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns to read of a Parquet file; by default those that play a role.

        Returns
        -------
        dict
            Arguments of :func:`esscher.run_shard`.
        """
        if self.row_groups:
            parquet = _parquet(self.path)
            wanted = list(self.columns if columns is None else columns) or None
            table = parquet.ParquetFile(self.path).read_row_groups(list(self.row_groups), columns=wanted)
            return {"rewards": table}
        rows = slice(self.first, self.first + self.prompts)
        paths = {"rewards": self.path, **self.companions}
        return {role: np.load(path, mmap_mode="r", allow_pickle=False)[rows] for role, path in paths.items()}

    @property
    def place(self) -> str:
        """What it is called in messages."""
        return f"{self.path}, row group {self.row_groups[0]}" if self.row_groups else self.path

    def digests(self) -> Array | InputError:
        """Digests of its prompts; what is wrong with them is given back, so that it crosses processes."""
        assert self.prompt is not None
        try:
            with arrow_failures(self.place):
                return digests_of(self.load([self.prompt])["rewards"], self.prompt, self.place)
        except InputError as problem:
            return problem


#: Digests of the prompts of some parts, in their order.
Look = Callable[[list[Part]], list[Array | InputError]]


def look_here(parts: list[Part]) -> list[Array | InputError]:
    """Digests of the prompts of some parts, read by this process."""
    return [part.digests() for part in parts]


def expanded(paths: Any) -> list[str]:
    """Names of files from names, patterns and folders, in the order given, patterns sorted.

    Raises
    ------
    UsageError
        For a pattern or folder that holds none, and for what is no name.
    """
    items = list(paths) if isinstance(paths, list | tuple) else [paths]
    names: list[str] = []
    for item in items:
        if not isinstance(item, str | os.PathLike):
            raise UsageError(
                "a sweep takes names of files, patterns or folders, or a ray.data.Dataset, not an object of type "
                f"{type(item).__name__}; pass arrays and frames to esscher.frontier."
            )
        name = os.fspath(item)
        if os.path.isdir(name):
            inside = [sorted(glob.glob(os.path.join(glob.escape(name), f"*.{kind}"))) for kind in ("parquet", "npy")]
            found = inside[0] or inside[1]
        elif glob.has_magic(name) and not os.path.exists(name):
            found = sorted(glob.glob(name))
        else:
            found = [name]
        if not found:
            raise UsageError(f"{name}: no file is named so; check the path or the pattern.", name)
        names += found
    return names


def parts_of_files(
    paths: Sequence[str],
    companions: dict[str, Sequence[str]],
    target: int | None,
    chosen: Mapping[str, tuple[str, ...]] | None = None,
    look: Look = look_here,
) -> list[Part]:
    """Parts of some files, in their order.

    Parameters
    ----------
    paths : sequence of str
        Files of rewards, .parquet with a list of scores in a row, or .npy.
    companions : dict
        For .npy: a file for each of `paths`, by argument.
    target : int, optional
        About how many parts are wanted; by default a row group each, and 16 Mi cells of an array.
    chosen : mapping, optional
        The caller's columns by role.
    look : callable, optional
        How the prompts' names are read.

    Raises
    ------
    InputError
        For a file that cannot be read, one whose rows are not prompts, and a prompt that is in two parts.
    UsageError
        For companions that are not one a file, and files of other kinds.
    """
    for name, files in companions.items():
        if len(files) != len(paths):
            raise UsageError(
                f"{name} names {len(files)} files and rewards {len(paths)}; name one for each, in the same order."
            )
    parts: list[Part] = []
    for number, path in enumerate(paths):
        own = {name: files[number] for name, files in companions.items()}
        ending = os.path.splitext(path)[1].lower()
        if ending == ".parquet":
            if own:
                raise UsageError(f"{path}: {next(iter(own))} of Parquet files is a column: name it with column=.", path)
            parts += _row_groups(path, chosen or {})
        elif ending == ".npy":
            parts += _rows(path, own, target and max(1, target // len(paths)))
        else:
            raise UsageError(
                f"{path}: a sweep reads .parquet and .npy, whose prompts can be told without reading all; write one "
                "of these, or pass a dataset.",
                path,
            )
    _name_prompts([part for part in parts if part.prompt is not None], look)
    return _joined(parts, target)


def _parquet(path: str) -> Any:
    pyarrow(f"{path}: Parquet")
    from pyarrow import parquet

    return parquet


def _row_groups(path: str, chosen: Mapping[str, tuple[str, ...]]) -> list[Part]:
    """A part for each row group."""
    parquet = _parquet(path)
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: cannot be read as Parquet: {problem}", path) from problem
    columns = tuple(name for name in file.schema_arrow.names if is_wanted(name, chosen))
    prompt = prompt_of_lists(file.schema_arrow, path, chosen)
    counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    return [
        Part(path, count, row_groups=(group,), columns=columns, prompt=prompt)
        for group, count in enumerate(counts)
        if count
    ]


def _name_prompts(parts: list[Part], look: Look) -> None:
    """Refuse a prompt that is in two parts, and count those that have several rows in one of them once."""
    digests: list[Array | None] = []
    for part, found in zip(parts, look(parts)):
        if isinstance(found, InputError):
            raise found
        # Lists of a prompt that has several rows are joined.
        part.prompts = len(found)
        digests.append(found)

    def name_of(index: int, digest: bytes) -> str:
        part = parts[index]
        assert part.prompt is not None
        return text_of(part.load([part.prompt])["rewards"], part.prompt, digest)

    refuse_repeats([part.place for part in parts], digests, name_of)


def prompt_of_lists(schema: Any, place: str, chosen: Mapping[str, tuple[str, ...]]) -> str | None:
    """The column that names the prompts of a table that has lists of rewards; None where there is none.

    Parameters
    ----------
    schema : pyarrow.Schema
        The table's.
    place : str
        The table, for messages.
    chosen : mapping
        The caller's columns by role.

    Raises
    ------
    InputError
        Where rewards are no lists.
    """
    arrow = pyarrow(f"{place}: a table")
    empty = stored(schema.empty_table(), place)
    roles = Roles(*columns_of(empty, place), chosen, place)
    for name in roles.rewards or (roles["num_samples"],):
        if not is_list_type(arrow, empty.schema.field(name).type):
            raise InputError(
                f"{place}: the column '{name}' holds no lists, so that a row is a sample and not a prompt; write a row "
                "a prompt, with its scores as a list, so that parts can be told.",
                place,
            )
    return prompt_column(schema.names, chosen)


def _rows(path: str, companions: dict[str, str], parts: int | None) -> list[Part]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: cannot be read as .npy: {problem}", path) from problem
    if array.ndim != 2:
        raise InputError(f"{path}: has {array.ndim} dimensions; a sweep takes arrays of prompts and samples.", path)
    prompts, samples = array.shape
    if not prompts:
        return []
    for role, other in companions.items():
        try:
            shape = np.load(other, mmap_mode="r", allow_pickle=False).shape
        except (OSError, ValueError) as problem:
            raise InputError(f"{other}: cannot be read as .npy: {problem}", other) from problem
        if shape != array.shape:
            raise InputError(
                f"{other}: has the shape {shape}, and {path} {array.shape}; {role} holds the same samples.", other
            )
    count = min(prompts, parts or max(1, prompts * samples >> 24))
    ends = [prompts * number // count for number in range(count + 1)]
    return [Part(path, end - start, start, companions=companions) for start, end in itertools.pairwise(ends)]


def _joined(parts: list[Part], target: int | None) -> list[Part]:
    """Neighbouring row groups of a file put together, until there are about as many parts as wanted."""
    if target is None or len(parts) <= target:
        return parts
    wanted = -(-sum(part.prompts for part in parts) // target)
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and last.path == part.path and last.row_groups and last.prompts + part.prompts <= wanted:
            last.prompts += part.prompts
            last.row_groups += part.row_groups
        else:
            joined.append(part)
    return joined


def files_of(value: Any, name: str) -> list[str]:
    """The files of a companion argument.

    Raises
    ------
    UsageError
        For anything but names.
    """
    if isinstance(value, str | os.PathLike) or (
        isinstance(value, list | tuple) and all(isinstance(item, str | os.PathLike) for item in value)
    ):
        return expanded(value)
    raise UsageError(f"{name} of a sweep over files is a file's name, or a list of them.")
