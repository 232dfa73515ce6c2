# SPDX-License-Identifier: Apache-2.0
"""`esscher frontier` beside a Python program that does the same with the best peers, each a whole process: start,
imports, reading the file, every number, writing the table. Wall time and peak memory."""
import csv
import math
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAMBDAS = "log:0.01:50:48"
# Single-precision sums behind the peers' numbers. The engine's 90th percentile of k-hat and its median effective sample size
# are the middles of bins, 128 an octave; a neighbour in rank may be in the next. Draws differ: an interval's width from 1,000
# replicates is known to 3 %, and neighbouring points move together, so that the mean width is known no better.
TOLERANCE, BIN, WIDTH = 5e-5, 2 ** (2 / 128) - 1, 0.2
KEYS = ["curve", "lambda", "n"]
VALUES = ["kl", "reverse_kl", "jeffreys", "reward", "gain", "win_rate", "kl_bound", "kl_ceiling", "efficiency"]
INTERVALS = ["kl", "reward", "gain", "efficiency"]
# Of a single point's interval, from other draws: ends are quantiles of 1,000 replicates, known to about 5 % of the width.
ENDS = 0.3


def spent(command, environment, log):
    """Seconds and peak resident bytes of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{os.path.basename(command[0])} ended with status {status}")
    return seconds, 1024 * usage.ru_maxrss


def points(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def difference(ours, theirs):
    """Largest difference of what both have, relative above 1: of values as it is, of bins and of the mean widths of
    intervals what exceeds the above. Trust has to be the same."""
    worst, widths = 0.0, {name: ([], []) for name in INTERVALS}
    for a, b in zip(ours, theirs, strict=True):
        for name in KEYS:
            if name in b and a[name] != b[name] and abs(float(a[name]) / float(b[name]) - 1) > 1e-9:
                raise RuntimeError(f"lines of other points: {name} {a[name]} and {b[name]}")
        both = {name for name in b if a[name] and b[name]}
        apart = [abs(float(a[name]) - float(b[name])) / max(1, abs(float(a[name]))) for name in both & set(VALUES)]
        if "khat" in both:
            # The lowest bin, which ends at 2^-10, holds every tail that is bounded.
            shapes = [max(float(point["khat"]), 2 ** -10) for point in (a, b)]
            apart.append(abs(shapes[0] - shapes[1]) / max(shapes[0], 0.01) - BIN)
        if "ess" in both:
            apart.append(abs(float(a["ess"]) / float(b["ess"]) - 1) - BIN)
        if "trusted" in both and a["trusted"] != b["trusted"].lower():
            apart.append(float("inf"))
        for name in INTERVALS:
            if f"{name}_low" in both:
                low, high = ([float(point[f"{name}_{end}"]) for point in (a, b)] for end in ("low", "high"))
                for side, width in zip(widths[name], (high[0] - low[0], high[1] - low[1])):
                    side.append(width)
                for end in (low, high):
                    apart.append(abs(end[0] - end[1]) - ENDS * (high[0] - low[0]))
        # No number compares as less than one.
        worst = max([worst, *(float("inf") if math.isnan(x) else x for x in apart)])
    for one, other in widths.values():
        if sum(one):
            worst = max(worst, abs(sum(other) / sum(one) - 1) - WIDTH)
    return worst


def play(options, data):
    folder = os.path.dirname(data.rewards)
    build = os.path.join(os.path.dirname(HERE), "build")
    ns = ",".join(str(1 << k) for k in range(11) if 1 << k <= data.samples)
    common = [data.rewards, "--lambdas", LAMBDAS, "--ns", ns]
    ours, theirs = os.path.join(folder, "ours.csv"), os.path.join(folder, "theirs.csv")
    environment = dict(
        os.environ, NUMBA_NUM_THREADS=str(options.threads), OPENBLAS_NUM_THREADS="1",
        OMP_NUM_THREADS=str(options.threads))
    script = [os.path.join(HERE, "peers", "whole_frontier.py"), *common, "--threads", str(options.threads), "-o", theirs]
    kinds = {"": [], ", few columns": ["--few"]}
    peers = {
        f"NumPy and Numba{library}{kind}": (python, flags) for kind, flags in kinds.items()
        for library, python in [("", options.environment), (", SVML", options.svml_environment)]}
    tool = [options.esscher, "frontier", "--threads", str(options.threads), "--device", "cpu", "--quiet"]
    commands = {
        "esscher": tool + common + ["-o", ours],
        "esscher, its own grid": tool + [data.rewards, "-o", os.path.join(folder, "own.csv")],
        **{name: [python + "/bin/python", *script, *flags] for name, (python, flags) in peers.items()},
    }
    rows = {name: {"seconds": [], "peak_bytes": 0} for name in commands}
    for turn in range(options.rounds + 1):
        for name, command in commands.items():
            row = rows[name]
            if "reason" in row:
                continue
            try:
                # A cache each: versions of Numba throw one another's away.
                cache = os.path.join(build, "numba-svml" if "SVML" in name else "numba")
                seconds, peak = spent(command, {**environment, "NUMBA_CACHE_DIR": cache}, data.log)
                if name in peers:
                    row["difference"], row["tolerance"] = difference(points(ours), points(theirs)), TOLERANCE
            except (OSError, RuntimeError) as error:
                # The engine has to be there; a peer need not.
                if command[0] == options.esscher:
                    raise
                row["reason"] = f"missing ({error})"
                continue
            # The first turn fills Numba's cache of compiled code and the page cache.
            if turn:
                row["seconds"].append(seconds)
                row["peak_bytes"] = max(row["peak_bytes"], peak)
        print(".", end="", file=sys.stderr, flush=True)
    print(" frontier", file=sys.stderr)
    for row in rows.values():
        if row["seconds"]:
            row["median_s"], row["minimum_s"] = statistics.median(row["seconds"]), min(row["seconds"])
            row["times_ours"] = row["median_s"] / statistics.median(rows["esscher"]["seconds"])
    return rows


def table(rows):
    lines = ["| | median s | minimum s | times ours | peak MB | largest difference |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, row in rows.items():
        if "median_s" not in row:
            lines.append(f"| {name} | {row['reason']} | | | | |")
            continue
        apart = row.get("difference")
        lines.append(
            f"| {name} | {row['median_s']:.3g} | {row['minimum_s']:.3g} | {row['times_ours']:.2f} "
            f"| {row['peak_bytes'] / 1e6:.0f} | {'' if apart is None else f'{apart:.1e}'} |")
    return lines
