# SPDX-License-Identifier: Apache-2.0
"""What the tests have in common: the program as a reference, rewards with a fixed seed, packages that may be absent."""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

#: Replicates of tests that compare with the program: enough for intervals to differ where anything does.
RESAMPLES = 20

#: Where a checkout has the program; ESSCHER_TOOL names another.
_TOOL = Path(__file__).parents[2] / ".build-library" / "release" / "esscher"


@pytest.fixture(scope="session")
def tool() -> Callable[..., str]:
    """The program: standard output of a command line. Without it nothing can be compared, and that is a failure."""
    path = os.environ.get("ESSCHER_TOOL", os.fspath(_TOOL))
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not the program esscher; build it, or let ESSCHER_TOOL name it")

    def run(*arguments: str, stdin: str | None = None) -> str:
        finished = subprocess.run([path, *arguments], input=stdin, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


@pytest.fixture(scope="session")
def csv_of_npy(tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The program's CSV of an array, by way of the file k.npy, so that the label is k."""
    path = tmp_path_factory.mktemp("npy") / "k.npy"

    def run(array: np.ndarray[Any, Any], *options: str) -> str:
        np.save(path, array)
        return tool("frontier", os.fspath(path), "--format", "csv", "--resamples", str(RESAMPLES), *options)

    return run


@pytest.fixture(scope="session")
def rewards() -> np.ndarray[Any, Any]:
    """64 prompts x 256 samples of float32, ties among them."""
    values = np.random.default_rng(7).normal(size=(64, 256)) * np.linspace(0.5, 2, 64)[:, None]
    return values.round(2).astype(np.float32)


@pytest.fixture(scope="session")
def ragged_rows(rewards: np.ndarray[Any, Any]) -> list[list[float]]:
    """Rows of 100 to 163 samples."""
    return [[float(value) for value in row[: 100 + index]] for index, row in enumerate(rewards)]


def package(name: str) -> Any:
    """A package that a test needs, which is skipped without it.

    Absence alone skips: a package that is there and cannot be imported fails the test.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name is not None and problem.name.partition(".")[0] != name.partition(".")[0]:
            raise
        pytest.skip(f"the package {name} is not installed")
