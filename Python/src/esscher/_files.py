# SPDX-License-Identifier: Apache-2.0
"""Files and data sets by name: arrays through NumPy, tables through pyarrow, data sets through ``datasets``."""

from __future__ import annotations

import glob
import io
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ._arrow import pyarrow
from ._cells import Array
from ._roles import GUESSES
from .errors import EsscherError, InputError, InputTypeError, UsageError

_ARROW_ENDINGS = (".arrow", ".feather", ".ipc", ".arrows")
_ENDINGS = (".npy", ".npz", ".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", *_ARROW_ENDINGS)

_FORMATS = ("npy", "npz", "parquet", "arrow", "feather", "csv", "tsv", "jsonl", "ndjson")

#: What readers raise, pyarrow's own kinds of them among it.
_FAILURES = (OSError, ValueError, TypeError, LookupError, NotImplementedError)

#: What ``Dataset.save_to_disk`` leaves in a folder.
_SAVED = ("dataset_info.json", "dataset_dict.json", "state.json")

#: The name that stands for standard input.
STANDARD_INPUT = "-"


def is_name(value: object) -> bool:
    """Whether a value names a file or a data set."""
    return isinstance(value, (str, os.PathLike))


def is_dataset_name(text: str) -> bool:
    """Whether a text names a data set of Hugging Face: ``hf://datasets/NAME`` or ``dataset:NAME[:SPLIT]``."""
    return text.startswith(("dataset:", "hf://"))


def has_known_ending(text: str) -> bool:
    """Whether a file's name says its format."""
    return Path(text).suffix.lower() in _ENDINGS


def split_key(text: str) -> tuple[str, str | None]:
    """Part ``FILE[:KEY]``; a name that exists as it is has no key."""
    if is_dataset_name(text) or os.path.exists(text):
        return text, None
    path, colon, key = text.rpartition(":")
    return (path, key) if colon and path and key else (text, None)


def label_of(text: str) -> str:
    """What a file's rewards are called: its name without folder and ending."""
    if text == STANDARD_INPUT:
        return "stdin"
    name = text.rstrip("/").rpartition("/")[2]
    return Path(name).stem or name


def read(
    text: str,
    key: str | None = None,
    prompt: str | None = None,
    input_format: str | None = None,
    wanted: Callable[[str], bool] | None = None,
    is_companion: bool = False,
) -> Any:
    """What a name stands for.

    Parameters
    ----------
    text : str
        A file, a folder of Parquet files, a pattern for them, a folder that ``datasets`` saved, a data set's name, or
        ``-`` for standard input.
    key : str, optional
        The array inside an .npz file; of a companion's table its column.
    prompt : str, optional
        The column of prompts' identifiers, read as text where it is guessed or named.
    input_format : str, optional
        npy, npz, parquet, arrow, csv, tsv or jsonl, where the ending does not say it.
    wanted : callable, optional
        Which columns of a Parquet file are read.
    is_companion : bool, optional
        Whether the file goes with rewards.

    Returns
    -------
    ndarray or pyarrow.Table
        An .npy file's array is mapped and not read.
    """
    source: Any = text
    several = parquet_files(text)
    if several:
        _check_key(key, text, "parquet", is_companion)
        return _one_table(text, several, wanted)
    if text == STANDARD_INPUT:
        if input_format is None:
            raise UsageError("Standard input has no ending that says its format; add --input-format.")
        source, text = io.BytesIO(sys.stdin.buffer.read()), "standard input"
    elif is_dataset_name(text) or os.path.isdir(text):
        _check_key(key, text, "a data set", is_companion)
        return _dataset(text) if is_dataset_name(text) else _saved_dataset(text)
    elif not os.path.exists(text):
        raise InputError(f"{text}: there is no such file; check the name.", text)
    ending = f".{input_format}" if input_format else Path(text).suffix.lower()
    if ending != ".npz":
        _check_key(key, text, ending[1:], is_companion and ending != ".npy")
    try:
        if ending in (".npy", ".npz"):
            return _array(text, source, ending, key)
        if ending == ".parquet":
            return _parquet(text, source, wanted)
        if ending in _ARROW_ENDINGS:
            return _arrow_file(text, source)
        if ending in (".csv", ".tsv"):
            return _delimited(text, source, "\t" if ending == ".tsv" else ",", prompt)
        if ending in (".jsonl", ".ndjson"):
            pyarrow(f"{text}: a file of JSON lines")
            from pyarrow import json

            return _numbers(json.read_json(source), prompt)
    except (*_FAILURES, EOFError, BadZipFile, zlib.error) as problem:
        if isinstance(problem, EsscherError):
            raise
        raise InputError(
            f"{text}: could not be read ({problem}); check that the file is whole and what its name says.",
            text,
        ) from problem
    raise UsageError(
        f"{text}: the ending says no format that is read here ({', '.join(_ENDINGS)}, or a folder of "
        "Dataset.save_to_disk); rename the file, or say its format.",
        text,
    )


