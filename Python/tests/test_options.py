# SPDX-License-Identifier: Apache-2.0
"""Options: every keyword does what the program's flag of that name does."""

from __future__ import annotations

import inspect
from collections import deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import esscher
from esscher._options import OPTIONS

#: The same numbers in whatever holds numbers.
ITERABLES: list[Any] = [
    {2, 1, 0.5},
    {0.5: "a", 1: "b", 2: "c"}.keys(),
    [Fraction(1, 2), 1, Decimal(2)],
    deque([0.5, 1, 2]),
    np.ma.array([0.5, 1, 2], mask=False),
]

#: A keyword, values that mean the same, and the program's flags for them.
CASES: dict[str, tuple[list[Any], list[str]]] = {
    "betas": (["0.5,1,2", [0.5, 1, 2], (2, 1, 0.5), np.array([0.5, 1, 2], "f4"), *ITERABLES], ["--betas", "0.5,1,2"]),
    "lambdas": (["log:0.1:1:3", "log:0.1:1:3"], ["--lambdas", "log:0.1:1:3"]),
    "kl_budgets": ([0.5, "0.5", [0.5]], ["--kl-budgets", "0.5"]),
    "ns": (["2,5", [2, 5], range(2, 6, 3), np.array([5, 2])], ["--ns", "2,5"]),
    "curves": (["tilt", ["tilt"]], ["--curves", "tilt"]),
    "missing": (["drop"], ["--missing", "drop"]),
    "resamples": ([7, "7", np.int64(7)], ["--resamples", "7"]),
    "confidence": ([0.5, "0.5", np.float32(0.5)], ["--confidence", "0.5"]),
    "bias_correct": ([True, np.True_], ["--bias-correct"]),
    "seed": ([3, "3"], ["--seed", "3"]),
    "precision": (["double"], ["--precision", "double"]),
    "ensemble": (["uwo:0.5"], ["--ensemble", "uwo:0.5"]),
    "standardize": (["prompt"], ["--standardize", "prompt"]),
    "device": (["cpu", ["cpu"], esscher.devices()[0], [esscher.devices()[0]]], ["--device", "cpu"]),
    "threads": ([1, "1"], ["--threads", "1"]),
    "memory_budget": ([64 * 2**20, "64MiB"], ["--memory-budget", "64MiB"]),
}


def test_every_option_has_a_case_and_is_an_argument() -> None:
    assert set(CASES) == {option.keyword for option in OPTIONS}
    assert set(CASES) < set(inspect.signature(esscher.frontier).parameters)


@pytest.mark.parametrize("keyword", CASES)
def test_an_option_is_the_programs(keyword: str, rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    values, flags = CASES[keyword]
    cells = np.stack([rewards, rewards**2 / 2]) if keyword in ("ensemble", "standardize") else rewards
    fixed = [] if keyword == "resamples" else ["--resamples", "10"]
    if keyword == "standardize":
        fixed += ["--ensemble", "mean"]
    np.save(tmp_path / "k.npy", cells)
    expected = tool("frontier", str(tmp_path / "k.npy"), "--format", "csv", *fixed, *flags)
    others: dict[str, Any] = {} if keyword == "resamples" else {"resamples": 10}
    if keyword == "standardize":
        others["ensemble"] = "mean"
    for value in values:
        found = esscher.frontier(cells, label="k", **others, **{keyword: value})
        assert found.to_csv() == expected, value


def test_a_grid_may_come_from_a_generator(rewards: np.ndarray) -> None:
    found = esscher.frontier(rewards, lambdas=(value / 2 for value in (1, 2)), ns=map(int, "12"), resamples=0)
    assert found == esscher.frontier(rewards, lambdas=[0.5, 1], ns=[1, 2], resamples=0)


def test_a_switch_can_be_off(rewards: np.ndarray) -> None:
    off = esscher.frontier(rewards, resamples=0, bias_correct=False)
    assert off == esscher.frontier(rewards, resamples=0)
    assert off != esscher.frontier(rewards, resamples=0, bias_correct=True)


def test_numbers_lose_no_digits_on_their_way(rewards: np.ndarray) -> None:
    value = 0.1 + 2**-55
    found = esscher.frontier(rewards, lambdas=[value], resamples=0).curve("tilt")
    assert found["lambda"][0] == value


def test_devices_are_listed() -> None:
    found = esscher.devices()
    assert all(isinstance(device, esscher.Device) for device in found)
    assert found[0].name == "cpu"
    assert found[0].usable
    assert found[0].units >= 1
    assert found[0].memory_bytes > 1 << 20
    assert found[0].model
    assert found[0].target
    assert sum(device.is_auto for device in found) == 1
    assert all(device.reason for device in found if not device.usable)


def test_an_opencl_device_is_used_where_there_is_one(rewards: np.ndarray) -> None:
    usable = [device for device in esscher.devices() if device.usable and device.name.startswith("opencl")]
    if not usable:
        pytest.skip("this machine has no usable OpenCL device")
    there = esscher.frontier(rewards, device=usable[0].name, lambdas=[0.5, 1], resamples=0)
    here = esscher.frontier(rewards, device="cpu", lambdas=[0.5, 1], resamples=0)
    assert there.provenance["device"] != here.provenance["device"]
    # Both keep the contract's 1e-6 for float32.
    for column in ("kl", "reward"):
        np.testing.assert_allclose(there.curve("tilt")[column], here.curve("tilt")[column], rtol=2e-6)
