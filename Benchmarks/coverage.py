#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the intervals of `esscher frontier` hold the truth, on laws whose truth is known.

Each data set is drawn by `esscher simulate` with a seed of its own and estimated with the same seed. A point
counts where the program itself says `trusted`; the table shows how often that is, and how often the interval
then holds the exact value. `trusted` is read off the same samples, so that at the edge, where few data sets have
it, those are not like the others; the summary is over points that at least nine in ten data sets trust, and over
all trusted points together. Standard library only.

    Benchmarks/coverage.py --sets 2000 --prompts 50 --samples 1000 -o Benchmarks/results/coverage.md
"""

import argparse
import concurrent.futures
import csv
import io
import math
import os
import subprocess
import sys
import tempfile

LAWS = {
    # gain(lambda), KL(lambda); theory: N(0,1), U(0,1), Exp(1).
    "normal": (lambda l: l, lambda l: l * l / 2),
    "uniform": (
        lambda l: 1 / -math.expm1(-l) - 1 / l - 0.5,
        lambda l: l * (1 / -math.expm1(-l) - 1 / l) - math.log(math.expm1(l) / l),
    ),
    "exponential": (lambda l: 1 / (1 - l) - 1, lambda l: l / (1 - l) + math.log1p(-l)),
}
MEANS = {"normal": 0.0, "uniform": 0.5, "exponential": 1.0}
# lambda·sigma, from the smallest to about where trust ends.
GRIDS = {
    "normal": [0.05, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2],
    "uniform": [0.2, 0.7, 1.5, 3.0, 5.0, 8.0, 16.0, 30.0],
    "exponential": [0.05, 0.1, 0.15, 0.2, 0.22, 0.24, 0.26, 0.3, 0.4],
}
BUDGETS = {
    "normal": [0.02, 0.1, 0.2, 0.5],
    "uniform": [0.02, 0.2, 0.5, 1.0],
    "exponential": [0.005, 0.02, 0.05],
}


def frontier_gain(law, budget):
    """The exact gain at a KL, by bisection in lambda."""
    gain, kl = LAWS[law]
    low, high = 1e-6, 0.999999 if law == "exponential" else 200.0
    for _ in range(200):
        middle = (low + high) / 2
        if kl(middle) < budget:
            low = middle
        else:
            high = middle
    return gain(low)


def estimate(program, law, options, seed):
    with tempfile.TemporaryDirectory() as folder:
        matrix = os.path.join(folder, "rewards.npy")
        subprocess.run(
            [program, "simulate", law, "--prompts", str(options.prompts), "--samples", str(options.samples),
             "--seed", str(seed), "--dtype", "f8", "-o", matrix, "--quiet"], check=True)
        results = []
        for correct in ([], ["--bias-correct"]):
            run = subprocess.run(
                [program, "frontier", matrix, "--device", "cpu", "--threads", "1", "--format", "csv", "--quiet",
                 "--lambdas", ",".join(map(str, GRIDS[law])), "--kl-budgets", ",".join(map(str, BUDGETS[law])),
                 "--ns", "2,8", "--resamples", str(options.resamples), "--seed", str(seed)] + correct,
                check=True, capture_output=True, text=True)
            results.append(list(csv.DictReader(io.StringIO(run.stdout))))
        return results


def exact(law, row):
    """(column, exact value) pairs of a line."""
    gain, kl = LAWS[law]
    if row["curve"] == "tilt":
        x = float(row["lambda"])
        return [("gain", gain(x)), ("kl", kl(x)), ("reward", MEANS[law] + gain(x))]
    if row["curve"] == "budget":
        g = frontier_gain(law, float(row["kl"]))
        return [("gain", g), ("reward", MEANS[law] + g)]
    n = int(row["n"])
    best = {
        "uniform": n / (n + 1) - 0.5,
        "exponential": sum(1 / k for k in range(1, n + 1)) - 1,
        "normal": {2: 0.5641895835477563, 8: 1.4236003060469528}[n],
    }[law]
    return [("gain", best)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/esscher")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first data set")
    parser.add_argument("--laws", default="normal,uniform,exponential")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    lines = [
        f"{options.sets} data sets of {options.prompts} prompts x {options.samples} samples, "
        f"{options.resamples} replicates, seeds from {options.seed}.",
        "",
        "| law | curve | at | trusted % | gain % | KL % | reward % | corrected: trusted % | gain % | KL % | reward % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    usual = []
    pooled = {}
    for law in options.laws.split(","):
        tally = {}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            seeds = range(options.seed, options.seed + options.sets)
            for done, runs in enumerate(pool.map(lambda s: estimate(options.program, law, options, s), seeds)):
                for mode, rows in enumerate(runs):
                    for row in rows:
                        key = (row["curve"], row["n"] or (row["kl"] if row["curve"] == "budget" else row["lambda"]))
                        cell = tally.setdefault(key, [[0, {}], [0, {}]])[mode]
                        if row["trusted"] != "true":
                            continue
                        cell[0] += 1
                        for column, truth in exact(law, row):
                            inside = float(row[column + "_low"]) <= truth <= float(row[column + "_high"])
                            cell[1][column] = cell[1].get(column, 0) + inside
                if sys.stderr.isatty():
                    print(f"\r{law} {done + 1}/{options.sets}", end="", file=sys.stderr)
        for (curve, place), modes in tally.items():
            cells = []
            for mode, (trusted, hits) in enumerate(modes):
                for column, count in hits.items():
                    total = pooled.setdefault((law, column, mode), [0, 0])
                    total[0] += count
                    total[1] += trusted
            for mode, (trusted, hits) in enumerate(modes):
                cells.append(f"{100 * trusted / options.sets:.0f}")
                for column in ("gain", "kl", "reward"):
                    if column in hits and trusted >= options.sets / 20:
                        share = 100 * hits[column] / trusted
                        if trusted >= 0.9 * options.sets:
                            usual.append((share, f"{law} {curve} {place} {column}{' corrected' if mode else ''}"))
                        cells.append(f"{share:.1f}")
                    else:
                        cells.append("")
            lines.append(f"| {law} | {curve} | {place} | " + " | ".join(cells) + " |")
    usual.sort()
    lines += [
        "",
        f"Points that at least nine in ten data sets trust: {len(usual)}; lowest {usual[0][0]:.1f} % ({usual[0][1]}), "
        f"highest {usual[-1][0]:.1f} % ({usual[-1][1]}).",
        "",
        "All trusted points together:",
        "",
        "| law | quantity | plain % | corrected % |",
        "| --- | --- | --- | --- |",
    ]
    for law in options.laws.split(","):
        for column in ("gain", "kl", "reward"):
            cells = []
            for mode in (0, 1):
                count, total = pooled.get((law, column, mode), (0, 0))
                cells.append(f"{100 * count / total:.1f}" if total else "")
            lines.append(f"| {law} | {column} | {cells[0]} | {cells[1]} |")
    text = "\n".join(lines) + "\n"
    if options.output:
        with open(options.output, "w") as file:
            command = f"Benchmarks/coverage.py --sets {options.sets} --prompts {options.prompts}"
            command += f" --samples {options.samples} --seed {options.seed}"
            file.write(f"# Coverage of 95 % intervals\n\n    {command}\n\n{text}")
    print(text, end="")


if __name__ == "__main__":
    main()
