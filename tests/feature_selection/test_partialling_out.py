import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.linear_model import Ridge

from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.feature_selection._basis import Basis
from sklearn_tsrec.feature_selection._partialling_out import (
    benjamini_hochberg,
    contiguous_folds,
    crossfit_effects,
    grouped_wald,
    hotelling,
)
from sklearn_tsrec.feature_selection._robust import score_covariance
from sklearn_tsrec.feature_selection._waves import SlowWaves, centre


def _table(n=300, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X[:, 1] += 0.8 * X[:, 0]
    return X, X[:, 0] - 0.5 * X[:, 2] + rng.standard_normal(n)


def _design(X, y, groups, series=None, controls=()):
    """Return groups of columns as the test sees them."""
    series = np.zeros(len(y), dtype=int) if series is None else series
    basis = Basis(X, y[:, None], series, SlowWaves(series), curved=False)
    return basis.design(groups, np.array(controls, dtype=int))


def _wald(design, cov_type="hac"):
    return grouped_wald(design, design.groups, cov_type, design.basis.n_absorbed)


def test_closed_form_is_linear_dml_with_ridge():
    dml = pytest.importorskip("econml.dml")
    X, y = _table()
    folds = contiguous_folds(np.zeros(len(y), dtype=int), 3, 4)
    effects, _ = crossfit_effects(X, y, folds)
    for j in range(X.shape[1]):
        model = dml.LinearDML(model_y=Ridge(1.0), model_t=Ridge(1.0), cv=folds, random_state=0)
        model.fit(y, X[:, j], W=np.delete(X, j, axis=1), inference=None)
        assert_allclose(np.ravel(model.const_marginal_effect()), effects[j], rtol=1e-8)


def test_closed_form_of_a_group_is_linear_dml_with_two_treatments():
    dml = pytest.importorskip("econml.dml")
    X, y = _table()
    folds = contiguous_folds(np.zeros(len(y), dtype=int), 3, 0)
    (effect,), _ = crossfit_effects(X, y, folds, [np.array([1, 3])])
    model = dml.LinearDML(model_y=Ridge(1.0), model_t=Ridge(1.0), cv=folds, random_state=0)
    model.fit(y, X[:, [1, 3]], W=X[:, [0, 2, 4, 5]], inference=None)
    assert_allclose(np.ravel(model.const_marginal_effect()), effect, rtol=1e-8)


def test_wald_of_one_column_is_the_t_test_with_hc3_errors():
    X, y = _table(90)  # too few rows for slow waves
    n, p = X.shape
    series = np.zeros(n, dtype=int)
    design = _design(X, y, [np.array([j]) for j in range(p)])
    pvalues, _, collinear = _wald(design)
    X, y = design.whole(), design.y
    b, *_ = np.linalg.lstsq(X, y, rcond=None)
    inverse = np.linalg.inv(X.T @ X)
    leverage = np.einsum("ij,jk,ik->i", X, inverse, X) + 1 / n
    residual = (y - X @ b) / (1 - leverage)
    for j in range(p):
        scores = (X @ inverse[j] * residual)[:, None]
        variance = score_covariance(scores, series, "hac")[0, 0]
        t = b[j] / np.sqrt(variance)
        assert_allclose(pvalues[j], 2 * stats.t.sf(abs(t), n - p - 1), rtol=1e-6)
    assert not collinear.any()


def test_strength_is_the_loss_of_explained_variance():
    X, y = _table(90)
    group = np.array([1, 2])
    _, strength, _ = _wald(_design(X, y, [group], controls=[0, 3, 4, 5]))
    X, y = X - X.mean(axis=0), y - y.mean()
    without = np.delete(X, group, axis=1)
    full = ((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2).sum()
    less = ((y - without @ np.linalg.lstsq(without, y, rcond=None)[0]) ** 2).sum()
    assert_allclose(strength[0], (less - full) / (y @ y), rtol=1e-6)


def test_collinear_columns_are_told():
    X, y = _table()
    X = np.column_stack([X, X[:, 0] + 2 * X[:, 4]])
    _, _, collinear = _wald(_design(X, y, [np.array([j]) for j in range(7)]))
    assert_array_equal(np.flatnonzero(collinear), [0, 4, 6])


def test_newey_west_sums_lags_within_series():
    rng = np.random.default_rng(3)
    scores = rng.standard_normal((400, 2))
    scores[1:] -= 0.5 * scores[:-1].copy()  # a moving average that prewhitening leaves some of
    series = np.repeat([0, 1], [150, 250])
    got = score_covariance(scores, series, "hac")

    same = np.r_[False, series[1:] == series[:-1]]
    pairs = np.flatnonzero(same)
    rho = (scores[pairs] * scores[pairs - 1]).sum(axis=0) / (scores[pairs - 1] ** 2).sum(axis=0)
    rho = np.clip(rho, -0.8, 0.97)
    white = np.array(
        [
            scores[i] - rho * scores[i - 1] if same[i] else scores[i] * np.sqrt(1 - rho**2)
            for i in range(400)
        ]
    )
    left = (white[pairs] * white[pairs - 1]).sum(axis=0) / (white[pairs - 1] ** 2).sum(axis=0)
    power = ((white[pairs] - left * white[pairs - 1]) ** 2).mean(axis=0)
    above = (4 * left**2 * power**2 / ((1 - left) ** 6 * (1 + left) ** 2)).sum()
    bandwidth = int(1.1447 * (above / (power**2 / (1 - left) ** 4).sum() * 400) ** (1 / 3))
    assert bandwidth >= 1
    expected = white.T @ white
    for i in range(400):
        for k in range(1, bandwidth + 1):
            if i >= k and series[i] == series[i - k]:
                cross = np.outer(white[i], white[i - k])
                expected = expected + (1 - k / (bandwidth + 1)) * (cross + cross.T)
    assert_allclose(got, expected / np.outer(1 - rho, 1 - rho), rtol=1e-10)


def test_clusters_sum_their_scores_first():
    scores = np.arange(12.0).reshape(6, 2)
    series = np.array([0, 0, 1, 1, 1, 2])
    sums = np.array([scores[:2].sum(axis=0), scores[2:5].sum(axis=0), scores[5]])
    got = score_covariance(scores, series, "cluster")
    assert_allclose(got, 3 / 2 * sums.T @ sums)


def test_benjamini_hochberg_is_scipys():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pvalues = rng.random(15) ** 3
        expected = stats.false_discovery_control(pvalues) <= 0.1
        assert_array_equal(benjamini_hochberg(pvalues, 0.1), expected)


def test_hotelling_of_one_effect_is_students_t():
    pvalue = hotelling(np.array([2.0]), np.array([[1.0]]), 7)
    assert_allclose(pvalue, 2 * stats.t.sf(2.0, 7))


def test_folds_cover_each_row_once_and_purge_around_it():
    series = np.repeat([0, 1], [30, 12])
    folds = contiguous_folds(series, 3, 2)
    assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(42))
    for train, test in folds:
        for s in (0, 1):
            own = test[series[test] == s]
            assert_array_equal(np.diff(own), 1)
            near = train[series[train] == s]
            assert np.abs(near[:, None] - own).min() == 3


@pytest.mark.parametrize("series", [np.zeros(300, dtype=int), np.repeat([0, 1, 2], [50, 200, 50])])
def test_moments_by_block_are_those_of_the_centred_columns(series, monkeypatch):
    monkeypatch.setattr("sklearn_tsrec.feature_selection._basis._CELLS", 100)
    X, y = _table()
    X[:, 5] = 7.0  # a constant has no column in the basis
    X += 1e6 * series[:, None]  # levels far apart
    X[:, 5] = 7.0
    basis = Basis(X, y[:, None], series, SlowWaves(series), curved=True)
    assert_array_equal(basis.source, np.tile(range(5), 3))
    whole = np.concatenate([basis.centred(b, np.arange(15)) for b in basis.blocks(15)])
    z = (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()
    for j, column in enumerate((z, np.clip(z, -2.5, 2.5) ** 2, np.maximum(z, 0))):
        assert_allclose(whole[:, 5 * j], centre(column, series, SlowWaves(series)), atol=1e-9)
    assert_allclose(basis.targets[:, 0], centre(y, series, SlowWaves(series)))
    assert_allclose(basis.gram, whole.T @ whole, rtol=1e-10, atol=1e-10)
    assert_allclose(basis.cross, whole.T @ basis.targets, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("series", [np.zeros(300, dtype=int), np.repeat([0, 1, 2], [50, 200, 50])])
@pytest.mark.parametrize("cov_type", ["hac", "cluster"])
def test_the_test_by_blocks_is_that_of_the_whole(series, cov_type, monkeypatch):
    X, y = _table()
    X[1:] += 0.8 * X[:-1]  # scores with a memory: several lags count
    y[1:] += 0.6 * y[:-1]
    groups = [np.array([0, 1]), np.array([2]), np.array([5, 3])]
    whole = _wald(_design(X, y, groups, series, controls=[4]), cov_type)
    monkeypatch.setattr("sklearn_tsrec.feature_selection._basis._CELLS", 60)
    monkeypatch.setattr("sklearn_tsrec.feature_selection._partialling_out._HELD", 0)
    parts = _wald(_design(X, y, groups, series, controls=[4]), cov_type)
    for a, b in zip(whole, parts):
        assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_a_group_spans_its_columns_without_what_is_collinear_in_it():
    X, y = _table()
    X[:, 1] = 3 * X[:, 0]
    design = _design(X, y, [np.array([0, 1, 2])], controls=[3])
    rows, (group,) = design.whole(), design.groups
    assert rows.shape == (300, 3)
    block = rows[:, group]
    assert_allclose(block.T @ block / 300, np.eye(2), atol=1e-9)
    series = np.zeros(300, dtype=int)
    column = centre(X[:, 0], series, SlowWaves(series))
    back = block @ np.linalg.lstsq(block, column, rcond=None)[0]
    assert_allclose(back, column, atol=1e-9)
    assert_allclose(design.gram, rows.T @ rows, atol=1e-9)
    assert_allclose(design.cross, rows.T @ design.y, atol=1e-9)


def test_slow_waves_are_orthonormal_and_leave_no_wandering(monkeypatch):
    series = np.zeros(1000, dtype=int)
    slow = SlowWaves(series)
    waves = slow.rows(0, 1000)
    assert waves.shape == (1000, 9)
    assert_allclose(waves.T @ waves, np.eye(9), atol=1e-9)
    walk = np.cumsum(np.random.default_rng(0).normal(size=1000))
    left = centre(walk, series, slow)
    assert_allclose(waves.T @ left, 0, atol=1e-9)
    assert left.var() < 0.2 * walk.var()
    assert SlowWaves(np.repeat([0, 1], 500)).number == 0
    assert SlowWaves(np.zeros(99, dtype=int)).number == 0
    monkeypatch.setattr("sklearn_tsrec.feature_selection._waves._HELD", 0)
    monkeypatch.setattr("sklearn_tsrec.feature_selection._waves._ROWS", 64)
    assert_allclose(SlowWaves(series).rows(130, 700), waves[130:700], atol=1e-12)
    assert_allclose(centre(walk, series, SlowWaves(series)), left, atol=1e-9)


def test_memory_does_not_grow_with_copies_of_the_columns():
    n, p = 40_000, 60
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    y = X[:, 0] + rng.standard_normal(n)
    selector = CausalFeatureSelector(effects=False)
    tracemalloc.start()
    selector.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Some blocks of 2 MB, and not the expanded columns: those are three times as large as X.
    assert peak < X.nbytes
