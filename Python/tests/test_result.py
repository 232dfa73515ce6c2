# SPDX-License-Identifier: Apache-2.0
"""Results: points, frames, texts, pictures."""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import RESAMPLES, package

import esscher


@pytest.fixture(scope="module")
def result(rewards: np.ndarray) -> esscher.FrontierResult:
    """With every kind of line that people draw."""
    return esscher.frontier(
        rewards,
        gold=rewards[:, ::-1] * 0.5 + rewards * 0.5,
        kl_budgets=[0.2, 1],
        curves=["tilt", "best_of_n", "best_of_poisson", "rewind_and_repeat", "soft_best_of_n", "equal_kl"],
        policies=[{"name": "ppo <1>", "kl": 0.5, "reward": 0.6}],
        resamples=RESAMPLES,
        label="k",
    )


def test_texts_are_the_programs(rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.npy"
    np.save(path, rewards)
    options = ["frontier", str(path), "--resamples", str(RESAMPLES), "--format"]
    found = esscher.frontier(rewards, label="k", resamples=RESAMPLES)
    assert found.to_csv() == tool(*options, "csv")
    assert found.to_jsonl() == tool(*options, "jsonl")
    assert str(found) == tool(*options, "table")
    theirs = json.loads(tool(*options, "json"))
    ours = json.loads(found.to_json())
    assert ours["points"] == theirs["points"]
    assert ours["warnings"] == theirs["warnings"]
    assert set(ours["provenance"]) == set(theirs["provenance"])


def test_points_and_provenance(result: esscher.FrontierResult) -> None:
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert len(result) == len(result.points) == len(rows)
    assert tuple(rows[0]) == result.columns
    for point, row in zip(result.points, rows):
        assert tuple(point) == result.columns
        assert ("" if point["kl"] is None else float(str(point["kl"]))) == ("" if not row["kl"] else float(row["kl"]))
        assert point["trusted"] is None or isinstance(point["trusted"], bool)
        assert point["n"] is None or isinstance(point["n"], int)
    provenance = result.provenance
    assert provenance["prompts"] == 64
    assert provenance["samples_maximum"] == 256
    assert [entry["shape"] for entry in provenance["inputs"]] == [[64, 256], [64, 256]]
    assert provenance["version"] == esscher.__version__


def test_curves_are_arrays(result: esscher.FrontierResult) -> None:
    best = result.curve("best_of_n")
    assert best["n"].tolist() == [2**k for k in range(9)]
    assert best["reward"].dtype == np.float64
    assert best["trusted"].dtype == bool
    assert set(best["label"]) == {"k"}
    assert np.isnan(best["lambda"]).all()
    assert result.curve("policy")["label"].tolist() == ["ppo <1>"]
    assert result.curve("tilt", "k")["kl"].tolist() == result.curve("tilt")["kl"].tolist()
    with pytest.raises(esscher.UsageError, match="curves are tilt, budget"):
        result.curve("spline")
    with pytest.raises(esscher.UsageError, match="of 'other'"):
        result.curve("tilt", "other")


def test_dictionaries_and_frames_hold_the_points(result: esscher.FrontierResult) -> None:
    columns = result.to_dict()
    assert tuple(columns) == result.columns
    pandas, polars, arrow = package("pandas"), package("polars"), package("pyarrow")
    assert result.to_arrow().to_pylist() == result.points
    assert result.to_polars().to_dicts() == result.points
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert isinstance(result.to_polars(), polars.DataFrame)
    assert isinstance(result.to_arrow(), arrow.Table)
    assert list(frame.columns) == list(result.columns)
    for name, cells in columns.items():
        for found, cell in zip(frame[name].tolist(), cells):
            is_absent = found is pandas.NA or (isinstance(found, float) and math.isnan(found))
            assert is_absent if cell is None else found == cell
    assert str(frame["n"].dtype) == "Int64"
    assert str(frame["trusted"].dtype) == "boolean"
    assert str(frame["gold"].dtype) == "float64"


def test_points_that_are_handed_out_do_not_change_the_result(result: esscher.FrontierResult) -> None:
    again = pickle.loads(pickle.dumps(result))
    again.points[0]["reward"] = 999
    again.points.clear()
    again.provenance["inputs"].clear()
    assert again.points == result.points
    assert again.to_dict() == result.to_dict()
    assert again.provenance == result.provenance


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_frames_without_their_package_say_what_to_install(
    result: esscher.FrontierResult, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"needs {name}, which is not installed; run pip install"):
        getattr(result, {"pyarrow": "to_arrow"}.get(name, f"to_{name}"))()


def test_results_are_compared_and_pickled(result: esscher.FrontierResult) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert hash(again) == hash(result)
    assert again.points == result.points
    assert again.warnings == result.warnings
    assert result != esscher.frontier([[1.0, 2.0]], resamples=0)
    assert result != 1


def test_warnings_are_warned_and_kept() -> None:
    rows = [[1.0, np.nan, 2.0], [0.0, 1.0, 2.0]]
    with pytest.warns(esscher.EsscherWarning, match="1 samples were left out") as caught:
        found = esscher.frontier(rows, missing="drop", resamples=0)
    assert found.warnings == tuple(str(warning.message) for warning in caught)
    # They name the caller's line.
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}


