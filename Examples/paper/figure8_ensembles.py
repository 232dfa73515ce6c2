#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper A, §4.2: gold gain at a KL budget against the number of reward models, for four ways to join them."""

import array
import math
import operator

import laws
import matrix
from page import Section
from picture import BLUE, GREEN, GREY, ORANGE, PURPLE, Picture
from program import of_curve, standard_error

PROMPTS, SAMPLES, BUDGET, PENALTY = 100, 4096, 1.0, 0.5
SIZES = [1, 3, 5, 7, 9]
# Chance and size of a member's exploit: a sample that this member alone overrates.
CHANCE, BONUS = 0.05, 4.0
UWO = f"uwo:{PENALTY:g}"
WAYS = {"mean": (BLUE, 7), "median": (GREEN, 4), "min": (ORANGE, 9), UWO: (PURPLE, 12)}

section = Section("8. Ensembles of reward models (A, §4.2)")
program = section.program


class Errors:
    """Member k scores gold + sqrt(rho) z_0 + sqrt(1 - rho) e_k; an aggregate's error has a known cumulant."""

    def __init__(self, name, title, rho, chance):
        self.name, self.title, self.rho, self.chance = name, title, rho, chance

    def density(self, x):
        return (1 - self.chance) * laws.normal_density(x) + self.chance * laws.normal_density(x - BONUS)

    def distribution(self, x):
        return (1 - self.chance) * laws.normal_distribution(x) + self.chance * laws.normal_distribution(x - BONUS)

    def order_cumulant(self, x, size, below):
        """log E e^(x e) of the member's own error that has `below` others under it."""
        count = math.factorial(size) / math.factorial(below) / math.factorial(size - 1 - below)

        def term(e):
            p = self.distribution(e)
            return math.exp(x * e) * count * self.density(e) * p**below * (1 - p) ** (size - 1 - below)

        return math.log(laws.simpson(term, -10, 16, 260))

    def joint_cumulant(self, x, size, penalty):
        """log E e^(x (mean - penalty variance)) of the own errors: normal mean and noncentral chi-squared,
        given how many members are fooled."""
        total, a = 0.0, penalty * x / size
        for fooled in range(size + 1 if self.chance else 1):
            noncentral = BONUS**2 * fooled * (size - fooled) / size
            total += (
                math.comb(size, fooled) * self.chance**fooled * (1 - self.chance) ** (size - fooled)
                * math.exp(x * BONUS * fooled / size + x * x / (2 * size) - noncentral * a / (1 + 2 * a)))
        return math.log(total) - (size - 1) / 2 * math.log1p(2 * a)

    def cumulant(self, x, way, size):
        own = math.sqrt(1 - self.rho)
        if way == "min":
            value = self.order_cumulant(x * own, size, 0)
        elif way == "median":
            value = self.order_cumulant(x * own, size, size // 2)
        else:
            # The variance across members is 1 - rho times that of the e_k.
            penalty = PENALTY * own if way.startswith("uwo") else 0.0
            value = self.joint_cumulant(x * own, size, penalty)
        return self.rho * x * x / 2 + value

    def waste(self, x, way, size):
        """KL that the error costs at lambda."""
        step = 1e-4
        up, down = self.cumulant(x + step, way, size), self.cumulant(x - step, way, size)
        return x * (up - down) / (2 * step) - (up + down) / 2

    def gain(self, way, size):
        """Gold gain at the budget: gold's part of the tilt is that of lambda, the error only costs KL."""
        low, high = 0.0, math.sqrt(2 * BUDGET)
        for _ in range(26):
            middle = (low + high) / 2
            if middle**2 / 2 + self.waste(middle, way, size) < BUDGET:
                low = middle
            else:
                high = middle
        return (low + high) / 2


cases = [
    Errors("independent", "independent errors", 0.0, 0.0), Errors("correlated", "half of the error shared", 0.5, 0.0),
    Errors("exploits", "each member fooled by 5 %", 0.0, CHANCE)]
plain = cases[0]


def spread(size, below):
    """Variance of an order statistic of standard normal errors, from its cumulants."""
    step = 1e-2
    k = {i: plain.order_cumulant(i * step, size, below) for i in (-2, -1, 1, 2)}
    return (16 * (k[1] + k[-1]) - k[2] - k[-2]) / (12 * step**2)


section.check_all(
    "variance of the smallest of 2, 3, 4, 5, 10 errors",
    [(spread(2, 0), 0.68169011), (spread(3, 0), 0.55946720), (spread(4, 0), 0.49171524), (spread(5, 0), 0.44753407),
     (spread(10, 0), 0.34434382)], 1e-7, "the difference quotient")
section.check_all(
    "variance of the median of 3, 5, 7, 9 errors",
    [(spread(3, 1), 0.4486711), (spread(5, 2), 0.28683366), (spread(7, 3), 0.21044686), (spread(9, 4), 0.16610128)],
    1e-7, "the difference quotient")

# Standard normal files: gold, the shared error, one error a member; and who is fooled.
normal = {}
for index, name in enumerate(["gold", "shared", *(f"own{k}" for k in range(1, SIZES[-1] + 1))]):
    program.simulate("normal", f"{name}.npy", PROMPTS, SAMPLES, 80 + index, show=index < 3)
    normal[name] = matrix.read(program.file(f"{name}.npy"))
results = {}
for case in cases:
    for k in range(1, SIZES[-1] + 1):
        own = normal[f"own{k}"]
        if case.chance:
            program.simulate(f"bernoulli:{CHANCE}", "fooled.npy", PROMPTS, SAMPLES, 100 + k)
            own = map(lambda e, b: e + BONUS * b, own, matrix.read(program.file("fooled.npy")))
        if case.rho:
            left, right = math.sqrt(case.rho), math.sqrt(1 - case.rho)
            own = map(lambda z, e: left * z + right * e, normal["shared"], own)
        cells = array.array("d", map(operator.add, normal["gold"], own))
        matrix.write(program.file(f"{case.name}{k}.npy"), cells, (PROMPTS, SAMPLES))
    for size in SIZES:
        files = [f"{case.name}{k}.npy" for k in range(1, size + 1)]
        for way in WAYS:
            if size == 1 and way != "mean":
                results[case.name, size, way] = results[case.name, 1, "mean"]
                continue
            join = ["--ensemble", way, "--standardize", "none"] if size > 1 else []
            points = program.frontier(
                *files, *join, "--gold", "gold.npy", "--kl-budgets", f"{BUDGET:g}", "--lambdas", "0.5",
                "--curves", "tilt", "--bias-correct", show=(case.name, size, way) == ("correlated", 3, "mean"))
            results[case.name, size, way] = (
                of_curve(points, "budget")[0], of_curve(points, "tilt", points[0]["label"])[0])

exact = {(case.name, size, way): case.gain(way, size) for case in cases for size in SIZES for way in WAYS}
for case in cases:
    section.check_scaled(
        f"{case.title}: gold at 1 nat, K = 1 ... 9, four ways",
        [(results[case.name, size, way][0]["gold"], exact[case.name, size, way],
          standard_error(results[case.name, size, way][0], "gold")) for size in SIZES for way in WAYS], 4,
        "from the interval over prompts")
    section.check_scaled(
        f"{case.title}: KL at β = 2",
        [(results[case.name, size, way][1]["kl"], 0.125 + case.waste(0.5, way, size),
          standard_error(results[case.name, size, way][1], "kl"))
         for size in SIZES for way in WAYS], 4, "from the interval over prompts")
for case, rho in ((cases[0], 0.0), (cases[1], 0.5)):
    section.check_all(
        f"{case.title}: exact gain of the mean, √(2/(1 + ρ + (1−ρ)/K))",
        [(exact[case.name, size, "mean"], math.sqrt(2 * BUDGET / (1 + rho + (1 - rho) / size))) for size in SIZES],
        1e-6, "the difference quotient")
limit = math.sqrt(2 * BUDGET / 1.5)
section.holds(
    "with half of the error shared, no K passes √(2/1.5)",
    all(exact["correlated", size, way] < limit for size in SIZES for way in WAYS),
    f"mean of 9 gains {results['correlated', 9, 'mean'][0]['gold']:.3f}, the limit is {limit:.3f}, gold's own tilt "
    f"{math.sqrt(2 * BUDGET):.3f}")
section.holds(
    "mean beats median beats min where errors are alike (K ≥ 3)",
    all(exact[name, size, "mean"] > exact[name, size, "median"] > exact[name, size, "min"]
        for name in ("independent", "correlated") for size in SIZES[1:]),
    "independent errors, K = 3: " + ", ".join(f"{way} {exact['independent', 3, way]:.3f}" for way in WAYS))
fooled = {size: {way: exact["exploits", size, way] for way in WAYS} for size in SIZES}
section.holds(
    "members fooled one by one, K = 3: min and uwo beat the mean",
    min(fooled[3]["min"], fooled[3][UWO]) > fooled[3]["mean"],
    ", ".join(f"{way} {fooled[3][way]:.3f}" for way in WAYS))
section.holds(
    "members fooled one by one, K = 9: median and uwo beat the mean, and all beat min",
    min(fooled[9]["median"], fooled[9][UWO]) > fooled[9]["mean"] > fooled[9]["min"],
    ", ".join(f"{way} {fooled[9][way]:.3f}" for way in WAYS))

section.say(
    f"""Gold is standard normal and each of K models adds an error of its own. As the errors do not depend on gold, the
    gold gain at equal β is the same for every K; what errors cost is KL, so that the gain at a budget of 1 nat
    shows the damage. Averaging (mean) takes independent errors away as 1/K, and nothing of the part that the models
    share: with half of it shared, the gain stays below √(2/1.5). Where errors are alike, the minimum wastes more
    than the mean. Where each model overrates 5 % of the samples by {BONUS:g}, and the models do so independently,
    the minimum of three models and `{UWO}` (mean less {PENALTY:g} × the variance across models) do better than the
    mean; of nine, the median does and the minimum no longer. Lines are exact (cumulants of order statistics, of
    noncentral χ² for uwo), points are measured, set a little apart, their bars 95 % intervals. Each model is gold
    plus error; the command is that for three models. The paper's own numbers were not found, nor its theorem's
    constants.""")

picture = Picture(height=440)
picture.panels(1, 3)
for case in cases:
    picture.say(f"set title '{case.title}' offset 0,-0.6; set xrange [0.5:9.5]; set xtics 1,2; set yrange [0.6:1.5]")
    picture.say("set xlabel 'K, reward models'; set ylabel "
                + ("'gold gain at 1 nat, units of gold'" if case is cases[0] else "''"))
    picture.say("set key bottom right" if case is cases[1] else "set key off")
    curves = [picture.line([(0.5, math.sqrt(2 * BUDGET)), (9.5, math.sqrt(2 * BUDGET))], GREY, "tilt by gold", 1.5, 3)]
    if case.rho:
        curves.append(picture.line([(0.5, limit), (9.5, limit)], "black", "limit of K", 1.5, 4))
    for (way, (colour, shape)), aside in zip(WAYS.items(), (-0.18, -0.06, 0.06, 0.18)):
        curves.append(picture.line([(size, exact[case.name, size, way]) for size in SIZES], colour, width=1.2))
        curves.append(picture.bars(
            [(size + aside, results[case.name, size, way][0]["gold"],
              1.96 * standard_error(results[case.name, size, way][0], "gold")) for size in SIZES], colour, way, shape))
    picture.plot(*curves)
picture.say("unset multiplot")
section.picture(picture, "ensembles", "Gold gain at one nat against the number of reward models")
section.close()
