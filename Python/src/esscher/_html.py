# SPDX-License-Identifier: Apache-2.0
"""A result as a table of HTML, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .result import FrontierResult

#: Points of a curve beyond which the ones between are left out.
_MOST_ROWS = 12

_HEADINGS = ("curve", "lambda | n", "KL", "gain", "interval", "reward", "gold", "win", "ESS", "trusted")


def html_of(result: FrontierResult) -> str:
    """The points that people read: of each curve a dozen at most, and the warnings.

    Parameters
    ----------
    result : FrontierResult
        The result.
    """
    provenance = result.provenance
    fewest, most = provenance["samples_minimum"], provenance["samples_maximum"]
    samples = str(fewest) if fewest == most else f"{fewest} to {most}"
    parts = [
        f"<p><b>Frontier</b>: {provenance['prompts']} prompts × {samples} samples, "
        f"{escape(str(provenance['device']))}, {escape(str(provenance['precision']))} precision; KL in nats</p>",
        "<table><thead><tr>",
        *(f"<th>{heading}</th>" for heading in _HEADINGS),
        "</tr></thead><tbody>",
    ]
    labels = {point["label"] for point in result.points if point["curve"] != "policy"}
    with_label = len(labels) > 1
    if with_label:
        parts.insert(parts.index(f"<th>{_HEADINGS[0]}</th>") + 1, "<th>label</th>")
    curves: dict[tuple[object, object], list[dict[str, Any]]] = {}
    for point in result.points:
        curves.setdefault((point["curve"], point["label"]), []).append(point)
    for points in curves.values():
        parts += [_row(point, with_label) for point in _chosen(points)]
    parts.append("</tbody></table>")
    parts += [f"<p>⚠ {escape(warning)}</p>" for warning in result.warnings]
    return "".join(parts)


def _chosen(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points evenly apart, the first and the last among them."""
    if len(points) <= _MOST_ROWS:
        return points
    last = len(points) - 1
    return [points[round(index * last / (_MOST_ROWS - 1))] for index in range(_MOST_ROWS)]


def _row(point: dict[str, Any], with_label: bool) -> str:
    place = point["n"] if point["n"] is not None else point["lambda"]
    low, high = point["gain_low"], point["gain_high"]
    trusted = point["trusted"]
    name = point["curve"] if point["curve"] != "policy" else f"policy {point['label']}"
    cells = (
        escape(str(name)),
        *([escape(str(point["label"]))] if with_label else []),
        _number(place),
        _number(point["kl"]),
        _number(point["gain"]),
        "" if low is None or high is None else f"[{_number(low)}, {_number(high)}]",
        _number(point["reward"]),
        _number(point["gold"]),
        _number(point["win_rate"]),
        _number(point["ess"]),
        "" if trusted is None else ("yes" if trusted else "no"),
    )
    style = ' style="opacity:0.6"' if trusted is False else ""
    title = f' title="{escape(str(point["note"]))}"' if point["note"] else ""
    return f"<tr{style}{title}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3g}"
