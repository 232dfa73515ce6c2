# SPDX-License-Identifier: Apache-2.0
"""Sweeps in shards without a scheduler."""

from __future__ import annotations

import concurrent.futures

import numpy as np
import pytest
from conftest import package

import esscher

SEED = 21
OPTIONS = {"resamples": 30, "device": "cpu", "ns": [1, 2, 4]}


@pytest.fixture
def matrix():
    return np.random.default_rng(SEED).normal(size=(150, 32)).astype(np.float32)


def sweep(matrix, count, whole, threads=1, **options):
    """Runs a sweep to its end; returns its report and the rounds that it took."""
    ends = [len(matrix) * number // count for number in range(count + 1)]
    after = None

    def run(index):
        if whole:
            return esscher.run_shard(matrix, shard=esscher.Shard(index, count), after=after, **OPTIONS, **options)
        place = esscher.Shard(index, count, ends[index - 1], len(matrix))
        part = matrix[ends[index - 1] : ends[index]]
        return esscher.run_shard(part, shard=place, after=after, **OPTIONS, **options)

    for rounds in range(1, 40):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            states = list(pool.map(run, range(count, 0, -1)))
        merged = esscher.merge(states if after is None else [*states, after])
        assert isinstance(merged, esscher.Merge) and merged.round == rounds
        if merged.result is not None:
            again = esscher.merge([merged.state])
            assert again.result is not None and again.result.to_csv() == merged.result.to_csv()
            return merged.result, rounds
        after = merged.state
    raise AssertionError("the sweep does not end")


@pytest.mark.parametrize("count", [1, 3, 17])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("options", [{"lambdas": [0, 0.5, 2]}, {"kl_budgets": [0.2, 1]}])
def test_the_bits_of_one_run(matrix, count, whole, options):
    found, _ = sweep(matrix, count, whole, **options)
    assert found.to_csv() == esscher.frontier(matrix, **OPTIONS, **options).to_csv()


def test_a_shard_says_which_prompts_it_holds():
    place = esscher.Shard(2, 3, 50, 150)
    assert (place.index, place.count, place.first_prompt, place.prompts) == (2, 3, 50, 150)
    assert esscher.Shard(1, 2).prompts is None


def test_shards_on_threads_at_once(matrix):
    found, _ = sweep(matrix, 8, False, threads=4, lambdas=[0.5, 1])
    assert found.to_csv() == esscher.frontier(matrix, lambdas=[0.5, 1], **OPTIONS).to_csv()


def test_what_does_not_belong_together_is_refused(matrix):
    one = esscher.run_shard(matrix, shard=esscher.Shard(1, 2), lambdas=[1], **OPTIONS)
    two = esscher.run_shard(matrix, shard=esscher.Shard(2, 2), lambdas=[2], **OPTIONS)
    with pytest.raises(esscher.InputError, match=r"b: answers another question than a: --lambdas is 2\.0 here"):
        esscher.merge({"a": one, "b": two})
    with pytest.raises(esscher.InputError, match="shard 2 of 2 is missing"):
        esscher.merge([one])
    with pytest.raises(esscher.InputError, match="is no state"):
        esscher.merge([b"nothing"])
    with pytest.raises(esscher.UsageError, match="a state is bytes"):
        esscher.merge(["nothing"])  # type: ignore[list-item]
    with pytest.raises(esscher.UsageError, match="pass one of every shard"):
        esscher.merge([])
    with pytest.raises(esscher.UsageError, match="number shards from 1"):
        esscher.run_shard(matrix, shard=esscher.Shard(3, 2), **OPTIONS)
    with pytest.raises(esscher.UsageError, match="say where its prompts are"):
        esscher.run_shard(matrix, shard=esscher.Shard(1, 2, 100, 120), **OPTIONS)
    with pytest.raises(esscher.UsageError, match="no argument 'lamdas'"):
        esscher.run_shard(matrix, shard=esscher.Shard(1, 2), lamdas=[1])
    with pytest.raises(esscher.InputError, match="the state of a shard"):
        esscher.run_shard(matrix, shard=esscher.Shard(1, 2), after=one, lambdas=[1], **OPTIONS)


@pytest.mark.parametrize(
    ("shard", "sentence"),
    [
        (None, "not an object of type NoneType"),
        ((1, 2), "not an object of type tuple"),
        (esscher.Shard("1", 2), "index of a shard is a whole number, not '1'"),  # type: ignore[arg-type]
        (esscher.Shard(1.0, 2), "index of a shard is a whole number"),  # type: ignore[arg-type]
        (esscher.Shard(1, 2**70), "count of a shard is a whole number"),
        (esscher.Shard(1, 2, 0, True), "prompts of a shard"),
    ],
)
def test_shards_that_are_none(matrix, shard, sentence):
    with pytest.raises(esscher.UsageError, match=sentence):
        esscher.run_shard(matrix, shard=shard, **OPTIONS)


def test_states_that_are_none(matrix):
    one = esscher.run_shard(matrix, shard=esscher.Shard(1, 1), lambdas=[1], **OPTIONS)
    assert esscher.merge({1: one}).round == 1  # type: ignore[dict-item]
    for states in (None, one, "state", 3):
        with pytest.raises(esscher.UsageError, match="merge takes the states of all shards"):
            esscher.merge(states)  # type: ignore[arg-type]


def parquet_of(path, groups):
    """A file with a row group for each of some tables."""
    arrow, parquet = package("pyarrow"), package("pyarrow.parquet")
    tables = [arrow.table(columns) for columns in groups]
    with parquet.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return str(path)


def test_a_prompt_in_two_parts_is_refused(tmp_path, matrix):
    from esscher._parts import parts_of_files

    rows = list(matrix[:3])
    one = {"prompt_id": ["a", "b", "c"], "rewards": rows, "text": ["x"] * 3}
    first = parquet_of(tmp_path / "1.parquet", [one, {**one, "prompt_id": ["d", "e", "b"]}])
    with pytest.raises(esscher.InputError, match=r"'b' is in .*1.parquet, row group 0 and again in .*, row group 1"):
        parts_of_files([first], {}, None)
    first = parquet_of(tmp_path / "1.parquet", [one])
    second = parquet_of(tmp_path / "2.parquet", [{**one, "prompt_id": ["d", "c", "e"]}])
    with pytest.raises(esscher.InputError, match=r"'c' is in .*1.parquet, row group 0 and again in .*2.parquet"):
        parts_of_files([first, second], {}, 1)
    lines = parquet_of(tmp_path / "3.parquet", [{**one, "prompt_id": ["d", None, "e"]}])
    with pytest.raises(esscher.InputError, match=r"3.parquet, row group 0, row 1: has no prompt"):
        parts_of_files([first, lines], {}, None)
    named = {"rewards": rows, "question": ["a", "b", "a"], "id": ["x", "y", "z"]}
    other = parquet_of(tmp_path / "4.parquet", [{**named, "question": ["p", "q", "r"]}, named])
    assert [part.prompts for part in parts_of_files([other], {}, None, {"prompt": ("question",)})] == [3, 2]
    with pytest.raises(esscher.InputError, match=r"'x' is in"):
        parts_of_files([other], {}, None)


def test_parts_read_what_plays_a_role_and_join_rows_of_a_prompt(tmp_path, matrix):
    from esscher._parts import parts_of_files

    groups = [
        {"prompt_id": ["a", "b", "a"], "rewards": list(matrix[:3, :16]), "tokens": [[1]] * 3, "gold_note": ["x"] * 3},
        {"prompt_id": ["c", "d"], "rewards": list(matrix[3:5]), "tokens": [[1]] * 2, "gold_note": ["x"] * 2},
    ]
    path = parquet_of(tmp_path / "k.parquet", groups)
    parts = parts_of_files([path], {}, None)
    assert [part.prompts for part in parts] == [2, 2]
    assert parts[0].load()["rewards"].column_names == ["prompt_id", "rewards", "gold_note"]
    options = {"lambdas": [0.5], "resamples": 10, "ns": [1, 2], "device": "cpu"}
    after: list[bytes] = []
    for _ in range(40):
        states = [
            esscher.run_shard(
                part.load()["rewards"],
                shard=esscher.Shard(number, 2, 2 * (number - 1), 4),
                after=after[0] if after else None,
                **options,
            )
            for number, part in enumerate(parts, 1)
        ]
        merged = esscher.merge([*states, *after])
        after = [merged.state]
        if merged.result is not None:
            break
    assert merged.result is not None
    assert merged.result.to_csv() == esscher.frontier(path, **options).to_csv()


def test_parts_of_samples_are_refused(tmp_path):
    from esscher._parts import expanded, parts_of_files

    long = parquet_of(tmp_path / "k.parquet", [{"prompt_id": ["a"], "reward": [1.0], "tokens": [[1]]}])
    with pytest.raises(esscher.InputError, match="'reward' holds no lists, so that a row is a sample"):
        parts_of_files([long], {}, None)
    for value in (5, None, np.zeros((2, 2)), [np.zeros(2)]):
        with pytest.raises(esscher.UsageError, match="a sweep takes names of files"):
            expanded(value)


def test_parts_of_arrays_hold_every_prompt_once_and_refuse_unlike_companions(tmp_path, matrix):
    from esscher._parts import expanded, parts_of_files

    for name, rows in (("a", matrix[:60]), ("b", matrix[:0]), ("c", matrix[60:])):
        np.save(tmp_path / f"{name}.npy", rows)
    paths = expanded(str(tmp_path))
    parts = parts_of_files(paths, {}, 7)
    assert np.array_equal(np.concatenate([part.load(None)["rewards"] for part in parts]), matrix)
    np.save(tmp_path / "gold.npy", matrix[:61])
    with pytest.raises(esscher.InputError, match="gold holds the same samples"):
        parts_of_files(paths[:1], {"gold": [str(tmp_path / "gold.npy")]}, None)
