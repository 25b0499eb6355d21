"""TemporalStackingRegressor fuses what members forecast out of fold, in time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklearn_tsrec.ensemble import TemporalStackingRegressor
from sklearn_tsrec.features import LagFeatures
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.metrics import mase_scorer
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest

CV = PanelTimeSeriesSplit(3, horizon=4)


class Biased(RegressorMixin, BaseEstimator):
    """Forecasts the column ``truth`` with an error that grows with the step; counts its fits."""

    n_fits = 0

    def __init__(self, bias=0.0, slope=0.0, silent=()):
        self.bias = bias
        self.slope = slope
        self.silent = silent

    def fit(self, X, y):
        type(self).n_fits += 1
        self.end_ = X.index.get_level_values(-1).max()
        return self

    def predict(self, X):
        step = (X.index.get_level_values(-1) - self.end_).days
        out = X["truth"] + self.bias + self.slope * np.maximum(step, 0)
        return np.where(X.index.get_level_values(0).isin(list(self.silent)), np.nan, out)


def panel(n=30, series=("a", "b", "c")):
    """Return series with noise and levels of their own, in no order."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=n, name="day")
    index = pd.MultiIndex.from_product([list(series), days], names=["shop", "day"])
    y = pd.Series(
        np.repeat(10.0 ** np.arange(len(series)), n) * rng.normal(10, 1, len(index)), index
    )
    X = pd.DataFrame({"truth": y}, index)
    keep = rng.permutation(len(index))
    return X.iloc[keep], y.iloc[keep]


def stack(members, **options):
    """Return a stack over three folds of four days."""
    return TemporalStackingRegressor(members, **{"cv": CV} | options)


def test_works_where_scikit_learn_refuses_a_splitter_in_time():
    rng = np.random.default_rng(0)
    X, y = np.column_stack([np.arange(40), rng.normal(size=40)]), rng.normal(size=40)
    members = [("mean", DummyRegressor()), ("line", LinearRegression())]
    with pytest.raises(ValueError, match="partition"):
        StackingRegressor(members, cv=TimeSeriesSplit(3)).fit(X, y)
    ours = TemporalStackingRegressor(members, cv=TimeSeriesSplit(3), time=0).fit(X, y)
    assert len(ours.out_of_fold_) == 30
    np.testing.assert_allclose(ours.weights_["all"].sum(), 1)


def test_out_of_fold_rows_are_those_of_a_backtest():
    X, y = panel()
    member = WindowForecaster(window=3, target_transform="last", columns=[])
    fitted = stack([("line", member), ("mean", WindowForecaster(DummyRegressor()))]).fit(X, y)
    table = backtest(member, X, y, cv=CV, verbose=0).rename(columns={"y_pred": "line"})
    pd.testing.assert_frame_equal(fitted.out_of_fold_.drop(columns="mean"), table)


def test_the_better_member_has_the_weight_and_opposite_errors_cancel():
    X, y = panel()
    fitted = stack([("good", Biased(0.1)), ("bad", Biased(5))], weights="nnls").fit(X, y)
    np.testing.assert_allclose(fitted.weights_["all"], [1, 0], atol=1e-7)
    for weights in ("nnls", "greedy"):
        fitted = stack([("up", Biased(1)), ("down", Biased(-3))], weights=weights).fit(X, y)
        np.testing.assert_allclose(fitted.weights_["all"], [0.75, 0.25], atol=1e-6)
        np.testing.assert_allclose(fitted.predict(X), y, atol=1e-4)


def test_large_series_do_not_decide_the_weights_of_small_ones():
    X, y = panel()
    shifted = X.assign(truth=np.where(X.index.get_level_values(0) == "c", y + 0.1, y))
    members = [("off_in_c", Biased()), ("off_elsewhere", Biased(0.1))]
    X = shifted.assign(truth=shifted["truth"])
    own = stack(members, weights="nnls", per="group", shrinkage=0).fit(X, y).weights_
    assert own.loc["off_elsewhere"].tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    # In units of the series, an error of 0.1 in the largest is nothing.
    scale = y.sort_index().groupby(level=0).agg(lambda v: v.diff().abs().mean())
    assert scale["c"] / scale["a"] > 50
    errors = stack(members).fit(X, y)
    np.testing.assert_allclose(errors._scales, scale)


