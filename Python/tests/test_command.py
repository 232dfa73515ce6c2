# SPDX-License-Identifier: Apache-2.0
"""``python -m esscher``."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
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


def test_a_pattern_that_the_shell_left_is_one_table(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(table.parent)
    flags = ["--resamples", "0", "--format", "csv"]
    for name in ("k*.parquet", "."):
        assert main(["frontier", name, *flags]) == 0
        assert capsys.readouterr().out == esscher.frontier(table, resamples=0).to_csv()
    # What the pattern names is an input too.
    assert main(["frontier", "*.parquet", "-o", "k.parquet"]) == 2
    assert "replace the input" in capsys.readouterr().err


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
        (["frontier", "k.npy", "-o", "a.csv", "-o", "nowhere/a.csv"], 2, "Cannot create"),
        (["frontier", "k.npy", "-o", "a.csv", "--plot", "nowhere/a.svg"], 2, "Cannot create|needs matplotlib"),
        (["frontier", "k.npy", "-o", "."], 2, "names no format"),
        (["frontier", "k.npy", "-o", "a.csv", "--format", "json"], 2, "contradicts"),
        (["frontier", "k.npy", "--per-prompt", "-"], 2, "needs a file"),
        (["frontier", "k.npy", "--per-prompt", "a.json"], 2, "writes CSV"),
        (["frontier", "k.npy", "--per-prompt", "nowhere/a.csv"], 2, "Cannot create"),
        (["frontier", "k.npy", "--per-prompt", "a.csv", "-o", "a.csv"], 2, "Two outputs"),
        (["frontier", "k.npy", "--per-prompt", "k.npy"], 2, "replace the input"),
        (["frontier", "-"], 2, "--input-format"),
        (["frontier", "-", "-", "--input-format", "npy"], 2, "read once"),
        (["frontier", "k.npy", "--gold", "-", "--input-format", "npy"], 2, "only the rewards"),
        (["frontier", "k.npy", "--state", "s"], 2, "add --shard"),
        (["frontier", "k.npy", "--after", "s"], 2, "add --shard"),
        (["frontier", "k.npy", "--shard", "1/2"], 2, "add --state"),
        (["frontier", "k.npy", "--shard", "3/2", "--state", "s"], 2, "--shard takes"),
        (["frontier", "k.npy", "--shard", "1", "--state", "s"], 2, "--shard takes"),
        (["frontier", "k.npy", "--shard", "1/2", "--state", "-"], 2, "needs a file"),
        (["frontier", "k.npy", "--shard", "1/2", "--state", "k.npy"], 2, "replace the input"),
        (["frontier", "k.npy", "--shard", "1/2", "--state", "s", "-o", "a.csv"], 2, "writes no report"),
        (["frontier", "k.npy", "--shard", "1/2", "--state", "s", "--per-prompt", "a.csv"], 2, "all prompts"),
        (["frontier", "k.npy", "--shard", "1/2", "--state", "s", "--after", "nothing"], 3, "cannot be read"),
        (["merge"], 2, "STATE"),
        (["merge", "nothing"], 3, "cannot be read"),
        (["merge", "k.npy"], 3, "k.npy"),
        (["merge", "k.npy", "k.npy"], 3, "named twice"),
        (["frontier", "k.npy", "--format", "xml"], 2, "--format takes"),
        (["frontier", "k.npy", "--plot", "p.doc"], 2, "--plot takes"),
        (["frontier", "k.npy", "--plot-axis", "log"], 2, "--plot-axis takes"),
        (["frontier", "k.npy", "--progress", "often"], 2, "--progress takes"),
        (["frontier", "one.npy"], 3, "nan|NaN|missing"),
        (["frontier", "k.npy", "--key", "a"], 2, "'k.npy' is read as npy; leave it out"),
        (["frontier", "k.npy", "--column", "reward=a"], 2, "have no columns"),
        (["frontier", "k.npy", "--dtype", "bf16"], 2, "and this holds float64"),
        (["frontier", "k.npy", "--dtype", "fp8"], 2, "takes 'bf16'"),
        (["frontier", "k.npy", "--input-format", "xml"], 2, "not 'xml'"),
        (["frontier", "*.parquet"], 3, "no file is named so"),
        (["frontier", "k.npy", "--gold", "k[1].npy:m[0]"], 3, "no file is named so"),
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
        return {word.strip(",.") for word in text.split() if word.startswith("--")}

    with pytest.raises(SystemExit):
        main(["frontier", "--help"])
    ours = flags(capsys.readouterr().out)
    theirs = {flag for flag in flags(tool("frontier", "--help")) if flag.strip("-").replace("-", "").isalpha()}
    assert theirs - ours <= {"--version"}
    assert ours - theirs <= {"--label"}
    with pytest.raises(SystemExit):
        main(["merge", "--help"])
    prose = {"--after", "--lambdas", "--ns", "--shard", "--version"}
    assert flags(tool("merge", "--help").partition("Examples:")[0]) - flags(capsys.readouterr().out) <= prose


@pytest.mark.parametrize("form", ["npy", "csv", "jsonl", "parquet", "arrow"])
def test_standard_input(
    form: str, rewards: np.ndarray, tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrow = package("pyarrow")
    from pyarrow import parquet

    buffer = io.BytesIO()
    if form == "npy":
        np.save(buffer, rewards)
    elif form == "csv":
        lines = [f"p{row},{value}\n" for row, values in enumerate(rewards) for value in values]
        buffer.write(f"prompt_id,reward\n{''.join(lines)}".encode())
    elif form == "jsonl":
        for row in rewards:
            buffer.write(f"{json.dumps({'rewards': [float(value) for value in row]})}\n".encode())
    else:
        table = arrow.table({"rewards": list(rewards)})
        if form == "parquet":
            parquet.write_table(table, buffer)
        else:
            with arrow.ipc.new_stream(buffer, table.schema) as writer:
                writer.write_table(table)
    np.save(tmp_path / "stdin.npy", rewards)
    gold = str(tmp_path / "stdin.npy")
    flags = ["--gold", gold, "--resamples", "10", "--precision", "double", "--format", "csv", "-q"]
    expected = tool("frontier", str(tmp_path / "stdin.npy"), *flags)
    command = [sys.executable, "-m", "esscher", "frontier", "-", "--input-format", form, "--label", "stdin", *flags]
    done = subprocess.run(command, input=buffer.getvalue(), capture_output=True, env=environment())
    assert (done.returncode, done.stderr) == (0, b"")
    # Text is read as doubles, whose decimals are the floats' own.
    assert done.stdout.decode() == expected


def test_lines_of_prompts_are_the_programs(table: Path, rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    lines = [f'"a, {row}",{value}\n' for row, values in enumerate(rewards) for value in values]
    (tmp_path / "k.csv").write_text(f"prompt_id,reward\n{''.join(lines)}")
    flags = ["--resamples", "10", "--lambdas", "0,0.5,2", "-q", "--precision", "double"]
    tool("frontier", str(tmp_path / "k.csv"), *flags, "--per-prompt", str(tmp_path / "theirs.csv"))
    assert (
        main(
            [
                "frontier",
                str(tmp_path / "k.csv"),
                *flags,
                "--per-prompt",
                str(tmp_path / "ours.csv"),
                "-o",
                str(tmp_path / "o.csv"),
            ]
        )
        == 0
    )
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()
    result = esscher.frontier(
        tmp_path / "k.csv", resamples=10, lambdas="0,0.5,2", precision="double", per_prompt=tmp_path / "again.csv"
    )
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()
    assert result.to_csv() == (tmp_path / "o.csv").read_text()
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_lines_of_prompts_of_a_run_that_fails_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("before")

    def stop(stage: str, fraction: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        esscher.frontier([[1.0, 2.0, 3.0]], resamples=0, per_prompt=path, progress=stop)
    with pytest.raises(esscher.InputError):
        esscher.frontier([[1.0, 2.0, float("nan")]], resamples=0, per_prompt=path)
    with pytest.raises(esscher.UsageError, match="per_prompt is a file's name"):
        esscher.frontier([[1.0, 2.0, 3.0]], resamples=0, per_prompt=5)  # type: ignore[arg-type]
    for name in ("", "-"):
        with pytest.raises(esscher.UsageError, match="per_prompt needs a file's name"):
            esscher.frontier([[1.0, 2.0, 3.0]], resamples=0, per_prompt=name)
    for arguments in ({"rewards": path}, {"rewards": [path, "b.npy"]}, {"rewards": [[1.0]], "gold": f"{path}:gold"}):
        with pytest.raises(esscher.UsageError, match="would replace the input"):
            esscher.frontier(**arguments, resamples=0, per_prompt=path)
    assert [file.name for file in tmp_path.iterdir()] == ["lines.csv"]
    assert path.read_text() == "before"


def test_a_full_disk_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    np.save(tmp_path / "k.npy", np.random.default_rng(0).normal(size=(40, 64)))
    file = str(tmp_path / "k.npy")
    for flags in (["-o", "/dev/full", "--format", "csv"], ["--per-prompt", "/dev/full"]):
        assert main(["frontier", file, "--resamples", "0", *flags]) == 1
        assert "/dev/full: could not be written (No space left" in capsys.readouterr().err
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "esscher", "frontier", file, "-o", str(tmp_path / "o.csv"), "-o", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert done.returncode == 1
    assert "standard output: could not be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["k.npy"]


def test_outputs_keep_pipes_links_and_modes(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.array([[1.0, 2.0, 3.0]]))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "target.csv").write_text("before")
    (tmp_path / "target.csv").chmod(0o640)
    (tmp_path / "link.csv").symlink_to("target.csv")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    arguments = ["-o", str(tmp_path / "pipe"), "-o", str(tmp_path / "link.csv"), "--format", "csv", "-q"]
    assert main(["frontier", str(tmp_path / "k.npy"), "--resamples", "0", *arguments]) == 0
    reader.join()
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").stat().st_mode & 0o777 == 0o640
    assert read == [(tmp_path / "target.csv").read_text()] != ["before"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_sweep_in_files_is_one_run(
    table: Path, tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--resamples", "10", "-q"]
    assert main(["frontier", str(table), *flags, "-o", "whole.csv"]) == 0
    after: list[str] = []
    for turn in range(30):
        for index in (2, 3, 1):
            shard = ["--shard", f"{index}/3", "--state", f"{index}.state", *after]
            assert main(["frontier", str(table), *flags, *shard]) == 0
        names = [f"{index}.state" for index in (1, 3, 2)] + after[1:]
        code = main(["merge", *names, "--state", "merged.state", "-o", "merged.csv", "-q"])
        after = ["--after", "merged.state"]
        if code == 0:
            break
        assert code == 6
        assert "needs another" in capsys.readouterr().err
        assert not Path("merged.csv").exists()
        if turn == 0:
            assert main(["merge", *names]) == 2
            assert "add --state" in capsys.readouterr().err
    assert Path("merged.csv").read_text() == Path("whole.csv").read_text()
    # The program's merge reads the same states.
    tool("merge", "merged.state", "-o", str(tmp_path / "theirs.csv"))
    assert Path("theirs.csv").read_text() == Path("whole.csv").read_text()
    # A sweep that is finished has nothing to run, and says so where it is asked again.
    capsys.readouterr()
    assert main(["frontier", str(table), *flags[:2], "--shard", "1/3", "--state", "late.state", *after]) == 0
    assert "the sweep is finished" in capsys.readouterr().err
    assert not Path("late.state").exists()
    assert main(["frontier", str(table), "--resamples", "11", "--shard", "1/3", "--state", "late.state", *after]) == 3
    assert "merged.state: asks another question" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


@pytest.mark.parametrize("form", ["npy", "csv"])
def test_shards_of_the_program_and_of_python_are_one_sweep(
    form: str,
    rewards: np.ndarray,
    tool: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if form == "npy":
        np.save("k.npy", rewards)
    else:
        package("pyarrow")
        lines = [f"p{row},{value}\n" for row, values in enumerate(rewards) for value in values]
        Path("k.csv").write_text(f"prompt_id,reward\n{''.join(lines)}")
    flags = ["frontier", f"k.{form}", "--lambdas", "0,0.5", "--resamples", "10", "--precision", "double", "-q"]
    flags += [] if form == "npy" else ["--column", "reward=reward"]
    tool(*flags, "-o", "whole.csv")
    after: list[str] = []
    for _ in range(30):
        tool(*flags, "--shard", "1/2", "--state", "1.state", *after)
        assert main([*flags, "--shard", "2/2", "--state", "2.state", *after]) == 0
        code = main(["merge", "1.state", "2.state", *after[1:], "--state", "merged.state", "-o", "merged.csv", "-q"])
        after = ["--after", "merged.state"]
        if code != 6:
            break
    assert code == 0
    assert Path("merged.csv").read_text() == Path("whole.csv").read_text()
    np.save("other.npy", rewards[:, 1:].astype(np.float32 if form == "npy" else np.float64))
    shard = ["--shard", "1/2", "--state", "late.state", "--label", "k" if form == "npy" else "reward"]
    assert main(["frontier", "other.npy", *flags[2:8], *shard, *after]) == 3
    assert "over another table" in capsys.readouterr().err


def environment() -> dict[str, str]:
    """For a process of its own, with the same package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_a_closed_pipe_is_success(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.random.default_rng(0).normal(size=(4, 64)))
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "esscher", "frontier", str(tmp_path / "k.npy")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment())
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
