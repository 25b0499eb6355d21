"""What the commands ``forecast`` and ``backtest`` share: reading series, choosing a model."""

from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_tsrec import as_panel
from sklearn_tsrec._frequency import make_frequency
from sklearn_tsrec._times import read_times
from sklearn_tsrec.cli._tables import TableError, check_output, check_unique, read_table, say
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

_SEASONS = {"h": 24, "D": 7, "B": 5, "M": 12, "MS": 12, "ME": 12, "Q": 4, "QS": 4, "QE": 4}


def read_series(arguments):
    """Return the known values of a table, keyed by series and time."""
    check_output(arguments.out)
    table = read_table(
        arguments.file,
        labels=arguments.group,
        time=arguments.time,
        numbers=[arguments.target],
        time_format=arguments.time_format,
    )
    check_unique(table, [*arguments.group, arguments.time])
    known = table[arguments.target].notna()
    if not known.any():
        raise TableError(f"column {arguments.target!r} has no value in any row.")
    if not known.all():
        say(f"{(~known).sum()} of {len(table)} rows have no {arguments.target!r}: left out")
    return as_panel(
        table[known], group=arguments.group or None, time=arguments.time, target=arguments.target
    )


def make_forecaster(model, season, horizon, freq):
    """Return the forecaster that ``--model`` names."""
    if model == "seasonal-naive":
        return WindowForecaster(
            DummyRegressor(strategy="constant", constant=0.0),
            window=season,
            target_transform="seasonal",
            period=season,
            freq=freq,
        )
    how = {"window": max(8, season + 4), "target_transform": "scale", "period": season}
    linear = WindowForecaster(Ridge(), freq=freq, **how)
    boosting = WindowForecaster(HistGradientBoostingRegressor(random_state=0), freq=freq, **how)
    if model != "auto":
        return {"linear": linear, "boosting": boosting}[model]
    transforms = ["scale", "difference"] + (["seasonal"] if season > 1 else [])
    return GridSearchCV(
        linear,
        {"estimator": [linear.estimator, boosting.estimator], "target_transform": transforms},
        # Not scaled by series: one that repeats itself exactly has no scale.
        scoring="neg_mean_absolute_error",
        cv=PanelTimeSeriesSplit(2, horizon=horizon, freq=freq),
        error_score="raise",
    )


def season_of(frequency, asked):
    """Return the season that was asked for, or the usual one of a frequency."""
    season = asked or _SEASONS.get(str(frequency.name).split("-")[0], 1)
    if not asked:
        say(f"times are {frequency.name!r}: season {season} (give another with --season)")
    return season


def frequency_of(X, freq):
    """Return the calendar of a panel."""
    times = read_times(X.index.get_level_values(-1).unique().sort_values())
    return make_frequency(freq, times)
