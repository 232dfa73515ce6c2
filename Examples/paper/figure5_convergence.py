#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper A, Appendix E in kind: bias and spread of the plug-in estimators against the number of samples."""

import math
import statistics

import program as runs
from page import Section
from picture import BLUE, ORANGE, Picture

# Samples, and prompts, each of which is one independent estimate.
SIZES = {30: 20000, 100: 20000, 300: 20000, 1000: 10000, 3000: 5000, 10000: 2000}
LAMBDAS = {0.5: BLUE, 1.0: ORANGE}
TRUTH = {"gain": lambda x: x, "kl": lambda x: x * x / 2}
# Delta method on a standard normal reward, times 1/M.
BIAS = {
    "gain": lambda x: -x * math.exp(x * x),
    "kl": lambda x: math.expm1(x * x) / 2 - x * x * math.exp(x * x),
}
VARIANCE = {
    "gain": lambda x: math.exp(x * x) * (1 + x * x) - 1,
    "kl": lambda x: math.exp(x * x) * (x**4 - x * x + 1) - 1,
}
NAMES = {"gain": "gain", "kl": "KL"}

section = Section("5. Convergence in the number of samples (A, Appendix E)")
program = section.program

results = {}
for samples, prompts in SIZES.items():
    show = samples == 1000
    program.simulate("normal", "normal.npy", prompts, samples, samples, show=show)
    for corrected in (False, True):
        program.frontier(
            "normal.npy", "--lambdas", "0.5,1", "--curves", "tilt", "--resamples", 0, "--per-prompt", "prompts.csv",
            *(["--bias-correct"] if corrected else []), show=show)
        with open(program.file("prompts.csv"), encoding="utf-8") as file:
            rows = runs.rows(file)
        for x in LAMBDAS:
            for column in TRUTH:
                values = [row[column] for row in rows if row["lambda"] == x]
                results[corrected, x, column, samples] = (
                    statistics.fmean(values) - TRUTH[column](x), statistics.stdev(values), len(values))


def each(corrected, sizes):
    for x in LAMBDAS:
        for column in TRUTH:
            for samples in sizes:
                yield x, column, samples, *results[corrected, x, column, samples]


# The next term of the bias is c/M² with c of the order e^(3 lambda²), the weights' third moment.
section.check_each(
    "bias of gain and KL, λ = 0.5 and 1, M ≥ 300",
    [(bias, BIAS[column](x) / samples, 4 * spread / math.sqrt(count) + 4 * math.exp(3 * x * x) / samples**2)
     for x, column, samples, bias, spread, count in each(False, (300, 1000, 3000, 10000))],
    "4 standard errors and the next order, 4e<sup>3λ²</sup>/M²")
for x in LAMBDAS:
    for column in TRUTH:
        bias, spread, count = results[False, x, column, 1000]
        section.check(
            f"bias of the {NAMES[column]}, λ = {x:g}, M = 1000", bias, BIAS[column](x) / 1000,
            4 * spread / math.sqrt(count), "4 standard errors")
section.check_scaled(
    "bias with `--bias-correct`, M ≥ 1000",
    [(bias, 0.0, spread / math.sqrt(count)) for _, _, _, bias, spread, count in each(True, (1000, 3000, 10000))], 4,
    "over the estimates")
section.check_all(
    "standard deviation over the delta method's, M ≥ 1000, plain and corrected",
    [(spread / math.sqrt(VARIANCE[column](x) / samples), 1.0)
     for corrected in (False, True)
     for x, column, samples, _, spread, _ in each(corrected, (1000, 3000, 10000))],
    0.1, "the next order and 4 standard errors of the standard deviation")
first = [results[corrected, 1.0, "gain", 30][0] for corrected in (False, True)]
section.holds(
    "the correction takes most of the bias away at M = 30, λ = 1", abs(first[1]) < abs(first[0]) / 2,
    f"bias of the gain {first[0]:.3f} plain, {first[1]:.3f} corrected")

section.say(
    """Standard normal rewards, λ = 0.5 and 1, M from 30 to 10,000, 2,000 to 20,000 independent estimates each. Bias
    and standard deviation of gain and KL follow the first-order predictions (lines): bias −λW/M and [(W − 1)/2 −
    λ²W]/M, variance [W(1 + λ²) − 1]/M and [W(λ⁴ − λ² + 1) − 1]/M, with W = e<sup>λ²</sup>. The bias shrinks as 1/M,
    faster than the spread, but does not average out over prompts; `--bias-correct` (open points) removes its first
    order, at the price of a little spread where M is small. Bars are two standard errors. Commands: those for M =
    1000; the others differ in M, in the number of prompts, and in the seed, which is M. The paper's own sample
    sizes were not found.""")

picture = Picture(height=760)
picture.panels(2, 2)
picture.say("set logscale x; set xrange [20:15000]; set format x '10^{%L}'; set xlabel 'M, samples a prompt'")
grid = [10 ** (1.3 + 0.1 * i) for i in range(30)]
for column in TRUTH:
    unit = "" if column == "gain" else ", nats"
    low = {"gain": -0.1, "kl": -0.065}[column]
    picture.say(f"set ylabel 'bias of the {NAMES[column]}{unit}'; set key bottom right")
    picture.say(f"set yrange [{low}:{-low * 0.3}]")
    curves = []
    for x, colour in LAMBDAS.items():
        curves.append(picture.line([(m, BIAS[column](x) / m) for m in grid], colour, width=1.3, dash=2))
        for corrected, shape in ((False, 7), (True, 6)):
            name = f"λ = {x:g}, {'corrected' if corrected else 'plain'}"
            found = [(m, *results[corrected, x, column, m]) for m in SIZES]
            curves.append(picture.bars(
                [(m, bias, 2 * spread / math.sqrt(count)) for m, bias, spread, count in found], colour, name, shape))
    curves.append("NaN with lines lw 1.3 dt 2 lc rgb 'black' title 'predicted, plain'")
    picture.plot(*curves)
    picture.say("set logscale y; set yrange [*:*]; set format y '10^{%L}'")
    picture.say(f"set ylabel 'standard deviation of the {NAMES[column]}{unit}'; set key off")
    curves = []
    for x, colour in LAMBDAS.items():
        curves.append(
            picture.line([(m, math.sqrt(VARIANCE[column](x) / m)) for m in grid], colour, width=1.3, dash=2))
        for corrected, shape in ((False, 7), (True, 6)):
            curves.append(picture.points(
                [(m, results[corrected, x, column, m][1]) for m in SIZES], colour, shape=shape))
    picture.plot(*curves)
    picture.say("unset logscale y; set format y '%g'")
picture.say("unset multiplot")
section.picture(picture, "convergence", "Bias and standard deviation of gain and KL against the number of samples")
section.close()
