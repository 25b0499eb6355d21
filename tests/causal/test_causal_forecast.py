import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec import CausalFeatureSelector, LagFeatures, PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.causal import causal_forecast
from sklearn_tsrec.datasets import make_causal_series
from sklearn_tsrec.forecasting import ConformalForecaster

_HORIZON = 3


def _tree():
    return DecisionTreeRegressor(max_depth=3, random_state=0)


def _features(horizon=_HORIZON):
    return make_union(
        LagFeatures([1, 2, 3, 4]),
        LagFeatures([horizon, horizon + 1], target=True, horizon=horizon),
        verbose_feature_names_out=False,
    )


def _split(seed, n=900):
    series = make_causal_series(
        n + _HORIZON, 4, n_drivers=2, n_proxies=1, n_children=0, random_state=seed
    )
    X, y = series.data, series.target
    return series, X[:-_HORIZON], y[:-_HORIZON], X[-_HORIZON:], y[-_HORIZON:]


def _true_effect(series, driver, change):
    """What the world of make_causal_series does: an effect at one lag, and 0.4 of it a step on."""
    lag, _, effect = series.effects.loc[driver]
    out = np.zeros(len(change))
    for t in range(len(change)):
        out[t] = 0.4 * out[t - 1] if t else 0.0
        if t >= lag:
            out[t] += effect * change[t - lag]
    return out


def _selector(**options):
    return CausalFeatureSelector(known_ahead=["s0", "s1", "s2", "s3"], **options)


def _model(X, y, last=None):
    model = make_pipeline(_features(), _selector(), last or _tree())
    return model.set_output(transform="pandas").fit(X, y)


class _WithInterval(DecisionTreeRegressor):
    """A tree with an interval of its own."""

    def predict_interval(self, X, coverage):
        middle = self.predict(X)
        return np.column_stack([middle - 3, middle + 4])


@pytest.mark.parametrize(
    # 0.95 less three standard errors, and of ten at most one that fails.
    ("n", "least"),
    [(10, 0.9), pytest.param(40, 0.85, marks=pytest.mark.slow)],
)
def test_intervals_hold_the_true_effect(n, least):
    held, widths = [], []
    for seed in range(n):
        series, X, y, X_future, _ = _split(seed)
        driver = series.effects.index[0]
        change = np.array([1.0, 0.5, 2.0])
        table = causal_forecast(_model(X, y), X_future, {driver: lambda x, c=change: x + c})
        truth = _true_effect(series, driver, change)
        inside = (table["effect_lower"] <= truth + 1e-9) & (truth <= table["effect_upper"] + 1e-9)
        held.append(inside.to_numpy())
        widths.append((table["effect_upper"] - table["effect_lower"]).to_numpy())
    assert np.mean(held, axis=0)[1:].min() >= least
    assert np.mean(widths, axis=0)[-1] < 0.5


def test_the_forecast_is_the_baseline_and_the_effects_of_what_changes():
    series, X, y, X_future, _ = _split(3)
    driver = series.effects.index[0]
    model = _model(X, y)
    table = causal_forecast(model, X_future, {driver: 0.5})
    assert_allclose(table["baseline"], model.predict(X_future))
    selector, change = model[1], (0.5 - X_future[driver]).to_numpy()
    by_hand = np.zeros(_HORIZON)
    for lag in (1, 2):
        slope = selector.effects_.loc[f"{driver}__lag{lag}", "effect"]
        by_hand[lag:] += slope * change[:-lag]
    assert_allclose(table["effect"], by_hand)
    assert_allclose(table["forecast"], table["baseline"] + table["effect"])
    # The second row feels the first lag alone: its error is that of one effect.
    error = selector.effects_.loc[f"{driver}__lag1", "std_error"] * abs(change[0])
    half = (table["effect_upper"] - table["effect_lower"]).iloc[1] / 2
    assert_allclose(half, 1.96 * error, rtol=0.01)
    # Without an interval of the model's own, that of the effect is all there is.
    assert_allclose(table["upper"] - table["forecast"], table["effect_upper"] - table["effect"])
    assert table.loc[table.index[0], "effect"] == 0


def test_several_drivers_add_up_and_values_may_be_arrays():
    series, X, y, X_future, _ = _split(3)
    first, second = series.effects.index
    model = _model(X, y)
    one = causal_forecast(model, X_future, {first: 1.0})["effect"]
    two = causal_forecast(model, X_future, {second: [0.0, 1.0, 2.0]})["effect"]
    both = causal_forecast(
        model, X_future, {first: np.ones(3), second: pd.Series([0, 1, 2], X_future.index)}
    )
    assert_allclose(both["effect"], one + two)
    unchanged = causal_forecast(model, X_future, {first: lambda x: x})
    assert_allclose(unchanged["forecast"], unchanged["baseline"])


