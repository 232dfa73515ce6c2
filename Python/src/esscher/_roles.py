# SPDX-License-Identifier: Apache-2.0
"""Which column of a table stands for what: guessed by name as the program does, or as the caller says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import InputError, UsageError

#: Names that are taken for a role, the first that exists wins.
GUESSES: dict[str, tuple[str, ...]] = {
    "prompt": (
        "prompt_id",
        "prompt_idx",
        "task_id",
        "doc_id",
        "custom_id",
        "id",
        "prompt",
        "input",
    ),
    "reward": (
        "rewards",
        "reward",
        "scores",
        "score",
        "rm_scores",
        "all_rm_scores",
        "proxy_scores",
    ),
    "gold": ("gold_scores", "gold_score", "gold_rewards", "gold_reward", "gold"),
    "logweight": (),
    "logprob": ("logprobs", "logprob"),
    "num_samples": ("num_samples",),
    "num_correct": ("num_correct",),
}

#: Names for log weights in a table of their own.
LOG_WEIGHT_NAMES = ("log_weights", "log_weight", "logweights", "logweight")


def checked_columns(column: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """The caller's names by role.

    Parameters
    ----------
    column : mapping, optional
        Role to a name, or of ``reward`` to several.

    Raises
    ------
    UsageError
        For a role that there is not, and for several names of one that takes one.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    if column is not None and not isinstance(column, Mapping):
        raise UsageError(
            f"column takes a dictionary of roles to names, such as {{'reward': 'rm_score'}}, not {column!r}."
        )
    for role, names in (column or {}).items():
        if role not in GUESSES:
            raise UsageError(f"column: there is no role '{role}'; the roles are {', '.join(GUESSES)}.")
        several = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else (names,)
        if not several or not all(isinstance(name, str) and name for name in several):
            raise UsageError(f"column: the role '{role}' takes a column's name, not {names!r}.")
        if len(several) > 1 and role != "reward":
            raise UsageError(f"column: the role '{role}' takes one column, not {len(several)}.")
        if len(set(several)) < len(several):
            raise UsageError("column: 'reward' names a column twice; name each model once.")
        chosen[role] = several
    return chosen


def refuse_roles_as_models(models: Mapping[Any, Any]) -> None:
    """Refuse a dictionary of columns, which would be read as an ensemble.

    Raises
    ------
    UsageError
        If the keys name what a column of a table does beside rewards.
    """
    others = [role for role in GUESSES if role not in ("prompt", "reward")]
    has_prompts = any(name in GUESSES["prompt"] for name in models)
    has_rewards = any(name in GUESSES["reward"] for name in models)
    beside = any(name in GUESSES[role] for role in others for name in models)
    if has_prompts or (has_rewards and beside) or ("num_samples" in models and "num_correct" in models):
        raise UsageError(
            f"rewards: the dictionary's keys ({', '.join(map(str, models))}) are names of columns, and a dictionary is "
            "an ensemble of models by name; pass a table, such as pandas.DataFrame(x) or pyarrow.table(x)."
        )


def is_wanted(name: str, chosen: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a column may play a role at all, so that a file's other columns need not be read."""
    return (
        name.startswith("gold")
        or name in LOG_WEIGHT_NAMES
        or any(name in guesses for guesses in GUESSES.values())
        or any(name in names for names in chosen.values())
    )


class Roles:
    """The columns of one table.

    Parameters
    ----------
    names : sequence of str
        The columns that there are.
    numeric : set of str
        Those that hold numbers, or lists of them.
    chosen : mapping
        The caller's names, from :func:`checked_columns`.
    guesses : mapping, optional
        Names by role, instead of :data:`GUESSES`; a role without an entry is not looked for.
    place : str
        The table, for messages.
    what : str
        What its main numbers are, for messages.
    role : str
        By which the caller names their column.

    Attributes
    ----------
    rewards : tuple of str
        The columns of rewards; several of an ensemble, none of counts.
    textual_gold : tuple of str
        Columns that are named like gold rewards and hold text.

    Raises
    ------
    InputError
        If a column that was named is not there, or nothing looks like the numbers wanted.
    """

    def __init__(
        self,
        names: Sequence[str],
        numeric: set[str],
        chosen: Mapping[str, tuple[str, ...]],
        place: str,
        guesses: Mapping[str, Sequence[str]] = GUESSES,
        what: str = "rewards",
        role: str = "reward",
    ) -> None:
        self._found: dict[str, tuple[str, ...]] = {}
        textual: list[str] = []
        shown = ", ".join(list(names)[:20])
        for kind, usual in guesses.items():
            if kind in chosen:
                for name in chosen[kind]:
                    if name not in names:
                        raise InputError(f"{place}: has no column '{name}'; its columns are {shown}.", place)
                self._found[kind] = chosen[kind]
                continue
            known = [name for name in usual if name in names]
            if kind == "gold":
                known += [name for name in names if name.startswith("gold") and name not in known]
                textual = [name for name in known if name not in numeric]
            if kind in ("gold", "logprob"):
                known = [name for name in known if name in numeric]
            if known:
                self._found[kind] = (known[0],)
        if "reward" not in chosen and "num_samples" in self._found and "num_correct" in self._found:
            self._found.pop("reward", None)
        self.rewards = self._found.get("reward", ())
        self.textual_gold = tuple(textual) if "gold" not in chosen and not self["gold"] else ()
        if not self.rewards and not self.is_counts:
            raise InputError(
                f"{place}: has no column of {what}; its columns are {shown}. Say which with "
                f"column={{'{role}': NAME}}; a frame with a column a sample is passed as frame.to_numpy().",
                place,
            )
        for found in self._found.values():
            for name in found:
                if list(names).count(name) > 1:
                    raise InputError(f"{place}: has more than one column '{name}'; rename all but one.", place)

    def __getitem__(self, role: str) -> str | None:
        """The column of a role, None where there is none."""
        found = self._found.get(role)
        return found[0] if found else None

    @property
    def is_counts(self) -> bool:
        """Whether the table holds how many samples there were and how many were correct."""
        return not self.rewards and bool(self["num_samples"]) and bool(self["num_correct"])
