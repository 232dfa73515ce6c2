# SPDX-License-Identifier: Apache-2.0
"""Sweeps on a real cluster of Ray, three nodes on loopback, one of which is killed in the middle."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

import esscher

ray = pytest.importorskip("ray", reason="Ray is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.filterwarnings("ignore")

SEED = 20


@pytest.fixture(scope="module")
def cluster():
    """Three nodes with an address each; 127.0.0.1 would be rewritten to the outer one."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Tasks find the package where this process found it.
    folder = os.path.dirname(os.path.dirname(esscher.__file__))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "node_ip_address": "127.0.0.2", "include_dashboard": False},
    )
    for last in (3, 4):
        cluster.add_node(num_cpus=1, node_ip_address=f"127.0.0.{last}")
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(SEED)
    return [random.normal(size=random.integers(20, 40)) for _ in range(240)]


@pytest.fixture(scope="module")
def files(rows, tmp_path_factory):
    """Three Parquet files of unlike sizes, with unlike row groups, and gold beside the rewards."""
    folder = tmp_path_factory.mktemp("scores")
    for number, (start, end) in enumerate([(0, 50), (50, 51), (51, 240)]):
        part = rows[start:end]
        table = pyarrow.table({"rewards": part, "judge": [row**2 for row in part]})
        parquet.write_table(table, folder / f"{number}.parquet", row_group_size=40)
    return str(folder)


OPTIONS = {"resamples": 40, "device": "cpu", "ns": [1, 4], "threads": 1}


def whole(files, **options):
    """One process over all files."""
    table = pyarrow.concat_tables(parquet.read_table(f"{files}/{number}.parquet") for number in range(3))
    return esscher.frontier(table, label="rewards", **{**OPTIONS, **options}).to_csv()


@pytest.mark.parametrize("options", [{"lambdas": "0,0.5,2"}, {}, {"column": {"gold": "judge"}, "lambdas": [0.5, 1, 2]}])
@pytest.mark.parametrize("shards", [None, 3])
def test_the_bits_of_one_process(cluster, files, options, shards):
    import esscher.ray

    result = esscher.ray.frontier(files, shards=shards, **OPTIONS, **options)
    assert result.to_csv() == whole(files, **options)


def test_arrays_and_datasets(cluster, rows, tmp_path):
    import esscher.ray

    matrix = np.stack([row[:20] for row in rows]).astype(np.float32)
    gold = matrix**3
    names = []
    for number, part in enumerate(np.array_split(np.arange(240), 4)):
        for role, values in (("r", matrix), ("g", gold)):
            np.save(tmp_path / f"{role}{number}.npy", values[part])
        names.append(str(tmp_path / f"r{number}.npy"))
    expected = esscher.frontier(matrix, gold=gold, label="rewards", lambdas="0,1", **OPTIONS).to_csv()
    golds = [name.replace("/r", "/g") for name in names]
    found = esscher.ray.frontier(names, gold=golds, lambdas="0,1", **OPTIONS)
    assert found.to_csv() == expected
    parts = np.array_split(np.arange(240), 5)
    dataset = ray.data.from_arrow([pyarrow.table({"rewards": list(matrix[part])}) for part in parts])
    expected = esscher.frontier(matrix, label="rewards", lambdas="0,1", **OPTIONS).to_csv()
    assert esscher.ray.frontier(dataset, lambdas="0,1", **OPTIONS).to_csv() == expected


def test_what_one_process_would_say_and_call_it(cluster, rows, tmp_path):
    import esscher.ray

    matrix = np.stack([row[:20] for row in rows[:20]])
    np.save(tmp_path / "scores.npy", matrix)
    one = {**OPTIONS, "lambdas": "0,1"}
    found = esscher.ray.frontier(str(tmp_path / "scores.npy"), shards=2, **one)
    assert found.to_csv() == esscher.frontier(str(tmp_path / "scores.npy"), **one).to_csv()
    table = pyarrow.table({"score": list(matrix), "gold_answer": ["x"] * 20, "tokens": [[1]] * 20})
    parquet.write_table(table, tmp_path / "k.parquet", row_group_size=10)
    with pytest.warns(esscher.EsscherWarning, match="'gold_answer' holds no numbers"):
        found = esscher.ray.frontier(str(tmp_path / "k.parquet"), **one)
    whole = esscher.frontier(str(tmp_path / "k.parquet"), **one)
    assert (found.to_csv(), found.warnings) == (whole.to_csv(), whole.warnings)
    dataset = ray.data.from_arrow([table.slice(0, 7), table.slice(7)])
    found = esscher.ray.frontier(dataset, **{**one, "device": [esscher.devices()[0]]})
    assert (found.to_csv(), found.warnings) == (whole.to_csv(), whole.warnings)


