"""Intervals and paths from errors in folds, on numbers that can be checked by hand."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_tsrec import ConformalForecaster, LagFeatures, PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.metrics import wql_scorer
from sklearn_tsrec.model_selection import backtest
from tests.forecasting.reference import OldestValue, make_panel, split

NAIVE = WindowForecaster(OldestValue(), window=1)


def one_series(y):
    """Return a daily table without columns, and y."""
    return pd.DataFrame(index=pd.date_range("2024-01-01", periods=len(y), name="day")), np.array(y)


def residual(**parameters):
    """Return a conformal naive forecaster in the unit of the target."""
    settings = {"conformity": "residual", "scale": None} | parameters
    return ConformalForecaster(NAIVE, **settings)


# ---- the numbers


@pytest.mark.parametrize("method", ["split", "cross", "adaptive"])
def test_the_interval_is_the_kth_error_up_and_down(method):
    # errors of the last nine steps, by size: 1 … 9
    steps = [1, -5, 3, -2, 9, -4, 8, 6, -7]
    X, y = one_series(np.cumsum([10.0, 0, 0, *steps]))
    model = residual(method=method, cv=9).fit(X, y)
    table = model.calibration_
    assert (table["y_true"] - table["y_pred"]).tolist() == steps
    assert table["step"].tolist() == [1] * 9
    ahead = pd.DataFrame(index=[X.index[-1] + pd.Timedelta(days=1)])
    last = y[-1]
    # ceil(10 * 0.9) = 9 and ceil(10 * 0.55) = 6
    assert model.predict_interval(ahead, 0.9).tolist() == [[last - 9, last + 9]]
    assert model.predict_interval(ahead, 0.55).tolist() == [[last - 6, last + 6]]
    assert model.predict(ahead).tolist() == [last]
    assert model.predict_quantiles(ahead, [0.5]).tolist() == [[last]]
    with pytest.raises(ValueError, match=r"needs errors of at least 19 rows, but step 1 has 9"):
        model.predict_interval(ahead, 0.95)


def test_each_tail_has_errors_of_its_own():
    steps = [1.0] * 17 + [-10.0, 30.0]
    X, y = one_series(np.cumsum([0, 0, 0, *steps]))
    model = residual(cv=19, symmetric=False).fit(X[:-1], y[:-1])
    ahead = X[-1:]
    with pytest.raises(ValueError, match="at least 19 rows, but step 1 has 18"):
        residual(cv=18, symmetric=False).fit(X[:-1], y[:-1]).predict_interval(ahead)
    # below: the largest of 19 of minus the errors; above: the largest of the errors
    errors = model.calibration_["y_true"] - model.calibration_["y_pred"]
    interval = model.predict_interval(ahead) - model.predict(ahead)
    assert interval.tolist() == [[errors.min(), errors.max()]] == [[-10.0, 1.0]]


def test_each_step_has_errors_of_its_own():
    X, y = one_series(np.arange(40.0) ** 2)
    cv = PanelTimeSeriesSplit(9, horizon=3)
    model = residual(cv=cv).fit(X[:-3], y[:-3])
    table = model.calibration_
    widest = [(table["y_true"] - table["y_pred"])[table["step"] == s].max() for s in (1, 2, 3)]
    interval = model.predict_interval(X[-3:])
    np.testing.assert_allclose((interval[:, 1] - interval[:, 0]) / 2, widest)
    together = residual(cv=cv, per=None).fit(X[:-3], y[:-3]).predict_interval(X[-3:])
    # ceil(28 * 0.9) = 26 of 27
    errors = np.sort(table["y_true"] - table["y_pred"])
    np.testing.assert_allclose((together[:, 1] - together[:, 0]) / 2, errors[25])


def test_each_series_has_errors_of_its_own():
    X, y = make_panel(n_series=2, n_times=30)
    y = y * np.where(X.index.get_level_values(0) == "a", 1, 100)
    X_past, X_next, y_past, _ = split(X, y)
    cv = PanelTimeSeriesSplit(3, horizon=6)
    model = residual(cv=cv, per="group").fit(X_past, y_past)
    table = model.calibration_
    width = pd.Series(np.ptp(model.predict_interval(X_next), axis=1) / 2, X_next.index)
    for series, part in table.groupby("store"):
        # ceil(19 * 0.9) = 18 of 18
        largest = (part["y_true"] - part["y_pred"]).abs().max()
        np.testing.assert_allclose(width[series], largest)
    with pytest.raises(ValueError, match="series c has 0"):
        model.predict_interval(X_next.rename({"a": "c"}, level=0))


def test_a_scale_shares_errors_among_series_of_any_size():
    X, y = make_panel(n_series=3, n_times=40)
    factor = X.index.get_level_values(0).map({"a": 1.0, "b": 1000.0, "c": 1.0}).to_numpy()
    X_past, X_next, y_past, _ = split(X, y)
    large = pd.Series(factor, X.index)
    for scale in ("error", "difference"):
        model = ConformalForecaster(
            NAIVE, conformity="residual", scale=scale, cv=PanelTimeSeriesSplit(4, horizon=6)
        )
        plain = model.fit(X_past, y_past).predict_interval(X_next)
        scaled = model.fit(X_past, y_past * large[X_past.index]).predict_interval(X_next)
        ratio = large[X_next.index].to_numpy()[:, np.newaxis]
        if scale == "difference":
            np.testing.assert_allclose(scaled, plain * ratio)
        else:
            width = np.ptp(scaled, axis=1)
            assert 700 < width[ratio[:, 0] == 1000].mean() / width[ratio[:, 0] == 1].mean() < 1400


def test_scales_are_means_over_folds_newer_ones_counting_for_more():
    X, y = (part.sort_index() for part in make_panel(n_series=2, n_times=40))
    cv = PanelTimeSeriesSplit(3, horizon=6)
    model = ConformalForecaster(NAIVE, conformity="residual", cv=cv).fit(X, y)
    # the oldest fold teaches scales only: no error was known before it
    assert model.calibration_["fold"].unique().tolist() == [1, 2]
    everything = ConformalForecaster(NAIVE, conformity="residual", scale=None, cv=cv).fit(X, y)
    table = everything.calibration_.assign(size=lambda t: (t["y_true"] - t["y_pred"]).abs())
    days = X.index.get_level_values(1)
    ends = [days.max() - pd.Timedelta(days=6 * back) for back in (3, 2, 1, 0)]
    change = pd.DataFrame(
        {f: y[days <= end].groupby(level=0).apply(lambda s: s.diff().abs().mean())
         for f, end in enumerate(ends)}
    )  # fmt: skip
    ratio = table.groupby(["fold", "store"])["size"].mean().unstack(0) / change[[0, 1, 2]]
    usual = np.median(ratio)
    logs = np.log(ratio / usual)
    # before fold 2: folds 0 and 1 count 1/2 and 1, and two more count for what others suggest
    own = (logs[0] / 2 + logs[1]) / (1.5 + 2)
    expected = usual * change[2] * np.exp(own)
    scale = model.calibration_.query("fold == 2").groupby("store")["scale"].first()
    np.testing.assert_allclose(scale, expected)
    one = ConformalForecaster(NAIVE, cv=PanelTimeSeriesSplit(1, horizon=6)).fit(X, y)
    assert one.calibration_["fold"].unique().tolist() == [0]  # there is no other


def test_quantiles_of_the_forecaster_are_made_wider():
    # it forecasts the last value plus the level: errors of q0.05 and q0.95 are off by these
    steps = [1, -5, 3, -2, 9, -4, 8, 6, -7]
    X, y = one_series(np.cumsum([10.0, 0, 0, *steps, 0.0]))
    model = ConformalForecaster(NAIVE, cv=9, scale=None).fit(X[:-1], y[:-1])
    assert {"q0.05", "q0.5", "q0.95"} <= set(model.calibration_)
    # scores max(q0.05 - y, y - q0.95): the largest is 9 - 0.95, on both sides
    interval = model.predict_interval(X[-1:]) - y[-2]
    np.testing.assert_allclose(interval, [[0.05 - 8.05, 0.95 + 8.05]])
    # 80 % begin with q0.1 and q0.9, and take the eighth score: 8 - 0.9
    interval = model.predict_interval(X[-1:], 0.8) - y[-2]
    np.testing.assert_allclose(interval, [[0.1 - 7.1, 0.9 + 7.1]])
    one_sided = ConformalForecaster(NAIVE, cv=9, scale=None, symmetric=False).fit(X[:-1], y[:-1])
    quantile = one_sided.predict_quantiles(X[-1:], [0.1, 0.9]) - y[-2]
    # q0.1 - y is at most 7.1 and y - q0.9 at most 8.1: the ninth of nine
    np.testing.assert_allclose(quantile, [[0.1 - 7.1, 0.9 + 8.1]])


def test_quantiles_never_cross():
    X, y = make_panel(n_times=60)
    X_past, X_next, y_past, _ = split(X, y)
    levels = np.linspace(0.05, 0.95, 19)
    for symmetric in (True, False):
        model = ConformalForecaster(
            NAIVE, cv=PanelTimeSeriesSplit(8, horizon=6), symmetric=symmetric
        )
        quantiles = model.fit(X_past, y_past).predict_quantiles(X_next, levels)
        assert (np.diff(quantiles, axis=1) >= 0).all()
        back = model.predict_quantiles(X_next, levels[::-1])
        np.testing.assert_array_equal(back, quantiles[:, ::-1])
        np.testing.assert_allclose(
            model.predict_interval(X_next, 0.8), model.predict_quantiles(X_next, [0.1, 0.9])
        )


def test_coverage_of_independent_series_is_what_was_asked():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60)
    index = pd.MultiIndex.from_product([range(200), days], names=["series", "day"])
    y = pd.Series(rng.normal(size=len(index)), index)
    y *= np.exp(np.repeat(rng.normal(size=200), 60))
    X = pd.DataFrame(index=index)
    past = index.get_level_values(1) < days[56]
    for parameters in ({}, {"symmetric": False}, {"per": None}, {"method": "split"}):
        model = ConformalForecaster(
            WindowForecaster(LinearRegression(), window=3),
            cv=PanelTimeSeriesSplit(3, horizon=4),
            **parameters,
        ).fit(X[past], y[past])
        low, high = model.predict_interval(X[~past], 0.9).T
        covered = ((low <= y[~past]) & (y[~past] <= high)).mean()
        assert 0.86 < covered < 0.94  # four standard errors of 800 rows around 0.9


# ---- adapting


def shifted(seed, n=350, at=200):
    """Return a series whose noise is four times as large from some time on."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=n) * np.where(np.arange(n) < at, 1, 4)
    return one_series(noise)


