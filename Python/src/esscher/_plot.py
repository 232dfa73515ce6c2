# SPDX-License-Identifier: Apache-2.0
"""The picture of a result in matplotlib: the same lines, marks and colours as the program's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .result import FrontierResult

# Colours of Okabe and Ito, which remain apart for the colour-blind.
_BLUE, _ORANGE, _GREEN, _AMBER = "#0072B2", "#D55E00", "#009E73", "#E69F00"
_MEMBERS = ("#CC79A7", "#56B4E9", "#E69F00", "#777777", "#882255", "#44AA99", "#F0E442", "#332288")

#: Marks of the curves beside the frontier and best-of-n.
_MARKS = (
    ("best_of_poisson", "s", _ORANGE, "best of Poisson"),
    ("soft_best_of_n", "o", _AMBER, "soft best of n"),
    ("rewind_and_repeat", "v", _ORANGE, "rewind and repeat"),
    ("equal_kl", "^", _BLUE, "equal KL per prompt"),
    ("budget", "D", _BLUE, "budgets"),
)

#: A sign without width, which takes a label's beginning for as long as a legend is made.
_JOINER = "\N{WORD JOINER}"

_Columns = dict[str, np.ndarray[Any, Any]]


def draw(result: FrontierResult, ax: Axes | None, *, with_gold: bool, sqrt_axis: bool) -> Axes:
    """Draw a result; :meth:`FrontierResult.plot` says what the parameters are.

    Raises
    ------
    InputTypeError
        If matplotlib is not installed.
    """
    if ax is None:
        try:
            from matplotlib import pyplot
        except ImportError as problem:
            raise InputTypeError(
                "plot needs matplotlib, which is not installed; run pip install 'esscher[plot]'."
            ) from problem
        ax = pyplot.subplots(figsize=(8, 5), layout="constrained")[1]
    names = {str(point["curve"]) for point in result.points}
    labels = list(dict.fromkeys(str(p["label"]) for p in result.points if p["curve"] == "tilt"))
    if labels:
        _frontier(ax, result.curve("tilt", labels[0]))
        for index, label in enumerate(labels[1:]):
            _line(ax, result.curve("tilt", label), _MEMBERS[index % len(_MEMBERS)], _shown(label), 1.0)
    if "best_of_n" in names:
        best = result.curve("best_of_n")
        ax.plot(best["kl"], best["reward"], "o", color=_ORANGE, markersize=5, label="best of n")
        for n, kl, reward in zip(best["n"], best["kl"], best["reward"]):
            if np.isfinite(kl) and np.isfinite(reward):
                _name(ax, f"{n:.0f}", kl, reward, _ORANGE)
    for curve, mark, colour, label in _MARKS:
        if curve in names:
            points = result.curve(curve)
            ax.plot(points["kl"], points["reward"], mark, color=colour, fillstyle="none", label=label)
    if "policy" in names:
        policies = result.curve("policy")
        ax.plot(policies["kl"], policies["reward"], "D", color="black", label="policies")
        for name, kl, reward in zip(policies["label"], policies["kl"], policies["reward"]):
            _name(ax, str(name), kl, reward, "black")
    ax.set_xlabel("KL(policy ‖ base), nats")
    ax.set_ylabel("mean reward")
    ax.set_xlim(left=0)
    ax.grid(color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    handles, texts = ax.get_legend_handles_labels()
    if with_gold and _has_gold(result):
        gold_axis = _gold(ax, result)
        more = gold_axis.get_legend_handles_labels()
        handles, texts = handles + more[0], texts + more[1]
    if sqrt_axis:
        ax.set_xscale(
            "function",
            functions=(lambda x: np.sqrt(np.maximum(x, 0)), lambda x: np.square(x)),
        )
    # Frontiers are concave, so this corner is free.
    legend = ax.legend(handles, texts, frameon=False, fontsize="small", loc="lower right")
    for text in legend.get_texts():
        text.set_text(text.get_text().removeprefix(_JOINER))
        text.set_parse_math(False)
    return ax


def _name(ax: Axes, text: str, kl: float, reward: float, colour: str) -> None:
    ax.annotate(
        text,
        (kl, reward),
        xytext=(5, -9),
        textcoords="offset points",
        fontsize="x-small",
        color=colour,
        parse_math=False,
    )


def _shown(label: str) -> str:
    """A label that a legend shows: those that begin with an underscore are left out of legends."""
    return f"{_JOINER}{label}" if label.startswith("_") else label


def _frontier(ax: Axes, tilt: _Columns) -> None:
    _band(ax, tilt, "reward", _BLUE, 0.2)
    _line(ax, tilt, _BLUE, "frontier", 2.2)


def _band(ax: Axes, tilt: _Columns, name: str, colour: str, alpha: float) -> None:
    """The interval of a column, where it has one."""
    low, high = tilt[f"{name}_low"], tilt[f"{name}_high"]
    bounded = np.isfinite(low) & np.isfinite(high)
    if bounded.any():
        ax.fill_between(tilt["kl"][bounded], low[bounded], high[bounded], color=colour, alpha=alpha, linewidth=0)


def _line(ax: Axes, tilt: _Columns, colour: str, label: str, width: float) -> None:
    """Solid between two trusted points and dashed elsewhere; a single point is a dot."""
    kl, reward, trusted = tilt["kl"], tilt["reward"], tilt["trusted"]
    if len(kl) == 1:
        ax.plot(kl, reward, ".", color=colour, label=label)
        return
    solid = trusted[1:] & trusted[:-1]
    for wanted, style, name in ((True, "-", label), (False, "--", f"{label}, not trusted")):
        pieces = np.flatnonzero(solid == wanted)
        if not pieces.size:
            continue
        for run in np.split(pieces, np.flatnonzero(np.diff(pieces) > 1) + 1):
            part = slice(run[0], run[-1] + 2)
            ax.plot(kl[part], reward[part], style, color=colour, linewidth=width, label=name)
            name = "_nolegend_"


def _has_gold(result: FrontierResult) -> bool:
    return any(point["gold"] is not None and point["curve"] in ("tilt", "best_of_n") for point in result.points)


def _gold(ax: Axes, result: FrontierResult) -> Axes:
    """Gold along both curves, on the right axis, with its peaks."""
    right = ax.twinx()
    names = {str(point["curve"]) for point in result.points}
    if "tilt" in names:
        tilt = result.curve("tilt")
        _band(right, tilt, "gold", _GREEN, 0.15)
        right.plot(tilt["kl"], tilt["gold"], "-.", color=_GREEN, label="gold along the frontier")
    if "best_of_n" in names:
        best = result.curve("best_of_n")
        right.plot(best["kl"], best["gold"], "^", color=_GREEN, label="gold of best of n")
    if "gold_peak" in names:
        peaks = result.curve("gold_peak")
        if np.isfinite(peaks["kl"]).any():
            right.plot(peaks["kl"], peaks["gold"], "*", color=_GREEN, markersize=11, label="gold peaks")
    right.set_ylabel("mean gold reward")
    right.spines["top"].set_visible(False)
    return right
