import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sklearn_tsrec import metrics


def test_directional_accuracy_of_returns_and_levels():
    assert metrics.directional_accuracy([1, -1, 0, 0], [2, 2, 0, 1]) == 0.5
    last = [10, 10]
    assert metrics.directional_accuracy([11, 9], [12, 11], reference=last) == 0.5


def test_rank_information_coefficient_equals_spearman_per_date():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"date": rng.integers(0, 8, 120), "y": rng.integers(0, 6, 120), "f": rng.normal(size=120)}
    )
    table["f"] += table.y
    got = metrics.rank_information_coefficient(table.y, table.f, groups=table.date, average=None)
    expected = {d: spearmanr(t.y, t.f).statistic for d, t in table.groupby("date")}
    assert got.to_dict() == pytest.approx(expected)
    mean = metrics.rank_information_coefficient(table.y, table.f, groups=table.date)
    assert mean == pytest.approx(np.mean(list(expected.values())))
    ratio = metrics.rank_information_ratio(table.y, table.f, groups=table.date)
    assert ratio == pytest.approx(mean / np.std(list(expected.values()), ddof=1))


def test_dates_that_cannot_be_scored_are_left_out_and_constant_scores_count_zero():
    dates = [1, 1, 2, 2, 3, 4, 4]
    got = metrics.rank_information_coefficient(
        [1, 2, 1, 2, 5, 3, 3], [1, 2, 7, 7, 1, 1, 2], groups=dates, average=None
    )
    assert got.fillna(-9).to_dict() == {1: 1.0, 2: 0.0, 3: -9.0, 4: -9.0}
    mean = metrics.rank_information_coefficient(
        [1, 2, 1, 2, 5, 3, 3], [1, 2, 7, 7, 1, 1, 2], groups=dates
    )
    assert mean == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: metrics.rank_information_coefficient([1, 1], [1, 2], groups=[1, 1]),
            "two different truths",
        ),
        (
            lambda: metrics.rank_information_coefficient(
                [1, 2], [1, 2], groups=[1, 1], average="samples"
            ),
            "average must be",
        ),
        (
            lambda: metrics.rank_information_ratio([1, 2], [1, 2], groups=[1, 1]),
            "at least two dates",
        ),
        (
            lambda: metrics.directional_accuracy([1, 2], [1, 2], reference=[1, 2, 3]),
            "reference has shape",
        ),
        (
            lambda: metrics.directional_accuracy([1, 2], [1, 2], reference=[1, np.nan]),
            "reference has 1 rows",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