def test_the_models_own_interval_is_moved_and_widened():
    series, X, y, X_future, _ = _split(3)
    driver = series.effects.index[0]
    table = causal_forecast(_model(X, y, _WithInterval()), X_future, {driver: lambda x: x + 2})
    width = (table["effect_upper"] - table["effect_lower"]) / 2
    assert_allclose(table["forecast"] - table["lower"], np.sqrt(9 + width**2))
    assert_allclose(table["upper"] - table["forecast"], np.sqrt(16 + width**2))


def test_any_model_forecasts_and_a_pipeline_of_causes_knows_the_effects():
    series, X, y, X_future, _ = _split(3)
    driver = series.effects.index[0]
    causes = make_pipeline(_features(), _selector()).set_output(transform="pandas")
    forecaster = WindowForecaster(Ridge(), window=4, horizon=_HORIZON, columns=list(X)).fit(X, y)
    table = causal_forecast(forecaster, X_future, {driver: 1.0}, causes=causes.fit(X, y))
    assert_allclose(table["baseline"], forecaster.predict(X_future))
    assert_allclose(
        table["effect"], causal_forecast(_model(X, y), X_future, {driver: 1.0})["effect"]
    )
    with pytest.raises(ValueError, match="WindowForecaster is no pipeline with a CausalFeature"):
        causal_forecast(forecaster, X_future, {driver: 1.0})


def test_a_conformal_forecaster_gives_the_interval():
    series, X, y, X_future, _ = _split(3, 400)
    causes = make_pipeline(_features(), _selector()).set_output(transform="pandas").fit(X, y)
    forecaster = WindowForecaster(Ridge(), window=4, horizon=_HORIZON, columns=list(X))
    model = ConformalForecaster(forecaster, cv=PanelTimeSeriesSplit(20, horizon=_HORIZON)).fit(X, y)
    driver = series.effects.index[0]
    table = causal_forecast(model, X_future, {driver: lambda x: x}, causes=causes, coverage=0.8)
    assert_allclose(table[["lower", "upper"]], model.predict_interval(X_future, 0.8))
    moved = causal_forecast(model, X_future, {driver: lambda x: x + 1}, causes=causes, coverage=0.8)
    assert (moved["upper"] - moved["lower"])[1:].gt((table["upper"] - table["lower"])[1:]).all()


def test_a_search_over_a_pipeline_is_its_best():
    series, X, y, X_future, _ = _split(3)
    model = make_pipeline(_features(), _selector(), _tree())
    search = GridSearchCV(
        model.set_output(transform="pandas"),
        {"decisiontreeregressor__max_depth": [2, 3]},
        cv=PanelTimeSeriesSplit(2, horizon=_HORIZON),
    ).fit(X, y)
    driver = series.effects.index[0]
    table = causal_forecast(search, X_future, {driver: 1.0})
    assert_allclose(table["baseline"], search.predict(X_future))


def test_a_column_that_is_no_cause_is_refused():
    series, X, y, X_future, _ = _split(3)
    model = _model(X, y)
    noise = series.role[series.role == "noise"].index[0]
    with pytest.raises(ValueError, match=rf"'{noise}' was not found to be a cause .* p-value 1\)"):
        causal_forecast(model, X_future, {noise: 1.0})
    with pytest.raises(ValueError, match=f"Causes are {', '.join(sorted(series.effects.index))}"):
        causal_forecast(model, X_future, {noise: lambda x: x})
    with pytest.raises(ValueError, match="'zz', which is no column of X_future"):
        causal_forecast(model, X_future, {"zz": 1.0})
    causes = make_pipeline(LagFeatures([1], columns=list(X)), CausalFeatureSelector())
    causes.set_output(transform="pandas").fit(X.assign(zz=1.0), y)
    with pytest.raises(ValueError, match="no feature is made of 'zz'"):
        causal_forecast(model, X_future.assign(zz=1.0), {"zz": 2.0}, causes=causes)