def test_every_horizon_can_have_weights_of_its_own():
    X, y = panel(60)
    members = [("short", Biased(0, 1)), ("long", Biased(2.5))]
    cv = PanelTimeSeriesSplit(6, horizon=4)
    fitted = stack(members, cv=cv, weights="nnls", per="horizon", shrinkage=0).fit(X, y)
    assert fitted.weights_.columns.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(fitted.weights_.loc["short"], [1, 1, 0, 0], atol=1e-7)
    pooled = fitted.pooled_weights_["short"]
    drawn = stack(members, cv=cv, weights="nnls", per="horizon", shrinkage=18).fit(X, y)
    np.testing.assert_allclose(drawn.weights_.loc["short", 1], (1 + pooled) / 2)
    # Steps beyond the last are weighed like it.
    later = X.rename(lambda day: day + pd.Timedelta("64D"), level=1)
    np.testing.assert_allclose(fitted.predict(later), later["truth"] + 2.5, rtol=1e-6)


def test_every_series_can_have_weights_of_its_own_and_new_ones_the_pooled():
    X, y = panel()
    X = X.assign(truth=X["truth"] + np.where(X.index.get_level_values(0) == "a", 1, -1))
    fitted = stack([("up", Biased(1)), ("down", Biased(-1))], weights="nnls", per="group")
    fitted.set_params(shrinkage=0).fit(X, y)
    assert fitted.weights_.loc["down"].tolist() == pytest.approx([1, 0, 0], abs=1e-6)
    new = X.loc[["b"]].rename({"b": "new"}, level=0)
    up = fitted.pooled_weights_["up"]
    np.testing.assert_allclose(fitted.predict(new), new["truth"] + up - (1 - up))


def test_ridge_lies_between_least_squares_and_equal_weights():
    X, y = panel()
    members = [("good", Biased(0.1)), ("bad", Biased(1)), ("worse", Biased(2))]
    good = [
        stack(members, shrinkage=shrinkage).fit(X, y).weights_.loc["good", "all"]
        for shrinkage in (0, 10, 1000, 1e9)
    ]
    assert good[0] == pytest.approx(1)
    assert good[0] > good[1] > good[2] > good[3]
    assert good[3] == pytest.approx(1 / 3, abs=1e-6)


def test_equal_and_median_do_not_learn():
    X, y = panel()
    members = [("a", Biased(1)), ("b", Biased(2)), ("c", Biased(9))]
    np.testing.assert_allclose(stack(members, weights="equal").fit(X, y).predict(X), y + 4)
    fitted = stack(members, weights="median").fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), y + 2)
    assert fitted.weights_ is None


def test_a_member_that_fails_on_a_series_is_reported_and_the_others_count_for_more():
    X, y = panel()
    members = [("a", Biased(1)), ("b", Biased(3)), ("c", Biased(7, silent="a"))]
    with pytest.warns(UserWarning, match="1 of 3 members gave no forecast .* first 'c' in fold 0"):
        fitted = stack(members, weights="equal").fit(X, y)
    assert fitted.failures_.to_dict("list") == {
        "member": ["c"] * 3, "fold": [0, 1, 2], "shop": ["a"] * 3, "n_rows": [4] * 3,
    }  # fmt: skip
    off = fitted.predict(X) - y
    in_a = X.index.get_level_values(0) == "a"
    np.testing.assert_allclose(off[in_a], 2)
    np.testing.assert_allclose(off[~in_a], 11 / 3)
    with pytest.warns(UserWarning, match="no forecast"):
        final = stack(members, final_estimator=LinearRegression()).fit(X, y)
    assert np.isfinite(final.predict(X)).all()


def test_a_member_that_never_has_a_forecast_has_no_weight():
    X, y = panel()
    members = [("a", Biased(1)), ("none", Biased(silent="abc"))]
    for weights in ("nnls", "ridge", "greedy"):
        with pytest.warns(UserWarning, match="'none'"):
            fitted = stack(members, weights=weights).fit(X, y)
        assert fitted.weights_["all"].tolist() == [1, 0]
        np.testing.assert_allclose(fitted.predict(X), y + 1)


def test_rows_without_any_forecast_are_missing_and_said():
    X, y = panel()
    with pytest.warns(UserWarning, match="no forecast"):
        fitted = stack([("a", Biased(silent="a")), ("b", Biased(silent="a"))]).fit(X, y)
    with pytest.warns(UserWarning, match=r"no member has a forecast for 30 row\(s\)"):
        out = fitted.predict(X)
    np.testing.assert_array_equal(np.isnan(out), X.index.get_level_values(0) == "a")


