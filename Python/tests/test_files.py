# SPDX-License-Identifier: Apache-2.0
"""Files and folders by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import RESAMPLES, package

import esscher


def csv(rewards: Any, **arguments: Any) -> str:
    return esscher.frontier(rewards, resamples=RESAMPLES, **arguments).to_csv()


def test_npy_by_its_name(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", rewards)
    assert csv(tmp_path / "k.npy") == csv_of_npy(rewards)
    assert csv(str(tmp_path / "k.npy")) == csv_of_npy(rewards)
    (tmp_path / "k.npy").rename(tmp_path / "k.data")
    assert csv(tmp_path / "k.data", input_format="npy") == csv_of_npy(rewards)


def test_npz_with_a_key(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.npz"
    np.savez_compressed(path, a=rewards, b=-rewards)
    assert csv(path, key="a") == csv_of_npy(rewards)
    assert csv(path, key="a", gold=f"{path}:b") == csv(rewards, label="k", gold=-rewards)
    with pytest.raises(esscher.InputError, match="holds the arrays a, b"):
        csv(path)
    with pytest.raises(esscher.InputError, match="no array 'c'"):
        csv(path, key="c")


def test_bfloat16_file(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    opaque = rewards.view("u4").__rshift__(16).astype("u2").view("V2")
    np.save(tmp_path / "k.npy", opaque)
    assert csv(tmp_path / "k.npy", dtype="bf16") == csv_of_npy(opaque, "--dtype", "bf16")
    with pytest.raises(esscher.InputTypeError, match="dtype='bf16'"):
        csv(tmp_path / "k.npy")
    with pytest.raises(esscher.UsageError, match="dtype takes 'bf16'"):
        csv(tmp_path / "k.npy", dtype="fp8")


def test_parquet_and_arrow(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    arrow = package("pyarrow")
    from pyarrow import feather, parquet

    table = arrow.table({"text": ["x"] * len(rewards), "rewards": list(rewards)})
    parquet.write_table(table, tmp_path / "k.parquet")
    feather.write_feather(table, tmp_path / "k.feather")
    with arrow.ipc.new_stream(tmp_path / "k.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("k.parquet", "k.feather", "k.arrow"):
        assert csv(tmp_path / name, label="k") == csv_of_npy(rewards)
    parquet.write_table(table.select(["text"]), tmp_path / "n.parquet")
    with pytest.raises(esscher.InputError, match="its columns are text"):
        csv(tmp_path / "n.parquet")


def test_a_saved_data_set(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    datasets = package("datasets")
    data = datasets.Dataset(package("pyarrow").table({"rewards": list(rewards)}))
    data.save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=data).save_to_disk(tmp_path / "split")
    assert csv(tmp_path / "one", label="k") == csv_of_npy(rewards)
    assert csv(f"dataset:{tmp_path / 'split'}:train", label="k") == csv_of_npy(rewards)
    with pytest.raises(esscher.InputTypeError, match="splits"):
        csv(tmp_path / "split")
    (tmp_path / "empty").mkdir()
    with pytest.raises(esscher.InputError, match="save_to_disk"):
        csv(tmp_path / "empty")


TEXTS = {
    "long.csv": "prompt_id,reward,gold\n" + "".join(f"0{i % 3},{i * 0.37 % 5},{i}\n" for i in range(60)),
    "quoted.csv": 'prompt,score\n"a, b",1\n"a, b",2.5\nc,\nc,3\n',
    "long.tsv": "task_id\tscore\n" + "".join(f"{i % 4}\t{i * i % 7}\n" for i in range(40)),
    "counts.csv": "id,num_samples,num_correct\na,10,3\nb,10,4\n",
    "lists.jsonl": "".join(
        json.dumps({"prompt_id": f"p{i}", "rewards": [i * 0.1, 1, 2.5, i], "gold_scores": [1, 2, 3, i]}) + "\n"
        for i in range(9)
    ),
    "long.jsonl": "".join(json.dumps({"id": i % 5, "reward": (i * 37 % 11) / 7}) + "\n" for i in range(50)),
    "chats.jsonl": "".join(
        json.dumps({"prompt": [{"role": "user", "content": f"é {i % 3}"}], "reward": (i * 37 % 11) / 7}) + "\n"
        for i in range(30)
    ),
    "flags.jsonl": "".join(json.dumps({"prompt": f"q{i % 2}", "score": i % 3 == 0}) + "\n" for i in range(30)),
    "strings.jsonl": "".join(json.dumps({"id": i % 2, "score": f"{i % 4}.5"}) + "\n" for i in range(30)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_as_the_program_reads_them(name: str, tool: Any, tmp_path: Path) -> None:
    package("pyarrow")
    path = tmp_path / name
    path.write_text(TEXTS[name])
    options = ["--missing", "drop", "--resamples", str(RESAMPLES)]
    lines, theirs = tmp_path / "lines.csv", tmp_path / "theirs.csv"
    expected = tool("frontier", str(path), "--format", "csv", "--per-prompt", str(theirs), *options)
    assert csv(path, missing="drop", per_prompt=lines) == expected
    assert lines.read_text() == theirs.read_text()


def test_arguments_that_do_not_fit_the_file_are_refused(rewards: np.ndarray, tmp_path: Path) -> None:
    package("pyarrow")
    np.save(tmp_path / "k.npy", rewards)
    (tmp_path / "k.csv").write_text(TEXTS["long.csv"])
    np.savez(tmp_path / "k.npz", a=rewards)
    np.save(tmp_path / "s.npy", np.zeros(3, [("reward", "f4")]))
    fits = "leave it out, or name the column with column={'reward': NAME}"
    cases = [
        ("k.npy", {"key": "a"}, esscher.UsageError, "'.*k.npy' is read as npy; leave it out"),
        ("k.csv", {"key": "reward"}, esscher.UsageError, f"'.*k.csv' is read as csv; {fits}"),
        ("k.npy", {"gold": f"{tmp_path / 'k.npy'}:a"}, esscher.UsageError, "is read as npy"),
        ("k.npy", {"column": {"reward": "a"}}, esscher.UsageError, "have no columns"),
        ("k.npz", {"column": {"reward": "a"}, "key": "a"}, esscher.UsageError, "have no columns"),
        ("k.npy", {"dtype": "bf16"}, esscher.UsageError, "V2 or uint16, and this holds float32"),
        ("k.csv", {"dtype": "bf16"}, esscher.UsageError, "a table"),
        ("k.csv", {"dtype": "fp8"}, esscher.UsageError, "takes 'bf16'"),
        ("s.npy", {}, esscher.InputError, "structured array"),
    ]
    for name, arguments, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            esscher.frontier(tmp_path / name, **arguments)


def test_several_files_are_an_ensemble(rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    for index, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", rewards + index)
    paths = [str(tmp_path / f"{name}.npy") for name in "ab"]
    expected = tool("frontier", *paths, "--ensemble", "mean", "--format", "csv", "--resamples", str(RESAMPLES))
    assert csv(paths, ensemble="mean") == expected


def test_policies_from_a_file_a_frame_and_records(rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    package("pyarrow")
    np.save(tmp_path / "k.npy", rewards)
    path = tmp_path / "p.csv"
    path.write_text("name,kl,reward,gold\nppo,0.5,0.9,\ndpo,1.5,1,0.25\n")
    base = ["frontier", str(tmp_path / "k.npy"), "--format", "csv", "--resamples", str(RESAMPLES)]
    expected = tool(*base, "--policies", str(path))
    records = [{"name": "ppo", "kl": 0.5, "reward": 0.9}, {"name": "dpo", "kl": 1.5, "reward": 1, "gold": 0.25}]
    assert csv(rewards, label="k", policies=path) == expected
    assert csv(rewards, label="k", policies=records) == expected
    frame = package("pandas").DataFrame(records)
    assert csv(rewards, label="k", policies=frame) == expected


def test_names_of_policies_are_text(rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    package("pyarrow")
    np.save(tmp_path / "k.npy", rewards)
    path = tmp_path / "p.csv"
    path.write_text("name,kl,reward\n100,0.5,0.9\ntrue,1,1\nNA,1.5,1\n007,2,1\n1.50,2,1\n")
    base = ["frontier", str(tmp_path / "k.npy"), "--format", "csv", "--resamples", str(RESAMPLES)]
    assert csv(rewards, label="k", policies=path) == tool(*base, "--policies", str(path))
    for name, shown in ((100, "100"), (True, "true"), ("NA", "NA")):
        line = tmp_path / "p.jsonl"
        line.write_text(json.dumps({"name": name, "kl": 1, "reward": 1}) + "\n")
        assert esscher.frontier(rewards, policies=line, resamples=0).curve("policy")["label"].tolist() == [shown]


def test_folders_and_patterns_of_parquet_are_one_table(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    arrow, parquet = package("pyarrow"), package("pyarrow.parquet")
    folder = tmp_path / "part=1"
    folder.mkdir()
    names = [f"p{row}" for row in range(len(rewards))]
    whole = arrow.table({"text": ["x"] * len(rewards), "prompt_id": names, "rewards": list(rewards)})
    parquet.write_table(whole.slice(40), folder / "b.parquet")
    parquet.write_table(whole.slice(0, 40).select(["rewards", "prompt_id"]), folder / "a.parquet")
    expected = csv_of_npy(rewards)
    for place in (folder, str(folder / "*.parquet"), str(tmp_path / "**" / "*.parquet")):
        assert csv(place, label="k") == expected
    assert esscher.frontier(folder, resamples=0).points[0]["label"] == "rewards"
    # Gold of a folder, too; a list of files stays an ensemble.
    assert csv(rewards, label="k", gold=f"{folder}/*.parquet:rewards") == csv(rewards, label="k", gold=rewards)
    files = [str(folder / "a.parquet"), str(folder / "a.parquet")]
    with pytest.raises(esscher.UsageError, match="named twice"):
        csv(files, ensemble="mean")
    with pytest.raises(esscher.InputError, match="no file is named so"):
        csv(str(folder / "c*.parquet"))
    np.save(folder / "a.npy", rewards)
    with pytest.raises(esscher.UsageError, match=r"'.*a.npy' is none"):
        csv(str(folder / "a.*"))
    parquet.write_table(whole.select(["text"]), folder / "c.parquet")
    with pytest.raises(esscher.InputError, match=r"c.parquet: could not be read.*a.parquet"):
        csv(folder)
    parquet.write_table(whole.set_column(1, "prompt_id", [[[1]] * len(rewards)]), folder / "c.parquet")
    with pytest.raises(esscher.InputError, match="several types"):
        csv(folder)


@pytest.mark.parametrize(
    ("policies", "kind", "sentence"),
    [
        ([{"kl": 1, "reward": 1}], esscher.InputError, "row 0: has no name"),
        ([{"name": "a", "kl": "x", "reward": 1}], esscher.InputError, "'x' is no number"),
        ([{"name": "a", "kl": -1, "reward": 1}], esscher.InputError, "negative"),
        ([{"name": "a", "kl": 1, "reward": 1}] * 2, esscher.InputError, "twice"),
        ({"name": "a"}, esscher.UsageError, "into a list"),
        ([("a", 1, 2)], esscher.UsageError, "row 0: is a tuple"),
        (7, esscher.UsageError, "of type int"),
    ],
)
def test_policies_that_are_none(policies: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        esscher.frontier([[1.0, 2.0]], policies=policies)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(esscher.InputError, match="no such file"):
        csv(tmp_path / "nothing.npy")
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(esscher.UsageError, match="ending says no format"):
        csv(tmp_path / "x.doc")
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(esscher.InputError, match="could not be read"):
        csv(tmp_path / "x.npy")
    (tmp_path / "x.npz").write_bytes(b"PK no archive")
    with pytest.raises(esscher.InputError, match="could not be read"):
        csv(tmp_path / "x.npz")
    np.save(tmp_path / "o.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(esscher.InputError, match="could not be read"):
        csv(tmp_path / "o.npy")