def test_a_column_that_is_kept_without_evidence_is_refused():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    y = rng.normal(size=200)
    model = make_pipeline(CausalFeatureSelector(), _tree()).fit(X, y)
    only = model[0].get_feature_names_out()[0]
    with pytest.raises(ValueError, match="kept only so that there is a feature"):
        causal_forecast(model, X[:3], {only: 1.0})
    always = make_pipeline(CausalFeatureSelector(always_keep=["a"]), _tree()).fit(X, y)
    with pytest.raises(ValueError, match="'a' is always kept, without a test"):
        causal_forecast(always, X[:3], {"a": 1.0})


def test_a_column_that_is_not_known_ahead_is_refused():
    series, X, y, X_future, _ = _split(3)
    driver, other = series.effects.index
    names = list(X.columns.drop(other))
    selector = CausalFeatureSelector(horizon=_HORIZON, known_ahead=names)
    features = make_union(
        LagFeatures([1, 2], columns=names), LagFeatures([3, 4], columns=[other]),
        LagFeatures([3], target=True, horizon=3), verbose_feature_names_out=False,
    )  # fmt: skip
    model = make_pipeline(features, selector, _tree()).set_output(transform="pandas")
    model.fit(X, y)
    assert causal_forecast(model, X_future, {driver: 1.0})["effect"].iloc[-1] != 0
    with pytest.raises(ValueError, match=rf"'{other}' is not known ahead"):
        causal_forecast(model, X_future, {other: 1.0})


def test_steps_that_unknown_targets_reach_are_refused():
    series, X, y, X_future, _ = _split(3)
    model = make_pipeline(_features(1), CausalFeatureSelector(), _tree())
    model.set_output(transform="pandas").fit(X, y)
    driver = series.effects.index[0]
    with pytest.raises(ValueError, match=r"'y__lag1' is missing in 2 row\(s\) of X_future"):
        causal_forecast(model, X_future, {driver: 1.0})
    assert causal_forecast(model, X_future[:1], {driver: 1.0})["effect"].iloc[0] == 0


def test_what_the_target_moves_must_not_stand_in_between():
    series = make_causal_series(900, 4, n_drivers=1, n_proxies=0, n_children=2, random_state=0)
    X, y = series.data, series.target
    driver = series.effects.index[0]
    child = series.role[series.role == "child"].index[0]
    selector = CausalFeatureSelector(known_ahead=[driver])
    model = make_pipeline(_features(), selector, _tree()).set_output(transform="pandas")
    model.fit(X[:-_HORIZON], y[:-_HORIZON])
    assert child in set(model[1].graph_["driver"])
    with pytest.raises(ValueError, match="newer than the target's newest lag, 3: if the target"):
        causal_forecast(model, X[-_HORIZON:], {driver: 1.0})


def test_what_a_driver_never_was_is_a_guess_and_says_so():
    series, X, y, X_future, _ = _split(3)
    driver = series.effects.index[0]
    model, most = _model(X, y), X[driver].max()
    causal_forecast(model, X_future, {driver: 0.9 * most})
    with pytest.warns(UserWarning, match=rf"moves '{driver}__lag1' out of its range"):
        causal_forecast(model, X_future, {driver: 1.5 * most})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0], r"values of shape \(2,\): give one number, or one for each of the 3 rows"),
        (np.nan, "to NaN or infinity"),
        ("high", "which is no number"),
        (lambda x: x / 0, "to NaN or infinity"),
    ],
)
def test_bad_values(value, message):
    series, X, y, X_future, _ = _split(3)
    with pytest.raises(ValueError, match=message):
        causal_forecast(_model(X, y), X_future, {series.effects.index[0]: value})


def test_bad_arguments():
    series, X, y, X_future, _ = _split(3, 400)
    driver = series.effects.index[0]
    model = _model(X, y)
    with pytest.raises(ValueError, match="must be a dict of columns"):
        causal_forecast(model, X_future, driver)
    with pytest.raises(TypeError, match="X_future must be a DataFrame"):
        causal_forecast(model, X_future.to_numpy(), {driver: 1.0})
    nameless = make_pipeline(_features(), _selector(), _tree()).fit(X, y)
    with pytest.raises(ValueError, match="features without names"):
        causal_forecast(nameless, X_future, {driver: 1.0})
    bare = make_pipeline(_features(), _selector(effects=False), _tree())
    bare.set_output(transform="pandas").fit(X, y)
    with pytest.raises(ValueError, match="fit it with effects=True"):
        causal_forecast(bare, X_future, {driver: 1.0})
    later = X_future.set_axis(X_future.index + pd.Timedelta("90D"))
    with pytest.raises(ValueError, match="is missing in"):
        causal_forecast(model, later, {driver: 1.0})