def stepwise(model, X, y, start):
    """Return which targets the interval of the next step held, step after step."""
    held = []
    for t in range(start, len(y)):
        low, high = model.predict_interval(X[t : t + 1])[0]
        held.append(low <= y[t] <= high)
        model.update(X[t : t + 1], y[t : t + 1])
    return np.array(held)


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_adaptive_intervals_recover_within_fifty_steps_of_a_shift(n):
    before, first, later, fixed = [], [], [], []
    for seed in range(n):
        X, y = shifted(seed)
        base = WindowForecaster(Ridge(), window=2)
        past = slice(0, 150)
        model = ConformalForecaster(base, method="adaptive", cv=60, scale=None)
        held = stepwise(model.fit(X[past], y[past]), X, y, 150)
        before.append(held[:50])
        first.append(held[50:60])
        later.append(held[100:])
        model = ConformalForecaster(base, method="split", cv=60, scale=None)
        low, high = model.fit(X[past], y[past]).update(X, y).predict_interval(X[250:]).T
        fixed.append((low <= y[250:]) & (y[250:] <= high))
    assert 0.84 < np.mean(before) < 0.96
    assert np.mean(first) < 0.85
    assert 0.87 < np.mean(later) < 0.93
    assert np.mean(fixed) < 0.6


def test_new_errors_take_the_place_of_the_oldest():
    X, y = shifted(0, n=60)
    model = residual(method="adaptive", cv=10).fit(X[:40], y[:40])
    model.update(X[40:44], y[40:44])
    table = model.calibration_
    assert len(table) == 10 + 3  # three cells, steps 2 to 4, are new
    assert table["fold"].tolist() == [*range(1, 10), 10, 10, 10, 10]
    assert table["y_true"].tolist()[-4:] == y[40:44].tolist()
    assert (table["y_pred"][-4:] == y[39]).all()
    model.update(X[30:40], y[30:40])  # known already: nothing new to learn from
    assert len(model.calibration_) == 13


