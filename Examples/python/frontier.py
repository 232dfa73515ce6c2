# SPDX-License-Identifier: Apache-2.0
import numpy as np

import esscher

rewards = np.random.default_rng(0).normal(size=(200, 1024))  # prompts x samples of the base policy
result = esscher.frontier(rewards, kl_budgets=[0.5, 1, 2], ns="pow2")
print(result)  # the program's table
best = result.curve("best_of_n")  # a column each, as NumPy arrays
print(dict(zip(best["n"], best["efficiency"].round(3))))
print(result.points[0]["kl"], result.provenance["device"])
