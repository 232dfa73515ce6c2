# SPDX-License-Identifier: Apache-2.0
"""``python -m esscher``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import package

import esscher
from esscher.__main__ import main


@pytest.fixture
def table(rewards: np.ndarray, tmp_path: Path) -> Path:
    """A Parquet file with rewards and gold rewards of each prompt."""
    arrow = package("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "k.parquet"
    columns = {"prompt": [f"p{row}" for row in range(len(rewards))], "rewards": list(rewards), "gold": list(-rewards)}
    parquet.write_table(arrow.table(columns), path)
    return path


def test_a_parquet_file_gives_the_programs_csv(
    table: Path, rewards: np.ndarray, tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "k.npy", rewards)
    np.save(tmp_path / "g.npy", -rewards)
    flags = ["--format", "csv", "--resamples", "10", "--kl-budgets", "0.5", "--ns", "pow2", "--bias-correct"]
    assert main(["frontier", str(table), "--label", "k", *flags]) == 0
    shown = capsys.readouterr()
    assert shown.out == tool("frontier", str(tmp_path / "k.npy"), "--gold", str(tmp_path / "g.npy"), *flags)
    # Warnings go to standard error, a line each.
    assert all(line.startswith("esscher: warning: ") for line in shown.err.splitlines())


def test_outputs_of_every_format(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package("matplotlib")
    from pyarrow import parquet

    names = ["o.csv", "o.json", "o.jsonl", "o.txt", "o.parquet"]
    outputs = [word for name in names for word in ("-o", str(tmp_path / name))]
    plots = [word for name in ("o.svg", "o.png", "o.pdf") for word in ("--plot", str(tmp_path / name))]
    assert main(["frontier", str(table), "--resamples", "0", "--plot-axis", "sqrt", *outputs, *plots, "-q"]) == 0
    assert capsys.readouterr().out == ""
    result = esscher.frontier(table, resamples=0)
    assert (tmp_path / "o.csv").read_text() == result.to_csv()
    assert (tmp_path / "o.jsonl").read_text() == result.to_jsonl()
    assert (tmp_path / "o.txt").read_text() == str(result)
    assert json.loads((tmp_path / "o.json").read_text())["points"] == result.points
    assert parquet.read_table(tmp_path / "o.parquet").to_pylist() == result.points
    for name, head in (("o.svg", b"<?xml"), ("o.png", b"\x89PNG"), ("o.pdf", b"%PDF")):
        assert (tmp_path / name).read_bytes().startswith(head)
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_flags_of_columns_and_several_files(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--resamples", "0", "--format", "csv"]
    assert main(["frontier", str(table), "--column", "reward=rewards,gold", "--ensemble", "min", *flags]) == 0
    assert {line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]} == {"min(2)", "rewards", "gold"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "No command"),
        (["frontier"], 2, "required: REWARDS"),
        (["frontier", "k.npy", "--lambda", "1"], 2, "nrecognized arguments: --lambda"),
        (["frontier", "nothing.npy"], 3, "no such file"),
        (["frontier", "k.npy", "--lambdas", "x"], 2, "--lambdas"),
        (["frontier", "k.npy", "--device", "no such"], 4, "no such"),
        (["frontier", "k.npy", "--column", "reward"], 2, "ROLE=NAME"),
        (["frontier", "k.npy", "--column", "gold=a", "--column", "gold=b"], 2, "twice"),
        (["frontier", "k.npy", "-o", "o.doc"], 2, "names no format"),
        (["frontier", "k.npy", "-o", "-", "-o", "-"], 2, "twice"),
        (["frontier", "k.npy", "-o", "a.csv", "-o", "./a.csv"], 2, "Two outputs"),
        (["frontier", "k.npy", "-o", "k.npy", "--format", "csv"], 2, "replace the input"),
        (["frontier", "k.npy", "-o", "nowhere/a.csv"], 3, "could not be written"),
        (["frontier", "k.npy", "--format", "xml"], 2, "--format takes"),
        (["frontier", "k.npy", "--plot", "p.doc"], 2, "--plot takes"),
        (["frontier", "k.npy", "--plot-axis", "log"], 2, "--plot-axis takes"),
        (["frontier", "k.npy", "--progress", "often"], 2, "--progress takes"),
        (["frontier", "one.npy"], 3, "nan|NaN|missing"),
    ],
)
def test_failures_are_sentences_with_exit_codes(
    arguments: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("k.npy", np.array([[1.0, 2.0, 3.0]]))
    np.save("one.npy", np.array([[1.0, np.nan]]))
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("esscher: ")
    assert any(part in shown.err for part in sentence.split("|"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.npy", "one.npy"]


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, wanted in ((["--help"], "devices"), (["frontier", "--help"], "--kl-budgets"), (["-V"], "esscher ")):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert wanted in capsys.readouterr().out


def test_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    assert capsys.readouterr().out.startswith("cpu: ")
    assert main(["devices", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["devices"][0]["name"] == "cpu"


def test_flags_are_those_of_the_program(tool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def flags(text: str) -> set[str]:
        return {word.strip(",") for word in text.split() if word.startswith("--")}

    with pytest.raises(SystemExit):
        main(["frontier", "--help"])
    ours = flags(capsys.readouterr().out)
    theirs = {flag for flag in flags(tool("frontier", "--help")) if flag.strip("-").replace("-", "").isalpha()}
    # What the program alone has: lines of prompts, sweeps in parts, colours.
    assert theirs - ours <= {"--per-prompt", "--no-color", "--version", "--after", "--shard", "--state"}
    assert ours - theirs <= {"--label"}


def test_a_closed_pipe_is_success(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.random.default_rng(0).normal(size=(4, 64)))
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "esscher", "frontier", str(tmp_path / "k.npy")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
