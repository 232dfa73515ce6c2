# SPDX-License-Identifier: Apache-2.0
"""Runs the engine and its peer in turns on one file, prints a table, writes one record.

    compare.py ENGINE ESSCHER OUTPUT.json [--prompts P] [--samples M] [--rounds N] [--threads N]
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def lines(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {record["job"]: record for record in map(json.loads, out.splitlines())}


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("esscher")
    parser.add_argument("output")
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        path = os.path.join(folder, "rewards.npy")
        subprocess.run(
            [options.esscher, "simulate", "normal", "--prompts", str(options.prompts),
             "--samples", str(options.samples), "--seed", "1", "-o", path, "--quiet"], check=True)
        seconds = {}
        for _ in range(options.rounds):
            count = ["3", str(options.threads)]
            ours = lines([options.engine, path] + count)
            peer = lines([sys.executable, os.path.join(HERE, "peers", "numpy_jobs.py"), path] + count)
            for side, records in (("esscher", ours), ("numpy", peer)):
                for job, record in records.items():
                    seconds.setdefault((job, side), []).extend(record["seconds"])
    def error(job):
        return max(abs(a - b) / abs(a) for a, b in zip(ours[job]["values"], peer[job]["values"]) if a)
    version = subprocess.run([options.esscher, "--version"], capture_output=True, text=True).stdout
    record = {
        "command": "make bench", "version": version.strip(), "machine": processor(),
        "prompts": options.prompts, "samples": options.samples, "lambdas": 64, "ns": 11,
        "element_type": "<f4", "threads": options.threads, "jobs": [],
    }
    print(f"{'job':12} {'esscher':>10} {'numpy':>10} {'ratio':>8}   largest relative difference")
    for job in ("tilt", "best_of_n", "frontier"):
        ours_median = statistics.median(seconds[job, "esscher"])
        entry = {"job": job, "esscher_s": ours_median, "esscher_all_s": seconds[job, "esscher"]}
        text = f"{job:12} {ours_median:10.4f}"
        if (job, "numpy") in seconds:
            peer_median = statistics.median(seconds[job, "numpy"])
            entry |= {
                "numpy_s": peer_median, "numpy_all_s": seconds[job, "numpy"],
                "ratio": peer_median / ours_median, "numpy_error": error(job)}
            text += f" {peer_median:10.4f} {peer_median / ours_median:8.2f}   {error(job):.1e}"
        print(text)
        record["jobs"].append(entry)
    with open(options.output, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")


main()
