# SPDX-License-Identifier: Apache-2.0
"""The function :func:`frontier`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ._devices import Device
from ._files import is_name, split_key
from ._inputs import Inputs, load
from ._options import make_options
from ._policies import add_policies
from ._progress import ProgressBar
from ._run import run
from ._whole_files import LinesFile, WholeFiles, is_same
from .errors import EsscherWarning, UsageError
from .result import FrontierResult, result_of_report

#: A grid: text as the program takes it, a number, or numbers in any order.
Grid = str | float | Iterable[float]


def frontier(
    rewards: Any = None,
    *,
    gold: Any = None,
    logprobs: Any = None,
    log_weights: Any = None,
    num_samples: Any = None,
    num_correct: Any = None,
    policies: Any = None,
    betas: Grid | None = None,
    lambdas: Grid | None = None,
    kl_budgets: Grid | None = None,
    ns: Grid | None = None,
    curves: str | Sequence[str] | None = None,
    missing: str | None = None,
    resamples: int | None = None,
    confidence: float | None = None,
    bias_correct: bool | None = None,
    seed: int | None = None,
    precision: str | None = None,
    ensemble: str | None = None,
    standardize: str | None = None,
    device: str | Device | Sequence[str | Device] | None = None,
    threads: int | None = None,
    memory_budget: str | int | None = None,
    column: Mapping[str, str | Sequence[str]] | None = None,
    key: str | None = None,
    dtype: str | None = None,
    input_format: str | None = None,
    label: str | None = None,
    per_prompt: str | os.PathLike[str] | LinesFile | None = None,
    progress: bool | Callable[[str, float], object] | None = None,
) -> FrontierResult:
    """Estimate how much reward each amount of KL divergence can buy, from samples of the base policy.

    Parameters
    ----------
    rewards : array, tensor, table, list, mapping or path
        Rewards of samples that were drawn from the base policy. An array or list of shape (prompts, samples), whose
        rows may differ in length; (samples), which is one prompt; or (models, prompts, samples), which is an
        ensemble. A mapping of names to any of these, and a list of matrices or of paths, is an ensemble too. Arrays of
        NumPy, PyTorch, JAX and columns of Arrow are not copied. A table has lists in a column, one a prompt, or
        a sample a row and a column of prompts. A path names an .npy, .npz, .parquet, .arrow, .csv, .tsv or .jsonl
        file, a folder or a pattern of .parquet files, which are one table, or a folder of ``Dataset.save_to_disk``.
    gold : as rewards, optional
        Gold rewards of the same samples; a path may be ``FILE:KEY``.
    logprobs : as rewards, optional
        Natural logarithms of the samples' probabilities under the base policy.
    log_weights : as rewards, optional
        Log importance weights, where samples were not drawn from the base policy.
    num_samples, num_correct : sequence of int, optional
        In the place of rewards: prompt r has ``num_samples[r]`` rewards, of which ``num_correct[r]`` are 1 and the
        others 0.
    policies : list of dict, table or path, optional
        Trained policies to place against the frontier, with name, kl (in nats), reward and perhaps gold.
    betas, lambdas : str, number or sequence, optional
        KL penalties of the tilt, and their inverses; both are used. By default a grid in lambda.
    kl_budgets : str, number or sequence, optional
        Mean KL budgets in nats.
    ns : str, int or sequence, optional
        Numbers of samples of best-of-n; powers of two by default.
    curves : str or sequence of str, optional
        Any of tilt, best_of_n (both by default), best_of_poisson, soft_best_of_n, rewind_and_repeat and equal_kl.
    missing : {"error", "drop"}, optional
        What becomes of samples that are NaN, null or None.
    resamples : int, optional
        Bootstrap replicates; 1000 by default, 0 for no intervals.
    confidence : float, optional
        Of the intervals; 0.95 by default.
    bias_correct : bool, optional
        Correct tilts for the bias that the jackknife finds.
    seed : int, optional
        Of the random numbers; 0 by default.
    precision : {"mixed", "double"}, optional
        Relative error at most 1e-6, or 1e-10; by default double for float64 and integers of 32 and 64 bits.
    ensemble : str, optional
        mean, median, min, uwo:C or entropic:B; needed where there are several models.
    standardize : {"none", "model", "prompt"}, optional
        Brings several models to one scale.
    device : str, Device, or sequence of them, optional
        auto (the default), cpu, opencl, opencl:all, a part of a device's name, or what :func:`esscher.devices` lists.
    threads : int, optional
        Worker threads; one a processor by default.
    memory_budget : str or int, optional
        Memory that the run may take besides its inputs, such as ``"512MiB"``, or bytes; 2 GiB by default.
    column : mapping, optional
        Columns of a table by role: prompt, reward, gold, logweight, logprob, num_samples, num_correct. ``reward`` may
        be several, of an ensemble. Without it the usual names are tried.
    key : str, optional
        The array inside an .npz file.
    dtype : {"bf16"}, optional
        Cells of two bytes, opaque or uint16, are bfloat16, in files, arrays and lists of them.
    input_format : str, optional
        Format of a file whose ending does not say it.
    label : str, optional
        The reward's name in the report; by default the file's or the column's, else ``"rewards"``.
    per_prompt : str or path, optional
        A CSV file to write, with a line for each prompt and point (docs/output.md), as they are made. It appears whole
        or not at all.
    progress : None, bool or callable, optional
        None shows a bar of tqdm on a terminal and in notebooks; True always; False never. A function is
        called with the stage's name and the share of it that is done.

    Returns
    -------
    FrontierResult
        The points, in the order of the program.

    Raises
    ------
    UsageError
        For arguments that cannot be carried out.
    InputTypeError
        For rewards of a kind that is not read.
    InputError
        For rewards that are malformed, or that the estimators are not defined for.
    DeviceError
        If a device that was asked for by name is not usable.
    KeyboardInterrupt
        If Ctrl-C was pressed; the run ends between two tiles.

    Warns
    -----
    EsscherWarning
        For each of the report's warnings.

    Notes
    -----
    The same cells, options and seed give the same numbers as the program ``esscher``, bit for bit. Arrays
    must not change while the function runs. Other threads run meanwhile, and several may call at once.

    Examples
    --------
    >>> import numpy, esscher
    >>> rewards = numpy.random.default_rng(0).normal(size=(100, 256))
    >>> result = esscher.frontier(rewards, kl_budgets=[0.5, 1, 2])
    >>> result.curve("budget")["gain"].round(2)
    array([0.99, 1.39, 1.95])
    """
    arguments = locals()
    options = make_options(arguments)
    if policies is not None:
        add_policies(options, policies)
    with WholeFiles() as files, ProgressBar(progress) as bar:
        if per_prompt is not None and not isinstance(per_prompt, LinesFile):
            _check_lines(per_prompt, (rewards, gold, logprobs, log_weights, policies))
        # The command line opens the file itself, so that it takes its name with the others.
        file = per_prompt if per_prompt is None or isinstance(per_prompt, LinesFile) else _lines(files, per_prompt)
        loaded = load(
            Inputs(
                rewards=rewards,
                gold=gold,
                logprobs=logprobs,
                log_weights=log_weights,
                num_samples=num_samples,
                num_correct=num_correct,
                column=column,
                key=key,
                dtype=dtype,
                input_format=input_format,
                label=label,
                missing=missing,
            ),
            names_prompts=file is not None,
        )
        result = result_of_report(run(loaded, options, bar.callback, None if file is None else file.take), loaded.notes)
        if file is not None:
            file.finish()
        files.commit()
    for warning in result.warnings:
        warnings.warn(warning, EsscherWarning, stacklevel=frames_inside())
    return result


def _check_lines(path: Any, read: Iterable[Any]) -> None:
    """Refuse what is no name for a file to write, and the name of one that is read."""
    if not isinstance(path, (str, os.PathLike)):
        raise UsageError(f"per_prompt is a file's name, not an object of type {type(path).__name__}.")
    if os.fspath(path) in ("", "-"):
        raise UsageError("per_prompt needs a file's name; standard output is for reports.")
    for value in read:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if is_name(item) and any(is_same(os.fspath(path), name) for name in (item, split_key(os.fspath(item))[0])):
                raise UsageError(f"per_prompt '{path}' would replace the input '{item}'; choose another name.")


def _lines(files: WholeFiles, path: Any) -> LinesFile:
    return LinesFile(files, str(os.fspath(path)))


def frames_inside() -> int:
    """How many frames belong to the package, so that warnings name the caller's line."""
    import sys

    folder = os.path.dirname(__file__)
    level = 1
    frame = sys._getframe(1)
    while frame is not None and os.path.dirname(frame.f_code.co_filename) == folder:
        level += 1
        frame = frame.f_back  # type: ignore[assignment]
    return level