def test_update_moves_the_forecasts_only_where_errors_are_fixed():
    X, y = shifted(1, n=60)
    model = residual(cv=10).fit(X[:40], y[:40])
    width = np.ptp(model.predict_interval(X[40:41]))
    model.update(X[40:50], y[40:50] * 100)
    assert np.ptp(model.predict_interval(X[50:51])) == pytest.approx(width)
    assert model.predict(X[50:51]) == y[49] * 100


def test_backtest_shows_rows_to_an_adaptive_forecaster():
    X, y = shifted(0, n=210, at=150)
    cv = PanelTimeSeriesSplit(100, horizon=1)
    model = ConformalForecaster(NAIVE, method="adaptive", conformity="residual", cv=40)
    table = backtest(model, X, y, cv=cv, refit=False, quantiles=[0.05, 0.95], verbose=0)
    held = (table["q0.05"] <= table["y_true"]) & (table["y_true"] <= table["q0.95"])
    assert 0.84 < held[60:].mean() < 0.96


# ---- paths


def test_paths_are_forecasts_plus_whole_paths_of_errors():
    X, y = one_series(np.random.default_rng(0).normal(size=43).cumsum())
    model = residual(cv=PanelTimeSeriesSplit(9, horizon=3)).fit(X[:40], y[:40])
    forecast = model.predict(X[40:])[:, np.newaxis]
    paths = model.predict_paths(X[40:], n_paths=200, random_state=0) - forecast
    table = model.calibration_
    errors = (table["y_true"] - table["y_pred"]).to_numpy().reshape(9, 3)
    distance = np.abs(paths.T[:, np.newaxis] - errors).max(axis=2).min(axis=1)
    assert distance.max() < 1e-9
    assert len(np.unique(paths.T.round(6), axis=0)) == 9
    again = model.predict_paths(X[40:], n_paths=200, random_state=0)
    np.testing.assert_allclose(paths + forecast, again)
    # the middle one alone
    middle = model.predict_paths(X[41:42], n_paths=50, random_state=1) - model.predict(X[41:42])
    assert set(middle[0].round(6)) <= set(errors[:, 1].round(6))


