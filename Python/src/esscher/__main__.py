# SPDX-License-Identifier: Apache-2.0
"""``python -m esscher``: the program's flags on whatever Python reads, Parquet and data sets among it."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ._devices import device_text, devices
from ._files import STANDARD_INPUT, parquet_files, split_key
from ._flags import make_parser
from ._frontier import frontier
from ._options import OPTIONS
from ._outputs import Outputs
from ._sweep_command import merge_states, run_part
from ._version import __version__
from ._whole_files import LinesFile, WholeFiles
from .errors import EsscherError, EsscherWarning, UsageError

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code: 0 done, 1 internal failure, 2 wrong usage, 3 bad input, 4 a device asked for by name is not
        usable, 6 a merge needs another round, 130 interrupted. A closed pipe is success.
    """
    try:
        parser = make_parser(f"esscher {__version__}")
        known = parser.parse_args(arguments)
        if known.command is None:
            raise UsageError("No command was given; use frontier, merge or devices, or --help.")
        if known.command == "devices":
            return _devices(known)
        with _warnings(known.quiet):
            return merge_states(known) if known.command == "merge" else _frontier(known)
    except EsscherError as error:
        print(f"esscher: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("esscher: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Python would write what is left when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


@contextmanager
def _warnings(quiet: bool) -> Iterator[None]:
    """Say what the run warns of, a line each, once it has ended well."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EsscherWarning)
        yield
    if not quiet:
        for warning in caught:
            print(f"esscher: warning: {warning.message}", file=sys.stderr)


def _devices(known: argparse.Namespace) -> int:
    if known.json:
        sys.stdout.write(device_text())
        return 0
    for device in devices():
        if device.usable:
            picked = " (picked by auto)" if device.is_auto else ""
            memory = device.memory_bytes / 2**30
            print(f"{device.name}: {device.model}, {device.target}, {device.units} units, {memory:.0f} GiB{picked}")
        else:
            print(f"{device.name}: not usable: {device.reason}")
    return 0


def _frontier(known: argparse.Namespace) -> int:
    arguments: dict[str, Any] = {option.keyword: getattr(known, option.keyword) for option in OPTIONS}
    arguments.update(
        gold=known.gold,
        logprobs=known.logprobs,
        log_weights=known.log_weights,
        policies=known.policies,
        column=_columns(known.column),
        key=known.key,
        dtype=known.dtype,
        input_format=known.input_format,
        label=known.label,
        progress=_progress(known),
    )
    rewards = known.rewards[0] if len(known.rewards) == 1 else known.rewards
    if STANDARD_INPUT in known.rewards and known.input_format is None:
        raise UsageError("Standard input has no ending that says its format; add --input-format.")
    read = [name for name in known.rewards if name != STANDARD_INPUT]
    read += [file for name in read for file in parquet_files(name)]
    for name in (known.gold, known.log_weights, known.logprobs, known.policies):
        read += [] if name is None else [name, split_key(name)[0], *parquet_files(split_key(name)[0])]
    if known.shard is not None or known.state is not None or known.after is not None:
        return run_part(known, rewards, arguments, read)
    lines = _lines(known.per_prompt)
    with WholeFiles() as files:
        outputs = Outputs(
            files, known.output, known.format, known.plot, known.plot_axis, read, [] if lines is None else [lines]
        )
        file = None if lines is None else LinesFile(files, lines)
        outputs.write(frontier(rewards, per_prompt=file, **arguments))
    return 0


def _lines(path: str | None) -> str | None:
    if path == "-":
        raise UsageError("--per-prompt needs a file: standard output carries the report.")
    ending = os.path.splitext(path or "")[1].lower()
    if ending in (".json", ".jsonl", ".txt", ".parquet"):
        raise UsageError(f"--per-prompt writes CSV, and the ending of '{path}' says otherwise; use .csv.")
    return path


def _progress(known: argparse.Namespace) -> bool | None:
    choices: dict[str | None, bool | None] = {None: None, "auto": None, "always": True, "never": False}
    if known.progress not in choices:
        raise UsageError(f"--progress takes auto, always or never, not '{known.progress}'.")
    return False if known.quiet else choices[known.progress]


def _columns(flags: Sequence[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for text in flags:
        role, equals, name = text.partition("=")
        if not (role and equals and name):
            raise UsageError(f"--column takes ROLE=NAME, for example reward=rm_score, not '{text}'.")
        if role in columns:
            raise UsageError(f"--column names the role '{role}' twice; keep one of them.")
        columns[role] = name.split(",") if role == "reward" else [name]
    return columns


if __name__ == "__main__":
    sys.exit(main())
