import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec.datasets import make_causal_series, make_panel
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.features import CalendarFeatures, LagFeatures, WindowFeatures
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit


def _features(series, target_lags=(1, 2, 3)):
    parts = [LagFeatures([1, 2])]
    if target_lags:
        parts.append(LagFeatures(list(target_lags), target=True))
    union = make_union(*parts).set_output(transform="pandas")
    return union.fit_transform(series.data, series.target)


def _kept(selector):
    return set(selector.drivers_[selector.get_support()]) - {"y"}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shapes", [("linear",), ("linear", "square", "relu")])
def test_the_drivers_are_found_and_nothing_else(seed, shapes):
    series = make_causal_series(2000, 20, shapes=shapes, random_state=seed)
    selector = CausalFeatureSelector(fdr=0.01).fit(_features(series), series.target)
    assert _kept(selector) == set(series.effects.index)
    assert not selector.fallback_


def test_what_the_target_moves_is_told_apart_by_its_past():
    series = make_causal_series(2000, 10, n_drivers=2, n_proxies=0, n_children=4, random_state=0)
    children = set(series.role[series.role == "child"].index)
    bare = CausalFeatureSelector().fit(_features(series, ()), series.target)
    assert children <= _kept(bare)
    controlled = CausalFeatureSelector().fit(_features(series), series.target)
    assert not children & _kept(controlled)


def test_effects_are_those_of_the_world_and_lie_in_their_intervals():
    series = make_causal_series(4000, 10, n_proxies=2, n_children=1, random_state=2)
    selector = CausalFeatureSelector().fit(_features(series), series.target)
    for driver, row in series.effects.iterrows():
        feature = f"lagfeatures-1__{driver}__lag{row.lag}"
        assert abs(selector.effects_.loc[feature, "effect"] - row.effect) < 0.1
        low, high = selector.conf_int_.loc[feature]
        assert low < selector.effects_.loc[feature, "effect"] < high
    edges = selector.graph_.set_index(["driver", "lag"])
    assert_array_equal(edges["effect"], selector.effects_["effect"])


def test_row_order_does_not_matter_and_rows_with_nan_pass_through():
    series = make_causal_series(400, 8, n_drivers=2, n_proxies=1, n_children=1, random_state=0)
    X, y = _features(series), series.target
    selector = CausalFeatureSelector().fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = CausalFeatureSelector().fit(X.iloc[order], y.iloc[order])
    assert_allclose(shuffled.pvalues_, selector.pvalues_, rtol=1e-6)
    assert selector.n_rows_ == 397
    out = selector.set_output(transform="pandas").transform(X)
    assert len(out) == 400
    pd.testing.assert_frame_equal(out, X[list(selector.get_feature_names_out())])


def test_drivers_of_a_panel_with_levels_are_found():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(30), pd.date_range("2024-01-01", periods=80)], names=["store", "day"]
    )
    level = np.repeat(rng.normal(0, 5, 30), 80)
    X = pd.DataFrame(rng.standard_normal((2400, 4)), index=index, columns=list("abcd"))
    X["d"] += level  # moves with the level of the target and does not drive it
    y = 0.4 * X["a"] + level + rng.standard_normal(2400)
    for cov_type in ("hac", "cluster", "auto"):
        selector = CausalFeatureSelector(cov_type=cov_type).fit(X, y)
        assert _kept(selector) == {"a"}


def test_our_features_a_search_and_a_regressor_in_one_pipeline():
    X, y = make_panel(6, 80, effects=(1.0, 0.0), random_state=0)
    features = make_union(
        LagFeatures([0, 1]),
        LagFeatures([7, 14], target=True, horizon=7),
        WindowFeatures(7, "mean", target=True, horizon=7),
        CalendarFeatures("dayofweek", cyclical=True),
    )
    tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
    pipeline = make_pipeline(features, CausalFeatureSelector(), tree)
    search = GridSearchCV(
        pipeline.set_output(transform="pandas"),
        {"causalfeatureselector__fdr": [0.01, 0.1]},
        cv=PanelTimeSeriesSplit(2, horizon=7),
    ).fit(X, y)
    selector = search.best_estimator_[1]
    assert _kept(selector) - {"time"} == {"x0"}
    names = list(selector.get_feature_names_out())
    assert "lagfeatures-2__y__lag7" in names
    assert "calendarfeatures__time__dayofweek_sin" in names
    assert search.best_score_ > 0.5


