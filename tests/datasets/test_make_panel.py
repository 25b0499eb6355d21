import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_tsrec.datasets import make_panel


def test_regression_recovers_the_effects():
    X, y = make_panel(20, 200, effects=(2.0, 0.0, -1.5), noise=0.5, amplitude=0.0, random_state=0)
    by_series = y.groupby(level="series").transform("mean")
    # The errors are 0.5 / sqrt(4000) = 0.008 each.
    found = LinearRegression().fit(X, y - by_series).coef_
    np.testing.assert_allclose(found, [2.0, 0.0, -1.5], atol=0.03)


def test_without_noise_one_period_later_is_one_trend_higher():
    _, y = make_panel(
        3, 60, period=[4, 6], trend=0.25, effects=(), noise=0.0, amplitude=2.0, random_state=1
    )
    steps = y.unstack().to_numpy()
    np.testing.assert_allclose(steps[:, 12:] - steps[:, :-12], 12 * 0.25)
    assert np.abs(steps[:, 4:] - steps[:, :-4] - 4 * 0.25).max() > 0.5


def test_amplitude_is_the_height_of_the_wave():
    _, y = make_panel(5, 1000, period=10.5, amplitude=3.0, effects=(), noise=0.0, random_state=2)
    swing = y.groupby(level="series").agg(lambda s: s.max() - s.min())
    np.testing.assert_allclose(swing, 6.0, rtol=0.01)


def test_noise_has_the_stated_spread():
    _, y = make_panel(50, 200, period=[], effects=(), noise=0.7, random_state=3)
    assert y.groupby(level="series").std().mean() == pytest.approx(0.7, abs=0.02)
    assert y.groupby(level="series").mean().mean() == pytest.approx(10.0, abs=1.0)


def test_missing_targets_keep_their_rows():
    X, y = make_panel(40, 100, missing=0.2, random_state=4)
    assert len(y) == len(X) == 4000
    assert y.isna().mean() == pytest.approx(0.2, abs=0.02)
    assert not X.isna().any().any()


def test_ragged_series_start_late_and_end_together():
    X, y = make_panel(200, 50, freq="MS", start="2020-01-01", ragged=0.5, random_state=5)
    sizes = y.groupby(level="series").size()
    assert sizes.between(26, 50).all()
    assert sizes.mean() == pytest.approx(37.7, abs=1.5)
    last = X.reset_index().groupby("series")["time"].max()
    assert (last == pd.Timestamp("2024-02-01")).all()
    assert X.index.equals(y.index)


def test_the_seed_decides_everything():
    for first, second in zip(make_panel(random_state=6), make_panel(random_state=6)):
        assert first.equals(second)
    assert not make_panel(random_state=6)[1].equals(make_panel(random_state=7)[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_series": 0}, "n_series == 0, must be >= 1"),
        ({"noise": -1.0}, "noise == -1.0, must be >= 0"),
        ({"missing": 1.0}, "missing == 1.0, must be < 1"),
        ({"period": [7, 0]}, r"period=\[7, 0\] must hold lengths above 0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_panel(**options)
