"""The first half of the demo: forecast what a shop will sell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from sklearn_tsrec import as_panel
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.metrics import (
    mase_scorer,
    mean_absolute_scaled_error,
    paired_test,
    seasonal_naive_scale,
)
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

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
