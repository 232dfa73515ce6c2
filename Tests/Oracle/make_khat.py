# SPDX-License-Identifier: Apache-2.0
"""Writes fixtures/khat.json: Pareto shapes of 20 weight vectors by ArviZ's psislw.

    pip install "arviz<1"; python3 make_khat.py
"""
import json
import os

import numpy as np
from arviz.stats.stats import _psislw

rng = np.random.default_rng(20261121)
laws = {
    "normal": lambda m: rng.standard_normal(m),
    "exponential": lambda m: rng.exponential(size=m),
    "uniform": lambda m: rng.random(m),
    "student": lambda m: rng.standard_t(4, size=m),
}
cases = []
for index in range(20):
    name = list(laws)[index % 4]
    samples = int([60, 150, 224, 300, 500][index // 4])
    scale = [0.3, 0.7, 1.5, 4.0][(index // 2) % 4]
    rewards = np.round(laws[name](samples), 6)
    cutoff = -int(np.ceil(min(samples / 5, 3 * samples ** 0.5))) - 1
    _, khat = _psislw(scale * rewards, cutoff, np.log(np.finfo(float).tiny), True)
    cases.append({
        "law": name, "lambda": scale, "rewards": rewards.tolist(), "khat": float(khat)})
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "khat.json")
with open(path, "w") as file:
    json.dump({"cases": cases}, file)
    file.write("\n")