def test_a_final_estimator_learns_in_the_unit_of_the_series():
    X, y = panel()
    members = [("up", Biased(1)), ("double", Biased(2))]
    final = LinearRegression(fit_intercept=False)
    fitted = stack(members, final_estimator=final, passthrough=False).fit(X, y)
    np.testing.assert_allclose(fitted.final_estimator_.coef_, [2, -1], rtol=1e-6)
    np.testing.assert_allclose(fitted.predict(X), y, rtol=1e-9)
    assert fitted.weights_ is None


def test_passthrough_shows_the_columns():
    X, y = panel()
    X = X.assign(promo=np.arange(len(X)) % 2 * 1.0)
    sold = y + 5 * X["promo"]
    fitted = stack([("a", Biased())], final_estimator=LinearRegression(), passthrough=True)
    fitted = fitted.set_params(estimators=[("a", Biased(1))]).fit(X[["truth", "promo"]], sold)
    assert fitted.final_estimator_.n_features_in_ == 3
    names = ["temporalstackingregressor_a", "truth", "promo"]
    assert fitted.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(fitted.transform(X)[:, 1:], X)


def test_transform_gives_what_members_forecast():
    X, y = panel()
    fitted = stack([("a", Biased(1)), ("b", Biased(2))]).set_output(transform="pandas").fit(X, y)
    table = fitted.transform(X)
    names = ["temporalstackingregressor_a", "temporalstackingregressor_b"]
    assert table.columns.tolist() == names
    np.testing.assert_allclose(table[names[1]] - y, 2)


def test_drop_and_nested_parameters():
    X, y = panel()
    fitted = stack([("a", Biased(1)), ("b", Biased(2))], weights="equal")
    fitted.set_params(b="drop", a__bias=7).fit(X, y)
    assert list(fitted.named_estimators_) == ["a"]
    np.testing.assert_allclose(fitted.predict(X), y + 7)
    assert fitted.get_params()["a__bias"] == 7


def test_members_read_the_keys_of_the_stack():
    X, y = panel()
    line = WindowForecaster(LinearRegression(), window=2, columns=[])
    lags = make_pipeline(LagFeatures([4], target=True, horizon=4), DummyRegressor())
    members = [("line", line), ("lags", lags)]
    by_index = stack(members).fit(X, y)
    flat = X.reset_index()
    by_column = stack(members, group="shop", time="day").fit(flat, y.to_numpy())
    np.testing.assert_allclose(by_column.weights_, by_index.weights_)
    np.testing.assert_allclose(by_column.predict(flat), by_index.predict(X))
    assert by_column.named_estimators_["lags"][0].group == "shop"
    assert line.group is None


def test_without_refit_members_of_the_last_fold_stay_and_remember():
    X, y = panel()
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0), window=1, target_transform="last"
    )
    Biased.n_fits = 0
    fitted = stack([("last", naive), ("b", Biased())], refit=False, weights="equal").fit(X, y)
    assert Biased.n_fits == 3
    later = X.rename(lambda day: day + pd.Timedelta("30D"), level=1)
    last = y.sort_index().groupby(level=0).last()
    at = later.index.get_level_values(0)
    np.testing.assert_allclose(fitted.transform(later)[:, 0], last[at])
    lags = make_pipeline(LagFeatures([1]), LinearRegression())
    with pytest.raises(ValueError, match="refit=False needs"):
        stack([("lags", lags.set_params(linearregression=DummyRegressor()))], refit=False).fit(X, y)


def test_update_lets_all_remember_without_learning():
    X, y = panel()
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0), window=1, target_transform="last"
    )
    early = X.index.get_level_values(1) < "2024-01-25"
    mean = WindowForecaster(DummyRegressor(), window=1, columns=[])
    members = [("last", naive), ("mean", mean)]
    fitted = stack(members).fit(X[early], y[early])
    before = fitted.weights_.copy()
    fitted.update(X[~early], y[~early])
    pd.testing.assert_frame_equal(fitted.weights_, before)
    later = X.rename(lambda day: day + pd.Timedelta("30D"), level=1)
    last = y.sort_index().groupby(level=0).last()
    np.testing.assert_allclose(fitted.transform(later)[:, 0], last[later.index.get_level_values(0)])
    table = backtest(stack(members), X, y, cv=PanelTimeSeriesSplit(2), refit=False, verbose=0)
    assert np.isfinite(table["y_pred"]).all()