def test_paths_keep_what_is_common_to_series():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60)
    index = pd.MultiIndex.from_product([list("abcd"), days], names=["series", "day"])
    common = rng.normal(size=60).cumsum()
    y = pd.Series(np.tile(common, 4) + 0.01 * rng.normal(size=240), index)
    X = pd.DataFrame(index=index)
    past = index.get_level_values(1) < days[57]
    model = residual(cv=PanelTimeSeriesSplit(10, horizon=3)).fit(X[past], y[past])
    for per in ("horizon", "group"):
        paths = model.set_params(per=per).fit(X[past], y[past]).predict_paths(X[~past], 300)
        spread = paths.reshape(4, 3, 300)
        between_series = np.corrcoef(spread[:, 2])
        between_steps = np.corrcoef(spread[0])
        assert between_series.min() > 0.99
        assert between_steps[1, 2] > 0.5


def test_paths_have_the_spread_of_the_quantiles():
    rng = np.random.default_rng(0)
    X, y = one_series(rng.normal(size=303))
    cv = PanelTimeSeriesSplit(60, horizon=3)
    for conformity in ("residual", "quantile"):
        model = ConformalForecaster(NAIVE, cv=cv, conformity=conformity).fit(X[:300], y[:300])
        paths = model.predict_paths(X[300:], n_paths=4000, random_state=0)
        quantiles = model.predict_quantiles(X[300:], [0.1, 0.9])
        inside = (paths >= quantiles[:, :1]) & (paths <= quantiles[:, 1:])
        assert 0.7 < inside.mean() < 0.9


