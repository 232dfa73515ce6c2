#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `esscher.frontier` on a NumPy array costs beside the program on the same cells, into runs/python.md and .json.

    Benchmarks/python_overhead.py ESSCHER [--prompts 2000] [--samples 10000] [--rounds 15]

Run by a Python that has the package. In every round the program (a process, from its start to its end, CSV to a pipe) and the function
(a call in this process) have a turn each, the one that begins changing. Data are in memory and in the page cache. A
further process measures how much its peak memory grows in a call: a copy of the cells would show.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import esscher
import machine

GROWTH = """
import sys
import numpy, esscher
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
esscher.frontier([[1.0, 2.0], [3.0, 5.0]])
rewards = numpy.load(sys.argv[1])
before = peak()
esscher.frontier(rewards)
print(peak() - before)
"""


def timed(call):
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def outside_of_stages(call):
    """Milliseconds of a call that are no stage of the engine."""
    start = time.perf_counter()
    result = call()
    spent = time.perf_counter() - start
    return 1e3 * (spent - sum(stage["seconds"] for stage in result.provenance["stages"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("esscher")
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    rewards = np.random.default_rng(0).standard_normal((options.prompts, options.samples), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rewards.npy")
        np.save(path, rewards)
        command = [options.esscher, "frontier", path, "--format", "csv", "--device", "cpu"]
        turns = {
            "program": lambda: subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL),
            "function": lambda: esscher.frontier(rewards, device="cpu"),
        }
        same = turns["program"]().stdout.decode() == esscher.frontier(rewards, device="cpu").to_csv()
        times = {name: [] for name in turns}
        outside = []
        for turn in range(options.rounds):
            for name in list(turns)[:: 1 if turn % 2 else -1]:
                times[name].append(timed(turns[name]))
            outside.append(outside_of_stages(turns["function"]))
        grown = int(subprocess.run([sys.executable, "-c", GROWTH, path], check=True, stdout=subprocess.PIPE).stdout)
    middle = {name: statistics.median(values) for name, values in times.items()}
    least = {name: min(values) for name, values in times.items()}
    record = {
        **machine.facts(options.esscher, machine.command("python_overhead.py", sys.argv[1:])),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "threads": machine.threads(),
        "shape": [options.prompts, options.samples],
        "milliseconds": times,
        "outside_of_stages_ms": outside,
        "ratio_of_medians": middle["function"] / middle["program"],
        "ratio_of_minima": least["function"] / least["program"],
        "same_bytes": same,
        "bytes_of_cells": rewards.nbytes,
        "growth_of_peak_memory": grown,
    }
    place = os.path.join(machine.HERE, "runs", "python")
    with open(place + ".json", "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    page = [
        f"# `esscher.frontier` beside the program: {options.prompts}x{options.samples}, float32, {machine.threads()} threads",
        "",
        *machine.lines(record),
        "",
        f"python {record['python']}; numpy {record['numpy']}.",
        "",
        "| | median ms | minimum ms |",
        "| --- | ---: | ---: |",
        f"| `esscher frontier rewards.npy --format csv --device cpu` | {middle['program']:.1f} | {least['program']:.1f} |",
        f"| `esscher.frontier(rewards, device=\"cpu\")` | {middle['function']:.1f} | {least['function']:.1f} |",
        f"| ratio | {record['ratio_of_medians']:.3f} | {record['ratio_of_minima']:.3f} |",
        "",
        f"Of the function's time {statistics.median(outside):.1f} ms (median) are outside of the engine's stages.",
        f"Same bytes of CSV: {'yes' if same else 'no'}. Peak memory grew by {grown / 1e6:.1f} MB in a call on "
        f"{rewards.nbytes / 1e6:.0f} MB of cells.",
    ]
    with open(place + ".md", "w") as file:
        file.write("\n".join(page) + "\n")
    print("\n".join(page))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
