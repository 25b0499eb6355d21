import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sklearn_tsrec.metrics import paired_test

rng = np.random.default_rng(0)
A, B = rng.normal(1, 1, 80), rng.normal(0.8, 1, 80)


def test_equals_the_paired_t_test_and_the_bootstrap_follows_the_normal_interval():
    result = paired_test(A, B, random_state=0)
    expected = stats.ttest_rel(A, B)
    assert result.pvalue == pytest.approx(expected.pvalue)
    assert result.difference == pytest.approx(np.mean(A - B))
    assert (result.mean_a, result.mean_b) == pytest.approx((A.mean(), B.mean()))
    assert result.std_error == pytest.approx(stats.sem(A - B))
    normal = result.difference + 1.96 * result.std_error * np.array([-1, 1])
    np.testing.assert_allclose(result.interval, normal, atol=0.2 * result.std_error)
    assert result == paired_test(A, B, random_state=0)


def test_rows_of_one_series_are_one_unit():
    groups = np.arange(80) // 8
    a, b = pd.Series(A).groupby(groups).mean(), pd.Series(B).groupby(groups).mean()
    result = paired_test(A, B, groups=groups, random_state=1)
    assert result.n_series == 10
    assert result.pvalue == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_series_are_matched_by_index():
    a = pd.Series(A, [f"s{i}" for i in range(80)])
    b = pd.Series(B, a.index)
    assert paired_test(a, b[::-1], random_state=0) == paired_test(A, B, random_state=0)


def test_bootstrap_in_blocks_equals_one_block(monkeypatch):
    whole = paired_test(A, B, n_bootstraps=30, random_state=0)
    monkeypatch.setattr("sklearn_tsrec.metrics._paired._BLOCK", 500)
    assert paired_test(A, B, n_bootstraps=30, random_state=0) == whole


def test_equal_models_and_constant_differences():
    assert paired_test(A, A, random_state=0).pvalue == 1.0
    assert paired_test([2.0, 3.0], [1.0, 2.0], random_state=0).pvalue == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1]), "2 rows and b has 1"),
        (([1], [1]), "at least two series"),
        (([1, np.nan], [1, 2]), "a has 1 rows"),
        ((pd.Series([1, 2], ["x", "y"]), pd.Series([1, 2], ["x", "z"])), "same series"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        paired_test(*arguments)


@pytest.mark.parametrize("options", [{"coverage": 1.0}, {"n_bootstraps": 0}])
def test_bad_options_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        paired_test([1, 2], [2, 3], **options)
