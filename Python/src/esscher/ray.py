# SPDX-License-Identifier: Apache-2.0
"""Sweeps on a cluster of Ray: :func:`frontier` over files or a dataset, with the bits of one process.

Each shard is a task that reads its own bytes and gives back a state of some megabytes. Tasks that are lost with their
node run again elsewhere; states are kept by shard, so that none counts twice.

>>> import esscher.ray
>>> result = esscher.ray.frontier("scores/*.parquet", kl_budgets=[1, 2])  # doctest: +SKIP
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ._arrow import arrow_failures
from ._files import label_of
from ._frontier import frames_inside
from ._frontier import frontier as whole_frontier
from ._options import device_names
from ._parts import COMPANIONS, Part, expanded, files_of, parts_of_files, prompt_of_lists
from ._progress import ProgressBar
from ._repeats import digests_of, prompt_column, refuse_repeats, text_of
from ._roles import checked_columns, is_wanted
from .errors import EsscherError, EsscherWarning, InputError, UsageError
from .result import FrontierResult
from .sweeps import Shard, merge, run_unless_finished

try:
    import ray
    import ray.exceptions
except ImportError as problem:
    raise ImportError("esscher.ray needs Ray, which is not installed; run pip install 'esscher[ray]'.") from problem

__all__ = ["frontier"]

#: Times that a shard is submitted anew after Ray's own retries are spent.
_RESUBMISSIONS = 3
#: Seconds between two looks at what has finished.
_PERIOD = 0.5
#: Arguments of the function for one process that belong to each shard's own input or to the driver.
_NOT_PASSED = ("rewards", "progress", "num_samples", "num_correct", "per_prompt", "key", "input_format", *COMPANIONS)
_PASSED = [name for name in inspect.signature(whole_frontier).parameters if name not in _NOT_PASSED]


@dataclass
class _Block:
    """Prompts of a dataset, as a table in Ray's store."""

    reference: Any
    prompts: int


def frontier(
    paths_or_dataset: Any,
    *,
    shards: int | None = None,
    num_cpus: float = 1,
    num_gpus: float | None = None,
    max_retries: int = 5,
    runtime_env: dict[str, Any] | None = None,
    progress: bool | Callable[[str, float], object] | None = None,
    **arguments: Any,
) -> FrontierResult:
    """Estimate a frontier over prompts that are spread over a cluster.

    Parameters
    ----------
    paths_or_dataset : str, path, list of paths, or ray.data.Dataset
        Parquet files with a row a prompt and its scores as a list, or .npy files of shape (prompts, samples); names,
        patterns or folders, prompts in the order of the files. Every node must be able to read them. A
        dataset has such rows.
    shards : int, optional
        About how many tasks a round has; by default one a row group, or one for 16 Mi cells of an array.
    num_cpus : float, optional
        Processors of a task, and its threads.
    num_gpus : float, optional
        GPUs of a task; by default 1 where `device` names OpenCL, else 0.
    max_retries : int, optional
        Times that Ray runs a task again that was lost with its node.
    runtime_env : dict, optional
        Environment of the tasks, where nodes do not have this package: ``{"pip": ["esscher[arrow]"]}``.
    progress : None, bool or callable, optional
        As of :func:`esscher.frontier`; the share is of the round's shards.
    **arguments
        Of :func:`esscher.frontier`. ``gold``, ``logprobs`` and ``log_weights`` are columns of Parquet files and
        datasets (``column={"gold": ...}``), and of .npy files a file for each file of rewards. ``label`` is by default
        the column's name or that of a single .npy file, and "rewards" for several.

    Returns
    -------
    FrontierResult
        The same in every bit as of one process over all prompts, on the same kind of device.

    Raises
    ------
    EsscherError
        As :func:`esscher.frontier`; the first shard's that fails. Also for a prompt whose rows are in two row groups,
        files or blocks, which would count twice; inside one they are joined.
    RuntimeError
        If a shard is lost more often than it may be.

    Notes
    -----
    A sweep has rounds (docs/clusters.md): shards run again after each merge, over the passes that it asks for. With
    the default grid there are some rounds more than with `lambdas`, in which hardly a shard has anything to do.
    """
    for name in arguments:
        if name not in _PASSED and name not in COMPANIONS:
            raise UsageError(f"esscher.ray.frontier has no argument {name!r}; see its help.")
    passed = {name: value for name, value in arguments.items() if name in _PASSED}
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    chosen = checked_columns(arguments.get("column"))
    environment: dict[str, Any] = {} if runtime_env is None else {"runtime_env": runtime_env}
    parts = _parts(paths_or_dataset, arguments, shards, chosen, environment)
    if not parts:
        raise InputError("the sweep has no prompt; check the files.")
    arrays = dict.fromkeys(part.path for part in parts if isinstance(part, Part) and not part.row_groups)
    if passed.get("label") is None and arrays:
        # Tables call it as their column is called.
        passed["label"] = label_of(next(iter(arrays))) if len(arrays) == 1 else "rewards"
    names = device_names(passed.get("device") or "auto")
    passed.setdefault("threads", max(1, int(num_cpus)))
    settings: dict[str, Any] = {
        "num_cpus": num_cpus,
        "num_gpus": (1 if "opencl" in names else 0) if num_gpus is None else num_gpus,
        "max_retries": max_retries,
        "scheduling_strategy": "SPREAD",
        **environment,
    }
    task = ray.remote(_run).options(**settings)
    places = list(_places(parts))
    previous: bytes | None = None
    notes: dict[str, None] = {}
    number = 0
    with ProgressBar(progress) as bar:
        while True:
            after = None if previous is None else ray.put(previous)
            number += 1
            states = _round(task, places, passed, after, _Watcher(bar.callback, number, len(places)), notes)
            named = {f"shard {index}": state for index, state in states.items()}
            if previous is not None:
                named["the merge before"] = previous
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                merged = merge(named)
            if merged.result is not None:
                break
            previous = merged.state
    result = merged.result
    result.warnings = (*notes, *result.warnings)
    for text in (*notes, *(str(warning.message) for warning in caught)):
        warnings.warn(text, EsscherWarning, stacklevel=frames_inside())
    return result


