# SPDX-License-Identifier: Apache-2.0
"""A peer's process: takes commands as lines of JSON on standard input and answers each with a line.

    {"do": "prepare", "job": ..., "rewards": ..., "gold": ..., "threads": ...}   seconds of the first call, values
    {"do": "run", "repeats": N}                                                  {"seconds": [...], "values": [...]}
    {"do": "versions"}                                                           {"versions": {...}}

A peer that cannot be imported answers {"missing": reason}, one without the job {"without": job}. Standard output of
the libraries goes to standard error.
"""
import importlib
import importlib.metadata
import json
import os
import sys
import time
import traceback

PACKAGES = ["numpy", "scipy", "numba", "llvmlite", "icc-rt", "jax", "jaxlib", "torch", "pykeops"]


def function(module, job):
    """The module's function of a job; of `tilt_best_of_n` both of its parts, one after the other."""
    name = "tilt" if job.startswith("tilt_") and job != "tilt_best_of_n" else job
    if hasattr(module, name):
        return getattr(module, name)
    if name == "tilt_best_of_n" and hasattr(module, "best_of_n"):
        def both(task):
            first, second = module.tilt(task), module.best_of_n(task)
            return lambda: [*first(), *second()]
        return both
    return None


def timed(run):
    start = time.perf_counter()
    values = run()
    return time.perf_counter() - start, [float(value) for value in values]


def versions():
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


class Peer:
    def __init__(self, name):
        self.module = importlib.import_module(name)
        self.run = None

    def answer(self, command):
        if command["do"] == "versions":
            return {"versions": versions()}
        if command["do"] == "prepare":
            from common import Task
            self.run = None
            make = function(self.module, command["job"])
            if make is None:
                return {"without": command["job"]}
            self.run = make(Task(command["job"], command["rewards"], command["gold"], command["threads"]))
            seconds, values = timed(self.run)
            return {"seconds": [seconds], "values": values}
        seconds = []
        for _ in range(command["repeats"]):
            second, values = timed(self.run)
            seconds.append(second)
        return {"seconds": seconds, "values": values}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(answer):
        print(json.dumps(answer), file=answers, flush=True)

    try:
        peer = Peer(sys.argv[1])
    except Exception as error:  # noqa: BLE001: a library may fail to load in any way
        reply({"missing": f"{type(error).__name__}: {error}"})
        return
    reply({"ready": True})
    for line in sys.stdin:
        try:
            reply(peer.answer(json.loads(line)))
        except Exception as error:  # noqa: BLE001: the run goes on without this peer
            traceback.print_exc()
            reply({"failed": f"{type(error).__name__}: {error}"})


main()
