# SPDX-License-Identifier: Apache-2.0
# The source of tutorial.ipynb, a cell behind each "%%"; Scripts/run-tutorial --write makes the notebook of it.
# %% [markdown]
# # From scores to a frontier, in ten minutes
#
# A language model is tuned to score higher with a reward model, and moves away from the model that it was. How much
# reward can each amount of that movement buy at most? That curve is the *KL-reward frontier*, and it follows from the
# base model alone: draw samples for each prompt, score them, and reweight them. No training run is needed to know
# what the best one could reach.
#
# This notebook goes from scores in a Parquet file to a picture of the frontier, with best-of-n, a gold reward and a
# policy of our own beside it, and ends with the same numbers from a sweep in three shards.
# %%
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import esscher

# Each warning of a report is a Python warning too; this notebook prints them from the result instead.
warnings.simplefilter("ignore", esscher.EsscherWarning)
# %% [markdown]
# ## Scores in Parquet
#
# The repository has scores of real text: 64 prompts, 4,096 completions each, drawn from a small language model and
# scored by two programs that judge sentiment ([how they were made](../sentiment/README.md)). AFINN plays the *proxy*,
# the reward that is optimised; VADER plays the *gold* reward, what one would rather have. We write them as a pipeline
# of samplers and scorers would leave them: a row a prompt, the scores of its samples in lists.
# %%
sentiment = Path("../sentiment")
proxy, gold, logprobs = (np.load(sentiment / f"{name}.npy") for name in ("proxy", "gold", "logprobs"))


def lists(matrix: np.ndarray) -> pa.Array:
    """A list a prompt."""
    return pa.FixedSizeListArray.from_arrays(matrix.ravel(), matrix.shape[1])


table = pa.table(
    {
        "prompt_id": [f"prompt-{row}" for row in range(len(proxy))],
        "reward": lists(proxy),
        "gold": lists(gold),
        "logprob": lists(logprobs),
    }
)
scores = Path(tempfile.mkdtemp()) / "scores.parquet"
pq.write_table(table, scores)
print(table.schema)
print(table.num_rows, "prompts")
# %% [markdown]
# ## The frontier
#
# One call. Columns are found by their usual names, `reward`, `gold` and `logprob` among them (`column=` names
# others). Besides the default grid we ask for three budgets of KL, in nats.
# %% tags=["varies"]
result = esscher.frontier(scores, kl_budgets=[0.1, 0.3, 1])
result
# %% [markdown]
# Each line is a point. `tilt` lines are the frontier: the policy proportional to base × e^(λ·reward) has the most
# reward of all policies with its KL, and a larger λ buys more of both. `gain` is reward less the base model's mean
# reward, with a 95 % interval from a bootstrap over prompts. `result.to_pandas()` has every column; here are the
# budgets, which say it in the way in which it is mostly asked: *with this much KL, how much reward?*
# %%
points = result.to_pandas()
budgets = points[points["curve"] == "budget"]
print(budgets[["kl", "beta", "gain", "gain_low", "gain_high", "trusted"]].round(3).to_string(index=False))
# %% [markdown]
# So a tenth of a nat can buy 1.24 points of AFINN, and no policy at that distance from the base model has more.
# `beta` is the KL penalty at which a training run would end there.
#
# ## What `trusted` means
#
# The last line is not trusted. Far from the base model only the few best samples of each prompt count, and then the
# estimate is about these samples rather than about the model. `trusted` is a rule made of several diagnostics: `ess`
# (how many samples carry the weight), `khat` (how heavy the weights' tail is), the distance to `kl_ceiling` (no
# reweighting of these samples can go further), and a bias that is small beside the interval. Points beyond it are
# kept, and drawn dashed.
# %%
tilt = result.curve("tilt")
last = np.flatnonzero(tilt["trusted"])[-1]
for index in (last, last + 1):
    print(
        *(f"{name} {tilt[name][index]:.3g}" for name in ("kl", "ess", "khat", "kl_ceiling")),
        tilt["trusted"][index],
    )
# %% [markdown]
# ESS and k̂ are fine on both sides here, so it is the bias that ends the trust. `bias_correct=True` takes most of it
# away (a jackknife over samples), and trust reaches further. More samples a prompt do so too.
# %%
corrected = esscher.frontier(scores, kl_budgets=[0.1, 0.3, 1], bias_correct=True)
for name, run in (("plain", result), ("corrected", corrected)):
    curve = run.curve("tilt")
    print(f"{name:10} trusted up to {curve['kl'][curve['trusted']].max():.2f} nats")