def _parts(
    source: Any,
    arguments: dict[str, Any],
    shards: int | None,
    chosen: dict[str, tuple[str, ...]],
    environment: dict[str, Any],
) -> Sequence[Part | _Block]:
    if shards is not None and shards < 1:
        raise UsageError(f"shards is {shards}; a sweep has at least one.")
    if hasattr(source, "to_arrow_refs"):
        for name in COMPANIONS:
            if arguments.get(name) is not None:
                raise UsageError(f"{name} of a dataset is a column: name it with column={{'{name}': ...}}.")
        names = source.columns()
        if names is not None:
            wanted = [name for name in names if is_wanted(name, chosen)]
            source = source.select_columns(wanted) if wanted and len(wanted) < len(names) else source
        references = source.to_arrow_refs() if shards is None else source.repartition(shards).to_arrow_refs()
        return _blocks(references, chosen, environment)
    companions: dict[str, Sequence[str]] = {
        name: files_of(arguments[name], name) for name in COMPANIONS if arguments.get(name) is not None
    }
    digests = ray.remote(_digests_of).options(scheduling_strategy="SPREAD", **environment)

    def look(parts: list[Part]) -> list[Any]:
        found: list[Any] = ray.get([digests.remote(part) for part in parts])
        return found

    return parts_of_files(expanded(source), companions, shards, chosen, look)


def _digests_of(part: Part) -> Any:
    """A task: the names of a part's prompts."""
    return part.digests()


def _blocks(references: list[Any], chosen: dict[str, tuple[str, ...]], environment: dict[str, Any]) -> list[_Block]:
    """The blocks of a dataset that have rows, each prompt in one of them."""
    look = ray.remote(_prompts_of).options(**environment)
    places = [f"block {index} of the dataset" for index in range(len(references))]
    found = ray.get([look.remote(reference, place, chosen) for reference, place in zip(references, places)])
    for outcome in found:
        if isinstance(outcome, EsscherError):
            raise outcome

    def name_of(index: int, digest: bytes) -> str:
        name: str = ray.get(ray.remote(_text_of).options(**environment).remote(references[index], chosen, digest))
        return name

    refuse_repeats(places, [digests for _, digests in found], name_of)
    return [_Block(reference, prompts) for reference, (prompts, _) in zip(references, found) if prompts]


