# SPDX-License-Identifier: Apache-2.0
"""Flags of ``python -m esscher``: those of a run from the table of options, the others from here."""

from __future__ import annotations

import argparse
from typing import NoReturn

from ._options import OPTIONS, Option
from .errors import UsageError

#: What goes to the report's places, as ``frontier`` and ``merge`` take it.
OUTPUT_FLAGS = (
    (
        "format",
        "FORMAT",
        "Format of standard output, and of files whose ending says nothing: table (the default), csv, json or jsonl.",
    ),
    (
        "plot-axis",
        "SCALE",
        "Scale of the picture's KL axis: linear (the default), or sqrt, along which frontiers begin as straight lines.",
    ),
)

#: Sweeps whose prompts are spread over many processes.
SWEEP_FLAGS = (
    (
        "shard",
        "I/N",
        "Run over the I-th of N parts of the prompts alone and write --state in place of a report; merge puts the "
        "parts together.",
    ),
    ("state", "FILE", "Where the partial result goes."),
    (
        "after",
        "FILE",
        "The state that the last merge wrote: this shard's next round goes by it. Where the sweep is finished, nothing "
        "is done.",
    ),
)

#: What is read, in the order of the program's help.
INPUT_FLAGS = (
    (
        "input-format",
        "FORMAT",
        "Format of the input where the ending does not say it: npy, npz, parquet, arrow, csv, tsv or jsonl. Needed for "
        "standard input.",
    ),
    ("key", "NAME", "Name of the array inside an .npz file."),
    ("gold", "FILE[:KEY]", "Gold reward of the same samples, in the same shape."),
    (
        "log-weights",
        "FILE[:KEY]",
        "Log importance weights of the same samples, when they were not drawn from the base policy.",
    ),
    (
        "logprobs",
        "FILE[:KEY]",
        "Log-probabilities of the same samples under the base policy, for the estimate of best-of-n's KL from them.",
    ),
    (
        "policies",
        "FILE",
        "Trained policies to place against the frontier: a table with the columns name,kl,reward and, where "
        "measured, gold; KL to the base policy in nats.",
    ),
    ("dtype", "TYPE", "bf16 reads the 2-byte cells of an .npy file as bfloat16."),
    ("label", "NAME", "Name of the reward in the report (default: the file's, or the column's)."),
)

_DESCRIPTION = (
    "Reads a prompt x sample matrix of rewards drawn from a base policy and estimates how much reward each amount "
    "of KL divergence can buy at best, how close best-of-n comes, and how far each number can be trusted. REWARDS is "
    "a file (.npy, .npz, .parquet, .arrow, .csv, .tsv, .jsonl), a folder or a quoted pattern of .parquet files, a "
    "folder of Dataset.save_to_disk, a data set (dataset:NAME[:SPLIT] or hf://datasets/NAME), several files of an "
    "ensemble's reward models, or - for standard input with --input-format. KL is in nats."
)


class _Parser(argparse.ArgumentParser):
    """A parser whose failures are exceptions with sentences, and which takes no shortened flags."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}. See {self.prog} --help.")


def _flag_of(option: Option) -> tuple[str, str, str]:
    return option.name, option.placeholder, option.documentation


def _add(group: argparse._ActionsContainer, flag: tuple[str, str, str]) -> None:
    name, placeholder, documentation = flag
    # argparse reads % as the beginning of a field.
    documentation = documentation.replace("%", "%%")
    if placeholder:
        group.add_argument(f"--{name}", metavar=placeholder, help=documentation)
    else:
        group.add_argument(f"--{name}", action="store_true", default=None, help=documentation)


def make_parser(version: str) -> argparse.ArgumentParser:
    """The parser of the whole command line.

    Parameters
    ----------
    version : str
        What ``--version`` prints.
    """
    parser = _Parser(
        prog="python -m esscher",
        allow_abbrev=False,
        description="How much reward a KL budget can buy a language model, and how close best-of-n comes, from samples "
        "of the base model alone.",
    )
    parser.add_argument("-V", "--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_frontier(commands)
    _add_merge(commands)
    devices = commands.add_parser(
        "devices",
        allow_abbrev=False,
        help="list the devices of this machine and the one that auto picks",
        description="Shows what can carry out a run on this machine, and which device --device auto picks.",
    )
    devices.add_argument("--json", action="store_true", help="Print JSON.")
    _add_quietness(devices)
    return parser


def _add_frontier(commands: argparse._SubParsersAction[_Parser]) -> None:
    frontier = commands.add_parser(
        "frontier",
        allow_abbrev=False,
        help="estimate the optimal KL-reward frontier and the best-of-n curve",
        description=_DESCRIPTION,
    )
    frontier.add_argument("rewards", nargs="+", metavar="REWARDS", help="Files, or a data set.")
    inputs = frontier.add_argument_group("input")
    for flag in INPUT_FLAGS:
        _add(inputs, flag)
    inputs.add_argument(
        "--column",
        metavar="ROLE=NAME",
        action="append",
        default=[],
        help="Column that plays a role (prompt, reward, gold, logweight, logprob, num_samples, num_correct); "
        "repeatable. reward=A,B,C names several reward models. Without it the usual names are tried.",
    )
    estimation = frontier.add_argument_group("grids, estimation and machine")
    for option in OPTIONS:
        _add(estimation, _flag_of(option))
    sweep = frontier.add_argument_group("sweeps in parts")
    for flag in SWEEP_FLAGS:
        _add(sweep, flag)
    output = frontier.add_argument_group("output")
    _add_outputs(output)
    _add(output, ("per-prompt", "FILE.csv", "Writes a line for each prompt and point, as they are made."))
    output.add_argument(
        "--progress",
        metavar="WHEN",
        help="Progress on standard error: auto (a bar on a terminal), always or never.",
    )
    _add_quietness(output)


def _add_merge(commands: argparse._SubParsersAction[_Parser]) -> None:
    merge = commands.add_parser(
        "merge",
        allow_abbrev=False,
        help="put the shards of a sweep together",
        description="Puts the states that frontier --shard left together, in any order: into the report of one run, "
        "or, with exit code 6, into the state by which the shards run again.",
    )
    merge.add_argument("states", nargs="+", metavar="STATE", help="Files of all shards, and the last merge's.")
    merge.add_argument("--state", metavar="FILE", help="Where the merge goes, by which the next round of shards runs.")
    _add_outputs(merge)
    _add_quietness(merge)


def _add_outputs(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help="Where the result goes; repeatable. The ending chooses the format (.csv, .json, .jsonl, .txt, .parquet), "
        "and - is standard output.",
    )
    group.add_argument(
        "--plot",
        metavar="FILE",
        action="append",
        default=[],
        help="Draws the frontier through matplotlib: .svg, .png or .pdf; repeatable.",
    )
    for flag in OUTPUT_FLAGS:
        _add(group, flag)


def _add_quietness(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="No progress, notices and warnings on standard error; errors stay.",
    )
    group.add_argument("--no-color", action="store_true", help="Taken for the program's sake: nothing is coloured.")
