#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paper A, Fig. 1 in kind: the frontier with its band, and best-of-n against it, for three tails of the reward."""

import laws
from page import Section
from picture import BLUE, ORANGE, Picture
from program import of_curve, standard_error

PROMPTS, SAMPLES = 200, 8192
NS = [2, 4, 8, 16, 32, 64, 128, 256, 1024]
# Gain of best-of-n over the frontier's at the same KL.
RATIOS = {
    "uniform": {2: 0.9475, 4: 0.9869, 8: 0.9980, 16: 0.9998, 32: 1, 64: 1, 128: 1, 256: 1, 1024: 1, 10000: 1},
    "normal": {2: 0.9077, 4: 0.9125, 8: 0.9172, 16: 0.9218, 32: 0.9261, 64: 0.9302, 128: 0.9338, 256: 0.9372,
               1024: 0.9430, 10000: 0.9505},
    "exponential": {2: 0.6610, 4: 0.6828, 8: 0.7041, 16: 0.7232, 32: 0.7401, 64: 0.7549, 128: 0.7679, 256: 0.7795,
                    1024: 0.7991, 10000: 0.8238},
}
# Up to beyond the last KL that the picture shows.
GRIDS = {"uniform": "log:0.2:90:30", "normal": "log:0.06:2.9:30", "exponential": "log:0.03:1.5:36"}
TITLES = {"uniform": "uniform", "normal": "normal", "exponential": "exponential"}
LARGEST = 4.0

section = Section("9. The frontier and best-of-n (A, Fig. 1 in kind)")
program = section.program

drawn = {}
for seed, law in enumerate(RATIOS):
    mean = laws.LAWS[law][0]
    section.check_all(
        f"{law}: exact gain of best-of-n over the frontier's, n = 2 ... 10,000",
        [((laws.best_of_n_mean(law, n) - mean) / laws.frontier_gain(law, laws.best_of_n_kl(n)), ratio)
         for n, ratio in RATIOS[law].items()], 5.1e-5, "half of the values' last digit")
    show = law == "exponential"
    program.simulate(law, f"{law}.npy", PROMPTS, SAMPLES, 90 + seed, show=show)
    points = program.frontier(
        f"{law}.npy", "--lambdas", GRIDS[law], "--ns", ",".join(map(str, NS)), show=show)
    tilt, best = of_curve(points, "tilt"), of_curve(points, "best_of_n")
    trusted = [p for p in tilt if p["trusted"] == "true"]
    # The rule of trust lets through a bias of a quarter of a standard error, here of each of gain and KL.
    section.check_scaled(
        f"{law}: gain of trusted tilts",
        [(p["gain"], laws.LAWS[law][1](p["lambda"]), standard_error(p, "gain")) for p in trusted], 4,
        "from the interval over prompts")
    section.check_scaled(
        f"{law}: gain of best-of-n over the frontier's at the same KL",
        [(p["gain"] / laws.frontier_gain(law, p["kl"]), RATIOS[law][int(p["n"])],
          standard_error(p, "gain") / laws.frontier_gain(law, p["kl"]) + 1e-5) for p in best], 4,
        "from the interval over prompts")
    four = next(p for p in best if p["n"] == 4)
    section.check(
        f"{law}: the same, n = 4", four["gain"] / laws.frontier_gain(law, four["kl"]), RATIOS[law][4],
        4 * standard_error(four, "gain") / laws.frontier_gain(law, four["kl"]) + 5e-5, "4 standard errors")
    section.check_all(
        f"{law}: KL of best-of-n", [(p["kl"], laws.best_of_n_kl(p["n"])) for p in best], 1e-9, "rounding")
    drawn[law] = (mean, tilt, trusted, best)

section.say(
    """How good best-of-n is depends on the tail of the reward. For a bounded reward it is on the frontier from n = 16
    on; for a normal one it gains 91 to 95 % of what its KL could buy, for an exponential one 66 to 82 %. The grey
    line is the exact frontier, the blue one the estimate with its 95 % band, dashed where the program does not
    trust it (the tilts of an exponential reward have weights without variance from λ = ½ on); there it falls below
    the truth, as an estimated frontier does on average. Best-of-n, which needs no weights, is measured well beyond.
    The paper's Figure 1 shows such frontiers for summarisation and safety rewards, with PPO and GRPO beside; those
    need a language model. The commands are those for the exponential law; seeds 90, 91, 92.""")

picture = Picture(height=430)
picture.panels(1, 3)
for law, (mean, tilt, trusted, best) in drawn.items():
    gain, kl, limit = laws.LAWS[law][1:]
    top = {"uniform": 0.55, "normal": 3.2, "exponential": 6.5}[law]
    picture.say(f"set title '{TITLES[law]}' offset 0,-0.6; set xrange [0:{LARGEST}]; set yrange [0:{top}]; set xtics 1")
    picture.say("set xlabel 'KL(policy || base), nats'; set ylabel "
                + ("'gain over the base policy, units of reward'" if law == "uniform" else "''"))
    picture.say("set key bottom right" if law == "uniform" else "set key off")
    shown = [p for p in tilt if p["kl"] <= LARGEST]
    last = trusted[-1]["kl"]
    band = picture.block([(p["kl"], p["gain_low"], p["gain_high"]) for p in shown])
    exact = [(d, laws.frontier_gain(law, d)) for d in laws.linear(0, 1, 60)]
    exact = [(LARGEST * d * d, laws.frontier_gain(law, LARGEST * d * d) if d else 0.0) for d, _ in exact]
    picture.plot(
        picture.line(exact, "#bbbbbb", "exact frontier", 6),
        f"{band} using 1:2:3 with filledcurves lc rgb '{BLUE}' fs transparent solid 0.25 noborder notitle",
        picture.line([(p["kl"], p["gain"]) for p in shown if p["kl"] <= last], BLUE, "estimate", 1.8),
        picture.line([(p["kl"], p["gain"]) for p in shown if p["kl"] >= last], BLUE, "not trusted", 1.8, 2),
        picture.points([(p["kl"], p["reward"] - mean) for p in best if p["kl"] <= LARGEST], ORANGE, "best-of-n"))
picture.say("unset multiplot")
section.picture(picture, "tails", "Frontier and best-of-n of a uniform, a normal and an exponential reward")
section.close()
