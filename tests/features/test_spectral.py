import numpy as np
import pytest
from scipy.signal import periodogram

from sklearn_tsrec.features import SpectralFeatures


def named(X, **params):
    """Features of windows by name, without the length at the end."""
    features = SpectralFeatures(**params).set_output(transform="pandas")
    table = features.fit_transform(X)
    return table.rename(columns=lambda name: name.removeprefix("x__"))


@pytest.mark.parametrize("period", [2, 3, 4, 6, 12, 60])
def test_a_sinusoid_has_its_period(period):
    x = 10 + 3 * np.cos(2 * np.pi * np.arange(60) / period)
    out = named([x], bands=[(2, 3), (3, 10), (10, np.inf)], n_periods=2)
    assert out["period1_60"][0] == pytest.approx(period)
    assert np.isnan(out["period2_60"][0])
    assert out["entropy60"][0] == pytest.approx(0, abs=1e-9)
    shares = [period < 3, 3 <= period < 10, period >= 10]
    np.testing.assert_allclose(out.iloc[0, :3], shares, atol=1e-9)


def test_power_is_that_of_scipy():
    X = np.random.default_rng(0).normal(size=(5, 24))
    for detrend in ("constant", "linear"):
        f, power = periodogram(X, detrend=detrend)
        power = power / power[:, 1:].sum(axis=1, keepdims=True)
        out = named(X, bands=[(2, 4), (4, np.inf)], detrend=detrend)
        np.testing.assert_allclose(out.iloc[:, 0], power[:, f > 0.25 + 1e-9].sum(axis=1))
        low = (f > 0) & (f <= 0.25 + 1e-9)
        np.testing.assert_allclose(out.iloc[:, 1], power[:, low].sum(axis=1))


def test_periods_come_by_power():
    t = np.arange(56)
    x = np.sin(2 * np.pi * t / 7) + 2 * np.sin(2 * np.pi * t / 28)
    assert named([x], n_periods=2)[["period1_56", "period2_56"]].to_numpy().tolist() == [[28, 7]]


def test_noise_has_more_entropy_than_a_sinusoid():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20, 128))
    wave = np.sin(np.arange(128) * 0.7) + 0.1 * noise
    assert named(noise)["entropy128"].min() > named(wave)["entropy128"].max()


def test_linear_detrending_finds_the_season_under_a_trend():
    t = np.arange(28.0)
    x = t + np.sin(2 * np.pi * t / 7)
    assert named([x])["period1_28"][0] == 28
    assert named([x], detrend="linear")["period1_28"][0] == 7


def test_holes_are_filled_linearly_and_padding_is_zero():
    line = np.array([[0.0, 1, 2, 3, 4, 3, 2, 1]])
    holed = line.copy()
    holed[0, [1, 2, 6]] = np.nan
    np.testing.assert_allclose(named(holed), named(line))
    x = np.array([1.0, -1, 1, -1])
    padded = np.concatenate([[np.nan] * 4, 5 + x])
    np.testing.assert_allclose(named([padded]), named([np.concatenate([np.zeros(4), x])]))


def test_no_variation_is_no_spectrum():
    X = [[np.nan] * 4, [0.1] * 4, [np.nan, np.nan, np.nan, 2.0]]
    assert named(X).isna().all(axis=None)
    assert named([[1.0], [2.0]]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"bands": [(1, 4)]}, r"bands holds \(1, 4\)"),
        ({"bands": [(4, 4)]}, r"bands holds \(4, 4\)"),
        ({"bands": [3]}, "bands holds 3"),
        ({"bands": [], "n_periods": 0, "entropy": False}, "leaves no feature"),
        ({"n_periods": -1}, "n_periods"),
        ({"detrend": "mean"}, "detrend"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        SpectralFeatures(**params).fit(np.zeros((2, 8)))
