# SPDX-License-Identifier: Apache-2.0
"""Files and data sets by name: arrays through NumPy, tables through pyarrow, data sets through ``datasets``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._arrow import pyarrow
from ._cells import BFLOAT16, Array
from ._roles import GUESSES
from .errors import InputError, InputTypeError, UsageError

_ARROW_ENDINGS = (".arrow", ".feather", ".ipc", ".arrows")
_ENDINGS = (".npy", ".npz", ".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", *_ARROW_ENDINGS)

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
    dtype: str | None = None,
    prompt: str | None = None,
    input_format: str | None = None,
    wanted: Callable[[str], bool] | None = None,
) -> Any:
    """What a name stands for.

    Parameters
    ----------
    text : str
        A file, a folder that ``datasets`` saved, a data set's name, or ``-`` for standard input.
    key : str, optional
        The array inside an .npz file.
    dtype : str, optional
        ``"bf16"`` where two opaque bytes a cell are bfloat16.
    prompt : str, optional
        The column of prompts' identifiers, read as text where it is guessed or named.
    input_format : str, optional
        npy, npz, parquet, arrow, csv, tsv or jsonl, where the ending does not say it.
    wanted : callable, optional
        Which columns of a Parquet file are read.

    Returns
    -------
    ndarray or pyarrow.Table
        An .npy file's array is mapped and not read.
    """
    source: Any = text
    if text == STANDARD_INPUT:
        if input_format is None:
            raise UsageError("Standard input has no ending that says its format; add --input-format.")
        source, text = io.BytesIO(sys.stdin.buffer.read()), "standard input"
    elif is_dataset_name(text):
        return _dataset(text)
    elif os.path.isdir(text):
        return _saved_dataset(text)
    elif not os.path.exists(text):
        raise InputError(f"{text}: there is no such file; check the name.", text)
    ending = f".{input_format}" if input_format else Path(text).suffix.lower()
    try:
        if ending in (".npy", ".npz"):
            return _array(text, source, ending, key, dtype)
        if ending == ".parquet":
            pyarrow(f"{text}: a Parquet file")
            from pyarrow import parquet

            schema = parquet.read_schema(source)
            columns = [field for field in schema.names if wanted is None or wanted(field)]
            return parquet.read_table(source, columns=columns) if columns else schema.empty_table()
        if ending in _ARROW_ENDINGS:
            return _arrow_file(text, source)
        if ending in (".csv", ".tsv"):
            return _delimited(text, source, "\t" if ending == ".tsv" else ",", prompt)
        if ending in (".jsonl", ".ndjson"):
            pyarrow(f"{text}: a file of JSON lines")
            from pyarrow import json

            return _numbers(json.read_json(source), prompt)
    except (OSError, ValueError, EOFError) as problem:
        if isinstance(problem, (InputError, UsageError, InputTypeError)):
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


def _array(text: str, source: Any, ending: str, key: str | None, dtype: str | None) -> Array:
    if ending == ".npz":
        with np.load(source, allow_pickle=False) as archive:
            names = archive.files
            if key is None and len(names) != 1:
                raise UsageError(f"{text}: holds the arrays {', '.join(names)}; name one with key.", text)
            if key is not None and key not in names:
                raise InputError(f"{text}: holds no array '{key}'; its arrays are {', '.join(names)}.", text)
            loaded = archive[names[0] if key is None else key]
    else:
        loaded = np.load(source, mmap_mode="r" if source is text else None, allow_pickle=False)
    return as_bfloat16(loaded, dtype)


def as_bfloat16(array: Array, dtype: str | None) -> Array:
    """Cells of two opaque bytes as bfloat16, where `dtype` says so; a view.

    Raises
    ------
    UsageError
        For another word than ``"bf16"``.
    """
    if dtype is None:
        return array
    if dtype != "bf16":
        raise UsageError(f"dtype takes 'bf16', not '{dtype}'; every other type is in the file.")
    if array.dtype != np.dtype("V2"):
        return array
    return array.view(BFLOAT16)


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
