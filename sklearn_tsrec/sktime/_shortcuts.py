"""Forecasters with settings that do well on most series."""

from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from sklearn_tsrec._extras import require
from sklearn_tsrec.ensemble import TemporalStackingRegressor
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit


def seasonal_window(period):
    """Return a window of three seasons, and how targets are made relative to it."""
    if period is None or period == 1:
        return {"window": 12, "target_transform": ["last", "scale"]}
    return {"window": 3 * period, "target_transform": ["last_season", "scale"], "period": period}


def boosting(params):
    """Return a LightGBM regressor that grows small trees slowly."""
    defaults = {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 15, "verbosity": -1}
    return require("lightgbm").LGBMRegressor(**defaults | params)


def season_stack(period, horizon):
    """Return a stack of a linear model, boosted trees and the last season."""
    how = seasonal_window(period)
    steps = period or 1
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0.0),
        window=steps,
        target_transform="seasonal",
        period=steps,
        columns=[],
    )
    return TemporalStackingRegressor(
        [
            ("linear", WindowForecaster(Ridge(), **how)),
            ("boosting", WindowForecaster(HistGradientBoostingRegressor(random_state=0), **how)),
            ("last_season", naive),
        ],
        cv=PanelTimeSeriesSplit(3, horizon=horizon),
    )
