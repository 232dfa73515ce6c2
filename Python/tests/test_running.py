# SPDX-License-Identifier: Apache-2.0
"""Runs beside signals, threads, forks and little memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import package

import esscher

# Softmax selections of long rows: about a minute's work, so that it cannot end before it is interrupted.
LONG_RUN = """
    import sys, threading
    import numpy, esscher
    rewards = numpy.random.default_rng(0).normal(size=(400, 20000))
    def long_run(**arguments):
        return esscher.frontier(rewards, curves="soft_best_of_n,tilt", threads=1, resamples=10, **arguments)
"""


def python(script: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A process of this interpreter that finds the package where this one does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def finished(process: subprocess.Popen[str]) -> str:
    """Standard output of a process that must end well; the limit is for one that hangs."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


@pytest.mark.parametrize("watched", [False, True])
def test_an_interruption_ends_the_run_and_the_next_one_works(watched: bool) -> None:
    process = python(
        LONG_RUN
        + f"""
    import time
    def started(stage=None, fraction=None):
        print("started", flush=True)
    if not {watched}:
        threading.Timer(0.5, started).start()
    try:
        long_run(progress=started if {watched} else None)
        print("went on")
    except KeyboardInterrupt:
        print("interrupted")
    # The run's thread ends too, soon after.
    for thread in threading.enumerate():
        if thread.name == "esscher":
            thread.join()
    print(len(esscher.frontier([[1.0, 2.0, 3.0]], lambdas=[1], ns=[1], resamples=0)))
    """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output = [line for line in finished(process).splitlines() if line != "started"]
    assert output == ["interrupted", "2"]


def test_an_interrupted_command_line_ends_with_130(tmp_path: Path) -> None:
    package("tqdm")
    np.save(tmp_path / "k.npy", np.random.default_rng(0).normal(size=(400, 20000)))
    arguments = ["frontier", str(tmp_path / "k.npy"), "--curves", "soft_best_of_n", "--threads", "1"]
    process = python(
        "import sys; from esscher.__main__ import main; sys.exit(main())",
        *arguments,
        "--progress=always",
        "-o",
        str(tmp_path / "k.csv"),
    )
    assert process.stderr is not None
    assert process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert errors.endswith("esscher: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.npy"]


def test_other_threads_go_on_during_a_run() -> None:
    rewards = np.random.default_rng(0).normal(size=(200, 4000))
    counted = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1

    counter = threading.Thread(target=count)
    before = []

    def progress(stage: str, fraction: float) -> None:
        before.append(counted)

    counter.start()
    try:
        esscher.frontier(rewards, curves="soft_best_of_n,tilt", threads=1, progress=progress)
    finally:
        stop.set()
        counter.join()
    assert before[-1] > before[0]


def test_several_threads_run_at_once(rewards: np.ndarray) -> None:
    alone = [esscher.frontier(rewards, seed=seed, resamples=10) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: esscher.frontier(rewards, seed=seed, resamples=10), range(8)))
    assert together == alone


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
def test_a_child_of_fork_runs_too(rewards: np.ndarray) -> None:
    expected = esscher.frontier(rewards, resamples=10)
    child = os.fork()
    if child == 0:
        # The other end of a child: nothing of pytest may run here.
        try:
            os._exit(0 if esscher.frontier(rewards, resamples=10) == expected else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_progress_goes_from_nothing_to_everything(rewards: np.ndarray) -> None:
    events: list[tuple[str, float]] = []
    calling = set()

    def progress(stage: str, fraction: float) -> None:
        events.append((stage, fraction))
        calling.add(threading.get_ident())

    esscher.frontier(rewards, progress=progress)
    assert calling == {threading.get_ident()}
    assert all(0 <= fraction <= 1 for _, fraction in events)
    assert "computing" in {stage for stage, _ in events}
    assert [fraction for stage, fraction in events if stage == "computing"][-1] == 1


def test_an_exception_of_progress_ends_the_run() -> None:
    class StopHereError(Exception):
        pass

    def progress(stage: str, fraction: float) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        esscher.frontier(np.zeros((400, 20000)), curves="soft_best_of_n", threads=1, progress=progress)


def test_a_bar_of_tqdm_names_the_stages(rewards: np.ndarray, capfd: pytest.CaptureFixture[str]) -> None:
    package("tqdm")
    esscher.frontier(rewards, progress=True)
    shown = capfd.readouterr()
    assert "esscher: computing" in shown.err
    assert shown.out == ""
    esscher.frontier(rewards, progress=False)
    esscher.frontier(rewards)
    # Standard error is no terminal here.
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("moment", ["made", "updated", "closed"])
def test_an_interruption_waits_until_a_bar_is_whole(
    moment: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    tqdm = pytest.importorskip("tqdm.auto").tqdm
    steps: list[str] = []

    def step(name: str) -> None:
        if name == moment and name not in steps:
            signal.raise_signal(signal.SIGINT)
        steps.append(name)

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, **arguments: Any) -> None:
            step("made")
            super().__init__(**arguments)

        def update(self, n: float = 1) -> None:
            step("updated")
            super().update(n)

        def close(self) -> None:
            if not getattr(self, "disable", True):
                step("closed")
            super().close()

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    # Tests may run where the signal is ignored, as in a shell's background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt):
        esscher.frontier([[1.0, 2.0, 3.0]], lambdas=[1], ns=[1], resamples=0, progress=True)
    assert steps[-1] == "closed"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_bar_without_tqdm_says_what_to_install(rewards: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(esscher.UsageError, match="pip install tqdm"):
        esscher.frontier(rewards, progress=True)


MEASURE = """
    import sys
    import numpy, esscher
    def peak():
        # Of this process alone; getrusage's number begins with that of the process that started this one.
        lines = open("/proc/self/status").read().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    esscher.frontier([[1.0, 2.0], [3.0, 5.0]])
    rewards = numpy.load(sys.argv[1], mmap_mode="r") if sys.argv[2] == "mapped" else numpy.load(sys.argv[1])
    before = peak()
    esscher.frontier(rewards, memory_budget="16MiB", threads=2)
    print(peak() - before)
"""


@pytest.mark.parametrize("how", ["mapped", "read"])
def test_a_run_copies_no_cells(how: str, tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.random.default_rng(0).normal(size=(2000, 10000)).astype("f4"))
    grown = int(finished(python(MEASURE, str(tmp_path / "k.npy"), how)))
    # The file's 80 MB count as they are mapped; a copy of them would come on top. The budget of 16 MiB is for what the
    # run keeps, and 24 MiB more are the allocator's, the threads' stacks' and the replicates' to take.
    mapped = 80_000_000 if how == "mapped" else 0
    assert grown < mapped + (40 << 20)