# %% [markdown]
# ## Gold: what the proxy's gain is worth
#
# With a gold reward of the same samples, each line says what the policy that maximises the *proxy* has of *gold*
# (`gold`), what the policy that maximises gold itself would have at the same KL (`gold_frontier`), and the
# difference, the `hacking_gap`: gold that is lost by optimising the wrong reward.
# %%
columns = [
    "kl",
    "gold",
    "gold_frontier",
    "hacking_gap",
    "hacking_gap_low",
    "hacking_gap_high",
    "trusted",
]
print(budgets[columns].round(3).to_string(index=False))
for point in result.points:
    if point["curve"] == "gold_peak":
        print(point["note"])
# %% [markdown]
# At 0.3 nats a quarter of the gold that could be had is lost to the proxy. But gold never turns over: it goes on
# rising as AFINN does, so there is no peak at which to stop.
#
# The report also warns, and it is worth reading what of:
# %%
for warning in result.warnings:
    print("-", warning)
# %% [markdown]
# ## Best-of-n
#
# Drawing n samples and keeping the one with the best score is the simplest policy of all. Its reward is estimated
# without bias from the same samples, and `efficiency` compares its gain with the frontier's at the same KL.
# %%
best = points[(points["curve"] == "best_of_n") & points["n"].isin([2, 4, 16, 64, 256, 1024])]
print(best[["n", "kl", "kl_bound", "reward", "gold", "efficiency", "trusted"]].round(3).to_string(index=False))
# %% [markdown]
# Best-of-4 gets some 84 % of the gain that its KL could buy. AFINN gives whole numbers, so samples tie, and where
# many tie the KL lies below the well-known bound log n − (n − 1)/n.
#
# ## A policy of our own
#
# Whatever was trained can be placed against the frontier by its measured KL and reward. For an example that needs no
# training: redraw while the score is negative. A policy that conditions the base model on an event of probability p
# has a KL of −log p, so that we know where it is.
# %%
kept = proxy >= 0
mine = {
    "name": "none negative",
    "kl": -np.log(kept.mean(axis=1)).mean(),
    "reward": np.mean([row[chosen].mean(dtype=float) for row, chosen in zip(proxy, kept)]),
    "gold": np.mean([row[chosen].mean(dtype=float) for row, chosen in zip(gold, kept)]),
}
placed = esscher.frontier(scores, kl_budgets=[0.1, 0.3, 1], bias_correct=True, policies=[mine])
policy = placed.curve("policy")
for column in ("kl", "reward", "frontier_reward", "efficiency", "kl_needed", "gold"):
    print(f"{column:16} {policy[column][0]:.3f}")
print("trusted         ", policy["trusted"][0])
# %% [markdown]
# The frontier has more reward at this policy's KL (`frontier_reward`), and reaches its reward for less than a third
# of its KL (`kl_needed`): throwing away what is negative spends KL without asking *how* positive the rest is.
#
# ## The picture
#
# The frontier with its band, dashed where it is not trusted; best-of-n, the budgets and our policy; gold on the
# right-hand axis. `sqrt_axis` scales KL by its square root, along which frontiers begin as straight lines.
# %%
axes = placed.plot(sqrt_axis=True)
# %% [markdown]
# `axes` is of matplotlib: `axes.figure.savefig("frontier.pdf")` keeps it.
#
# ## A sweep in shards
#
# Scores of millions of prompts lie on many machines. A *shard* runs over some neighbouring prompts and leaves a
# state, which is bytes; `merge` puts the states of all shards together, and says what the next round has to go by
# where the sweep needs one (a budget's λ depends on all prompts). Here three shards take turns in one process.
# %%
arguments = {"kl_budgets": [0.1, 0.3, 1], "bias_correct": True, "policies": [mine]}
starts = [0, 20, 45, len(proxy)]
merged = None
while merged is None or merged.result is None:
    after = None if merged is None else merged.state
    states = [] if after is None else [after]
    for index, (first, end) in enumerate(pairwise(starts), start=1):
        shard = esscher.Shard(index, len(starts) - 1, first_prompt=first, prompts=len(proxy))
        states.append(esscher.run_shard(table.slice(first, end - first), shard=shard, after=after, **arguments))
    merged = esscher.merge(states)
print("the same bits:", merged.result.to_csv() == placed.to_csv())
# %% [markdown]
# The same bits as from one run, whatever the shards. `esscher.ray.frontier("scores/*.parquet", ...)` does these
# rounds on a cluster, and `esscher frontier --shard` and `esscher merge` do them in the shell ([sweeps on many
# machines](../../docs/clusters.md)).
#
# Where to go on: [the Python package](../../docs/python.md), [what each column means](../../docs/output.md), [how
# accurate it is and what the intervals cover](../../docs/accuracy.md).