def check_format(input_format: object) -> None:
    """Refuse a word that is no format.

    Raises
    ------
    UsageError
        For such a word.
    """
    if input_format is not None and input_format not in _FORMATS:
        raise UsageError(f"input_format takes {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}, not {input_format!r}.")


def _check_key(key: str | None, text: str, form: str, names_column: bool) -> None:
    """Refuse the key of a file that is no .npz; of a companion's table it is a column."""
    if key is None or names_column:
        return
    remedy = "leave it out" if form == "npy" else "leave it out, or name the column with column={'reward': NAME}"
    raise UsageError(f"a key names an array of an .npz, and '{text}' is read as {form}; {remedy}.", text)


def parquet_files(text: str) -> list[str]:
    """The Parquet files of a folder or a pattern, sorted; none where a name is anything else.

    Raises
    ------
    InputError
        For a pattern that nothing matches.
    UsageError
        For a pattern that other files match.
    """
    if is_dataset_name(text) or os.path.isfile(text):
        return []
    if os.path.isdir(text):
        found = sorted(glob.glob(os.path.join(glob.escape(text), "*.parquet")))
        if not found and not any(os.path.exists(os.path.join(text, name)) for name in _SAVED):
            raise InputError(
                f"{text}: is a folder without .parquet files in it, and no data set of Dataset.save_to_disk; name "
                "files, or a pattern such as 'folder/**/*.parquet'.",
                text,
            )
        return found
    if not glob.has_magic(text):
        return []
    found = sorted(glob.glob(text, recursive=True))
    if not found:
        raise InputError(f"{text}: no file is named so; check the pattern.", text)
    others = [name for name in found if not name.lower().endswith(".parquet")]
    if others:
        raise UsageError(
            f"{text}: a pattern reads .parquet files as one table, and '{others[0]}' is none; pass a list of files for "
            "an ensemble.",
            text,
        )
    return found


def _parquet(text: str, source: Any, wanted: Callable[[str], bool] | None) -> Any:
    pyarrow(f"{text}: a Parquet file")
    from pyarrow import parquet

    schema = parquet.read_schema(source)
    columns = [field for field in schema.names if wanted is None or wanted(field)]
    if not columns:
        return schema.empty_table()
    # A file alone: its folder's name may look like a column.
    return parquet.read_table(source, columns=columns, partitioning=None)


def _one_table(text: str, files: list[str], wanted: Callable[[str], bool] | None) -> Any:
    """Parquet files one after another, with the first one's columns."""
    arrow = pyarrow(f"{text}: Parquet files")
    from pyarrow import parquet

    tables: list[Any] = []
    for file in files:
        try:
            # What has no rows need not have columns either.
            if parquet.read_metadata(file).num_rows or (file == files[-1] and not tables):
                table = _parquet(file, file, wanted)
                tables.append(table.select(tables[0].column_names) if tables else table)
        except _FAILURES as problem:
            raise InputError(
                f"{file}: could not be read ({problem}); check that it is whole and has the columns of '{files[0]}'.",
                file,
            ) from problem
    try:
        return arrow.concat_tables(tables, promote_options="permissive")
    except arrow.ArrowException as problem:
        raise InputError(
            f"{text}: the files' columns have several types ({problem}); write all with the same ones.", text
        ) from problem


