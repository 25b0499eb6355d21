"""Calibration alone, on errors that are written down, without a forecaster."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sklearn_tsrec.forecasting._calibration import (
    Calibration,
    CellScores,
    SeriesScales,
    adapt_level,
    rows_needed,
)


def past_forecasts(errors, *, codes=0, steps=1, forecasts=10.0):
    """Return a table of past forecasts with these errors, one fold after another."""
    n = len(errors)
    table = {
        "fold": np.arange(n),
        "step": np.broadcast_to(steps, n),
        "y_true": forecasts + np.asarray(errors, dtype=float),
        "y_pred": forecasts,
        "code": np.broadcast_to(codes, n),
        "tick": np.arange(n),
        "difference": 1.0,
    }
    return pd.DataFrame(table)


def calibration(errors, *, per="horizon", symmetric=True, scale=None, rate=0.1, **about):
    """Return a calibration of residuals."""
    made = Calibration(None, per=per, symmetric=symmetric, scale=scale, learning_rate=rate)
    return made.fit(past_forecasts(errors, **about))


def interval(made, forecast, *, code=0, step=1, scale=1.0, coverage=0.5):
    """Return an interval of one row."""
    levels = np.array([(1 - coverage) / 2, (1 + coverage) / 2])
    about = np.array([code]), np.array([step]), np.array([scale])
    return made.quantiles_of(np.array([[forecast]]), *about, levels)[0]


def test_an_interval_is_the_kth_error_in_its_unit():
    made = calibration([1, -2, 3])  # k = ceil(4 * 0.5) = 2
    np.testing.assert_array_equal(interval(made, 7.0), [5, 9])
    np.testing.assert_array_equal(interval(made, 7.0, scale=10.0), [-13, 27])
    assert made.count(np.array([0, 0]), np.array([1, 2])).tolist() == [3, 0]
    assert made.needed(0.25) == 1
    assert made.needed(0.05) == 9


def test_tails_have_errors_to_their_own_side():
    made = calibration([1, -2, 3], symmetric=False)  # k = ceil(4 * 0.75) = 3
    np.testing.assert_array_equal(interval(made, 7.0), [5, 10])


@pytest.mark.parametrize(
    ("per", "first", "second"),
    [("horizon", [-1, 1], [-5, 5]), ("group", [-5, 5], [-1, 1]), (None, [-5, 5], [-5, 5])],
)
def test_cells_are_steps_or_series_or_nothing(per, first, second):
    made = calibration([1, 5], steps=[1, 2], codes=[1, 0], per=per)
    np.testing.assert_array_equal(interval(made, 0.0, code=0, step=1), first)
    np.testing.assert_array_equal(interval(made, 0.0, code=1, step=2), second)


def test_quantiles_of_the_forecaster_are_moved_by_their_own_errors():
    table = past_forecasts([0, 0, 0]).assign(**{"q0.25": [9.0, 11, 9], "q0.75": [12.0, 12, 12]})
    levels = np.array([0.25, 0.75])
    made = Calibration(levels, per=None, symmetric=True, scale=None, learning_rate=0.1).fit(table)
    # beyond the quantiles by -1, 1 and -1: the second smallest is -1
    base, about = np.array([[3.0, 8.0]]), (np.array([0]), np.array([1]), np.array([1.0]))
    np.testing.assert_array_equal(made.quantiles_of(base, *about, levels), [[4, 7]])


def test_new_errors_replace_the_oldest_and_move_the_level():
    made = calibration([1, 1, 1, 1], per=None, rate=0.5)
    assert interval(made, 0.0).tolist() == [-1, 1]
    made.adapt(past_forecasts([9.0]).assign(fold=4, tick=4))
    assert made.table["fold"].tolist() == [1, 2, 3, 4]
    # a miss: the level of misses falls from 0.5 to 0.25
    assert interval(made, 0.0).tolist() == [-9, 9]
    made.adapt(past_forecasts([0.0]).assign(fold=5, tick=0))  # later, whatever its tick
    assert made.table["y_true"].tolist() == [11, 11, 19, 10]
    assert interval(made, 0.0).tolist() == [-1, 1]  # a hit: the level is 0.5 again


def test_scales_of_errors_drop_the_oldest_fold_and_know_new_series_by_their_changes():
    made = calibration([2, 2, 2], scale="error")
    assert made.table["fold"].tolist() == [1, 2]
    np.testing.assert_allclose(made.scales(np.array([0, 5]), np.array([1.0, 3.0])), [2, 6])


def test_scales_shrink_to_what_other_series_suggest():
    folds, changes = np.zeros(3, int), np.ones(3)
    scales = SeriesScales("error", np.arange(3), folds, np.array([1.0, 1.0, 4.0]), changes)
    # one fold against two of the prior: a third of the way, in logarithms
    np.testing.assert_allclose(scales.of_series(np.arange(3), changes), [1, 1, 4 ** (1 / 3)])


def test_paths_are_whole_and_of_one_fold():
    table = past_forecasts([1, 2, 3, 4, 5], steps=[1, 2, 1, 2, 1], codes=[0, 0, 1, 1, 0])
    table["fold"] = [0, 0, 0, 0, 1]  # the last path lacks its second step
    made = Calibration(None, per="horizon", symmetric=True, scale=None, learning_rate=0.1)
    paths = made.fit(table).paths(np.array([2, 1]))
    np.testing.assert_array_equal(paths.errors, [[1, 2], [3, 4]])
    drawn = paths.draw(np.array([0, 0]), np.array([1, 2]), 50, np.random.RandomState(0))
    assert set(map(tuple, drawn.T)) == {(1, 2), (3, 4)}
    assert not paths.lacking(np.array([0, 7])).any()
    assert made.paths(np.array([3])).lacking(np.array([0])).all()
    own = Calibration(None, per="group", symmetric=True, scale=None, learning_rate=0.1)
    paths = own.fit(table).paths(np.array([1, 2]))
    assert paths.lacking(np.array([0, 1, 2])).tolist() == [False, False, True]
    drawn = paths.draw(np.array([1, 1]), np.array([1, 2]), 3, np.random.RandomState(0))
    np.testing.assert_array_equal(drawn, [[3] * 3, [4] * 3])


# ---- scores and levels


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(19, 60),
    coverage=st.sampled_from([0.5, 0.8, 0.9]),
    heavy=st.booleans(),
)
def test_scores_cover_as_often_as_they_say(seed, n, coverage, heavy):
    rng = np.random.default_rng(seed)
    draw = rng.standard_cauchy if heavy else rng.exponential
    trials = 2000
    scores = draw(size=(trials, n + 1))
    cells = np.repeat(np.arange(trials), n)
    held = CellScores(cells, scores[:, :n].reshape(-1, 1))
    bound = held.bound(np.arange(trials), 0, 1 - coverage)
    covered = int((scores[:, n] <= bound).sum())
    exact = np.ceil((n + 1) * coverage - 1e-9) / (n + 1)
    low, high = binom.ppf([1e-6, 1 - 1e-6], trials, exact)
    assert low <= covered <= high
    p = held.pvalues(np.arange(trials), scores[:, n:])[:, 0]
    assert ((p <= 1 - coverage + 1e-9) == (scores[:, n] > bound)).all()


def test_rows_needed_is_where_the_kth_score_exists():
    for missed in (0.5, 0.2, 0.1, 1 - 0.9, 0.05, 0.01):
        n = rows_needed(missed)
        assert np.ceil((n + 1) * (1 - missed) - 1e-9) <= n
        assert np.ceil(n * (1 - missed) - 1e-9) > n - 1


def test_the_level_follows_gibbs_and_candes():
    # level 0.2, rate 0.1: a miss takes 0.08 away, a hit gives 0.02
    p = np.array([0.1, 0.5, 0.15, 0.13])
    level = adapt_level(p, np.arange(4), np.zeros(4, int), 1, 0.2, 0.1)
    np.testing.assert_allclose(level, [0.2 - 0.08 + 0.02 + 0.02 - 0.08 + 0.0], atol=0.1)
    expected = 0.2
    for value in p:
        expected += 0.1 * (0.2 - (value <= expected))
    np.testing.assert_allclose(level, [expected])
    # two series at one time, one of which misses, count as half a miss
    level = adapt_level(np.array([0.1, 0.5]), np.zeros(2), np.zeros(2, int), 1, 0.2, 0.1)
    np.testing.assert_allclose(level, [0.2 + 0.1 * (0.2 - 0.5)])
