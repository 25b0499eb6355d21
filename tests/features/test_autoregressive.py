import numpy as np
import pytest
from statsmodels.regression.linear_model import burg

from sklearn_tsrec.features import AutoregressiveFeatures


def simulate(n, length, a=(0.6, -0.3), constant=2.0):
    rng = np.random.default_rng(0)
    x = np.zeros((n, length + 100))
    for t in range(2, x.shape[1]):
        x[:, t] = constant + a[0] * x[:, t - 1] + a[1] * x[:, t - 2] + rng.normal(size=n)
    return x[:, 100:]


@pytest.mark.parametrize("method", ["burg", "ols"])
def test_finds_the_coefficients_of_a_simulated_series(method):
    out = AutoregressiveFeatures(2, method=method).fit_transform(simulate(40, 1000))
    np.testing.assert_allclose(out[:, :2].mean(axis=0), [0.6, -0.3], atol=0.01)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_burg_is_that_of_statsmodels(order):
    X = simulate(6, 40)
    out = AutoregressiveFeatures(order).fit_transform(X)
    expected = np.array([burg(x, order, demean=True)[0] for x in X])
    np.testing.assert_allclose(out[:, :order], expected, atol=1e-10)
    mean = X.mean(axis=1)
    latest = X[:, : -order - 1 : -1] - mean[:, np.newaxis]
    np.testing.assert_allclose(out[:, order], mean + (expected * latest).sum(axis=1))


@pytest.mark.parametrize("order", [1, 3])
def test_ols_is_that_of_lstsq(order):
    X = simulate(6, 30)
    out = AutoregressiveFeatures(order, method="ols").fit_transform(X)
    for x, row in zip(X, out):
        lags = [x[order - i - 1 : len(x) - i - 1] for i in range(order)]
        design = np.column_stack([*lags, np.ones(len(x) - order)])
        beta = np.linalg.lstsq(design, x[order:], rcond=None)[0]
        np.testing.assert_allclose(row[:order], beta[:order], atol=1e-9)
        forecast = x[: -order - 1 : -1] @ beta[:order] + beta[order]
        np.testing.assert_allclose(row[order], forecast)


@pytest.mark.parametrize("method", ["burg", "ols"])
def test_padding_and_holes(method):
    features = AutoregressiveFeatures(2, method=method)
    x = simulate(1, 12)[0]
    padded = np.concatenate([[np.nan] * 5, x])
    alone = features.fit_transform([x])
    np.testing.assert_allclose(features.fit_transform([padded]), alone, atol=1e-12)
    filled, holed = x.copy(), x.copy()
    filled[6] = (x[5] + x[7]) / 2
    holed[6] = np.nan
    np.testing.assert_allclose(features.fit_transform([holed]), features.fit_transform([filled]))


@pytest.mark.parametrize("method", ["burg", "ols"])
def test_constant_short_and_stale_windows(method):
    X = np.array(
        [[0.1] * 6, [np.nan] * 2 + [1.0, 2, 1, 2], [1.0, 2, 1, 2, 1, np.nan], [np.nan] * 6]
    )
    out = AutoregressiveFeatures(2, method=method).fit_transform(X)
    np.testing.assert_array_equal(out[0], [0, 0, 0.1])
    assert np.isnan(out[1:]).all()


def test_units_do_not_matter():
    X = simulate(3, 30)
    for method in ("burg", "ols"):
        features = AutoregressiveFeatures(2, method=method)
        small = features.fit_transform(X)
        large = features.fit_transform(1e8 * X + 1e9)
        np.testing.assert_allclose(large[:, :2], small[:, :2], rtol=1e-6)
        np.testing.assert_allclose(large[:, 2], 1e8 * small[:, 2] + 1e9, rtol=1e-6)


@pytest.mark.parametrize("params", [{"order": 0}, {"method": "yule"}])
def test_bad_parameters(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        AutoregressiveFeatures(**params).fit(np.zeros((2, 8)))