def test_the_cache_fits_no_member_twice(tmp_path):
    X, y = panel()
    members = [("a", Biased(1)), ("b", Biased(2))]
    grid = [
        {"weights": ["nnls", "equal", "greedy", "median"]},
        {"final_estimator": [LinearRegression(), Ridge()]},
    ]
    Biased.n_fits = 0
    search = GridSearchCV(
        stack(members, memory=str(tmp_path)),
        grid,
        cv=PanelTimeSeriesSplit(2, horizon=4),
        scoring="neg_mean_absolute_error",
    ).fit(X, y)
    # Six candidates on two tables, and the best on all rows: in each of the three tables 2 members
    # are fitted in 3 folds and to all rows, and never again.
    assert Biased.n_fits == 3 * 2 * (3 + 1)
    n = Biased.n_fits
    clone_of_best = search.best_estimator_
    np.testing.assert_allclose(clone_of_best.fit(X, y).predict(X), search.predict(X))
    assert Biased.n_fits == n
    clone_of_best.fit(X, y + 1)
    assert Biased.n_fits == n + 8


def test_a_search_chooses_members_and_weights():
    X, y = panel()
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0), window=1, target_transform="last"
    )
    search = GridSearchCV(
        stack([("a", Biased(0)), ("b", Biased(300)), ("c", naive)], shrinkage=0),
        {"weights": ["equal", "nnls"], "b": ["drop", Biased(100)], "c__window": [1, 2]},
        cv=PanelTimeSeriesSplit(2, horizon=2),
        scoring=mase_scorer(period=1),
    ).fit(X, y)
    assert search.best_params_["weights"] == "nnls"
    assert search.best_score_ == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("weights", ["nnls", "ridge", "greedy", "online", "median"])
def test_test_targets_change_neither_out_of_fold_rows_nor_weights(weights):
    X, y = panel()
    X = X[[]]
    late = X.index.get_level_values(1) >= "2024-01-27"
    members = [
        ("line", WindowForecaster(window=2)),
        ("mean", WindowForecaster(DummyRegressor(), window=1)),
    ]
    fitted = stack(members, weights=weights).fit(X[~late], y[~late])
    table = fitted.out_of_fold_
    other = y.copy()
    last = table["fold"] == 2
    cut = table.loc[last, "cutoff"].max()
    other[X.index.get_level_values(1) > cut] += 1000  # the test rows of the last fold, and later
    again = stack(members, weights=weights).fit(X[~late], other[~late])
    names = ["line", "mean"]
    pd.testing.assert_frame_equal(again.out_of_fold_[names], table[names])
    # A search never shows the targets it scores by: weights are those of the table before.
    search = GridSearchCV(
        stack(members), {"weights": [weights]}, cv=PanelTimeSeriesSplit(1, horizon=4)
    )
    one, two = search.fit(X, y).cv_results_, search.fit(X, other.where(~late, y)).cv_results_
    assert one["mean_test_score"] != two["mean_test_score"]
    assert fitted.weights_ is None or len(fitted.weights_) == 2


def test_online_weights_go_to_the_best_and_follow_a_change():
    X, y = panel(60)
    rng = np.random.default_rng(1)
    day = X.index.get_level_values(1)
    X = X.assign(a=y + rng.normal(0, 0.1, len(y)), b=y + rng.normal(0, 3, len(y)))

    class Column(Biased):
        def __init__(self, column="a"):
            self.column = column

        def predict(self, X):
            return X[self.column].to_numpy()

    members = [("a", Column("a")), ("b", Column("b"))]
    past, middle = day < "2024-01-21", (day >= "2024-01-21") & (day < "2024-02-10")
    fitted = stack(members, weights="online", share=0.05).partial_fit(X[past], y[past])
    assert fitted.weights_.loc["a", "all"] > 0.7
    fitted.partial_fit(X[middle], y[middle])
    assert fitted.weights_.loc["a", "all"] > 0.7
    late = day >= "2024-02-10"
    swapped = X[late].rename(columns={"a": "b", "b": "a"})[X.columns]
    fitted.partial_fit(swapped, y[late])
    assert fitted.weights_.loc["b", "all"] > 0.5
    weights = fitted.weights_.copy()
    fitted.partial_fit(X[past], y[past])  # members know this truth already
    pd.testing.assert_frame_equal(fitted.weights_, weights)
    assert not hasattr(stack(members), "partial_fit")


