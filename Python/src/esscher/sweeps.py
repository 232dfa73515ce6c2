# SPDX-License-Identifier: Apache-2.0
"""Sweeps whose prompts are spread over many processes: :func:`run_shard` and :func:`merge`.

A process runs the passes of one round over its prompts and leaves a state, which is bytes; a merge puts the states of
all shards together. The report has the same bits as that of one run. ``esscher.ray`` does all of it on a cluster of
Ray; docs/clusters.md says why there are rounds, and how other schedulers go about them.
"""

from __future__ import annotations

import ctypes
import inspect
import numbers
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import _structs
from ._frontier import frames_inside, frontier
from ._inputs import Inputs, load
from ._library import ErrorSlot, Handle, encoded, library
from ._options import make_options
from ._policies import add_policies
from ._progress import ProgressBar
from ._run import watch
from .errors import EsscherWarning, UsageError
from .result import FrontierResult, result_of_report

#: Arguments of :func:`esscher.frontier` and their defaults.
_ARGUMENTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(frontier).parameters.items()
    if name != "per_prompt"
}


@dataclass(frozen=True)
class Shard:
    """Which prompts of a sweep a process holds.

    Attributes
    ----------
    index : int
        Number of the shard, from 1.
    count : int
        Shards of the sweep.
    first_prompt : int
        Place of the shard's first prompt among all, where rewards are the shard's alone.
    prompts : int or None
        Prompts of the sweep, where rewards are the shard's alone; None where every shard is given all of them.
    """

    index: int
    count: int
    first_prompt: int = 0
    prompts: int | None = None


@dataclass(frozen=True)
class Merge:
    """What a merge comes to.

    Attributes
    ----------
    state : bytes
        By which the next round of shards runs; of a finished sweep what gives its report again.
    round : int
        Rounds that are merged.
    result : FrontierResult or None
        The report; None where the sweep needs another round.
    """

    state: bytes
    round: int
    result: FrontierResult | None


def run_shard(
    rewards: Any = None,
    *,
    shard: Shard,
    after: bytes | None = None,
    progress: bool | Callable[[str, float], object] | None = None,
    **arguments: Any,
) -> bytes:
    """Run the passes of one round over a shard's prompts.

    Parameters
    ----------
    rewards : array, tensor, table, list, mapping or path
        As :func:`esscher.frontier` takes them: all prompts, or the shard's.
    shard : Shard
        Which prompts.
    after : bytes, optional
        The state of the merge of the round before; None in the first round.
    progress : None, bool or callable, optional
        As of :func:`esscher.frontier`.
    **arguments
        The other arguments of :func:`esscher.frontier`, the same in every shard and round but for device, threads and
        memory_budget. ``label`` has to be given where names of files differ.

    Returns
    -------
    bytes
        The shard's state.

    Raises
    ------
    EsscherError
        As :func:`esscher.frontier`; also where `after` is of another question.
    """
    if "per_prompt" in arguments:
        raise UsageError(
            "per_prompt goes through all prompts in order, which no shard does; run the prompts of interest with "
            "esscher.frontier."
        )
    state = run_unless_finished(rewards, shard=shard, after=after, progress=progress, **arguments)
    if state is None:
        raise UsageError("The sweep is finished; there is nothing left to run.")
    return state


