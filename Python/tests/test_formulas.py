# SPDX-License-Identifier: Apache-2.0
"""Points against the textbook's formulas in NumPy, which share nothing with the engine."""

from __future__ import annotations

import math

import numpy as np
import pytest

import esscher

# The contract for double input: 1e-10 relative, and relative to the spread for rewards. NumPy's own sums over 40
# samples are good to 1e-14.
TOLERANCE = 1e-10

REWARDS = np.random.default_rng(11).normal(size=(5, 40))


def tilt(row: np.ndarray, beta_inverse: float) -> dict[str, float]:
    weights = np.exp(beta_inverse * (row - row.max()))
    weights /= weights.sum()
    log_z = np.log(np.mean(np.exp(beta_inverse * row)))
    reward = weights @ row
    return {
        "reward": reward,
        "gain": reward - row.mean(),
        "kl": weights @ np.log(weights * len(row)),
        "reverse_kl": log_z - beta_inverse * row.mean(),
    }


@pytest.mark.parametrize("beta_inverse", [0.3, 1.0, 4.0])
def test_a_tilt_is_the_exponentially_weighted_mean(beta_inverse: float) -> None:
    result = esscher.frontier(REWARDS, lambdas=[beta_inverse], ns=[1], resamples=0)
    found = result.curve("tilt")
    for column in ("reward", "gain", "kl", "reverse_kl"):
        expected = np.mean([tilt(row, beta_inverse)[column] for row in REWARDS])
        assert found[column][0] == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_best_of_n_is_the_mean_over_all_subsets(n: int) -> None:
    samples = REWARDS.shape[1]
    weights = [math.comb(rank, n - 1) / math.comb(samples, n) for rank in range(samples)]
    expected = np.mean(np.sort(REWARDS, axis=1) @ weights)
    found = esscher.frontier(REWARDS, lambdas=[1], ns=[n], resamples=0).curve("best_of_n")
    assert found["reward"][0] == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
    assert found["kl"][0] == pytest.approx(math.log(n) - (n - 1) / n, rel=TOLERANCE, abs=TOLERANCE)
    assert found["win_rate"][0] == pytest.approx(n / (n + 1), rel=TOLERANCE)


def test_a_budget_is_spent() -> None:
    found = esscher.frontier(REWARDS, kl_budgets=[0.25], resamples=0).curve("budget")
    spent = np.mean([tilt(row, found["lambda"][0])["kl"] for row in REWARDS])
    assert found["kl"][0] == 0.25
    # The lambda is found to a relative 1e-10, and KL grows like its square.
    assert spent == pytest.approx(0.25, rel=1e-9)


def test_gold_and_importance_weights_enter_the_tilt() -> None:
    gold = np.random.default_rng(12).normal(size=REWARDS.shape)
    log_weights = np.random.default_rng(13).normal(size=REWARDS.shape)
    result = esscher.frontier(REWARDS, gold=gold, log_weights=log_weights, lambdas=[0.7], resamples=0)
    base = np.exp(log_weights)
    weights = base * np.exp(0.7 * REWARDS)
    weights /= weights.sum(axis=1, keepdims=True)
    found = result.curve("tilt")
    assert found["reward"][0] == pytest.approx((weights * REWARDS).sum(axis=1).mean(), rel=TOLERANCE)
    assert found["gold"][0] == pytest.approx((weights * gold).sum(axis=1).mean(), rel=1e-9)


def test_the_estimate_from_log_probabilities_of_improbable_samples_is_the_bound() -> None:
    log_probabilities = np.full(REWARDS.shape, -60.0)
    found = esscher.frontier(REWARDS, logprobs=log_probabilities, lambdas=[1], ns=[8], resamples=0).curve("best_of_n")
    # d_n differs from the bound by less than n times the probability, e^-60.
    assert found["kl_estimate"][0] == pytest.approx(math.log(8) - 7 / 8, rel=TOLERANCE)


def test_counts_are_rows_of_zeros_and_ones() -> None:
    rows = [[1.0] * correct + [0.0] * (samples - correct) for samples, correct in ((10, 3), (10, 5), (8, 8))]
    counted = esscher.frontier(num_samples=[10, 10, 8], num_correct=np.array([3, 5, 8]), resamples=0, lambdas=[1])
    expanded = esscher.frontier(rows, resamples=0, lambdas=[1])
    for one, other in zip(counted.points, expanded.points):
        for column in ("kl", "reward", "gain", "win_rate", "ess", "kl_ceiling"):
            # Sums over two groups and over ten samples round differently.
            assert one[column] == pytest.approx(other[column], rel=TOLERANCE, abs=TOLERANCE)


def test_best_of_n_of_counts_is_pass_at_n() -> None:
    found = esscher.frontier(num_samples=[10], num_correct=[3], lambdas=[1], ns=[4], resamples=0).curve("best_of_n")
    assert found["reward"][0] == pytest.approx(1 - math.comb(7, 4) / math.comb(10, 4), rel=TOLERANCE)
