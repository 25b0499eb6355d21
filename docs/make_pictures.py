"""Make the pictures of the README from the bundled data: python docs/make_pictures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from sklearn.linear_model import Ridge

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_bike_sharing
from sklearn_tsrec.inspection import ForecastDisplay, SplitDisplay

STATIC = Path(__file__).parent / "_static"


def main():
    """Draw a week of bicycle hires, and the folds that a model of them is tuned on."""
    bikes = load_bike_sharing().frame[["time", "workingday", "hires"]]
    bikes = bikes[bikes["time"].between("2012-05-01", "2012-10-21 23:00")]
    X, y = as_panel(bikes, time="time", target="hires")
    [(train, test)] = PanelTimeSeriesSplit(1, horizon=7 * 24).split(X)
    window = [*range(1, 25), 167, 168, 169]
    forecaster = WindowForecaster(Ridge(), window=window).fit(X.iloc[train], y.iloc[train])
    forecasts = ForecastDisplay.from_estimator(forecaster, X.iloc[test], y, n_history=7 * 24)
    forecasts.figure_.set_size_inches(8, 2.8)
    forecasts.axes_[0].set_ylabel("hires an hour")
    days = X.groupby(X.index.floor("D")).last()
    splits = SplitDisplay.from_splitter(PanelTimeSeriesSplit(4, horizon=7, gap=3), days.tail(60))
    for name, display in (("forecast", forecasts), ("splits", splits)):
        display.figure_.savefig(STATIC / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
