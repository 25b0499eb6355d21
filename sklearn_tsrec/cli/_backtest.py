"""The command ``backtest``."""

import pandas as pd

from sklearn_tsrec.cli._series import frequency_of, make_forecaster, read_series, season_of
from sklearn_tsrec.cli._tables import say, write_table
from sklearn_tsrec.metrics import mean_absolute_error, weighted_absolute_percentage_error
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest


def run(arguments):
    """Forecast the last steps of a file as it would have gone, and print the errors."""
    X, y = read_series(arguments)
    season = season_of(frequency_of(X, arguments.freq), arguments.season)
    folds = PanelTimeSeriesSplit(arguments.folds, horizon=arguments.horizon, freq=arguments.freq)
    errors, tables = {}, {}
    for model in dict.fromkeys([arguments.model, "seasonal-naive"]):
        forecaster = make_forecaster(model, season, arguments.horizon, arguments.freq)
        table = backtest(forecaster, X, y, cv=folds, verbose=1)
        tables[model] = table
        scored = table.dropna(subset=["y_true", "y_pred"])
        errors[model] = {
            "MAE": mean_absolute_error(scored["y_true"], scored["y_pred"]),
            "WAPE": weighted_absolute_percentage_error(scored["y_true"], scored["y_pred"]),
            "forecasts": len(scored),
        }
    print(pd.DataFrame(errors).T.to_string(float_format="{:.4g}".format))
    if arguments.out:
        write_table(tables[arguments.model], arguments.out, arguments.time_format)
        say(f"{len(tables[arguments.model])} forecasts → {arguments.out}")
