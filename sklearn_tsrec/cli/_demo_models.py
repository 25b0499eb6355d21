"""What the demo computes: forecasts of demand, and categories to recommend."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from sklearn_tsrec import as_panel
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.metrics import (
    hit_rate_at_k,
    mase_scorer,
    mean_absolute_scaled_error,
    ndcg_at_k,
    ndcg_scorer,
    paired_test,
    recall_at_k,
    seasonal_naive_scale,
)
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    SequenceRecommender,
)

HORIZON = 8  # weeks that no model sees before it is measured on them
MONTH = 4  # weeks: one year of data shows no yearly season
ENOUGH = 10  # units a week; below that a sample of the receipts is mostly chance
COVARIATES = ["price", "discount"]


@dataclass(frozen=True)
class Demand:
    """What the first half found."""

    accuracy: pd.DataFrame  # model → MASE, its error, WAPE, its error
    forecasts: pd.DataFrame  # category, week, demand, a column for each model
    history: pd.DataFrame  # week × category, before the last weeks
    chosen: dict  # parameters that the search chose
    n_searched: int  # candidates that it tried
    gain: object  # paired test of the tuned model against the mean of the last weeks
    share: float  # of all units that the categories sell


def forecast_demand(demand, verbose=0):
    """Tune on all weeks but the last, forecast these, and compare with naive forecasts."""
    X, y = as_panel(demand, group="category", time="week", target="demand")
    week = X.index.get_level_values("week")
    past = week <= week.max() - pd.Timedelta(weeks=HORIZON)
    mean = y[past].groupby(level="category").mean()
    busy = X.index.get_level_values("category").isin(mean.index[mean >= ENOUGH])
    share = y[past & busy].sum() / y[past].sum()
    X = _relative_to_the_past(X[busy], past[busy])
    y, past = y[busy].astype(float), past[busy]
    train, test = (X[past], y[past]), (X[~past], y[~past])

    searches = tqdm([_search(COVARIATES), _search([])], disable=not verbose)
    search, without = (search.fit(*train) for search in searches)
    models = {
        "naive": _naive("last", 1).fit(*train).predict(test[0]),
        "seasonal naive": _naive("seasonal", MONTH).fit(*train).predict(test[0]),
        "mean of 8 weeks": _recent_mean(train[1], test[1]),
        "tuned, without price": without.predict(test[0]),
        "tuned": search.predict(test[0]),
    }
    forecasts = test[1].to_frame().assign(**models)
    losses = {name: _mase(test[1], values, train[1]) for name, values in models.items()}
    accuracy = pd.DataFrame(
        {name: _measure(test[1], models[name], losses[name]) for name in models}
    ).T.rename_axis("model")
    return Demand(
        accuracy=accuracy,
        forecasts=forecasts.reset_index(),
        history=train[1].unstack("category"),
        chosen=search.best_params_,
        n_searched=len(search.cv_results_["params"]),
        gain=paired_test(losses["tuned"], losses["mean of 8 weeks"], random_state=0),
        share=float(share),
    )


def _relative_to_the_past(X, past):
    """Divide prices and discounts by what is usual in a category, so that categories compare."""
    usual = X[past].groupby(level="category").agg({"price": "mean", "discount": "mean"})
    category = X.index.get_level_values("category")
    usual = usual.loc[category].set_index(X.index)
    return pd.DataFrame(
        {
            "price": np.log(X["price"].clip(lower=0.01) / usual["price"]),
            "discount": X["discount"] - usual["discount"],
        }
    )


def _search(columns):
    """Return the search for the best forecaster, by folds that look ahead as far as we will."""
    forecaster = WindowForecaster(Ridge(), window=8, target_transform="scale", columns=columns)
    boosting = HistGradientBoostingRegressor(
        learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=40, random_state=0
    )
    windows = {"window": [4, 8, 13], "target_transform": ["scale", "last"]}
    return GridSearchCV(
        forecaster,
        [
            windows | {"estimator": [Ridge()], "estimator__alpha": [1.0, 10.0, 100.0]},
            windows | {"estimator": [boosting], "estimator__max_iter": [50, 100]},
        ],
        scoring=mase_scorer(period=1),
        cv=PanelTimeSeriesSplit(3, horizon=HORIZON),
        error_score="raise",
    )


def _naive(transform, period):
    """Return the forecaster that changes nothing of what the transform puts back."""
    nothing = DummyRegressor(strategy="constant", constant=0.0)
    return WindowForecaster(
        nothing, window=period, target_transform=transform, period=period, columns=[]
    )


def _recent_mean(y_train, y_test):
    """Forecast every week as the mean of the last eight."""
    mean = y_train.groupby(level="category").tail(8).groupby(level="category").mean()
    return mean.loc[y_test.index.get_level_values("category")].to_numpy()


def _mase(y_true, y_pred, y_train):
    """Return the scaled error of each category."""
    groups = y_true.index.get_level_values("category")
    scale = seasonal_naive_scale(
        y_train, groups=y_train.index.get_level_values("category"), period=1
    )
    return mean_absolute_scaled_error(y_true, y_pred, scale=scale, groups=groups, average=None)


def _measure(y_true, y_pred, mase):
    """Return MASE and WAPE with standard errors over categories."""
    n = len(mase)
    loss = (y_true - y_pred).abs().groupby(level="category").sum()
    sold = y_true.groupby(level="category").sum()
    wape = loss.sum() / sold.sum()
    # The standard error of a ratio of two sums over categories, to first order.
    error = np.sqrt(n / (n - 1) * ((loss - wape * sold) ** 2).sum()) / sold.sum()
    return pd.Series(
        {"MASE": mase.mean(), "MASE SE": mase.std() / np.sqrt(n), "WAPE": wape, "WAPE SE": error}
    )


K = 10
CUT = 0.8  # share of the time that is known; the rest is to be predicted
_METRICS = {"NDCG@10": ndcg_at_k, "recall@10": recall_at_k, "hit rate@10": hit_rate_at_k}


@dataclass(frozen=True)
class Choices:
    """What the second half found."""

    accuracy: pd.DataFrame  # model → each metric and its standard error over households
    lists: pd.DataFrame  # household, rank, item, score, source, from all events of the year
    events: pd.Series  # categories bought, keyed by household and time
    best: str  # the model that made the lists: the best one before the cut
    chosen: dict  # model → parameters that its search chose
    gain: object  # paired test of the best model against popularity, in NDCG
    n_households: int  # that bought something after the cut
    n_new: int  # of these, how many had not bought anything before
    cut: pd.Timestamp


def recommend_categories(transactions, verbose=0):
    """Tune before the cut, recommend at the cut, and measure on what was bought after it."""
    events = transactions.dropna(subset="category")[["household", "time", "category"]]
    X, y = as_panel(events, group="household", time="time", target="category")
    time = X.index.get_level_values("time")
    cut = time.min() + CUT * (time.max() - time.min())
    past = time <= cut
    happened = y[~past]
    households = happened.index.unique("household")

    searches, values = {}, {}
    for name, search in tqdm(_searches(time.max() - cut).items(), disable=not verbose):
        searches[name] = search.fit(X[past], y[past])
        lists = search.best_estimator_.recommend(households, k=K)
        values[name] = {
            m: score(happened, lists, k=K, average=None) for m, score in _METRICS.items()
        }
    best = max(searches, key=lambda name: searches[name].best_score_)
    ndcg = {name: value["NDCG@10"] for name, value in values.items()}
    everyone = clone(searches[best].best_estimator_).fit(X, y)
    return Choices(
        accuracy=pd.DataFrame({name: _summary(v) for name, v in values.items()}).T,
        lists=everyone.recommend(X.index.unique("household"), k=K),
        events=y,
        best=best,
        chosen={name: search.best_params_ for name, search in searches.items()},
        gain=paired_test(ndcg[best], ndcg["popularity"], random_state=0),
        n_households=len(households),
        n_new=len(households.difference(y[past].index.unique("household"))),
        cut=cut,
    )


def _searches(ahead):
    """Return a search for each model, all on one inner cut that looks ahead as far as we will."""
    options = {"scoring": ndcg_scorer(k=K), "error_score": "raise"}
    options["cv"] = PanelTimeSeriesSplit(1, horizon=f"{ahead.days}D", freq=None)
    habits = {"window": [50, 200], "estimator__smoothing": [10, 30, 100, 300]}
    neighbours = {
        "window": [20, 100],
        "estimator__decay": [0.9, 0.97, 1.0],
        "estimator__shrinkage": [0, 10],
        "estimator__self_similarity": [None, 1.0],
    }
    grids = {
        "popularity": (DummyClassifier(), {}),
        "decayed popularity": (DummyClassifier(), {"half_life": ["30D", "60D", "120D", "240D"]}),
        "personal frequency": (PersonalFrequencyClassifier(), habits),
        "item-kNN": (ItemKNNClassifier(), neighbours),
    }
    return {
        name: GridSearchCV(SequenceRecommender(classifier), grid, **options)
        for name, (classifier, grid) in grids.items()
    }


def _summary(values):
    """Return the mean over households and its standard error, for each metric."""
    row = {}
    for metric, value in values.items():
        row[metric] = value.mean()
        row[f"{metric} SE"] = value.std() / np.sqrt(len(value))
    return row