# ---- the contract


def test_test_targets_never_matter():
    X, y = make_panel(n_times=50)
    X_past, _, y_past, _ = split(X, y)
    model = ConformalForecaster(
        WindowForecaster(Ridge(), window=3), cv=PanelTimeSeriesSplit(4, horizon=6)
    )
    # a fold's forecasts do not see its targets: those of the last fold change nothing in them
    table = model.fit(X_past, y_past).calibration_
    last = X_past.index.get_level_values(1)
    other = y_past.where(last <= last.max() - pd.Timedelta(days=6), 1e6)
    changed = model.fit(X_past, other).calibration_
    np.testing.assert_array_equal(changed["y_pred"], table["y_pred"])


def test_it_is_searched_and_scored():
    X, y = make_panel(n_times=50)
    model = ConformalForecaster(
        WindowForecaster(Ridge(), window=3), cv=PanelTimeSeriesSplit(4, horizon=4)
    )
    search = GridSearchCV(
        model,
        {"estimator__window": [2, 7], "scale": ["error", "difference"]},
        cv=PanelTimeSeriesSplit(2, horizon=4),
        scoring=wql_scorer(quantiles=(0.1, 0.5, 0.9)),
    ).fit(X, y)
    assert search.best_params_["estimator__window"] == 7
    assert search.best_estimator_.calibration_["fold"].max() == 3


def test_a_pipeline_of_features_has_intervals():
    X, y = make_panel(n_times=60)
    X_past, X_next, y_past, y_next = split(X, y)
    model = ConformalForecaster(
        make_pipeline(LagFeatures([7], target=True, horizon=7), SimpleImputer(), Ridge()),
        cv=PanelTimeSeriesSplit(4, horizon=6),
    ).fit(X_past, y_past)
    low, high = model.predict_interval(X_next, 0.9).T
    assert ((low <= y_next) & (y_next <= high)).mean() > 0.7
    with pytest.raises(ValueError, match="no update"):
        model.update(X_next, y_next)
    with pytest.raises(ValueError, match="method='split'"):
        model.set_params(method="split").fit(X_past, y_past)


def test_pickles_and_columns_give_the_same_intervals():
    X, y = make_panel(n_times=40)
    X_past, X_next, y_past, _ = split(X, y)
    cv = PanelTimeSeriesSplit(4, horizon=6)
    model = ConformalForecaster(WindowForecaster(Ridge(), window=2), cv=cv).fit(X_past, y_past)
    expected = model.predict_interval(X_next)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_interval(X_next), expected)
    columns = model.set_params(group="store", time="day").fit(X_past.reset_index(), y_past)
    np.testing.assert_allclose(columns.predict_interval(X_next.reset_index()), expected)
    assert cv.time is None


def test_a_gap_counts_as_steps():
    X, y = make_panel(n_times=50)
    X_past, X_next, y_past, _ = split(X, y)
    cv = PanelTimeSeriesSplit(4, horizon=4, gap=2)
    model = ConformalForecaster(WindowForecaster(Ridge(), window=2), cv=cv).fit(X_past, y_past)
    assert sorted(model.calibration_["step"].unique()) == [3, 4, 5, 6]
    days = X_next.index.get_level_values(1)
    late = X_next[days >= days.min() + pd.Timedelta(days=2)]
    with pytest.raises(ValueError, match="known ahead, but missing"):
        model.predict_interval(late)  # the price of the days in between
    with pytest.raises(ValueError, match="step 1 has 0"):
        model.predict_interval(X_next)


