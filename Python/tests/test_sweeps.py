# SPDX-License-Identifier: Apache-2.0
"""Sweeps in shards without a scheduler."""

from __future__ import annotations

import concurrent.futures

import numpy as np
import pytest

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
