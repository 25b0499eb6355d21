import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.metrics import evaluate_ranker, ndcg_at_k, rank_ic_scorer
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.recommendation import ForecastRanker


class Signal(RegressorMixin, BaseEstimator):
    """Forecasts one column, within the half-width that another one holds."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return X["signal"].to_numpy()

    def predict_interval(self, X, coverage):
        half = X["risk"].to_numpy() * coverage
        return np.column_stack([self.predict(X) - half, self.predict(X) + half])


@pytest.fixture
def table_of_signals():
    index = pd.MultiIndex.from_product([list("abc"), [1, 2]], names=["asset", "day"])
    signal, risk = [0.3, 0.1, 0.2, 0.2, 0.1, 0.3], [0.5, 0.0, 0.0, 0.0, 0.0, 0.5]
    return pd.DataFrame({"signal": signal, "risk": risk}, index=index)


def listed(table):
    return {day: part["item"].tolist() for day, part in table.groupby("day")}


def test_series_are_ranked_by_forecast_at_each_date(table_of_signals):
    ranker = ForecastRanker(Signal()).fit(table_of_signals, np.zeros(6))
    table = ranker.recommend(table_of_signals.sample(frac=1, random_state=0), k=2)
    assert table.columns.tolist() == ["day", "rank", "item", "score"]
    assert listed(table) == {1: ["a", "b"], 2: ["c", "b"]}
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["score"].tolist() == [0.3, 0.2, 0.3, 0.2]
    assert listed(ranker.recommend(table_of_signals, k=9)) == {
        1: ["a", "b", "c"],
        2: ["c", "b", "a"],
    }
    assert listed(ranker.recommend(k=2)) == {2: ["c", "b"]}
    low = ForecastRanker(Signal(), direction="low").fit(table_of_signals, np.zeros(6))
    assert listed(low.recommend(table_of_signals, k=1)) == {1: ["c"], 2: ["a"]}
    happened = pd.DataFrame({"day": [1, 2], "item": ["b", "a"]})
    assert ndcg_at_k(happened, table, k=2, average=None).tolist() == [1 / np.log2(3), 0]


def test_risk_makes_a_forecast_worse(table_of_signals):
    options = {"risk_aversion": 1.0, "coverage": 0.5}
    ranker = ForecastRanker(Signal(), **options).fit(table_of_signals, np.zeros(6))
    np.testing.assert_allclose(ranker.predict(table_of_signals), [0.05, 0.1, 0.2, 0.2, 0.1, 0.05])
    assert listed(ranker.recommend(table_of_signals)) == {1: ["b", "c", "a"], 2: ["b", "a", "c"]}
    low = ForecastRanker(Signal(), direction="low", **options).fit(table_of_signals, np.zeros(6))
    np.testing.assert_allclose(low.predict(table_of_signals), [0.55, 0.1, 0.2, 0.2, 0.1, 0.55])
    with pytest.raises(ValueError, match=r"risk_aversion=1.0 needs forecast intervals"):
        ForecastRanker(WindowForecaster(Ridge(), window=1), risk_aversion=1.0).fit(
            table_of_signals, np.arange(6.0)
        )


def test_equal_forecasts_are_in_the_order_of_the_labels(table_of_signals):
    flat = table_of_signals.assign(signal=1.0).sample(frac=1, random_state=3)
    ranker = ForecastRanker(Signal()).fit(flat, np.zeros(6))
    assert listed(ranker.recommend(flat)) == {1: list("abc"), 2: list("abc")}


@pytest.fixture(scope="module")
def panel():
    """Eight assets whose daily returns have a mean of their own, in columns."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60)
    index = pd.MultiIndex.from_product([[f"s{j}" for j in range(8)], days], names=["asset", "day"])
    mean = np.repeat(np.linspace(-0.03, 0.03, 8), 60)
    return pd.DataFrame(index=index), pd.Series(mean + rng.normal(0, 0.02, 480), index)


def test_it_forecasts_as_its_forecaster_and_reads_keys_in_columns(panel):
    X, y = panel
    late = X.index.get_level_values("day") >= "2024-02-20"
    forecaster = WindowForecaster(Ridge(), window=5)
    ranker = ForecastRanker(forecaster).fit(X[~late], y[~late])
    expected = forecaster.fit(X[~late], y[~late]).predict(X[late])
    np.testing.assert_array_equal(ranker.predict(X[late]), expected)
    columns = X.index.to_frame(index=False)
    keyed = ForecastRanker(WindowForecaster(Ridge(), window=5, group="asset", time="day"))
    keyed.fit(columns[~late], y[~late].to_numpy())
    pd.testing.assert_frame_equal(
        keyed.recommend(columns[late], k=3), ranker.recommend(X[late], k=3)
    )
    pd.testing.assert_frame_equal(
        keyed.recommend(), ranker.recommend(X[X.index.get_level_values(1) == "2024-02-19"])
    )
    two = columns.assign(side=columns["asset"].isin(["s0", "s1"]))
    keyed.set_params(forecaster__group=["side", "asset"])
    lists = keyed.fit(two[~late], y[~late].to_numpy()).recommend(two[late], k=1)
    assert lists["item"].map(len).eq(2).all()


def test_grid_search_finds_what_ranks(panel):
    X, y = panel
    search = GridSearchCV(
        ForecastRanker(WindowForecaster(Ridge())),
        {"forecaster__window": [1, 20], "forecaster__estimator__alpha": [1e-6, 1e6]},
        scoring=rank_ic_scorer(),
        cv=PanelTimeSeriesSplit(2, horizon=10),
    ).fit(X, y)
    assert search.best_params_["forecaster__window"] == 20
    assert search.best_score_ > 0.5
    table = evaluate_ranker(search.best_estimator_, X, y, k=2)
    [ic] = table.loc[table["metric"] == "rank_ic", "value"]
    assert ic == pytest.approx(rank_ic_scorer()(search, X, y))


def test_a_backtest_shows_it_newer_rows(panel):
    X, y = panel
    ranker = ForecastRanker(WindowForecaster(Ridge(), window=10))
    for gap in (0, 1):
        cv = PanelTimeSeriesSplit(5, horizon=1, gap=gap)
        table = backtest(ranker, X, y, cv=cv, refit=False, verbose=0)
        plain = backtest(WindowForecaster(Ridge(), window=10), X, y, cv=cv, refit=False, verbose=0)
        pd.testing.assert_frame_equal(table, plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "up"}, "'direction' parameter"),
        ({"risk_aversion": -1}, "'risk_aversion' parameter"),
    ],
)
def test_bad_parameters_are_named(table_of_signals, options, message):
    with pytest.raises(ValueError, match=message):
        ForecastRanker(Signal(), **options).fit(table_of_signals, np.zeros(6))


def test_bad_tables_are_named(table_of_signals):
    ranker = ForecastRanker(Signal()).fit(table_of_signals, np.zeros(6))
    with pytest.raises(ValueError, match="k must be an integer"):
        ranker.recommend(table_of_signals, k=-1)
    with pytest.raises(ValueError, match="X names no series"):
        ranker.recommend(table_of_signals.loc["a"])
    with pytest.raises(ValueError, match="'rank' has the name of a column of the lists"):
        ranker.recommend(table_of_signals.rename_axis(["asset", "rank"]))
