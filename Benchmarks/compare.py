#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the engine beside its peers on one file, in turns, and writes Benchmarks/runs/<shape>.md and .json.

    compare.py ESSCHER [--shape PxM] [--job NAME ...] [--peer NAME ...] [--rounds N] [--repeats N]

Peers live in processes of their own for the whole run and take commands over a pipe, so that their compilers work
once. Within a round every seat has its turn at a job, one after the other, each round beginning with the next seat:
what else happens on the machine hurts all alike. Medians over all counted calls. Each peer's numbers are compared
with the engine's. Standard library only; the peers' environments are named by --environment and
--svml-environment, and a peer that is not there is named as missing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import machine
import whole_process
from peers import seats

HERE = os.path.dirname(os.path.abspath(__file__))
JOBS = ["tilt", "tilt_256", "tilt_uniform", "best_of_n", "tilt_best_of_n", "best_of_n_gold", "bootstrap", "khat"]
TITLES = {
    "tilt": "tilt: log Z, reward, KL and reverse KL at 64 lambdas, log grid 0.01 to 50",
    "tilt_256": "the same at 256 lambdas",
    "tilt_uniform": "the same at 64 lambdas with equal steps up to 50",
    "best_of_n": "best of n = 1, 2, 4, ..., 1024: sort and weighted sums",
    "tilt_best_of_n": "tilt at 64 lambdas and best of n together",
    "best_of_n_gold": "order by the reward, best-of-n sums of a gold reward",
    "bootstrap": "1,000 bootstrap replicates of 64 columns, with intervals",
    "khat": "Pareto shapes at 64 lambdas from the sorted tails",
    "frontier": "the whole frontier as a process",
}
# Largest difference from the engine that counts as agreement, of values near 1 absolute and of larger ones
# relative: single-precision peers, for gold with float ties in an order of their own. Of the bootstrap, whose draws
# differ, the mean width of an interval: a width from 1,000 replicates is known to 3 %, the mean of 64 to 0.4 %.
TOLERANCES = {"tilt": 5e-5, "tilt_256": 5e-5, "tilt_uniform": 5e-5, "best_of_n": 2e-5, "tilt_best_of_n": 5e-5,
              "best_of_n_gold": 2e-4, "bootstrap": 0.03, "khat": 1e-6}


class Data:
    """The files everybody reads."""

    def __init__(self, options, folder):
        self.rewards = os.path.join(folder, "rewards.npy")
        self.gold = os.path.join(folder, "gold.npy")
        os.makedirs(os.path.join(os.path.dirname(HERE), "build"), exist_ok=True)
        self.log = open(os.path.join(os.path.dirname(HERE), "build", "peers.log"), "w")
        prompts, samples = options.shape.split("x")
        self.samples = int(samples)
        subprocess.run(
            [options.esscher, "simulate", "normal:0.6", "--prompts", prompts, "--samples", samples, "--seed", "1",
             "-o", self.rewards, "--gold-output", self.gold, "--quiet"], check=True)


def difference(job, ours, theirs):
    if len(ours) != len(theirs):
        return float("inf")
    if job == "bootstrap":
        widths = [sum(values[1::2]) - sum(values[0::2]) for values in (ours, theirs)]
        return abs(widths[1] / widths[0] - 1)
    return max(abs(a - b) / max(1, abs(a)) for a, b in zip(ours, theirs))


def play(job, everyone, options):
    """All rounds of a job: a row a seat."""
    rows, playing = {}, []
    for seat in everyone:
        reason = seat.prepare(job)
        rows[seat.name] = {"reason": reason} if reason else {"seconds": []}
        if not reason:
            playing.append(seat)
    for turn in range(options.rounds):
        start = turn % len(playing)
        for seat in playing[start:] + playing[:start]:
            seconds = rows[seat.name]["seconds"]
            if seat.is_slow:
                # One call was made while preparing.
                seconds[:] = [seat.first]
                continue
            try:
                seconds += seat.turn(options.repeats)
            except RuntimeError as error:
                rows[seat.name] = {"reason": str(error), "seconds": seconds}
        print(".", end="", file=sys.stderr, flush=True)
    print(f" {job}", file=sys.stderr)
    engine = everyone[0]
    for seat in playing:
        row = rows[seat.name]
        if not row.get("seconds"):
            continue
        row["median_s"] = statistics.median(row["seconds"])
        row["minimum_s"] = min(row["seconds"])
        row["first_s"] = getattr(seat, "first", None)
        row["difference"] = difference(job, engine.values, seat.values)
        row["tolerance"] = seat.tolerances.get(job, TOLERANCES[job])
        if isinstance(seat, seats.Engine):
            row["ceiling"], row["ceiling_share"] = seat.share
    ours = rows[engine.name]["median_s"]
    for row in rows.values():
        if "median_s" in row:
            row["times_ours"] = row["median_s"] / ours
    return rows


