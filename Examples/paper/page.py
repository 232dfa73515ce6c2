# SPDX-License-Identifier: Apache-2.0
"""A section of the page: what a figure shows, the commands behind it, and every number with what it must be."""

import os
import sys

from program import Program


class Section:
    """Collects a figure's text; `close` writes it beside the picture.

    The command line of every figure is: figure.py PROGRAM FOLDER.
    """

    def __init__(self, title):
        if len(sys.argv) != 3:
            sys.exit(f"usage: {sys.argv[0]} PROGRAM FOLDER")
        self.name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        self.folder = os.path.abspath(sys.argv[2])
        self.program = Program(sys.argv[1], os.path.join(self.folder, "data", self.name))
        self.title = title
        self.text = []
        self.checks = []

    def say(self, text):
        self.text.append(" ".join(text.split()))

    def picture(self, picture, name, alt):
        picture.draw(self.folder, name)
        self.text.append(f"![{alt}]({name}.svg)")

    def check(self, what, measured, expected, tolerance, why):
        """Stops the run if a number is farther than `tolerance` from what it must be."""
        if not abs(measured - expected) <= tolerance:
            sys.exit(f"{self.name}: {what} is {measured!r}, not {expected!r} within {tolerance!r} ({why})")
        self.checks.append(f"| {what} | {number(measured)} | {number(expected)} | {tolerance:.1g}, {why} |")

    def check_all(self, what, pairs, tolerance, why):
        """The same for many (measured, expected), as one line of the page."""
        for measured, expected in pairs:
            if not abs(measured - expected) <= tolerance:
                sys.exit(f"{self.name}: {what}: {measured!r}, not {expected!r} within {tolerance!r} ({why})")
        self.checks.append(f"| {what} | {len(pairs)} values | the same | {tolerance:.1g}, {why} |")

    def check_each(self, what, triples, why):
        """The same for many (measured, expected, tolerance)."""
        for measured, expected, tolerance in triples:
            if not abs(measured - expected) <= tolerance:
                sys.exit(f"{self.name}: {what}: {measured!r}, not {expected!r} within {tolerance!r} ({why})")
        self.checks.append(f"| {what} | {len(triples)} values | the same | {why} |")

    def check_scaled(self, what, triples, factor, why):
        """The same for many (measured, expected, standard error), each within `factor` standard errors."""
        worst = 0.0
        if not triples:
            sys.exit(f"{self.name}: nothing to check: {what}")
        for measured, expected, error in triples:
            score = abs(measured - expected) / error
            if not score <= factor:
                sys.exit(f"{self.name}: {what}: {measured!r}, not {expected!r}: {score:.1f} standard errors ({why})")
            worst = max(worst, score)
        self.checks.append(
            f"| {what} | {len(triples)} values, the worst {worst:.1f} standard errors off | the same "
            f"| {factor:g} standard errors, {why} |")

    def holds(self, what, condition, measured):
        """The same for an inequality; `measured` is text."""
        if not condition:
            sys.exit(f"{self.name}: it does not hold that {what}: {measured}")
        self.checks.append(f"| {what} | {measured} | holds | |")

    def close(self):
        lines = [f"## {self.title}", ""]
        for paragraph in self.text:
            lines += [paragraph, ""]
        if self.program.shown:
            lines += [*("    " + command for command in self.program.shown), ""]
        lines += ["| number | measured | must be | within |", "| --- | --- | --- | --- |", *self.checks, ""]
        with open(os.path.join(self.folder, self.name + ".md"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def number(value):
    return f"{value:.6g}"
