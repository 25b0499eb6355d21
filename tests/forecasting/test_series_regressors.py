"""Statistical members forecast each series from its own past."""

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.forecasting import CrostonRegressor, DriftRegressor, SeasonalNaiveRegressor

DAYS = pd.date_range("2024-01-01", periods=12, name="day")
X = pd.DataFrame(index=DAYS)
DEMAND = np.array([0, 3, 0, 0, 5, 1, 0, 0, 0, 2, 0, 0.0])
MODELS = [
    SeasonalNaiveRegressor(3),
    DriftRegressor(),
    CrostonRegressor("classic"),
    CrostonRegressor("sba"),
    CrostonRegressor("tsb"),
]


def croston(y, variant, alpha, beta):
    """Return the forecast after a series, step by step."""
    first = int(np.flatnonzero(y)[0])
    size, interval, chance, waited = y[first], first + 1.0, 1 / (first + 1), 0
    for value in y[first + 1 :]:
        waited += 1
        if value > 0:
            size = alpha * value + (1 - alpha) * size
            interval = beta * waited + (1 - beta) * interval
            waited = 0
        chance = beta * (value > 0) + (1 - beta) * chance
    return {
        "classic": size / interval,
        "sba": (1 - beta / 2) * size / interval,
        "tsb": chance * size,
    }[variant]


@pytest.mark.parametrize("variant", ["classic", "sba", "tsb"])
def test_croston_follows_its_formulas(variant):
    model = CrostonRegressor(variant, smoothing_level=0.3, smoothing_interval=0.2).fit(
        X[:9], DEMAND[:9]
    )
    expected = croston(DEMAND[:9], variant, 0.3, 0.2)
    np.testing.assert_allclose(model.predict(X[9:]), expected)


def test_tsb_forgets_what_is_not_asked_for_any_more():
    for variant, falls in (("classic", False), ("tsb", True)):
        early = CrostonRegressor(variant).fit(X[:5], DEMAND[:5]).predict(X[-1:])
        late = CrostonRegressor(variant).fit(X, np.where(DEMAND == 5, 5, 0) * 1.0)
        late = late.predict(X[:1].rename(lambda day: day + pd.Timedelta("20D")))
        assert (late < early)[0] or not falls


def test_a_series_without_demand_is_forecast_to_have_none():
    for variant in ("classic", "sba", "tsb"):
        model = CrostonRegressor(variant).fit(X[:9], np.zeros(9))
        assert model.predict(X[9:]).tolist() == [0, 0, 0]


def test_negative_demand_is_refused():
    with pytest.raises(ValueError, match="y is -1 in row 2, but demand is at least 0"):
        CrostonRegressor().fit(X[:3], [0, 1, -1])


def test_seasons_repeat_across_holes_and_far_ahead():
    y = np.array([1, 2, 3, 4, np.nan, 6.0])
    model = SeasonalNaiveRegressor(3).fit(X[:6], y)
    assert model.predict(X[6:]).tolist() == [4, 2, 6, 4, 2, 6]
    assert model.predict(X.iloc[[10, 6]]).tolist() == [2, 4]
    short = SeasonalNaiveRegressor(30).fit(X[:6], y)
    assert short.predict(X[6:8]).tolist() == [6, 6]


def test_drift_is_counted_in_time_and_not_in_rows():
    rows = X.iloc[[0, 1, 4]]
    model = DriftRegressor(freq="D").fit(rows, [10.0, 50.0, 18.0])
    np.testing.assert_allclose(model.predict(X.iloc[[5, 11]]), [20, 32])
    assert DriftRegressor(freq="D").fit(X[:1], [3.0]).predict(X[1:2]).tolist() == [3]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_training_rows_have_their_one_step_forecast(model):
    model = type(model)(**model.get_params() | {"freq": "D"})
    fitted = model.fit(X, DEMAND).predict(X)
    assert fitted[0] == pytest.approx(DEMAND.mean())
    for row in (1, 4, 7, 11):
        alone = type(model)(**model.get_params()).fit(X[:row], DEMAND[:row])
        assert alone.predict(X[row : row + 1])[0] == pytest.approx(fitted[row])


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_series_do_not_see_each_other_and_update_remembers(model):
    index = pd.MultiIndex.from_product([["a", "b"], DAYS], names=["shop", "day"])
    panel = pd.DataFrame(index=index)
    y = np.concatenate([DEMAND, DEMAND[::-1] + 1])
    early = index.get_level_values(1) < DAYS[9]
    model = type(model)(**model.get_params())
    both = model.fit(panel[early], y[early]).predict(panel[~early])
    alone = type(model)(**model.get_params()).fit(panel.loc[["b"]][:9], y[12:21])
    np.testing.assert_allclose(both[3:], alone.predict(panel.loc[["b"]][9:]))
    new = panel.loc[["a"]].rename({"a": "new"}, level=0)
    assert np.isnan(model.predict(new)).all()
    model.update(panel[~early], y[~early]).update(new, DEMAND)
    later = new.rename(lambda day: day + pd.Timedelta("12D"), level=1)[:2]
    expected = type(model)(**model.get_params()).fit(X, DEMAND)
    expected = expected.predict(X[:2].rename(lambda day: day + pd.Timedelta("12D")))
    np.testing.assert_allclose(model.predict(later), expected)


def test_without_a_calendar_each_moment_is_a_step():
    times = pd.DataFrame({"time": [0.5, 2.0, 2.0, 7.5, 9.0]})
    model = SeasonalNaiveRegressor(2, time="time", freq=None).fit(times[:4], [1.0, 2.0, 4.0, 7.0])
    # Two events at one time are one row, of their mean.
    assert model.predict(times).tolist() == pytest.approx([3.5, 1, 1, 1, 3])
    with pytest.raises(ValueError, match="y has no known value"):
        SeasonalNaiveRegressor().fit(X[:2], [np.nan, np.nan])
