# SPDX-License-Identifier: Apache-2.0
"""Runs `esscher` in the folder of a figure and remembers the commands that the page shows."""

import csv
import io
import os
import shlex
import subprocess
import sys


class Program:
    """The program, with a folder of its own for matrices."""

    def __init__(self, path, folder):
        self.path = os.path.abspath(path)
        self.folder = folder
        self.shown = []
        os.makedirs(folder, exist_ok=True)

    def file(self, name):
        return os.path.join(self.folder, name)

    def _run(self, arguments, show):
        if show:
            self.shown.append("esscher " + shlex.join(arguments))
        # One backend, so that the bytes are the same with and without a GPU.
        machine = ["--device", "cpu"] if arguments[0] == "frontier" else []
        run = subprocess.run(
            [self.path, *arguments, *machine, "--quiet"], cwd=self.folder, stdout=subprocess.PIPE, text=True)
        if run.returncode:
            sys.exit(f"{sys.argv[0]}: `esscher {shlex.join(arguments)}` ended with {run.returncode}")
        return run.stdout

    def simulate(self, law, name, prompts, samples, seed, show=False):
        """Writes prompts x samples of a law in double precision."""
        self._run(
            ["simulate", law, "--prompts", str(prompts), "--samples", str(samples), "--seed", str(seed),
             "--dtype", "f8", "-o", name], show)

    def frontier(self, *arguments, show=False):
        """The points of a run: dictionaries whose numbers are numbers and whose empty cells are None."""
        text = self._run(["frontier", *map(str, arguments), "--format", "csv"], show)
        return rows(io.StringIO(text))


def rows(lines):
    """The lines of a CSV file as dictionaries."""

    def value(text):
        if text == "":
            return None
        try:
            return float(text)
        except ValueError:
            return text

    return [{key: value(text) for key, text in row.items()} for row in csv.DictReader(lines)]


def of_curve(points, curve, label=None):
    return [point for point in points if point["curve"] == curve and label in (None, point["label"])]


def standard_error(point, column):
    """Of a mean over prompts, from its 95 % interval."""
    return (point[column + "_high"] - point[column + "_low"]) / (2 * 1.959964)
