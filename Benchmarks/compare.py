# SPDX-License-Identifier: Apache-2.0
"""Runs the engine and its peer in turns on one file, prints a table, writes one record.

    compare.py ESSCHER OUTPUT.json [--prompts P] [--samples M] [--rounds N] [--threads N]
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


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def ours_on(esscher, device, path, threads):
    out = run([esscher, "bench", path, "--json", "--device", device, "--repeats", "3",
               "--threads", str(threads), "--quiet"])
    return {record["job"]: record for record in json.loads(out)}


def peer(path, threads):
    out = run([sys.executable, os.path.join(HERE, "peers", "numpy_jobs.py"), path, "3", str(threads)])
    return {record["job"]: record for record in map(json.loads, out.splitlines())}


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def main():
    parser = argparse.ArgumentParser()
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
        devices = ["cpu"] + [
            device["name"] for device in json.loads(run([options.esscher, "devices", "--json"]))["devices"]
            if device["usable"] and device["name"] != "cpu"]
        seconds, work, values = {}, {}, {}
        for _ in range(options.rounds):
            sides = {device: ours_on(options.esscher, device, path, options.threads) for device in devices}
            sides["numpy"] = peer(path, options.threads)
            for side, records in sides.items():
                for job, entry in records.items():
                    seconds.setdefault((job, side), []).extend(entry["seconds"])
                    values[job, side] = entry["values"]
                    work[job] = entry.get("work", work.get(job))
    record = {
        "command": "make bench", "version": run([options.esscher, "--version"]).strip(),
        "machine": processor(), "devices": run([options.esscher, "devices"]).splitlines(),
        "prompts": options.prompts, "samples": options.samples, "lambdas": 64, "ns": 11,
        "element_type": "<f4", "threads": options.threads, "jobs": [],
    }
    names = devices + ["numpy"]
    print(f"{'job':12}" + "".join(f"{name:>14}" for name in names) + "   seconds, medians")
    for job in ("read", "resident", "tilt", "khat", "best_of_n", "frontier"):
        line = f"{job:12}"
        for side in names:
            times = seconds.get((job, side))
            line += f"{statistics.median(times):14.4f}" if times else " " * 14
            if not times:
                continue
            entry = {"job": job, "side": side, "median_s": statistics.median(times), "all_s": times}
            if work.get(job):
                entry["rate"] = work[job] / entry["median_s"]
            if side != "cpu" and job in ("tilt", "best_of_n"):
                entry["largest_difference_from_cpu"] = max(
                    abs(a - b) / abs(a) for a, b in zip(values[job, "cpu"], values[job, side]) if a)
            record["jobs"].append(entry)
        print(line)
    with open(options.output, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")


main()