def test_econml_engine_with_any_nuisance_agrees():
    series = make_causal_series(400, 6, n_drivers=2, n_proxies=1, n_children=1, random_state=1)
    X, y = _features(series), series.target
    linear = CausalFeatureSelector(engine="econml", nonlinear=False).fit(X, y)
    assert _kept(linear) == set(series.effects.index)
    forest = RandomForestRegressor(10, min_samples_leaf=10, random_state=0)
    curved = CausalFeatureSelector(engine="econml", nuisance=forest, nonlinear=False).fit(X, y)
    assert set(series.effects.index) <= _kept(curved)


def test_an_effect_that_flips_is_reported_and_dropped_only_on_request():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((900, 3)), columns=["flips", "stays", "noise"])
    X.index = pd.date_range("2020-01-01", periods=900)
    sign = np.repeat([1.0, 1.0, -1.0], 300)
    y = 2 * sign * X["flips"] + X["stays"] + rng.standard_normal(900)
    report = CausalFeatureSelector().fit(X, y)
    assert _kept(report) == {"flips", "stays"}
    assert report.heterogeneity_pvalues_["flips"] < 1e-6
    assert report.heterogeneity_pvalues_["stays"] > 0.01
    drop = CausalFeatureSelector(invariance="drop").fit(X, y)
    assert _kept(drop) == {"stays"}
    with pytest.raises(ValueError, match="leaves no feature"):
        CausalFeatureSelector(invariance="drop").fit(X[["flips"]], y)


def test_without_a_driver_the_best_one_stays_and_says_so():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((200, 4)), rng.standard_normal(200)
    selector = CausalFeatureSelector(fdr=0.001).fit(X, y)
    assert selector.fallback_
    assert selector.get_support().sum() == 1
    assert selector.drivers_[selector.get_support()].iloc[0] == selector.pvalues_.idxmin()


def test_groups_given_by_hand():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((300, 4)), columns=["a1", "a2", "b1", "c"])
    y = X["a2"] + 0.5 * rng.standard_normal(300)
    by_name = CausalFeatureSelector(drivers={"a": ["a1", "a2"], "b": ["b1"]}).fit(X, y)
    assert list(by_name.get_feature_names_out()) == ["a1", "a2"]
    by_label = CausalFeatureSelector(drivers=["a", "a", "b", "c"]).fit(X, y)
    assert_allclose(by_label.pvalues_, by_name.pvalues_)
    with pytest.raises(ValueError, match="'zz', which is no column"):
        CausalFeatureSelector(drivers={"a": ["zz"]}).fit(X, y)
    with pytest.raises(ValueError, match="drivers has 2 label"):
        CausalFeatureSelector(drivers=["a", "b"]).fit(X, y)


def test_max_features_keeps_the_surest_drivers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((500, 4)), columns=list("abcd"))
    y = X["a"] + 0.3 * X["b"] + 0.5 * rng.standard_normal(500)
    assert _kept(CausalFeatureSelector().fit(X, y)) == {"a", "b"}
    assert _kept(CausalFeatureSelector(max_features=1).fit(X, y)) == {"a"}


def test_always_keep_by_name():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((300, 3)), columns=["a__lag1", "a__lag2", "b"])
    y = X["b"] + rng.standard_normal(300)
    selector = CausalFeatureSelector(always_keep=["a"]).fit(X, y)
    assert selector.get_support().all()
    assert list(selector.pvalues_.index) == ["b"]
    one = CausalFeatureSelector(always_keep=["a__lag2"]).fit(X, y)
    assert_array_equal(one.get_support(), [False, True, True])
    with pytest.raises(ValueError, match="always_keep names 'zz'"):
        CausalFeatureSelector(always_keep=["zz"]).fit(X, y)


def test_a_lag_below_the_horizon_raises_unless_known_ahead():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((300, 2)), columns=["u__price__lag1", "u__rain__lag7"])
    y = X["u__price__lag1"] + rng.standard_normal(300)
    with pytest.raises(ValueError, match=r"'u__price__lag1' has lag 1, below horizon=7"):
        CausalFeatureSelector(horizon=7).fit(X, y)
    CausalFeatureSelector(horizon=7, known_ahead=["price"]).fit(X, y)


