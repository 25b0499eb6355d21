"""The command ``forecast``."""

import numpy as np
import pandas as pd

from sklearn_tsrec._times import read_times
from sklearn_tsrec.cli._series import frequency_of, make_forecaster, read_series, season_of
from sklearn_tsrec.cli._tables import say, write_table


def run(arguments):
    """Forecast every series of a file."""
    X, y = read_series(arguments)
    frequency = frequency_of(X, arguments.freq)
    season = season_of(frequency, arguments.season)
    future = _future_rows(X, frequency, arguments.horizon)
    model = make_forecaster(arguments.model, season, arguments.horizon, arguments.freq)
    model.fit(X, y)
    if hasattr(model, "best_params_"):
        best = model.best_params_
        say(
            f"chosen by cross-validation: {best['estimator']}, "
            f"target_transform={best['target_transform']!r}"
        )
    table = future.index.to_frame(index=False).assign(forecast=model.predict(future))
    write_table(table, arguments.out, arguments.time_format)
    n_series = len(table) // arguments.horizon
    say(f"{n_series} series, {arguments.horizon} steps each{_to(arguments.out)}")


def _future_rows(X, frequency, horizon):
    """Return empty rows for the steps that follow the last row of each series."""
    ticks = frequency.ticks(read_times(X.index.get_level_values(-1)))
    levels = [X.index.get_level_values(j) for j in range(X.index.nlevels - 1)]
    if levels:
        last = pd.Series(ticks).groupby(levels).max()
        groups, last = last.index, last.to_numpy()
    else:
        groups, last = None, np.array([ticks.max()])
    times = frequency.times((last[:, None] + np.arange(1, horizon + 1)).ravel())
    if groups is None:
        index = times.rename(X.index.name)
    else:
        repeated = groups.repeat(horizon).to_frame(index=False)
        index = pd.MultiIndex.from_arrays(
            [*(repeated.iloc[:, j] for j in range(repeated.shape[1])), times], names=X.index.names
        )
    return pd.DataFrame(index=index)


def _to(out):
    """Return where the table went."""
    return f" → {out}" if out else ""