# ---- bad input


def test_bad_parameters_are_named():
    X, y = make_panel()
    for parameters, message in (
        ({"quantiles": [0.1, 1.5]}, "quantiles="),
        ({"quantiles": [0.9, 0.1]}, "must ascend"),
        ({"quantiles": [0.1, 0.5]}, "mirror each other"),
        (
            {"conformity": "quantile", "estimator": WindowForecaster(Ridge())},
            "no predict_quantiles",
        ),
        ({"cv": 200}, "n_splits=200"),
        ({"per": "step"}, "per"),
        ({"cv": [(np.arange(100), np.arange(60, 120))]}, "not older than its test rows"),
    ):
        with pytest.raises(ValueError, match=message):
            ConformalForecaster(**({"estimator": NAIVE} | parameters)).fit(X, y)


def test_bad_requests_are_named():
    X, y = make_panel()
    X_past, X_next, y_past, _ = split(X, y)
    model = ConformalForecaster(NAIVE, cv=PanelTimeSeriesSplit(4, horizon=3))
    with pytest.raises(ValueError, match="not fitted yet"):
        model.predict_interval(X_next)
    model.fit(X_past, y_past)
    for coverage in (0, 1, 95):
        with pytest.raises(ValueError, match=f"coverage={coverage}"):
            model.predict_interval(X_next, coverage)
    with pytest.raises(ValueError, match=r"quantiles=\[0\]"):
        model.predict_quantiles(X_next, [0])
    with pytest.raises(ValueError, match="step 6 has 0: give cv a .* horizon=6"):
        model.predict_interval(X_next)
    with pytest.raises(ValueError, match="no series has a whole path .* horizon=6"):
        model.predict_paths(X_next)
    with pytest.raises(ValueError, match="n_paths"):
        model.predict_paths(X_next, n_paths=0)
    days = X_next.index.get_level_values(1)
    near = X_next[days < days.min() + pd.Timedelta(days=3)]
    with pytest.raises(ValueError, match=r"at least 19 rows, but step \d has 9: give cv"):
        model.predict_interval(near, 0.95)
    with pytest.raises(ValueError, match="series z has fewer than two known targets"):
        model.predict_interval(near.rename({"a": "z"}, level=0))


def test_no_error_to_learn_from_is_named():
    X, y = make_panel()
    days = X.index.get_level_values(1)
    late = days > days.max() - pd.Timedelta(days=3)
    with pytest.raises(ValueError, match="no error to learn from"):
        residual(cv=3).fit(X, y.where(~late))


class _Silent(OldestValue):
    """Forecast nothing where the last value is large."""

    def predict(self, X):
        out = super().predict(X)
        return np.where(out > 14, np.nan, out)


def test_forecasts_that_are_missing_are_said_to_be():
    X, y = make_panel(n_times=60)
    base = WindowForecaster(_Silent(), window=1)
    model = ConformalForecaster(base, conformity="residual", cv=12)
    with pytest.warns(UserWarning, match="gave no forecast for"):
        model.fit(X, y)
    assert np.isfinite(model.calibration_["y_pred"]).all()


def test_constant_series_and_constant_errors():
    X, y = make_panel(n_times=40)
    flat = y.where(X.index.get_level_values(0) != "a", 5.0)
    X_past, X_next, y_past, _ = split(X, flat)
    model = ConformalForecaster(NAIVE, conformity="residual", cv=PanelTimeSeriesSplit(4, horizon=6))
    interval = pd.DataFrame(model.fit(X_past, y_past).predict_interval(X_next), X_next.index)
    assert np.isfinite(interval).all(axis=None)
    assert (interval.loc["a"].mean(axis=1).round(9) == 5).all()
    # all constant: the interval is the forecast
    interval = model.fit(X_past, y_past * 0 + 5).predict_interval(X_next)
    np.testing.assert_array_equal(interval, 5.0)
