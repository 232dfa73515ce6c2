# SPDX-License-Identifier: Apache-2.0
"""``python -m esscher frontier --shard`` and ``merge``: a sweep in parts, by files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

from ._outputs import Outputs
from ._whole_files import WholeFiles, is_same
from .errors import InputError, UsageError
from .sweeps import Shard, merge, run_unless_finished

#: What a merge ends with where the sweep needs another round.
_ANOTHER_ROUND = 6
_MOST_SHARDS = 1_000_000


def run_part(known: argparse.Namespace, rewards: Any, arguments: dict[str, Any], read: Sequence[str]) -> int:
    """Run one shard and write its state.

    Parameters
    ----------
    known : argparse.Namespace
        The command line.
    rewards : str or list of str
        What it reads.
    arguments : dict
        The other arguments of :func:`esscher.frontier`.
    read : sequence of str
        Names of files that are read.

    Returns
    -------
    int
        The exit code.
    """
    if known.shard is None:
        option = "--after" if known.state is None else "--state"
        raise UsageError(f"{option} is for parts of a sweep; add --shard I/N, or leave it out.")
    if known.state is None:
        raise UsageError("--shard leaves a partial result; add --state FILE to say where it goes.")
    shard = _shard(known.shard)
    for option, given in (("-o", known.output), ("--format", known.format), ("--plot", known.plot)):
        if given:
            raise UsageError(f"A shard writes no report; give {option} to esscher merge instead.")
    if known.per_prompt is not None:
        raise UsageError(
            "--per-prompt goes through all prompts in order, which no shard does; run the prompts of interest without "
            "--shard."
        )
    for name in [*read, *([] if known.after is None else [known.after])]:
        if is_same(known.state, name):
            raise UsageError(f"--state '{known.state}' would replace the input '{name}'; choose another name.")
    after = None if known.after is None else _read(known.after)
    with WholeFiles() as files:
        partial = files.add(_state_name(known.state))
        state = run_unless_finished(rewards, shard=shard, after=after, name=known.after or "", **arguments)
        if state is None:
            if not known.quiet:
                print("esscher: the sweep is finished; nothing was run", file=sys.stderr)
            return 0
        files.write(partial, state)
        files.commit()
    return 0


def merge_states(known: argparse.Namespace) -> int:
    """Put states together and write the report, or what the next round goes by.

    Parameters
    ----------
    known : argparse.Namespace
        The command line.

    Returns
    -------
    int
        The exit code.
    """
    others = [] if known.state is None else [_state_name(known.state)]
    states: dict[str, bytes] = {}
    for name in known.states:
        if name in states:
            raise InputError(f"{name}: is named twice; name each state once.", name)
        states[name] = _read(name)
    with WholeFiles() as own, WholeFiles() as files:
        read = [name for name in known.states if not (others and is_same(others[0], name))]
        outputs = Outputs(files, known.output, known.format, known.plot, known.plot_axis, read, others)
        kept = own.add(others[0]) if others else None
        merged = merge(states)
        if kept is not None:
            own.write(kept, merged.state)
            own.commit()
        if merged.result is not None:
            outputs.write(merged.result)
            return 0
    if kept is None:
        raise UsageError(
            "The sweep needs another round; add --state FILE to keep this merge, and give that file to --after of its "
            "shards."
        )
    print(
        f"esscher: Round {merged.round} is merged, and the sweep needs another one: run its shards again with --after "
        f"{others[0]}, and merge them with it.",
        file=sys.stderr,
    )
    return _ANOTHER_ROUND


def _shard(text: str) -> Shard:
    found = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,7})", text, re.ASCII)
    if found:
        index, count = int(found[1]), int(found[2])
        if 1 <= index <= count <= _MOST_SHARDS:
            return Shard(index, count)
    raise UsageError(f"--shard takes I/N with I from 1 to N and N at most 1,000,000, for example 3/17, not '{text}'.")


def _state_name(path: str) -> str:
    if path in ("-", ""):
        raise UsageError("--state needs a file: a state is bytes for esscher merge.")
    return path


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be read ({problem.strerror or problem}); name a file that --state wrote.", path
        ) from problem
