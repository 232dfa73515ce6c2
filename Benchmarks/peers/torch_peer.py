# SPDX-License-Identifier: Apache-2.0
"""The jobs in PyTorch: eager with in-place exponentials and skinny products, or compiled by Inductor (PEER_COMPILE)."""
import os

import numpy as np
import torch

from common import QUANTILES, REPLICATES, tilt_means

COMPILED = bool(os.environ.get("PEER_COMPILE"))
SCRATCH = 1 << 19  # floats: exponentials of a block stay in cache


def tilt(task):
    torch.set_num_threads(task.threads)
    torch.set_flush_denormal(True)
    return compiled_tilt(task) if COMPILED else eager_tilt(task)


def compiled_tilt(task):
    rewards = torch.from_numpy(task.rewards)
    # Powers of two instead of e: Inductor fuses those with the sums and keeps no table of weights.
    lambdas = torch.from_numpy((task.lambdas.astype(np.float64) / np.log(2)).astype(np.float32))

    @torch.compile(dynamic=False)
    def sums(rewards, lambdas):
        top = rewards.amax(1, keepdim=True)
        d = (rewards - top)[:, None, :]
        w = torch.exp2((lambdas[None, :, None] * d).clamp_min(-120.0))
        return top[:, 0], (rewards - top).mean(1), w.sum(-1), (w * d).sum(-1)

    @torch.no_grad()
    def run():
        parts = (part.numpy() for part in sums(rewards, lambdas))
        return tilt_means(*parts, task.lambdas, task.samples)

    return run


def eager_tilt(task):
    rewards, lambdas = torch.from_numpy(task.rewards), torch.from_numpy(task.lambdas)
    prompts, samples, count = task.prompts, task.samples, len(task.lambdas)
    columns = min(samples, 4096)
    grid = max(1, min(count, SCRATCH // columns))
    rows = max(1, min(prompts, SCRATCH // (grid * columns)))
    scratch = torch.empty(rows * grid * columns)
    sums = torch.empty(prompts, count, 2)

    @torch.no_grad()
    def run():
        top = rewards.amax(1, keepdim=True)
        shift = torch.zeros(prompts, dtype=torch.float64)
        sums.zero_()
        for p in range(0, prompts, rows):
            q = min(prompts, p + rows)
            for c in range(0, samples, columns):
                d = rewards[p:q, c:c + columns] - top[p:q]
                shift[p:q] += d.sum(1, dtype=torch.float64)
                powers = torch.stack([torch.ones_like(d), d], -1)
                for b in range(0, count, grid):
                    part = lambdas[b:b + grid]
                    e = scratch[:d.numel() * len(part)].view(q - p, len(part), d.shape[1])
                    torch.mul(part[None, :, None], d[:, None, :], out=e)
                    sums[p:q, b:b + grid] += torch.bmm(e.exp_(), powers)
        return tilt_means(
            top[:, 0].numpy(), (shift / samples).numpy(), sums[..., 0].numpy(),
            sums[..., 1].numpy(), task.lambdas, samples)

    return run


def best_of_n(task):
    torch.set_num_threads(task.threads)
    rewards, weights = torch.from_numpy(task.rewards), torch.from_numpy(task.weights())

    @torch.no_grad()
    def run():
        ordered = torch.sort(rewards, dim=1).values
        return (ordered @ weights).double().mean(0).numpy()

    return run


def best_of_n_gold(task):
    torch.set_num_threads(task.threads)
    rewards, gold = torch.from_numpy(task.rewards), torch.from_numpy(task.gold)
    weights = torch.from_numpy(task.weights())

    @torch.no_grad()
    def run():
        ordered = torch.gather(gold, 1, torch.sort(rewards, dim=1).indices)
        return (ordered @ weights).double().mean(0).numpy()

    return run


def bootstrap(task):
    torch.set_num_threads(task.threads)
    values, prompts = torch.from_numpy(task.columns()), task.prompts
    offsets = (torch.arange(REPLICATES) * prompts)[:, None]
    places = torch.from_numpy(QUANTILES).float()

    @torch.no_grad()
    def run():
        torch.manual_seed(1)
        drawn = torch.randint(0, prompts, (REPLICATES, prompts))
        counts = torch.bincount((drawn + offsets).view(-1), minlength=REPLICATES * prompts)
        means = counts.view(REPLICATES, prompts).float() @ values / prompts
        return torch.quantile(means, places, dim=0).T.double().numpy().ravel()

    return run
