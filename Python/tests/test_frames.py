# SPDX-License-Identifier: Apache-2.0
"""Frames and tables that could be read in more ways than one."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import package
from test_tables import long

import esscher


def test_an_index_names_prompts_only_where_nothing_else_does(rewards: np.ndarray) -> None:
    pandas = package("pandas")
    package("pyarrow")
    options = {"lambdas": [0.5], "ns": [1, 2], "resamples": 0}
    frame = long(rewards[:12, :6]).to_pandas()
    wanted = esscher.frontier(frame, **options)
    assert wanted.points[0]["n_prompts"] == 12
    for level in ("id", "prompt_idx", "gold"):
        named = frame.rename_axis(level)
        assert esscher.frontier(named, **options).to_csv() == wanted.to_csv()
        shuffled = named.set_axis(pandas.Index(range(100, 172), name=level))
        assert esscher.frontier(shuffled, **options).to_csv() == wanted.to_csv()
    # A name of each row of a long table is a sample's.
    alone = frame[["reward"]].set_axis(pandas.Index([f"s{row}" for row in range(72)], name="id"))
    with pytest.warns(esscher.EsscherWarning, match="No column names the prompts"):
        assert esscher.frontier(alone, **options).points[0]["n_prompts"] == 1
    # But the caller may say otherwise.
    said = frame[["reward"]].set_axis(pandas.Index(frame["prompt_id"], name="q"))
    assert esscher.frontier(said, column={"prompt": "q"}, **options).to_csv() == wanted.to_csv()


def test_tensors_in_columns_are_lists(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    if not hasattr(arrow, "FixedShapeTensorArray"):
        pytest.skip("this pyarrow has no tensors")
    options = {"lambdas": [0.5], "ns": [1, 2], "resamples": 0}
    tensors = arrow.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(rewards))
    found = esscher.frontier(arrow.table({"rewards": tensors}), **options)
    assert found.to_csv() == esscher.frontier(arrow.table({"rewards": list(rewards)}), **options).to_csv()
    deep = arrow.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(rewards.reshape(len(rewards), 2, -1)))
    with pytest.raises(esscher.InputError, match=r"'rewards': holds tensors of shape \(2, 128\)"):
        esscher.frontier(arrow.table({"rewards": deep}), **options)


def test_a_prompt_that_is_counted_twice_is_named(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    table = arrow.table({"prompt_id": ["a", "b", "a"], "num_samples": [4, 4, 4], "num_correct": [1, 2, 3]})
    with pytest.raises(esscher.InputError, match=r"row 2: the prompt 'a' was counted in an earlier row"):
        esscher.frontier(table)


def test_a_gold_table_without_its_column_says_how_to_name_it(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    with pytest.raises(esscher.InputError, match=r"column=\{'gold': NAME\}"):
        esscher.frontier(rewards, gold=arrow.table({"x": list(rewards)}))
