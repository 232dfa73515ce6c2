# SPDX-License-Identifier: Apache-2.0
"""The jobs in JAX: compiled by XLA, three sums in one variadic reduction over blocks of prompts that stay in cache."""
import jax
import jax.numpy as jnp
import numpy as np

from common import QUANTILES, REPLICATES, tilt_means


def tilt(task):
    rewards, lambdas = jnp.asarray(task.rewards), jnp.asarray(task.lambdas)
    prompts, samples = task.prompts, task.samples
    rows = max(1, min(prompts, (1 << 20) // samples))
    while prompts % rows:
        rows -= 1

    def at_lambdas(block):
        d = block - block.max(1, keepdims=True)

        def at(lam):
            w = jnp.exp(lam * d)
            zero = jnp.float32(0)
            return jax.lax.reduce(
                (w, w * d), (zero, zero), lambda a, b: (a[0] + b[0], a[1] + b[1]), (1,))

        s0, s1 = jax.lax.map(at, lambdas)
        return block.max(1), d.mean(1), s0.T, s1.T

    @jax.jit
    def sums(rewards):
        return jax.lax.map(at_lambdas, rewards.reshape(prompts // rows, rows, samples))

    def run():
        top, shift, s0, s1 = (np.asarray(part) for part in sums(rewards))
        count = len(task.lambdas)
        return tilt_means(
            top.ravel(), shift.ravel(), s0.reshape(prompts, count), s1.reshape(prompts, count),
            task.lambdas, samples)

    return run


def best_of_n(task):
    rewards, weights = jnp.asarray(task.rewards), jnp.asarray(task.weights())
    means = jax.jit(lambda rewards, weights: jnp.sort(rewards, axis=1) @ weights)

    def run():
        return np.asarray(means(rewards, weights)).mean(0, dtype=np.float64)

    return run


def best_of_n_gold(task):
    rewards, gold = jnp.asarray(task.rewards), jnp.asarray(task.gold)
    weights = jnp.asarray(task.weights())

    @jax.jit
    def means(rewards, gold, weights):
        _, ordered = jax.lax.sort((rewards, gold), dimension=1, num_keys=1, is_stable=False)
        return ordered @ weights

    def run():
        return np.asarray(means(rewards, gold, weights)).mean(0, dtype=np.float64)

    return run


def bootstrap(task):
    values, prompts = jnp.asarray(task.columns()), task.prompts

    @jax.jit
    def quantiles(key, values):
        def counts(key):
            drawn = jax.random.randint(key, (prompts,), 0, prompts)
            return jnp.zeros(prompts, jnp.float32).at[drawn].add(1)

        table = jax.lax.map(counts, jax.random.split(key, REPLICATES))
        return jnp.quantile(table @ values / prompts, jnp.asarray(QUANTILES), axis=0)

    def run():
        return np.asarray(quantiles(jax.random.key(1), values)).T.ravel()

    return run
