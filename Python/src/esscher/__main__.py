# SPDX-License-Identifier: Apache-2.0
"""``python -m esscher``: the program's flags on whatever Python reads, Parquet and data sets among it."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from ._devices import device_text, devices
from ._files import split_key
from ._flags import make_parser
from ._frontier import frontier
from ._options import OPTIONS
from ._outputs import Outputs
from ._version import __version__
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
        usable, 130 interrupted. A closed pipe is success.
    """
    try:
        parser = make_parser(f"esscher {__version__}")
        known = parser.parse_args(arguments)
        if known.command is None:
            raise UsageError("No command was given; use frontier or devices, or --help.")
        return _devices(known) if known.command == "devices" else _frontier(known)
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
    read = list(known.rewards)
    for name in (known.gold, known.log_weights, known.logprobs, known.policies):
        read += [] if name is None else [name, split_key(name)[0]]
    outputs = Outputs(known.output, known.format, known.plot, known.plot_axis, read)
    progress = _progress(known)
    arguments: dict[str, Any] = {option.keyword: getattr(known, option.keyword) for option in OPTIONS}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EsscherWarning)
        result = frontier(
            known.rewards[0] if len(known.rewards) == 1 else known.rewards,
            gold=known.gold,
            logprobs=known.logprobs,
            log_weights=known.log_weights,
            policies=known.policies,
            column=_columns(known.column),
            key=known.key,
            dtype=known.dtype,
            input_format=known.input_format,
            label=known.label,
            progress=progress,
            **arguments,
        )
    outputs.write(result)
    if not known.quiet:
        for warning in caught:
            print(f"esscher: warning: {warning.message}", file=sys.stderr)
    return 0


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