def _places(parts: Sequence[Part | _Block]) -> Iterator[tuple[Any, Shard]]:
    """Each part with its place among the prompts of the sweep."""
    prompts = sum(part.prompts for part in parts)
    first = 0
    for index, part in enumerate(parts, 1):
        content = part.reference if isinstance(part, _Block) else part
        yield content, Shard(index, len(parts), first, prompts)
        first += part.prompts


class _Watcher:
    """Tells how many shards of a round have finished."""

    def __init__(self, report: Callable[[str, float], None] | None, number: int, count: int) -> None:
        self._report = report
        self._stage = f"round {number}"
        self._count = count

    def __call__(self, finished: int) -> None:
        if self._report is not None:
            self._report(self._stage, finished / self._count)


def _round(
    task: Any,
    places: list[tuple[Any, Shard]],
    passed: dict[str, Any],
    after: Any,
    watch: Callable[[int], None],
    notes: dict[str, None],
) -> dict[int, bytes]:
    """The states of all shards, by number; what is to be said about their input goes to `notes`."""
    states: dict[int, bytes] = {}
    left = {shard.index: _RESUBMISSIONS for _, shard in places}
    running = {task.remote(content, shard, passed, after): (content, shard) for content, shard in places}
    watch(0)
    try:
        while running:
            done, _ = ray.wait(list(running), timeout=_PERIOD)
            for reference in done:
                content, shard = running.pop(reference)
                try:
                    outcome = ray.get(reference)
                except ray.exceptions.RayTaskError:
                    raise
                except ray.exceptions.RayError as lost:
                    # The node is gone, and Ray's retries with it.
                    if left[shard.index] == 0:
                        raise RuntimeError(
                            f"shard {shard.index} of {shard.count} was lost with its worker again and again ({lost}); "
                            "look at the nodes' memory and logs, or ask for more and smaller shards."
                        ) from lost
                    left[shard.index] -= 1
                    running[task.remote(content, shard, passed, after)] = (content, shard)
                    continue
                if isinstance(outcome, EsscherError):
                    raise outcome
                # A shard that ran twice leaves the same bytes; only one of them is kept.
                states[shard.index], said = outcome
                notes.update(dict.fromkeys(said))
            watch(len(states))
    except BaseException:
        for reference in running:
            ray.cancel(reference, force=False)
        raise
    return states


def _run(
    content: Any, shard: Shard, passed: dict[str, Any], after: bytes | None
) -> tuple[bytes, list[str]] | EsscherError:
    """A task: one shard's round, and what is to be said about its input.

    What is wrong with its input is given back, not raised, as no retry mends it.
    """
    notes: list[str] = []
    try:
        inputs = content.load() if isinstance(content, Part) else {"rewards": content}
        state = run_unless_finished(shard=shard, after=after, progress=False, notes=notes, **inputs, **passed)
        if state is None:
            return UsageError("The sweep is finished; there is nothing left to run.")
        return state, notes
    except EsscherError as problem:
        return problem


def _prompts_of(table: Any, place: str, chosen: dict[str, tuple[str, ...]]) -> Any:
    """A task: how many prompts a block has, and the digests of their names."""
    if not table.num_rows:
        return 0, None
    try:
        with arrow_failures(place):
            prompt = prompt_of_lists(table.schema, place, chosen)
            digests = None if prompt is None else digests_of(table, prompt, place)
        return (table.num_rows if digests is None else len(digests)), digests
    except EsscherError as problem:
        return problem


def _text_of(table: Any, chosen: dict[str, tuple[str, ...]], digest: bytes) -> str:
    """A task: the name of a prompt."""
    prompt = prompt_column(table.column_names, chosen)
    assert prompt is not None
    return text_of(table, prompt, digest)