def run_unless_finished(
    rewards: Any,
    *,
    shard: Shard,
    after: bytes | None,
    progress: bool | Callable[[str, float], object] | None,
    name: str = "the state to go on after",
    notes: list[str] | None = None,
    **arguments: Any,
) -> bytes | None:
    """As :func:`run_shard`; None where `after` is the finished sweep of this question.

    Parameters
    ----------
    rewards, shard, after, progress, **arguments
        As of :func:`run_shard`.
    name : str, optional
        Of `after`, for messages.
    notes : list of str, optional
        Where what is to be said about the input goes, in place of a warning.

    Returns
    -------
    bytes or None
        The shard's state.
    """
    unknown = sorted(set(arguments) - set(_ARGUMENTS))
    if unknown:
        raise UsageError(f"run_shard has no argument {unknown[0]!r}; it takes those of esscher.frontier.")
    given = {**_ARGUMENTS, **arguments, "rewards": rewards}
    options = make_options(given)
    if given["policies"] is not None:
        add_policies(options, given["policies"])
    place = _place(shard)
    previous = None if after is None else _state(after, name)
    with ProgressBar(progress) as bar:
        loaded = load(Inputs(**{name: given[name] for name in Inputs.__dataclass_fields__}))

        def invoke(observer: Any, state: Any, error: Any) -> int:
            status: int = library().esscher_shard_run(
                loaded.table.pointer,
                options.pointer,
                ctypes.byref(place),
                None if previous is None else previous.pointer,
                observer,
                state,
                error,
            )
            return status

        state = watch(invoke, "esscher_state_destroy", bar.callback)
    if notes is not None:
        notes += loaded.notes
    else:
        for note in loaded.notes:
            warnings.warn(note, EsscherWarning, stacklevel=frames_inside())
    return None if state.pointer.value is None else _bytes(state)


def _place(shard: Any) -> _structs.Shard:
    if not isinstance(shard, Shard):
        raise UsageError(
            f"shard takes an esscher.Shard, such as esscher.Shard(1, 8), not an object of type {type(shard).__name__}."
        )
    members: dict[str, Any] = {
        "index": shard.index,
        "count": shard.count,
        "first_prompt": shard.first_prompt,
        "prompts": 0 if shard.prompts is None else shard.prompts,
    }
    for member, value in members.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not -(2**63) <= int(value) < 2**63:
            raise UsageError(f"{member} of a shard is a whole number, not {value!r}.")
    return _structs.Shard(**{member: int(value) for member, value in members.items()})


def merge(states: Iterable[bytes] | Mapping[str, bytes]) -> Merge:
    """Put the states of a round's shards together, in any order.

    Parameters
    ----------
    states : iterable of bytes, or mapping of names to bytes
        One of every shard and, from the second round on, the merge's that they went by. Names are for messages.

    Returns
    -------
    Merge
        The report, or what the next round goes by.

    Raises
    ------
    InputError
        For states that do not belong together, and shards that are missing or there twice.
    """
    if isinstance(states, (bytes, bytearray, str)) or not isinstance(states, Iterable):
        raise UsageError(
            "merge takes the states of all shards, as a list or as a dictionary by name, not an object of type "
            f"{type(states).__name__}."
        )
    named = states.items() if isinstance(states, Mapping) else ((f"state {n}", data) for n, data in enumerate(states))
    handles = [_state(data, str(name)) for name, data in named]
    pointers = (ctypes.c_void_p * len(handles))(*[handle.pointer.value for handle in handles])
    report, merged, error = ctypes.c_void_p(), ctypes.c_void_p(), ErrorSlot()
    status = library().esscher_merge(pointers, len(handles), ctypes.byref(report), ctypes.byref(merged), error.address)
    if status != _structs.ANOTHER_ROUND:
        error.check(status)
    state = Handle(merged.value, "esscher_state_destroy")
    result = None
    if report.value is not None:
        result = result_of_report(Handle(report.value, "esscher_report_destroy"), [])
        for warning in result.warnings:
            warnings.warn(warning, EsscherWarning, stacklevel=frames_inside())
    return Merge(_bytes(state), library().esscher_state_round(state.pointer), result)


def _state(data: bytes, name: str) -> Handle:
    if not isinstance(data, bytes):
        raise UsageError(f"{name} is of type {type(data).__name__}; a state is bytes.")
    error = ErrorSlot()
    address = library().esscher_state_create(data, len(data), encoded(name, "the name of a state"), error.address)
    if address is None:
        error.check(error.status)
    return Handle(address, "esscher_state_destroy")


def _bytes(state: Handle) -> bytes:
    length = ctypes.c_size_t()
    address = library().esscher_state_bytes(state.pointer, ctypes.byref(length))
    return ctypes.string_at(address, length.value)
