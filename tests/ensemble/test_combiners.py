"""Combiners alone, on forecasts that are written down."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_tsrec.ensemble._combiners import (
    FinalEstimator,
    ForecastRows,
    Median,
    OnlineMean,
    ProbabilityRows,
    WeightedMean,
)

NAN = np.nan
TRUTH = np.array([1.0, 2.0, 3.0, 5.0])


def forecasts(*members, cells=0, unit=1.0, columns=None, ticks=None):
    """Return rows with a forecast of each member."""
    numbers = np.column_stack(members).astype(float)
    n = len(numbers)
    ticks = np.arange(n) if ticks is None else np.array(ticks)
    cells, unit = np.broadcast_to(cells, n), np.broadcast_to(unit, n)
    return ForecastRows(numbers[:, :, np.newaxis], cells, columns, unit, ticks)


def test_the_better_member_has_the_weight_in_the_unit_of_each_series():
    # the second is right but in the last row, whose errors are small in its unit
    rows = forecasts(TRUTH + 1, [1, 2, 3, 105], unit=[1, 1, 1, 1e6])
    mean = WeightedMean("nnls", 1, 0.0)
    mean.learn(rows, TRUTH)
    np.testing.assert_allclose(mean.pooled, [0, 1], atol=1e-6)
    np.testing.assert_allclose(mean.combine(rows)[:, 0], [1, 2, 3, 105], rtol=1e-6)


def test_cells_have_weights_and_rows_of_none_the_pooled_ones():
    rows = forecasts([1, 2, 9, 9], [9, 9, 3, 5], cells=[0, 0, 1, 1])
    mean = WeightedMean("nnls", 2, 0.0)
    mean.learn(rows, TRUTH)
    np.testing.assert_allclose(mean.weights, [[1, 0], [0, 1]], atol=1e-9)
    asked = forecasts([0, 0, 0], [1, 1, 1], cells=[0, 1, -1])
    np.testing.assert_allclose(mean.combine(asked)[:, 0], [0, 1, mean.pooled[1]], atol=1e-9)


def test_learning_online_goes_on():
    at_once, in_parts = OnlineMean(1, 0.0, 0.0), OnlineMean(1, 0.0, 0.0)
    rows = forecasts(TRUTH + 1, TRUTH, ticks=[3, 5, 7, 9])
    at_once.learn(rows, TRUTH)
    for part in (slice(0, 1), slice(1, 4)):
        in_parts.learn(rows.take(part), TRUTH[part])
    np.testing.assert_array_equal(at_once.pooled, in_parts.pooled)
    assert (np.diff(at_once.path[:, 1]) > 0).all()
    np.testing.assert_array_equal(at_once.path[1:], in_parts.path)


def test_a_median_is_of_known_forecasts_and_of_probabilities_sums_to_one():
    rows = forecasts([1, NAN], [2, 5], [6, 7])
    np.testing.assert_array_equal(Median().combine(rows)[:, 0], [2, 6])
    proba = np.array([[[0.2, 0.8, 0.0], [0.5, 0.0, 0.5], [0.1, 0.1, 0.8]]])
    rows = ProbabilityRows(proba, np.zeros(1, int), None, np.array(["a", "b", "c"]))
    np.testing.assert_allclose(Median().combine(rows), np.array([[0.2, 0.1, 0.5]]) / 0.8)


@pytest.mark.parametrize("unit", [1.0, 10.0])
def test_a_final_estimator_learns_in_the_unit_of_each_series(unit):
    final = FinalEstimator(LinearRegression())
    rows = forecasts(TRUTH * unit, unit=unit, columns=np.array([[0.0], [1], [0], [1]]))
    final.learn(rows, (2 * TRUTH + rows.columns[:, 0]) * unit)
    asked = forecasts([7 * unit, NAN], unit=unit, columns=np.array([[1.0], [1.0]]))
    np.testing.assert_allclose(final.combine(asked)[:, 0], [15 * unit, NAN])


def test_a_final_classifier_gives_all_classes():
    proba = np.array([[[0.9, 0.1, 0.0]], [[0.1, 0.9, 0.0]]])
    rows = ProbabilityRows(proba, np.zeros(2, int), None, np.array(["a", "b", "c"]))
    final = FinalEstimator(LogisticRegression(C=1e6))
    final.learn(rows, np.array([0, 1]))
    combined = final.combine(rows)
    np.testing.assert_allclose(combined.sum(axis=1), 1)
    np.testing.assert_array_equal(combined.argmax(axis=1), [0, 1])
    assert (combined[:, 2] == 0).all()
