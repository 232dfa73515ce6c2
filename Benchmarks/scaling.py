#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how cost grows with prompts, samples, lambdas, n and threads, and puts the tables into docs/scaling.md.

    scaling.py ESSCHER [--rounds N] [--dimension NAME ...] [--page FILE.md] [--record FILE.json]

Each point is `esscher bench` on the processor. Rounds go through all points of a dimension one after the other, so
that a disturbed minute hurts neighbours alike; the fastest turn of a point counts. Standard library only.
"""
import argparse
import json
import math
import os
import sys

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = ["tilt", "best_of_n", "khat", "bootstrap", "frontier"]


def grid(count):
    return ["--lambdas", "1" if count == 1 else f"log:0.01:50:{count}"]


class Dimension:
    """One quantity that varies. `cells(value)` is the size of the matrix, `unit(value)` what a cost is divided by."""

    def __init__(self, name, symbol, fixed, values, jobs, options, cells, unit, unit_name):
        self.name, self.symbol, self.fixed, self.values = name, symbol, fixed, values
        self.jobs, self.options, self.cells, self.unit, self.unit_name = jobs, options, cells, unit, unit_name


def dimensions(threads):
    half_decades = [1, 3.2, 10, 32, 100, 320, 1000]
    prompts = [round(20 * x) for x in half_decades]
    samples = [round(200 * x) for x in half_decades]
    cells = 1000 * 2000
    usual = ["--threads", str(threads)]
    return [
        Dimension("prompts", "P", "1,000 samples, 64 lambdas, 11 n", prompts, ALL,
                  lambda p: ["--shape", f"{p}x1000", *usual], lambda p: 1000 * p, lambda p: 1000 * p, "cell"),
        Dimension("samples", "M", "100 prompts, 64 lambdas, 11 n", samples, ALL,
                  lambda m: ["--shape", f"100x{m}", *usual], lambda m: 100 * m, lambda m: 100 * m, "cell"),
        Dimension("lambdas", "B", "1,000 prompts x 2,000 samples, 11 n", [1, 4, 16, 64, 256, 1024],
                  ["tilt", "tilt_best_of_n", "khat", "frontier"],
                  lambda b: ["--shape", "1000x2000", *grid(b), *usual],
                  lambda b: cells, lambda b: cells * b, "cell and lambda"),
        Dimension("n", "n", "1,000 prompts x 2,000 samples, 64 lambdas; n = 1 to N", [1, 3, 10, 32, 100, 320, 1000],
                  ["best_of_n", "tilt_best_of_n"],
                  lambda n: ["--shape", "1000x2000", "--ns", f"lin:1:{n}:{n}" if n > 1 else "1", *usual],
                  lambda n: cells, lambda n: cells, "cell"),
        Dimension("threads", "T", "2,000 prompts x 10,000 samples, 64 lambdas, 11 n",
                  sorted({*(1 << k for k in range(12) if 1 << k <= threads), threads}), ALL,
                  lambda t: ["--shape", "2000x10000", "--threads", str(t)],
                  lambda t: 20_000_000, lambda t: 20_000_000 / t, "cell and thread"),
    ]


def measure(esscher, dimension, rounds):
    """Seconds by job and value: the fastest turn of all rounds."""
    seconds = {job: {} for job in dimension.jobs}
    for _ in range(rounds):
        for value in dimension.values:
            command = [esscher, "bench", "--device", "cpu", "--json", "--quiet", "--repeats", "2",
                       *dimension.options(value)]
            for job in dimension.jobs:
                command += ["--job", job]
            report = json.loads(machine.output(command))
            for record in report["jobs"]:
                times = seconds[record["job"]]
                times[value] = min(record["minimum_s"], times.get(value, math.inf))
            print(".", end="", file=sys.stderr, flush=True)
    print(f" {dimension.name}", file=sys.stderr)
    return seconds


def exponent(times):
    """d log time / d log value over the last decade, or over all that there is of it."""
    values = sorted(times)
    high = values[-1]
    low = min((v for v in values[:-1] if v >= 0.09 * high), default=None)
    return math.log(times[high] / times[low]) / math.log(high / low) if low else None


def table(dimension, seconds):
    jobs = dimension.jobs
    lines = [f"| {dimension.symbol} | " + " | ".join(f"{job} ms" for job in jobs) + " | "
             + " | ".join(f"{job} ns a {dimension.unit_name}" for job in jobs) + " |",
             "| ---: |" + " ---: |" * (2 * len(jobs))]
    for value in dimension.values:
        cells = [f"{1e3 * seconds[job][value]:.3g}" for job in jobs]
        cells += [f"{1e9 * seconds[job][value] / dimension.unit(value):.3g}" for job in jobs]
        lines.append(f"| {value:,} | " + " | ".join(cells) + " |")
    powers = {job: exponent(seconds[job]) for job in jobs}
    if all(power is not None for power in powers.values()):
        lines += ["", f"Over the last decade, time grows as {dimension.symbol} to the power "
                  + ", ".join(f"{power:.2f} ({job})" for job, power in powers.items()) + "."]
    return lines


def put(page, name, lines):
    """Replaces what stands between the marks of a table."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    head, found, rest = page.partition(start)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"the page has no place for '{name}': it needs {start.strip()} and {end}")
    return head + start + "\n" + "\n".join(lines) + "\n\n" + end + tail


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("esscher")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dimension", action="append", dest="dimensions", help="default: all")
    parser.add_argument("--threads", type=int, default=machine.threads(), help="of all but the threads' own table")
    parser.add_argument("--page", default=os.path.join(HERE, "..", "docs", "scaling.md"))
    parser.add_argument("--record", default=os.path.join(HERE, "runs", "scaling.json"))
    parser.add_argument("--note", help="a sentence for the page, such as what else the machine was doing")
    options = parser.parse_args()
    with open(options.page) as file:
        page = file.read()
    facts = machine.facts(options.esscher, machine.command("scaling.py", sys.argv[1:], ("--page", "--record", "--note")))
    record = {"machine": facts, "threads": options.threads, "note": options.note, "seconds": {}}
    for dimension in dimensions(options.threads):
        if options.dimensions and dimension.name not in options.dimensions:
            continue
        seconds = measure(options.esscher, dimension, options.rounds)
        record["seconds"][dimension.name] = {"fixed": dimension.fixed, **seconds}
        page = put(page, dimension.name, [f"{dimension.fixed}.", "", *table(dimension, seconds)])
    page = put(page, "machine", [*machine.lines(facts), "", f"{options.threads} threads where nothing else is said."
                                 + (f" {options.note}" if options.note else "")])
    with open(options.page, "w") as file:
        file.write(page)
    with open(options.record, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")


main()
