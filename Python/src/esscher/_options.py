# SPDX-License-Identifier: Apache-2.0
"""What is asked of a run: one table of options, from which keyword arguments and the program's flags are both made."""

from __future__ import annotations

import ctypes
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike, fspath
from typing import Any

import numpy as np

from ._devices import Device
from ._library import ErrorSlot, Handle, encoded, library
from .errors import UsageError


@dataclass(frozen=True)
class Option:
    """One option of a run.

    Attributes
    ----------
    name : str
        As the program spells it, without dashes; with underscores it is the keyword argument.
    placeholder : str
        Stands for the value in the help; empty for a switch.
    documentation : str
        What it means.
    is_grid : bool
        Whether it also takes numbers as they are.
    """

    name: str
    placeholder: str
    documentation: str
    is_grid: bool = False

    @property
    def keyword(self) -> str:
        """The keyword argument."""
        return self.name.replace("-", "_")


#: Every option that the library reads, in the order of the program's help.
OPTIONS = (
    Option(
        "missing",
        "POLICY",
        "What becomes of a missing reward: error (the default) stops and names the cell, drop leaves the sample "
        "out and counts it.",
    ),
    Option(
        "curves",
        "LIST",
        "Curves of the report: any of tilt, best_of_n (both by default), best_of_poisson, soft_best_of_n, "
        "rewind_and_repeat and equal_kl. Points of --kl-budgets come in any case.",
    ),
    Option(
        "betas",
        "SPEC",
        "KL penalties of the tilt. A SPEC is a list such as 0.1,0.5,2, or log:LOW:HIGH:COUNT, or "
        "lin:LOW:HIGH:COUNT. With --lambdas, both are used.",
        is_grid=True,
    ),
    Option("lambdas", "SPEC", "Inverse KL penalties, 1/beta; 0 is the base policy.", is_grid=True),
    Option(
        "kl-budgets",
        "SPEC",
        "Mean KL budgets in nats; the best policy of each is a point of its own.",
        is_grid=True,
    ),
    Option(
        "ns",
        "SPEC",
        "Numbers of samples of best-of-n, mean numbers of its relatives; pow2 (the default) is the powers of two "
        "up to the number of samples, and that number.",
        is_grid=True,
    ),
    Option(
        "resamples",
        "N",
        "Bootstrap replicates behind the intervals (default 1000); 0 for none.",
    ),
    Option("confidence", "LEVEL", "Two-sided confidence of the intervals (default 0.95)."),
    Option(
        "bias-correct",
        "",
        "Correct each prompt's tilts for the bias that the jackknife over its samples finds.",
    ),
    Option("seed", "N", "Seed of the random numbers (default 0)."),
    Option(
        "precision",
        "KIND",
        "Arithmetic: mixed (relative error at most 1e-6) or double (1e-10). The default follows the input's "
        "element type.",
    ),
    Option(
        "ensemble",
        "HOW",
        "How several reward models become one reward: mean, median, min, uwo:C (mean less C times the variance "
        "across models) or entropic:B (-B log mean e^(-s/B)). Each model's own curves follow.",
    ),
    Option(
        "standardize",
        "KIND",
        "Brings several reward models to one scale first: model (each less its mean, over its standard deviation), "
        "prompt (the same within each prompt) or none (the default, unless their spreads differ more than twofold).",
    ),
    Option(
        "device",
        "NAME",
        "auto (the default), cpu, opencl, opencl:PLATFORM.DEVICE, opencl:all, or a part of a device's name. Several "
        "with commas between them share the run. A device asked for by name never falls back.",
    ),
    Option("threads", "N", "Worker threads (default: one a processor)."),
    Option(
        "memory-budget",
        "SIZE",
        "Memory that a run may take, for example 256MiB or 2GiB (the default).",
    ),
)


def make_options(values: Mapping[str, Any]) -> Handle:
    """Options of the library.

    Parameters
    ----------
    values : mapping
        Values by keyword; one that is None is left at its default.

    Returns
    -------
    Handle
        An ``esscher_options``.

    Raises
    ------
    UsageError
        With the program's own sentence for a value that is not taken.
    """
    handle = Handle(library().esscher_options_create(), "esscher_options_destroy")
    for option in OPTIONS:
        value = values.get(option.keyword)
        if value is None:
            continue
        if option.is_grid and not isinstance(value, str):
            _set_numbers(handle, option, value)
        else:
            _set_text(handle, option, _text(option, value))
    return handle


def _set_text(handle: Handle, option: Option, text: str) -> None:
    error = ErrorSlot()
    error.check(
        library().esscher_options_set(
            handle.pointer,
            option.name.encode(),
            encoded(text, f"The value of {option.keyword}"),
            error.address,
        )
    )


def _set_numbers(handle: Handle, option: Option, value: Any) -> None:
    try:
        grid = np.atleast_1d(_array(value))
        if grid.dtype.kind == "O":
            grid = np.array([_number(item) for item in grid.reshape(-1)]).reshape(grid.shape)
        if grid.dtype.kind not in "iuf":
            raise TypeError(f"it holds {grid.dtype}")
        grid = np.ascontiguousarray(grid, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise UsageError(f"{option.keyword} takes numbers, or a text such as '0.1,0.5,2' ({problem}).") from problem
    if grid.ndim != 1 or grid.size == 0:
        raise UsageError(f"{option.keyword} takes a list of at least one number, not an array of shape {grid.shape}.")
    error = ErrorSlot()
    error.check(
        library().esscher_options_set_numbers(
            handle.pointer,
            option.name.encode(),
            grid.ctypes.data_as(ctypes.c_void_p),
            grid.size,
            error.address,
        )
    )


def _array(value: Any) -> np.ndarray[Any, Any]:
    """Numbers of anything that holds some, in its order."""
    if np.ma.is_masked(value):
        raise TypeError("some of it is masked; pass x.compressed()")
    if isinstance(value, Mapping):
        raise TypeError(f"it is a {type(value).__name__}; pass its keys or its values")
    is_known = hasattr(value, "__array__") or isinstance(value, bytes) or not isinstance(value, Iterable)
    return np.asarray(value if is_known else list(value))


def _number(item: Any) -> float:
    if isinstance(item, bool) or not isinstance(item, (numbers.Real, Decimal)):
        raise TypeError(f"it holds {item!r}")
    return float(item)


def device_names(value: Any) -> str:
    """What the library takes for a device, or several: names, or objects of :func:`esscher.devices`."""
    if isinstance(value, (str, Device)):
        return value if isinstance(value, str) else value.name
    return ",".join(item.name if isinstance(item, Device) else str(item) for item in value)


def _text(option: Option, value: Any) -> str:
    if not option.placeholder:
        if not isinstance(value, (bool, np.bool_)):
            raise UsageError(f"{option.keyword} takes True or False, not {value!r}.")
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, (bool, np.bool_)):
        raise UsageError(f"{option.keyword} takes {option.placeholder}, not {value!r}.")
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if option.name == "device" and isinstance(value, (Device, Iterable)):
        return device_names(value)
    if isinstance(value, Iterable) and option.name == "curves":
        return ",".join(str(item) for item in value)
    raise UsageError(f"{option.keyword} takes {option.placeholder}, not an object of type {type(value).__name__}.")