def test_too_few_complete_rows_say_how_many():
    X = pd.DataFrame({"a": np.arange(20.0), "b": [np.nan] * 17 + [1.0, 2.0, 4.0]})
    with pytest.raises(ValueError, match=r"3 complete row\(s\) of 20 .* Column 'b' has most"):
        CausalFeatureSelector().fit(X, np.arange(20.0))


def test_constant_columns_are_never_chosen_and_collinear_ones_warn():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((300, 2)), columns=["a", "b"])
    y = X["a"] + rng.standard_normal(300)
    selector = CausalFeatureSelector().fit(X.assign(constant=3.0), y)
    assert selector.pvalues_["constant"] == 1
    assert _kept(selector) == {"a"}
    with pytest.warns(UserWarning, match="the drivers 'a', 'twin' are collinear"):
        CausalFeatureSelector(nonlinear=False, screen=False).fit(X.assign(twin=2 * X["a"]), y)


def test_what_cannot_be_tested_raises_and_says_why():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((60, 40)))
    y = X[0] + rng.standard_normal(60)
    with pytest.raises(ValueError, match="60 complete rows are too few for their 121 columns"):
        CausalFeatureSelector(screen=False).fit(X, y)
    with pytest.raises(ValueError, match="needs more series than the largest driver .* found 1"):
        CausalFeatureSelector(cov_type="cluster").fit(X, y)
    with pytest.raises(ValueError, match="all columns are constant"):
        CausalFeatureSelector().fit(X * 0 + 2, y)
    alone = X.set_axis(pd.MultiIndex.from_product([range(60), [0]]))
    with pytest.raises(ValueError, match="each series has one complete row"):
        CausalFeatureSelector().fit(alone, y)
    flat = CausalFeatureSelector().fit(X, np.ones(60))
    assert flat.fallback_
    assert (flat.pvalues_ == 1).all()


def test_short_series_stay_whole_in_the_folds_and_wide_drivers_need_more_series():
    rng = np.random.default_rng(0)
    columns = [f"a__lag{k}" for k in range(1, 9)]
    X = pd.DataFrame(rng.standard_normal((400, 9)), columns=[*columns, "b"])
    X.index = pd.MultiIndex.from_product([range(200), range(2)])
    y = X["a__lag3"] + rng.standard_normal(400)
    selector = CausalFeatureSelector().fit(X, y)
    assert _kept(selector) == {"a"}
    low, high = selector.conf_int_.loc["a__lag3"]
    assert low < 1 < high
    # 24 columns at once, with their copies, are too much for clusters of 25 series.
    X.index = y.index = pd.MultiIndex.from_product([range(25), range(16)])
    assert _kept(CausalFeatureSelector().fit(X, y)) == {"a"}


def test_more_columns_than_rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 200))
    y = 2 * X[:, 7] + rng.standard_normal(120)
    selector = CausalFeatureSelector(fdr=0.001).fit(X, y)
    assert _kept(selector) == {"x7"}


def test_a_missing_econml_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "econml.dml", None)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 2))
    with pytest.raises(ImportError, match=r"pip install 'sklearn-tsrec\[causal\]'"):
        CausalFeatureSelector().fit(X, X[:, 0])
    selector = CausalFeatureSelector(effects=False).fit(X, X[:, 0])
    assert_array_equal(selector.get_support(), [True, False])


def test_selection_survives_a_shift_that_breaks_what_a_plain_regression_uses():
    series = make_causal_series(3000, 12, n_proxies=4, n_children=3, shift_at=2000, random_state=3)
    X, y = _features(series).iloc[3:], series.target.iloc[3:]
    train, test = slice(0, 1990), slice(2010, None)
    selector = CausalFeatureSelector().fit(X.iloc[train], y.iloc[train])
    chosen = list(selector.get_feature_names_out())

    def error(columns):
        model = LinearRegression().fit(X[columns].iloc[train], y.iloc[train])
        return np.mean((model.predict(X[columns].iloc[test]) - y.iloc[test]) ** 2)

    assert error(chosen) < error(list(X.columns))


def test_random_walks_do_not_drive_each_other():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(10):
        walks = np.cumsum(rng.normal(size=(1000, 4)), axis=0)
        X = pd.DataFrame(walks[:, 1:], columns=list("abc")).shift(1)
        X["y__lag1"] = np.r_[np.nan, walks[:-1, 0]]
        found += (CausalFeatureSelector(effects=False).fit(X, walks[:, 0]).pvalues_ < 0.05).sum()
    assert found <= 4  # of 30: 1.5 by chance