def table(rows):
    lines = ["| | median ms | minimum ms | times ours | calls | largest difference |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, row in sorted(rows.items(), key=lambda item: item[1].get("median_s", float("inf"))):
        if "median_s" not in row:
            if row["reason"] != "no such job":
                lines.append(f"| {name} | {row['reason']} | | | | |")
            continue
        agrees = "" if row["difference"] <= row["tolerance"] else " **more than its precision**"
        lines.append(
            f"| {name} | {1e3 * row['median_s']:.3g} | {1e3 * row['minimum_s']:.3g} | {row['times_ours']:.2f} "
            f"| {len(row['seconds'])} | {row['difference']:.1e}{agrees} |")
    return lines


def write(record, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, record["shape"])
    with open(path + ".json", "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    lines = [f"# {record['shape']}, float32, {record['threads']} threads", ""]
    lines += machine.lines(record["machine"])
    lines += ["", "; ".join(f"{name} {version}" for name, version in sorted(record["versions"].items())) + ".", ""]
    if record["ceilings"]:
        lines += ["Ceilings in the last turn: " + ", ".join(
            f"{name.removesuffix('_per_s').replace('_', ' ')} {rate / 1e9:.3g} G/s"
            for name, rate in record["ceilings"].items()) + ".", ""]
    for job, rows in record["jobs"].items():
        lines += [f"## {TITLES[job]}", "", *(whole_process.table(rows) if job == "frontier" else table(rows)), ""]
    with open(path + ".md", "w") as file:
        file.write("\n".join(lines))
    return path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = os.path.join(os.path.dirname(HERE), "build")
    parser.add_argument("esscher")
    parser.add_argument("--shape", default="2000x10000")
    parser.add_argument("--job", action="append", dest="jobs", choices=[*JOBS, "frontier"])
    parser.add_argument("--peer", action="append", dest="peers", help="default: all that are known")
    parser.add_argument("--device", action="append", dest="devices", help="of the engine; cpu is always there")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=1, help="counted calls of a turn")
    parser.add_argument("--threads", type=int, default=machine.threads())
    parser.add_argument("--environment", default=os.path.join(build, "peers"))
    parser.add_argument("--svml-environment", default=os.path.join(build, "peers-svml"))
    parser.add_argument("--folder", default=os.path.join(HERE, "runs"), help="where the record goes")
    return parser.parse_args()


def main():
    options = arguments()
    jobs = options.jobs or [*JOBS, "frontier"]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        data = Data(options, folder)
        everyone = [seats.Engine(options.esscher, device, data, options.threads)
                    for device in dict.fromkeys(["cpu", *(options.devices or [])])]
        everyone += seats.peers(options, data) if set(jobs) - {"frontier"} else []
        record = {
            "shape": options.shape, "threads": options.threads,
            "machine": machine.facts(options.esscher, machine.command(
                "compare.py", sys.argv[1:], ("--environment", "--svml-environment", "--folder"))),
            "versions": {}, "ceilings": {}, "jobs": {},
        }
        for seat in everyone:
            for name, version in seat.versions.items():
                known = record["versions"].setdefault(name, version)
                if known != version:
                    record["versions"][f"{name} of {seat.name}"] = version
        for job in jobs:
            if job != "frontier":
                record["jobs"][job] = play(job, everyone, options)
        record["ceilings"] = getattr(everyone[0], "ceilings", {})
        for seat in everyone:
            seat.close()
        if "frontier" in jobs:
            record["jobs"]["frontier"] = whole_process.play(options, data)
    path = write(record, options.folder)
    with open(path + ".md") as file:
        print(file.read())
    differing = [f"{name} at {job}" for job, rows in record["jobs"].items() for name, row in rows.items()
                 if row.get("difference", 0) > row.get("tolerance", float("inf"))]
    if differing:
        print("other numbers than the engine's: " + ", ".join(differing), file=sys.stderr)
        sys.exit(1)


main()