def test_representations(result: esscher.FrontierResult) -> None:
    assert repr(result).startswith(f"<FrontierResult: {len(result)} points, 64 prompts")
    page = result._repr_html_()
    assert page.count("<tr") == page.count("</tr>")
    assert "ppo &lt;1&gt;" in page
    assert "ppo <1>" not in page
    # A dozen points of a curve at most.
    assert page.count("<td>tilt</td>") == 12
    assert "<th>label</th>" not in page


def test_a_page_of_several_models_tells_them_apart(rewards: np.ndarray) -> None:
    found = esscher.frontier({"a": rewards, "b<": rewards + 1}, ensemble="mean", lambdas=[1], ns=[1], resamples=0)
    page = found._repr_html_()
    assert page.count("<th>label</th>") == 1
    for label in ("a", "b&lt;", "mean(2)"):
        assert f"<tr><td>tilt</td><td>{label}</td>" in page or f"<td>tilt</td><td>{label}</td>" in page


def test_the_picture_has_what_the_points_say(result: esscher.FrontierResult) -> None:
    matplotlib = package("matplotlib")
    matplotlib.use("agg")
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert result.plot(ax) is ax
    best = result.curve("best_of_n")
    lines = {line.get_label(): line for line in ax.get_lines()}
    marks = lines["best of n"]
    assert np.array_equal(marks.get_xdata(), best["kl"])
    assert np.array_equal(marks.get_ydata(), best["reward"])
    for label in (
        "budgets",
        "policies",
        "best of Poisson",
        "soft best of n",
        "rewind and repeat",
        "equal KL per prompt",
    ):
        assert label in lines
    tilt = result.curve("tilt")
    drawn = np.concatenate([np.asarray(line.get_xdata()) for line in ax.get_lines() if line.get_color() == "#0072B2"])
    assert set(tilt["kl"]) <= set(drawn)
    # Solid lines join trusted points alone.
    trusted = set(tilt["kl"][tilt["trusted"]])
    for line in ax.get_lines():
        if line.get_label() == "frontier":
            assert line.get_linestyle() == "-"
            assert set(line.get_xdata()) <= trusted
    dashed = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert dashed
    texts = [text.get_text() for text in ax.texts]
    assert "ppo <1>" in texts
    assert "256" in texts
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "gold of best of n" in legend
    assert not any(text.startswith("_") for text in legend)


def test_the_picture_can_be_without_gold_and_on_a_square_root(result: esscher.FrontierResult, tmp_path: Path) -> None:
    package("matplotlib").use("agg")
    from matplotlib import pyplot

    ax = result.plot(gold=False, sqrt_axis=True)
    assert len(ax.figure.axes) == 1
    assert ax.get_xscale() == "function"
    ax.figure.savefig(tmp_path / "k.png")
    assert (tmp_path / "k.png").read_bytes()[:4] == b"\x89PNG"
    pyplot.close(ax.figure)


def test_an_ensembles_members_are_lines_of_their_own(rewards: np.ndarray) -> None:
    package("matplotlib").use("agg")
    from matplotlib.figure import Figure

    found = esscher.frontier({"a": rewards, "b": rewards + 1}, ensemble="mean", resamples=0)
    ax = found.plot(Figure().subplots())
    labels = " ".join(str(line.get_label()) for line in ax.get_lines())
    assert " a" in labels
    assert " b" in labels


def test_names_are_drawn_as_they_are(rewards: np.ndarray, tmp_path: Path) -> None:
    package("matplotlib").use("agg")
    from matplotlib.figure import Figure

    models = {r"$\bad$": rewards, "_under": rewards + 1}
    policies = [{"name": r"a $\foo$ b", "kl": 1, "reward": 1}, {"name": "cost $x_{", "kl": 2, "reward": 1}]
    found = esscher.frontier(models, ensemble="mean", policies=policies, lambdas=[0.1, 0.5], resamples=0)
    ax = found.plot(Figure().subplots())
    ax.figure.savefig(tmp_path / "k.svg")
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any(text.startswith("_under") for text in legend)
    assert any(text.startswith(r"$\bad$") for text in legend)
    assert r"a $\foo$ b" in [text.get_text() for text in ax.texts]


def test_a_single_point_and_no_points_of_a_curve_are_drawn(rewards: np.ndarray) -> None:
    package("matplotlib").use("agg")
    from matplotlib.figure import Figure

    one = esscher.frontier(rewards, lambdas=[1], curves="tilt", resamples=0)
    assert len(one.plot(Figure().subplots()).get_lines()) == 1
    none = esscher.frontier(rewards, curves="best_of_n", resamples=0)
    assert [line.get_label() for line in none.plot(Figure().subplots()).get_lines()] == ["best of n"]
