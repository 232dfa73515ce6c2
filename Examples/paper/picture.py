# SPDX-License-Identifier: Apache-2.0
"""Draws through gnuplot."""

import os
import subprocess
import sys

# Colours that differ for every kind of colour vision (Okabe and Ito).
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
GREY = "#777777"

STYLE = """\
set encoding utf8
set grid lc rgb '#dddddd' lt 1
set border 3
set tics nomirror
set key Left reverse spacing 1.2 samplen 3
"""


class Picture:
    """A gnuplot script with its data inside."""

    def __init__(self, width=960, height=480):
        self.size = (width, height)
        self.data = ""
        self.names = 0
        self.commands = STYLE

    def block(self, rows):
        """Puts data into the script; returns its name."""
        self.names += 1
        name = f"$data{self.names}"
        lines = [" ".join(cell if isinstance(cell, str) else f"{cell:.6g}" for cell in row) for row in rows]
        self.data += f"{name} << EOD\n" + "\n".join(lines) + "\nEOD\n"
        return name

    def say(self, text):
        self.commands += text + "\n"

    def panels(self, rows, columns):
        self.say(f"set multiplot layout {rows},{columns} margins screen 0.085,0.97,{0.135 if rows == 1 else 0.085},"
                 f"{0.92 if rows == 1 else 0.955} spacing screen {0.09 if columns == 2 else 0.065},"
                 f"{0.13 if rows > 1 else 0}")

    def plot(self, *curves):
        self.say("plot \\\n  " + ", \\\n  ".join(curves))

    def line(self, rows, colour, title=None, width=2.2, dash=1, style="lines"):
        return (f"{self.block(rows)} using 1:2 with {style} lw {width} dt {dash} lc rgb '{colour}' "
                + (f"title '{title}'" if title else "notitle"))

    def points(self, rows, colour, title=None, shape=7, size=0.9, width=1.5):
        return (f"{self.block(rows)} using 1:2 with points pt {shape} ps {size} lw {width} lc rgb '{colour}' "
                + (f"title '{title}'" if title else "notitle"))

    def bars(self, rows, colour, title=None, shape=7, size=0.8):
        """Rows of x, y, half length."""
        return (f"{self.block(rows)} using 1:2:3 with yerrorbars pt {shape} ps {size} lw 1.5 lc rgb '{colour}' "
                + (f"title '{title}'" if title else "notitle"))

    def draw(self, folder, name):
        """Writes NAME.svg, and NAME.png beside it where PAPER_PNG is set."""
        width, height = self.size
        kinds = {"svg": f"svg size {width},{height} dynamic enhanced font 'sans,14' background rgb 'white'"}
        if os.environ.get("PAPER_PNG"):
            kinds["png"] = f"pngcairo size {width},{height} enhanced font 'sans,11' background rgb 'white'"
        for ending, terminal in kinds.items():
            path = os.path.join(folder, f"{name}.{ending}")
            script = f"set terminal {terminal}\nset output '{path}'\n{self.data}{self.commands}"
            run = subprocess.run(["gnuplot"], input=script, text=True, stderr=subprocess.PIPE)
            # gnuplot ends with 0 after some errors.
            if run.returncode or run.stderr:
                sys.exit(f"{sys.argv[0]}: gnuplot: {run.stderr}")
