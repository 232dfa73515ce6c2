# SPDX-License-Identifier: Apache-2.0
"""Columns and tables of Arrow, polars, pandas, DuckDB and Hugging Face: the bytes of the .npy run for each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import RESAMPLES, package

import esscher


def csv(rewards: Any, **arguments: Any) -> str:
    return esscher.frontier(rewards, label="k", resamples=RESAMPLES, **arguments).to_csv()


def lists(rewards: np.ndarray) -> Any:
    """A table of Arrow with a list a prompt."""
    arrow = package("pyarrow")
    text = [f"prompt {row}" for row in range(len(rewards))]
    return arrow.table({"completion": text, "rewards": list(rewards)})


def long(rewards: np.ndarray, order: np.ndarray | None = None) -> Any:
    """A table of Arrow with a row a sample."""
    arrow = package("pyarrow")
    rows, columns = rewards.shape
    prompts = np.repeat(np.arange(rows), columns)
    values = rewards.reshape(-1)
    if order is not None:
        prompts, values = prompts[order], values[order]
    return arrow.table({"prompt_id": arrow.array([f"p{index}" for index in prompts]), "reward": values})


def fixed(rewards: np.ndarray) -> Any:
    arrow = package("pyarrow")
    return arrow.FixedSizeListArray.from_arrays(arrow.array(rewards.reshape(-1)), rewards.shape[1])


class Batch:
    """A record batch of a library that exports no streams."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def twice(rewards: np.ndarray) -> Any:
    """Identifiers by a dictionary in which each stands twice, used in turn."""
    arrow = package("pyarrow")
    rows, columns = rewards.shape
    codes = np.repeat(np.arange(rows), columns) * 2 + np.arange(rewards.size) % 2
    return arrow.DictionaryArray.from_arrays(arrow.array(codes), arrow.array([f"p{i // 2}" for i in range(2 * rows)]))


KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "arrow array": lambda x: lists(x)["rewards"].combine_chunks(),
    "arrow fixed lists": fixed,
    "arrow large lists": lambda x: package("pyarrow").array(
        list(x), package("pyarrow").large_list(package("pyarrow").float32())
    ),
    "arrow list views": lambda x: package("pyarrow").table(
        {
            "id": range(len(x)),
            "rewards": package("pyarrow").array(list(x), package("pyarrow").list_view(package("pyarrow").float32())),
        }
    ),
    "arrow chunks": lambda x: package("pyarrow").concat_tables([lists(x[:10]), lists(x[10:])])["rewards"],
    "arrow slice": lambda x: package("pyarrow").concat_tables([lists(x), lists(x)]).slice(len(x))["rewards"],
    "arrow table": lists,
    "arrow batch": lambda x: lists(x).to_batches()[0],
    "arrow reader": lambda x: lists(x).to_reader(),
    "arrow long": long,
    "arrow long, prompts as a dictionary": lambda x: long(x).set_column(
        0, "prompt_id", long(x)["prompt_id"].dictionary_encode()
    ),
    "arrow array of structs": lambda x: long(x).to_struct_array().combine_chunks(),
    "arrow chunks of structs": lambda x: long(x).to_struct_array(),
    "arrow array of structs with lists, sliced": lambda x: (
        lists(np.concatenate([x, x])).to_struct_array().combine_chunks().slice(len(x))
    ),
    "another library's batch": lambda x: Batch(long(x).combine_chunks().to_batches()[0]),
    "polars struct series": lambda x: package("polars").from_arrow(long(x)).to_struct("s"),
    "polars frame": lambda x: package("polars").from_arrow(lists(x)),
    "polars lazy frame": lambda x: package("polars").from_arrow(lists(x)).lazy(),
    "polars series": lambda x: package("polars").from_arrow(lists(x))["rewards"],
    "polars array": lambda x: package("polars").Series("rewards", x),
    "polars long": lambda x: package("polars").from_arrow(long(x)),
    "pandas frame": lambda x: package("pandas").DataFrame({"rewards": list(x)}),
    "pandas series": lambda x: package("pandas").Series(list(x)),
    "pandas frame of arrow": lambda x: lists(x).to_pandas(types_mapper=package("pandas").ArrowDtype),
    "pandas series of arrow": lambda x: lists(x).to_pandas(types_mapper=package("pandas").ArrowDtype)["rewards"],
    "pandas long": lambda x: long(x).to_pandas(),
    "pandas long, prompts in the index": lambda x: long(x).to_pandas().set_index("prompt_id"),
    "pandas series, prompts in the index": lambda x: long(x).to_pandas().set_index("prompt_id")["reward"],
    "pandas series of lists, prompts in the index": lambda x: (
        long(x).to_pandas().groupby("prompt_id", sort=False)["reward"].agg(list).rename("k")
    ),
    "pandas long, prompts in a level of the index": lambda x: (
        long(x).to_pandas().assign(sample=range(x.size)).set_index(["prompt_id", "sample"])
    ),
    "polars long, prompts as categories": lambda x: (
        package("polars")
        .from_arrow(long(x))
        .with_columns(package("polars").col("prompt_id").cast(package("polars").Categorical))
    ),
    "polars long, prompts as an enumeration": lambda x: (
        package("polars")
        .from_arrow(long(x))
        .with_columns(
            package("polars").col("prompt_id").cast(package("polars").Enum([f"p{i}" for i in reversed(range(len(x)))]))
        )
    ),
    "arrow long, a dictionary that holds prompts twice": lambda x: long(x).set_column(0, "prompt_id", twice(x)),
    "arrow long, prompts as bytes that are no text": lambda x: long(x).set_column(
        0,
        "prompt_id",
        package("pyarrow").array([b"\xff%d" % (i // x.shape[1]) for i in range(x.size)], package("pyarrow").binary()),
    ),
    "arrow long, prompts as chats": lambda x: long(x).set_column(
        0, "prompt", [[[{"role": "user", "content": str(i // x.shape[1])}] for i in range(x.size)]]
    ),
    "data set": lambda x: package("datasets").Dataset(lists(x)),
    "data set in another format": lambda x: package("datasets").Dataset(lists(x)).with_format("numpy"),
    "data set, shuffled and back": lambda x: (
        package("datasets").Dataset(lists(x)).select(range(len(x) - 1, -1, -1)).select(range(len(x) - 1, -1, -1))
    ),
    "column of a data set": lambda x: package("datasets").Dataset(lists(x))["rewards"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(rewards: np.ndarray, csv_of_npy: Any, kind: str) -> None:
    assert csv(KINDS[kind](rewards)) == csv_of_npy(rewards)


def test_duckdb_relations(rewards: np.ndarray, csv_of_npy: Any) -> None:
    duckdb = package("duckdb")
    table = lists(rewards)
    relation = duckdb.from_arrow(table)
    assert csv(relation) == csv_of_npy(rewards)
    assert csv(relation.select("rewards as score")) == csv_of_npy(rewards)


def test_prompts_of_a_long_table_come_in_order_of_first_appearance(rewards: np.ndarray, csv_of_npy: Any) -> None:
    cells = rewards.size
    # Samples of all prompts in turn, the last prompt first; within a prompt they keep their order.
    turns = np.arange(cells).reshape(rewards.shape)[::-1].T.reshape(-1)
    assert csv(long(rewards, turns)) == csv_of_npy(rewards[::-1])


def test_null_lists_over_hidden_numbers_hold_none(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    rows = [rewards[0, :8], rewards[3, :8], rewards[1, :8], rewards[0, 8:16], rewards[1, 8:16]]
    hidden = arrow.ListArray.from_arrays(
        arrow.array(np.arange(0, 41, 8), arrow.int32()),
        arrow.array(np.concatenate(rows)),
        mask=arrow.array([False, True, False, False, False]),
    )
    table = arrow.table({"prompt_id": ["a", "b", "b", "a", "b"], "rewards": hidden})
    assert csv(table) == csv(rewards[:2, :16])


def test_lists_of_chats_are_joined_by_content(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    chats = [[{"role": "user", "content": text}] for text in "abab"]
    halves = [rewards[0, :8], rewards[1, :8], rewards[0, 8:16], rewards[1, 8:16]]
    assert csv(arrow.table({"prompt": chats, "rewards": halves})) == csv(rewards[:2, :16])


def test_prompts_without_samples_are_refused_like_the_programs(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    kind = arrow.list_(arrow.float32())
    for empty in (None, []):
        column = arrow.array([*rewards[:2].tolist(), empty], kind)
        repeated = arrow.table({"prompt_id": ["a", "a", "b"], "rewards": column})
        for value in (column, arrow.table({"rewards": column}), package("polars").Series(column), repeated):
            with pytest.raises(esscher.InputError, match=r"row [12]: the prompt has no samples.*missing='drop'"):
                esscher.frontier(value)
        assert csv(column, missing="drop", ns=[1]) == csv(rewards[:2], ns=[1])


def test_what_is_paired_by_order_alone_says_so(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    names = [f"p{row}" for row in range(len(rewards))]
    table = arrow.table({"prompt_id": names, "rewards": list(rewards)})
    both = (
        esscher.frontier(table, gold=-rewards, resamples=0),
        esscher.frontier(rewards, gold=table, resamples=0),
        esscher.frontier({"a": table, "b": -rewards}, ensemble="mean", resamples=0),
        esscher.frontier({"a": rewards, "b": table}, ensemble="mean", resamples=0),
    )
    for result in both:
        assert any("paired by their order" in warning for warning in result.warnings)
    for result in (
        esscher.frontier(table, gold=table, resamples=0),
        esscher.frontier(rewards, gold=-rewards, resamples=0),
        esscher.frontier({"a": table, "b": table}, ensemble="mean", resamples=0),
    ):
        assert not any("paired" in warning for warning in result.warnings)


def test_series_with_prompts_in_the_index_are_matched_by_prompt(rewards: np.ndarray) -> None:
    pandas = package("pandas")
    index = pandas.Index([f"p{row}" for row in range(len(rewards))], name="prompt_id")
    series = pandas.Series(list(rewards), index=index)
    others = {"gold": -rewards, "logprobs": -np.abs(rewards) - 1, "log_weights": rewards * 0.1}
    for role, cells in others.items():
        beside = pandas.Series(list(cells), index=index, name="reward")[::-1]
        assert csv(series, **{role: beside}) == csv(rewards, **{role: cells})
    assert csv(series, column={"reward": "reward"}) == csv(rewards)


def test_structs_of_gold_are_matched_by_prompt(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    names = [f"p{row}" for row in range(len(rewards))]
    table = arrow.table({"prompt_id": names, "rewards": list(rewards)})
    gold = arrow.table({"prompt_id": names[::-1], "gold": list(rewards[::-1] * 2)}).to_struct_array()
    assert csv(table, gold=gold.combine_chunks()) == csv(rewards, gold=rewards * 2)


def test_lists_of_one_prompt_are_joined(rewards: np.ndarray, csv_of_npy: Any) -> None:
    arrow = package("pyarrow")
    halves = [row[:128] for row in rewards] + [row[128:] for row in rewards]
    names = [f"p{row}" for row in range(len(rewards))] * 2
    assert csv(arrow.table({"prompt_id": names, "rewards": halves})) == csv_of_npy(rewards)


def test_gold_and_logprobs_beside_rewards_are_taken(rewards: np.ndarray) -> None:
    table = lists(rewards).append_column("gold_score", [list(-rewards)])
    table = table.append_column("logprobs", [list(-np.abs(rewards) - 1)])
    expected = csv(rewards, gold=-rewards, logprobs=-np.abs(rewards) - 1)
    assert csv(table) == expected
    assert csv(table, column={"gold": "gold_score", "logprob": "logprobs"}) == expected
    assert csv(table, gold=-rewards) == expected


def test_logprobs_of_tokens_are_not_guessed(rewards: np.ndarray) -> None:
    table = lists(rewards).append_column("logprobs", [[[-1.0, -2.0, -3.0]] * len(rewards)])
    assert csv(table) == csv(rewards)


def test_columns_are_named_by_role(rewards: np.ndarray) -> None:
    table = lists(rewards).rename_columns(["gold answer", "mine"]).append_column("other", [list(rewards + 1)])
    assert csv(table, column={"reward": "mine"}) == csv(rewards)
    result = esscher.frontier(table, column={"reward": ["mine", "other"]}, ensemble="mean", resamples=0)
    assert {point["label"] for point in result.points} == {"mean(2)", "mine", "other"}
    with pytest.raises(esscher.InputError, match="no column 'nothing'"):
        esscher.frontier(table, column={"reward": "nothing"})
    with pytest.raises(esscher.UsageError, match="no role 'rewards'"):
        esscher.frontier(table, column={"rewards": "mine"})
    with pytest.raises(esscher.UsageError, match="one column"):
        esscher.frontier(table, column={"gold": ["mine", "other"]})


def test_the_label_is_the_column(rewards: np.ndarray) -> None:
    result = esscher.frontier(lists(rewards), resamples=0)
    assert result.points[0]["label"] == "rewards"


def test_companion_tables_are_matched_by_prompt(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    names = [f"p{row}" for row in range(len(rewards))]
    table = arrow.table({"prompt_id": names, "rewards": list(rewards)})
    gold = arrow.table({"prompt_id": names[::-1], "gold": list(rewards[::-1] * 2)})
    assert csv(table, gold=gold) == csv(rewards, gold=rewards * 2)
    with pytest.raises(esscher.InputError, match="no prompt 'p0'"):
        csv(table, gold=gold.slice(0, len(rewards) - 1))
    extra = arrow.table({"prompt_id": [*names, "more"], "gold": [*(rewards * 2), rewards[0]]})
    with pytest.raises(esscher.InputError, match="no prompt 'more'"):
        csv(table, gold=extra)


def test_several_tables_are_an_ensemble_matched_by_prompt(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    names = [f"p{row}" for row in range(len(rewards))]
    first = arrow.table({"prompt_id": names, "rewards": list(rewards)})
    second = arrow.table({"prompt_id": names[::-1], "rewards": list(rewards[::-1] + 1)})
    expected = csv({"a": rewards, "b": rewards + 1}, ensemble="mean")
    assert csv({"a": first, "b": second}, ensemble="mean") == expected


def test_nulls_are_missing(rewards: np.ndarray, csv_of_npy: Any) -> None:
    arrow = package("pyarrow")
    cells = rewards.copy()
    cells[3, 5] = np.nan
    cells[9] = np.nan
    rows = [[None if np.isnan(value) else value for value in row] for row in cells.tolist()]
    rows[9] = None
    expected = csv_of_npy(cells, "--missing", "drop")
    column = arrow.array(rows, arrow.list_(arrow.float32()))
    found = esscher.frontier(column, label="k", resamples=RESAMPLES, missing="drop")
    # A null row has no sample to leave out: only the counts of the warning differ.
    assert found.to_csv() == expected
    flat = long(cells).set_column(1, "reward", arrow.array(cells.reshape(-1), from_pandas=True))
    assert flat["reward"].null_count == 257
    assert csv(flat, missing="drop") == expected


def test_counts_in_a_table() -> None:
    arrow = package("pyarrow")
    table = arrow.table({"num_samples": [10, 20], "num_correct": [3, 20], "score": [0.5, 0.1]})
    assert csv(table) == csv(None, num_samples=[10, 20], num_correct=[3, 20])


def test_samples_without_prompts_are_one_with_a_warning(rewards: np.ndarray) -> None:
    table = long(rewards[:1]).drop_columns(["prompt_id"])
    with pytest.warns(esscher.EsscherWarning, match="one prompt"):
        result = esscher.frontier(table, resamples=0)
    assert result.provenance["prompts"] == 1


def test_what_cannot_be_read_says_why(rewards: np.ndarray) -> None:
    arrow = package("pyarrow")
    cases = [
        (arrow.table({"x": [1.0]}), esscher.InputError, "no column of rewards; its columns are x"),
        (arrow.table({"prompt_id": ["a", None], "reward": [1.0, 2.0]}), esscher.InputError, "row 1.*no prompt"),
        (arrow.table({"rewards": [["a"]]}), esscher.InputError, "holds no numbers"),
        (arrow.table({"prompt_id": ["a"], "reward": ["x"]}), esscher.InputError, "cast the column"),
        (arrow.array([[[1.0]]]), esscher.InputError, "holds no numbers"),
        (arrow.table([[1.0], [2.0]], names=["reward", "reward"]), esscher.InputError, "more than one column"),
        (arrow.table({"reward": arrow.array([], arrow.float64())}), esscher.InputError, "no rows"),
        (arrow.table({"prompt_id": arrow.nulls(2), "reward": [1.0, 2.0]}), esscher.InputError, "row 0.*no prompt"),
    ]
    for table, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            esscher.frontier(table)


def test_data_sets_that_are_no_table_say_what_to_pass(rewards: np.ndarray) -> None:
    datasets = package("datasets")
    data = datasets.Dataset(lists(rewards))
    with pytest.raises(esscher.InputTypeError, match=r"splits \(train, test\)"):
        esscher.frontier(datasets.DatasetDict(train=data, test=data))
    with pytest.raises(esscher.InputTypeError, match="stream"):
        esscher.frontier(data.to_iterable_dataset())


def test_frames_that_cannot_be_read_say_why(rewards: np.ndarray) -> None:
    pandas = package("pandas")
    frame = long(rewards).to_pandas()
    reward = frame["reward"]
    cases = [
        (pandas.concat([frame, reward], axis=1), esscher.InputError, "more than one column 'reward'"),
        (frame.astype({"reward": pandas.SparseDtype("float64", 0.0)}), esscher.InputTypeError, "is sparse"),
        (reward.astype(pandas.SparseDtype("float64", 0.0)), esscher.InputTypeError, "is sparse"),
        (frame.astype({"reward": complex}), esscher.InputTypeError, "complex"),
        (frame.groupby("prompt_id"), esscher.InputTypeError, "in groups"),
        (frame.groupby("prompt_id")["reward"], esscher.InputTypeError, "in groups"),
    ]
    for value, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            esscher.frontier(value)


def test_types_that_arrow_does_not_know_say_so(rewards: np.ndarray) -> None:
    polars = package("polars")
    if not hasattr(polars, "Int128"):
        pytest.skip("this polars has no integers of 128 bits")
    frame = polars.DataFrame({"prompt_id": ["a", "b"], "reward": [1, 2]}).with_columns(
        polars.col("reward").cast(polars.Int128)
    )
    with pytest.raises(esscher.EsscherError, match=r"Int128|int128|_pli128"):
        esscher.frontier(frame)


def test_data_sets_with_a_transform_are_refused(rewards: np.ndarray) -> None:
    datasets = package("datasets")
    data = datasets.Dataset(lists(rewards)).with_transform(lambda batch: batch)
    for value in (data, data["rewards"]) if hasattr(data["rewards"], "source") else (data,):
        with pytest.raises(esscher.InputTypeError, match=r"transform of its own.*map"):
            esscher.frontier(value)


def test_a_wide_frame_is_passed_as_an_array(rewards: np.ndarray, csv_of_npy: Any) -> None:
    pandas = package("pandas")
    frame = pandas.DataFrame(rewards)
    with pytest.raises(esscher.InputError, match="to_numpy"):
        esscher.frontier(frame)
    assert csv(frame.to_numpy()) == csv_of_npy(rewards)


def test_without_pyarrow_a_table_says_what_to_install(rewards: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = package("pandas").DataFrame({"rewards": list(rewards)})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(esscher.InputTypeError, match=r"esscher\[arrow\]"):
        esscher.frontier(frame)