def test_a_prompt_in_two_blocks_is_refused(cluster, rows, tmp_path):
    import esscher.ray

    blocks = [pyarrow.table({"prompt_id": list(names), "rewards": rows[:3]}) for names in ("aba", "cdb")]
    with pytest.raises(esscher.InputError, match="'b' is in block 0 of the dataset and again in block 1"):
        esscher.ray.frontier(ray.data.from_arrow(blocks), **OPTIONS)
    joined = [blocks[0], blocks[1].slice(0, 2)]
    found = esscher.ray.frontier(ray.data.from_arrow(joined), lambdas=[1], **OPTIONS)
    assert found.to_csv() == esscher.frontier(pyarrow.concat_tables(joined), lambdas=[1], **OPTIONS).to_csv()
    with pytest.raises(esscher.InputError, match="a row is a sample and not a prompt"):
        esscher.ray.frontier(ray.data.from_arrow(pyarrow.table({"id": [1], "reward": [0.5]})), **OPTIONS)
    for value in (5, None, np.zeros((2, 2))):
        with pytest.raises(esscher.UsageError, match="a sweep takes names of files"):
            esscher.ray.frontier(value)


def test_a_node_that_dies_changes_nothing(cluster, files, tmp_path, monkeypatch):
    import esscher.ray

    doomed = cluster.add_node(num_cpus=2, node_ip_address="127.0.0.5")
    name, folder = doomed.node_id, str(tmp_path)
    original = esscher.ray._run

    def run(content, shard, passed, after):
        # Whatever the node that goes is given never ends there: only another node can finish it.
        if ray.get_runtime_context().get_node_id() == name:
            with open(f"{folder}/{shard.index}", "w"):
                pass
            time.sleep(600)
        # The others wait for it: there are more shards than they have processors, so that it is given one.
        while not os.listdir(folder):
            time.sleep(0.05)
        return original(content, shard, passed, after)

    monkeypatch.setattr(esscher.ray, "_run", run)

    def kill():
        while not os.listdir(folder) and not over.is_set():
            time.sleep(0.05)
        cluster.remove_node(doomed, allow_graceful=False)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        result = esscher.ray.frontier(files, lambdas="0,0.5,2", **OPTIONS)
    finally:
        over.set()
        killer.join()
    assert os.listdir(folder)
    assert result.to_csv() == whole(files, lambdas="0,0.5,2")


def test_what_is_wrong_is_a_sentence(cluster, files, tmp_path):
    import esscher.ray

    with pytest.raises(esscher.UsageError, match="no file is named so"):
        esscher.ray.frontier(str(tmp_path / "none*.parquet"))
    with pytest.raises(esscher.UsageError, match="no argument 'lamdas'"):
        esscher.ray.frontier(files, lamdas=[1])
    with pytest.raises(esscher.UsageError, match="--curves"):
        esscher.ray.frontier(files, curves="none", **OPTIONS)
    with pytest.raises(esscher.UsageError, match="at least one"):
        esscher.ray.frontier(files, shards=0)
    with pytest.raises(esscher.InputError, match="samples of the shortest prompt"):
        esscher.ray.frontier(files, **{**OPTIONS, "ns": [1000]})
    parquet.write_table(pyarrow.table({"reward": [0.5, 1.0]}), tmp_path / "long.parquet")
    with pytest.raises(esscher.InputError, match="a row is a sample and not a prompt"):
        esscher.ray.frontier(str(tmp_path / "long.parquet"))
    (tmp_path / "text.jsonl").write_text("{}")
    with pytest.raises(esscher.UsageError, match=r"reads .parquet and .npy"):
        esscher.ray.frontier(str(tmp_path / "text.jsonl"))
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(esscher.InputError, match="cannot be read"):
        esscher.ray.frontier(str(tmp_path / "bad.npy"))
    with pytest.raises(esscher.UsageError, match="names 1 files and rewards 3"):
        esscher.ray.frontier([f"{files}/{n}.parquet" for n in range(3)], gold=[f"{files}/0.parquet"])
