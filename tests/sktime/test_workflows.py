"""TsrecForecaster inside sktime's own compositions, and splitters in both worlds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sktime.forecasting.compose import (
    ColumnEnsembleForecaster,
    EnsembleForecaster,
    ForecastingPipeline,
    MultiplexForecaster,
    TransformedTargetForecaster,
    make_reduction,
)
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.reconcile import ReconcilerForecaster
from sktime.performance_metrics.forecasting import MeanAbsoluteError
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter
from sktime.transformations.detrend import Detrender
from sktime.transformations.exponent import ExponentTransformer
from sktime.transformations.func_transform import FunctionTransformer
from sktime.transformations.hierarchical.aggregate import Aggregator
from sktime.utils.estimator_checks import check_estimator

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.features import WindowStatistics
from sklearn_tsrec.sktime import SktimeSplit, TsrecForecaster, TsrecSplitter

FH = [1, 2, 3]


def panel(n_series=3, n_times=40):
    X, y = make_panel(n_series, n_times, random_state=0)
    return X, y.to_frame()


def one():
    """Return a single series and its column known ahead, of the past and of the future."""
    X, y = (table.xs(0) for table in panel(1))
    X.index.freq = y.index.freq = "D"
    return y["y"][:-3], X[:-3], X[-3:]


def seven(**options):
    return TsrecForecaster(Ridge(), window=7, **options)


@pytest.mark.parametrize("whole_panel", [False, True])
def test_grid_search(whole_panel):
    y = panel()[1] if whole_panel else one()[0]
    cv = TsrecSplitter(PanelTimeSeriesSplit(2, horizon=3))
    search = ForecastingGridSearchCV(
        seven(),
        cv,
        {"window": [1, 7], "estimator__alpha": [0.1]},
        scoring=MeanAbsoluteError(),
        backend=None,
    )
    search.fit(y)
    assert search.best_params_ == {"window": 7, "estimator__alpha": 0.1}
    table = y if whole_panel else y.to_frame()
    want = []
    for train, test in PanelTimeSeriesSplit(2, horizon=3).split(table):
        fitted = WindowForecaster(Ridge(0.1), window=7).fit(
            table.iloc[train][[]], table.iloc[train]["y"]
        )
        error = table.iloc[test]["y"] - fitted.predict(table.iloc[test][[]])
        want.append(np.abs(error).mean())
    assert search.best_score_ == pytest.approx(np.mean(want), rel=1e-8)
    assert len(search.predict(fh=FH)) == 3 * (3 if whole_panel else 1)


def test_transformed_target():
    y, _, _ = one()
    pipe = TransformedTargetForecaster([("root", ExponentTransformer()), ("own", seven())])
    forecast = pipe.fit(y).predict(fh=FH)
    plain = seven().fit(np.sqrt(y)).predict(fh=FH)
    np.testing.assert_allclose(forecast, plain**2)
    detrended = (Detrender() * seven()).fit(y)
    assert np.isfinite(detrended.predict_interval(fh=FH)).all(axis=None)


def test_pipeline_with_columns():
    y, X, X_next = one()
    size = FunctionTransformer(np.abs)
    pipe = ForecastingPipeline([("size", size), ("own", seven())])
    forecast = pipe.fit(y, X=X).predict(fh=FH, X=X_next)
    plain = seven().fit(y, X=X.abs()).predict(fh=FH, X=X_next.abs())
    np.testing.assert_allclose(forecast, plain)


def test_multiplexer():
    y, _, _ = one()
    choice = MultiplexForecaster([("naive", NaiveForecaster()), ("own", seven())])
    choice.set_params(selected_forecaster="own")
    pd.testing.assert_series_equal(choice.fit(y).predict(fh=FH), seven().fit(y).predict(fh=FH))


def test_ensembles():
    y, _, _ = one()
    both = EnsembleForecaster([("naive", NaiveForecaster()), ("own", seven())]).fit(y)
    want = (NaiveForecaster().fit(y).predict(fh=FH) + seven().fit(y).predict(fh=FH)) / 2
    np.testing.assert_allclose(both.predict(fh=FH), want)
    table = pd.DataFrame({"a": y, "b": y**2})
    columns = ColumnEnsembleForecaster([("a", seven(), "a"), ("b", NaiveForecaster(), "b")])
    forecast = columns.fit(table).predict(fh=FH)
    np.testing.assert_allclose(forecast["a"], seven().fit(y).predict(fh=FH))
    np.testing.assert_allclose(forecast["b"], y.iloc[-1] ** 2)


@pytest.mark.parametrize("strategy", ["refit", "update", "no-update_params"])
def test_evaluate(strategy):
    X, y = panel()
    cv = TsrecSplitter(PanelTimeSeriesSplit(3, horizon=2))
    result = evaluate(
        seven(), cv, y, X=X, strategy=strategy, scoring=MeanAbsoluteError(), return_data=True,
        error_score="raise",
    )  # fmt: skip
    forecaster, want = WindowForecaster(Ridge(), window=7), []
    for fold, (train, test) in enumerate(PanelTimeSeriesSplit(3, horizon=2).split(X)):
        method = forecaster.fit if fold == 0 or strategy == "refit" else forecaster.update
        method(X.iloc[train], y.iloc[train]["y"])
        want.append(forecaster.predict(X.iloc[test]))
    for predicted, expected in zip(result["y_pred"], want):
        np.testing.assert_allclose(predicted["y"], expected, rtol=1e-8)


def test_reduction_of_sktime_around_our_features():
    y, _, _ = one()
    features = make_pipeline(WindowStatistics(["mean", "std"]), LinearRegression())
    reduced = make_reduction(
        features, window_length=7, strategy="recursive", scitype="tabular-regressor"
    )
    ours = TsrecForecaster(features, window=7)
    np.testing.assert_allclose(reduced.fit(y).predict(fh=FH), ours.fit(y).predict(fh=FH), rtol=1e-8)


def test_update_predict():
    X_all, y_all = (table.xs(0).asfreq("D") for table in panel(1))
    y_all = y_all["y"]
    forecaster = seven().fit(y_all[:20], X=X_all[:20])
    cv = ExpandingWindowSplitter(initial_window=5, step_length=5, fh=[1])
    moved = forecaster.update_predict(y_all[20:], cv=cv, X=X_all, update_params=False)
    plain = WindowForecaster(Ridge(), window=7).fit(X_all[:20], y_all[:20])
    for cutoff in (25, 30, 35):
        plain.update(X_all[20:cutoff], y_all[20:cutoff])
        want = plain.predict(X_all[cutoff : cutoff + 1])
        assert moved[X_all.index[cutoff]] == pytest.approx(want[0], rel=1e-8)


@pytest.mark.filterwarnings("ignore:Found elements in the index")  # the totals that it made itself
def test_hierarchical_reconciliation():
    y = panel(4)[1]
    store = y.index.get_level_values(0)
    arrays = ["r" + (store // 2).astype(str), store.astype(str), y.index.get_level_values(1)]
    y.index = pd.MultiIndex.from_arrays(arrays, names=["region", "store", "day"])
    total = Aggregator().fit_transform(y)
    reconciled = ReconcilerForecaster(seven(), method="ols").fit(y).predict(fh=FH)
    base = seven().fit(total).predict(fh=FH)
    assert (np.abs(reconciled - base) > 1e-6).any(axis=None)
    stores = reconciled[reconciled.index.get_level_values("store") != "__total"]
    whole = reconciled.xs(("__total", "__total"))
    np.testing.assert_allclose(whole, stores.groupby(level="day").sum())


# ---- splitters


@pytest.mark.filterwarnings("ignore")  # sktime's own, of its test data
def test_our_splitter_conforms():
    results = check_estimator(TsrecSplitter, raise_exceptions=True, verbose=0)
    assert len(results) > 30


def test_our_splitter_in_sktime():
    X, y = panel()
    cv = PanelTimeSeriesSplit(2, horizon=2, gap=1)
    splitter = TsrecSplitter(cv)
    np.testing.assert_array_equal(splitter.fh, [2, 3])
    assert splitter.get_n_splits(y) == 2
    for (train, test), (train_want, test_want) in zip(splitter.split(y), cv.split(X)):
        np.testing.assert_array_equal(train, train_want)
        np.testing.assert_array_equal(test, test_want)
    days = y.index.get_level_values(-1)
    cutoffs = splitter.get_cutoffs(y)
    assert list(days[cutoffs]) == [pd.Timestamp("2024-02-04"), pd.Timestamp("2024-02-06")]
    with pytest.raises(ValueError, match="horizon=2D: sktime counts the steps"):
        TsrecSplitter(PanelTimeSeriesSplit(2, horizon="2D"))


def test_their_splitters_in_scikit_learn():
    X, y = panel()
    keep = np.random.default_rng(0).permutation(len(X))
    X, y = X.iloc[keep], y["y"].iloc[keep]
    cv = SktimeSplit(SlidingWindowSplitter(fh=[1, 2], window_length=25, step_length=5))
    folds = list(cv.split(X))
    assert cv.get_n_splits(X) == len(folds) == 3
    days = X.index.get_level_values(-1).unique().sort_values()
    for fold, (train, test) in enumerate(folds):
        first = 5 * fold
        assert set(X.index[train].get_level_values(-1)) == set(days[first : first + 25])
        assert set(X.index[test].get_level_values(-1)) == set(days[first + 25 : first + 27])
        assert len(test) == 6
    search = GridSearchCV(WindowForecaster(Ridge()), {"window": [1, 7]}, cv=cv, error_score="raise")
    assert search.fit(X, y).best_params_ == {"window": 7}
    columns = X.reset_index()
    by_name = SktimeSplit(cv.splitter, group="series", time="time")
    for (a, b), (c, d) in zip(folds, by_name.split(columns)):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    scores = cross_val_score(WindowForecaster(window=7), X, y, cv=cv)
    assert (scores > 0.5).all()