def _array(text: str, source: Any, ending: str, key: str | None) -> Array:
    if ending == ".npz":
        with np.load(source, allow_pickle=False) as archive:
            names = archive.files
            if key is None and len(names) != 1:
                raise InputError(f"{text}: holds the arrays {', '.join(names)}; name one with key.", text)
            if key is not None and key not in names:
                raise InputError(f"{text}: holds no array '{key}'; its arrays are {', '.join(names)}.", text)
            loaded: Array = archive[names[0] if key is None else key]
    else:
        loaded = np.load(source, mmap_mode="r" if source is text else None, allow_pickle=False)
    if loaded.dtype.names:
        raise InputError(
            f"{text}: holds a structured array; save the reward column alone as a plain array of numbers.", text
        )
    return loaded


def _arrow_file(text: str, source: Any) -> Any:
    arrow = pyarrow(f"{text}: an Arrow file")
    file = arrow.memory_map(text) if source is text else source
    try:
        return arrow.ipc.open_file(file).read_all()
    except arrow.ArrowInvalid:
        file.seek(0)
        return arrow.ipc.open_stream(file).read_all()


def _delimited(text: str, source: Any, separator: str, prompt: str | None) -> Any:
    arrow = pyarrow(f"{text}: a file of delimited text")
    from pyarrow import csv

    names = [prompt] if prompt else list(GUESSES["prompt"])
    table = csv.read_csv(
        source,
        parse_options=csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={name: arrow.string() for name in names}, strings_can_be_null=False
        ),
    )
    return _numbers(table, prompt)


def _numbers(table: Any, prompt: str | None) -> Any:
    """Numbers of text as float64: a column of whole numbers, booleans or numbers in quotes is no other column."""
    arrow = pyarrow("a table")
    from pyarrow import compute

    kept = {prompt} if prompt else set(GUESSES["prompt"])
    for index, field in enumerate(table.schema):
        if field.name in kept or field.name in ("num_samples", "num_correct"):
            continue
        column = table.column(index)
        is_list = arrow.types.is_list(field.type)
        item = field.type.value_type if is_list else field.type
        double = arrow.list_(arrow.float64()) if is_list else arrow.float64()
        if arrow.types.is_boolean(item) and not is_list:
            column = compute.cast(compute.cast(column, arrow.int8()), double)
        elif arrow.types.is_integer(item) or arrow.types.is_string(item):
            try:
                column = compute.cast(column, double)
            except arrow.ArrowInvalid:
                continue  # Text.
        else:
            continue
        table = table.set_column(index, field.name, column)
    return table


def _datasets(text: str) -> Any:
    try:
        import datasets
    except ImportError as problem:
        raise InputTypeError(
            f"{text}: a data set needs the library datasets, which is not installed; run pip install datasets."
        ) from problem
    return datasets


def _saved_dataset(text: str) -> Any:
    datasets = _datasets(text)
    try:
        return datasets.load_from_disk(text)
    except FileNotFoundError as problem:
        raise InputError(f"{text}: a folder that Dataset.save_to_disk did not write; name a file.", text) from problem


def _dataset(text: str) -> Any:
    datasets = _datasets(text)
    if text.startswith("hf://"):
        name, split = text.removeprefix("hf://").removeprefix("datasets/"), "train"
    else:
        name, _, split = text.removeprefix("dataset:").partition(":")
        if os.path.isdir(name):
            saved = _saved_dataset(name)
            return saved[split] if split else saved
    try:
        return datasets.load_dataset(name, split=split or "train")
    except Exception as problem:
        words = (str(problem).splitlines() or [repr(problem)])[0]
        raise InputError(
            f"{text}: could not be loaded ({words}); check the name and the split, dataset:NAME:SPLIT.",
            text,
        ) from problem
