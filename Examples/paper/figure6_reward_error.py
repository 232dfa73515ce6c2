#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper A, §4.1: the gold reward lost to a proxy grows with the proxy's error and as beta decreases."""

import math

import laws
from page import Section
from picture import BLUE, GREEN, ORANGE, PURPLE, SKY, Picture
from program import of_curve, standard_error

PROMPTS, SAMPLES = 100, 8192
CORRELATIONS = {0.95: SKY, 0.9: BLUE, 0.8: GREEN, 0.6: ORANGE, 0.3: PURPLE}
LAMBDAS = [0.25, 0.35, 0.5, 0.7, 1.0, 1.25, 1.5]
SHOWN = {0.5: BLUE, 1.0: GREEN, 1.5: ORANGE}

section = Section("6. Reward error (A, §4.1)")
program = section.program

measured = {}
for seed, rho in enumerate(CORRELATIONS):
    show = rho == 0.6
    program.simulate(f"normal:{rho}", "proxy.npy", PROMPTS, SAMPLES, 60 + seed, show=show)
    points = program.frontier(
        "proxy.npy", "--gold", "proxy.gold.npy", "--lambdas", ",".join(map(str, LAMBDAS)), "--ns", "1,4,16,64",
        "--kl-budgets", "1", "--bias-correct", show=show)
    measured[rho] = points


def error_size(rho):
    """Standard deviation of gold less proxy, both with variance 1."""
    return math.sqrt(2 * (1 - rho))


tilts = [(rho, point) for rho, points in measured.items() for point in of_curve(points, "tilt")]
section.check_scaled(
    "gap at matched KL, (1−ρ)/β, five ρ and seven β",
    [(p["hacking_gap"], (1 - rho) * p["lambda"], standard_error(p, "hacking_gap")) for rho, p in tilts], 4,
    "from the interval over prompts")


def equal_beta_error(rho, x):
    """Delta method: the spread of W_g (g - m_g) - W_s (g - rho m_s), whose weights are two tilts of one sample."""
    a = x * x
    variance = math.exp(a) * (2 + a + rho * rho * a) - 2 * math.exp(rho * a) * (1 + rho * a)
    return math.sqrt(variance / (PROMPTS * SAMPLES))


section.check_scaled(
    "gap at equal β, (1−ρ)/β again, as proxy and gold have the same spread",
    [(p["equal_beta_gap"], (1 - rho) * p["lambda"], equal_beta_error(rho, p["lambda"])) for rho, p in tilts],
    4, "from the delta method")
budgets = [(rho, point) for rho, points in measured.items() for point in of_curve(points, "budget")]
section.check_scaled(
    "gold at 1 nat, ρ√2", [(p["gold"], rho * math.sqrt(2), standard_error(p, "gold")) for rho, p in budgets], 4,
    "from the interval over prompts")
bon = [(rho, point) for rho, points in measured.items() for point in of_curve(points, "best_of_n")]
normal = {n: laws.best_normal(n) for n in (1, 4, 16, 64)}
section.check_scaled(
    "gold of best of 1, 4, 16, 64: ρ times the mean of the largest of n",
    [(p["gold"], rho * normal[int(p["n"])], standard_error(p, "gold")) for rho, p in bon], 4,
    "from the interval over prompts")
gold = next(p for rho, p in budgets if rho == 0.6)
section.check(
    "gold at 1 nat, ρ = 0.6", gold["gold"], 0.848528137424, 4 * standard_error(gold, "gold"), "4 standard errors")
section.holds(
    "gap ≤ `hacking_bound`", all(p["hacking_gap"] <= p["hacking_bound"] for _, p in tilts),
    "{} points, the bound is {:.1f} to {:.1f} times the gap".format(
        len(tilts), min(p["hacking_bound"] / p["hacking_gap"] for _, p in tilts),
        max(p["hacking_bound"] / p["hacking_gap"] for _, p in tilts)))

section.say(
    """Proxy and gold are standard normal with correlation ρ; the error gold − proxy has standard deviation
    σ<sub>Δ</sub> = √(2(1−ρ)). Gold lost to the proxy, `hacking_gap`, is that of the policy that knows gold and has
    the same KL, less that of the proxy's tilt; here it is (1−ρ)/β = σ<sub>Δ</sub>²/(2β): it grows with the error
    and as β decreases, as the paper says. In this case the gap at equal β is the same. It need not be: with a proxy
    of another scale the gap at equal β can even be negative, so the matched one is drawn. Only the abstract and the
    outline of the paper were found, not its bounds; `hacking_bound` is ours and far from tight here. Commands:
    those for ρ = 0.6; seeds 60 to 64 in the order of ρ = 0.95, 0.9, 0.8, 0.6, 0.3. Points carry 95 % intervals.""")


def bar(x, point):
    return x, point["hacking_gap"], 1.96 * standard_error(point, "hacking_gap")


picture = Picture(height=460)
picture.panels(1, 2)
picture.say("set xrange [0:1.3]; set yrange [0:1.12]; set key top left")
picture.say("set xlabel 'error size σ_Δ, units of reward'; set ylabel 'gold lost at matched KL, units of reward'")
sizes = laws.linear(0, 1.3, 40)
picture.plot(
    *(picture.line([(s, s * s / 2 * x) for s in sizes], colour, width=1.5) for x, colour in SHOWN.items()),
    *(picture.bars([bar(error_size(rho), p) for rho, p in tilts if p["lambda"] == x], colour, f"β = {1 / x:.3g}")
      for x, colour in reversed(SHOWN.items())))
picture.say("set logscale x; set xrange [0.6:4.4]; set xtics (0.67, 0.8, 1, 1.43, 2, 2.86, 4); set key top right")
picture.say("set xlabel 'β, units of reward a nat'; set ylabel 'gold lost at matched KL, units of reward'")
betas = laws.logarithmic(0.6, 4.4, 40)
picture.plot(
    *(picture.line([(b, (1 - rho) / b) for b in betas], colour, width=1.5) for rho, colour in CORRELATIONS.items()),
    *(picture.bars([bar(p["beta"], p) for other, p in tilts if other == rho], colour,
                   f"ρ = {rho:g}, σ_Δ = {error_size(rho):.2f}")
      for rho, colour in reversed(CORRELATIONS.items())))
picture.say("unset multiplot")
section.picture(picture, "reward-error", "Gold lost to the proxy against the size of its error and against beta")
section.close()
