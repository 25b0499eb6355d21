"""Programs as users write them. `make types` finds an error in each marked line, and no other."""

import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sklearn_tsrec import (
    CausalFeatureSelector,
    ConformalForecaster,
    FourierFeatures,
    LagFeatures,
    PanelTimeSeriesSplit,
    PatchTransformerRegressor,
    SASRecClassifier,
    SequenceRecommender,
    TemporalStackingRegressor,
    TwoStageRecommender,
    WindowFeatures,
    WindowForecaster,
    as_panel,
)
from sklearn_tsrec.datasets import load_complete_journey, make_panel
from sklearn_tsrec.metrics import mean_absolute_error, ndcg_scorer, paired_test
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.recommendation import EASEClassifier, ItemKNNClassifier


def forecast() -> pd.DataFrame:
    X, y = as_panel(make_panel(), group="series", time="time", target="y")
    keyed = as_panel(make_panel(), group="series", time="time")
    splitter = PanelTimeSeriesSplit(2, horizon=7)
    for train, test in splitter.split(X):
        forecaster = WindowForecaster(Ridge(), window=28, horizon=7, freq="D")
        forecast = forecaster.fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
        print(mean_absolute_error(y.iloc[test], forecast), keyed.index.names)
    stack = TemporalStackingRegressor([("a", WindowForecaster()), ("b", WindowForecaster())])
    intervals = ConformalForecaster(stack, cv=splitter).fit(X, y).predict_interval(X, coverage=0.8)
    print(intervals.shape)
    return backtest(WindowForecaster(window=3), X, y, cv=splitter)


def compose() -> None:
    X, y = as_panel(make_panel(), group="series", time="time", target="y")
    make_pipeline(
        LagFeatures([1, 7], target=True, horizon=1),
        WindowFeatures([7, 28], ["mean", "std"], group="series", time="time"),
        FourierFeatures([7, 365.25], order=2, freq="D"),
        CausalFeatureSelector(fdr=0.1, drivers={"price": ["price__lag1"]}),
        PatchTransformerRegressor(period=7, finetune="lora", learning_rate=1e-3, random_state=0),
    ).fit(X, y)


def recommend() -> pd.DataFrame:
    events = load_complete_journey().transactions
    X, y = as_panel(events, group="household", time="time", target="category")
    recommender = SequenceRecommender(ItemKNNClassifier(), window=20, half_life="30D").fit(X, y)
    ndcg = ndcg_scorer(k=10)(recommender, X, y)
    print(paired_test([ndcg, 0.2], [0.1, 0.3], coverage=0.9, n_bootstraps=100).pvalue)
    two_stage = TwoStageRecommender(
        [("ease", SequenceRecommender(EASEClassifier(regularization=100.0)))], n_origins=2
    )
    SequenceRecommender(SASRecClassifier(learning_rate=1e-3, max_epochs=3, verbose=1))
    two_stage.fit(X, y).recommend(k=5, exclude_seen=True)
    return recommender.recommend(X, k=10)


def mistakes() -> None:
    WindowForecaster(windw=3)  # pyright: ignore[reportCallIssue]
    WindowForecaster(window="three weeks", horizon="7")  # pyright: ignore[reportArgumentType]
    LagFeatures([1], horizn=2)  # pyright: ignore[reportCallIssue]
    EASEClassifier(l2=10.0)  # pyright: ignore[reportCallIssue]
    SequenceRecommender().recommends()  # pyright: ignore[reportAttributeAccessIssue]
    PanelTimeSeriesSplit(horizons=3)  # pyright: ignore[reportCallIssue]
    paired_test([1.0], [2.0], alpha=0.05)  # pyright: ignore[reportCallIssue]
    as_panel(pd.DataFrame(), groups="store")  # pyright: ignore[reportCallIssue]
