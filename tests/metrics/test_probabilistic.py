from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec import metrics


def test_pinball_of_each_level_is_lowest_at_the_quantile():
    y = np.random.default_rng(0).normal(size=2000)
    grid = np.linspace(-2, 2, 41)
    for alpha in (0.1, 0.5, 0.9):
        losses = [metrics.mean_pinball_loss(y, np.full(2000, g), alpha=alpha) for g in grid]
        assert abs(grid[np.argmin(losses)] - np.quantile(y, alpha)) <= 0.1


@given(
    levels=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6, unique=True).map(sorted),
    seed=st.integers(0, 999),
)
@settings(max_examples=60)
def test_crps_equals_the_energy_form_of_the_step_distribution(levels, seed):
    rng = np.random.default_rng(seed)
    y, q = rng.normal(), np.sort(rng.normal(size=len(levels)))
    edges = [0, *[(a + b) / 2 for a, b in pairwise(levels)], 1]
    weights = np.diff(edges)
    energy = weights @ abs(q - y) - 0.5 * weights @ abs(q[:, None] - q) @ weights
    got = metrics.continuous_ranked_probability_score([y], [q], quantiles=levels)
    assert got == pytest.approx(energy, abs=1e-9)


def test_crossing_quantiles_are_sorted_for_crps():
    crps = metrics.continuous_ranked_probability_score
    levels = [0.2, 0.5, 0.8]
    assert crps([1], [[3, 0, 1]], quantiles=levels) == crps([1], [[0, 1, 3]], quantiles=levels)


def test_weighted_quantile_loss_by_hand_and_as_wape():
    y, q = np.array([10.0, 20.0]), np.array([[8.0, 10.0, 14.0], [15.0, 20.0, 25.0]])
    assert metrics.weighted_quantile_loss(y, q, quantiles=[0.1, 0.5, 0.9]) == pytest.approx(
        2 * (0.2 + 0.4 + 0.5 + 0.5) / (3 * 30)
    )
    assert metrics.weighted_quantile_loss(y, q[:, :1], quantiles=[0.5]) == pytest.approx(
        metrics.weighted_absolute_percentage_error(y, q[:, 0])
    )


def test_interval_metrics_by_hand():
    y, bounds = [5, 12, -1], [[0, 10]] * 3
    score = metrics.interval_score(y, bounds, coverage=0.8, groups=list("aab"), average=None)
    assert score.to_dict() == {"a": pytest.approx(20.0), "b": pytest.approx(20.0)}
    coverage = metrics.interval_coverage(y, bounds, groups=list("aab"), average=None)
    assert coverage.to_dict() == {"a": 0.5, "b": 0.0}
    assert metrics.interval_coverage([0, 10], [[0, 10]] * 2) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.mean_pinball_loss([1], [1], alpha=1.0), "alpha must increase and lie"),
        (
            lambda: metrics.weighted_quantile_loss([1], [[1, 2]], quantiles=[0.9, 0.1]),
            "must increase",
        ),
        (lambda: metrics.weighted_quantile_loss([1], [[1, 2]], quantiles=[]), "list of levels"),
        (
            lambda: metrics.weighted_quantile_loss([1], [[1, 2]], quantiles=[0.5]),
            r"shape \(n_samples, 1\)",
        ),
        (lambda: metrics.interval_score([1], [[0, 2]], coverage=1), "coverage"),
        (lambda: metrics.interval_score([1], [[2, 0]]), "1 rows whose lower bound"),
        (lambda: metrics.interval_coverage([1], [1]), "shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