def test_quantiles_are_averaged():
    class Quantiles(Biased):
        def predict_quantiles(self, X, quantiles):
            return (X["truth"] + self.bias).to_numpy()[:, np.newaxis] + np.asarray(quantiles)

    X, y = panel()
    members = [("a", Quantiles(1)), ("b", Quantiles(3))]
    fitted = stack(members, weights="equal").fit(X, y)
    out = fitted.predict_quantiles(X, [0.1, 0.9])
    np.testing.assert_allclose(out - y.to_numpy()[:, np.newaxis] - 2, [[0.1, 0.9]] * len(y))
    with pytest.raises(ValueError, match="quantiles=1.5"):
        fitted.predict_quantiles(X, 1.5)
    assert not hasattr(stack([*members, ("c", Biased())]), "predict_quantiles")


def test_gaps_are_crossed_with_what_is_known_ahead():
    X, y = panel()
    promo = X.assign(promo=X.index.get_level_values(1).dayofweek * 1.0)[["promo"]]
    member = WindowForecaster(LinearRegression(), window=1)
    cv = PanelTimeSeriesSplit(2, horizon=2, gap=3)
    fitted = stack([("line", member)], cv=cv).fit(promo, y)
    assert sorted(set(fitted.out_of_fold_["step"])) == [4, 5]
    table = backtest(member, promo, y, cv=cv, verbose=0)
    np.testing.assert_allclose(fitted.out_of_fold_["line"], table["y_pred"])


def test_missing_targets_are_not_learned_from():
    X, y = panel()
    holes = y.copy()
    holes[::5] = np.nan
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0), window=1, target_transform="last",
        columns=[],
    )  # fmt: skip
    fitted = stack([("last", naive), ("good", Biased(0.01))], weights="nnls").fit(X, holes)
    np.testing.assert_allclose(fitted.weights_["all"], [0, 1], atol=1e-3)


def test_one_member_and_identical_members():
    X, y = panel()
    for weights in ("nnls", "ridge", "greedy", "online"):
        one = stack([("a", Biased(1))], weights=weights).fit(X, y)
        assert one.weights_["all"].tolist() == [1]
    for weights in ("nnls", "ridge", "online"):
        twins = stack([("a", Biased(1)), ("b", Biased(1))], weights=weights).fit(X, y)
        np.testing.assert_allclose(twins.weights_["all"], 0.5, atol=1e-6)


def test_exact_members_are_weighed_alike():
    X, y = panel()
    fitted = stack([("a", Biased()), ("b", Biased())]).fit(X, y)
    assert fitted.weights_["all"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": []}, r"estimators=\[\] must be a list"),
        ({"estimators": [Biased()]}, "must be a list"),
        ({"estimators": [("a", "drop")]}, "all members of estimators are 'drop'"),
        ({"estimators": [("a", Biased()), ("a", Biased())]}, "not unique"),
        ({"estimators": [("cv", Biased())]}, "conflict"),
        ({"estimators": [("fold", Biased())]}, "member 'fold' has the name of another column"),
        ({"estimators": [("a", "linear")]}, "member 'a' of estimators is linear"),
        ({"estimators": [("a", LagFeatures([1]))]}, "no fit or no predict"),
        ({"passthrough": True}, "final_estimator, but it is None"),
        ({"final_estimator": Ridge(), "weights": "nnls"}, "weights='nnls' is about"),
        ({"final_estimator": Ridge(), "per": "group"}, "per='group' is about"),
        ({"weights": "best"}, "'weights' parameter"),
        ({"per": "shop"}, "'per' parameter"),
        ({"share": 1.0}, "'share' parameter"),
        ({"cv": PanelTimeSeriesSplit(40)}, "n_splits=40, .* but the table has 30 steps"),
        ({"cv": KFold(3)}, "fold 0 of KFold trains on rows that are not older"),
        ({"cv": []}, "yields no fold"),
    ],
)
def test_bad_parameters_are_named(options, message):
    X, y = panel()
    model = stack(**{"members": options.pop("estimators", [("a", Biased())])} | options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_nothing_to_learn_from_is_said():
    X, y = panel()
    warning = pytest.warns(UserWarning, match="no forecast")
    with warning, pytest.raises(ValueError, match="nothing to learn from"):
        stack([("a", Biased(silent="abc"))]).fit(X, y)
