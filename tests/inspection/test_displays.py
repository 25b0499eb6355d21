"""Displays draw the numbers they are given."""

import sys

import matplotlib as mpl
import matplotlib.dates
import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.inspection import BacktestDisplay, ForecastDisplay, SplitDisplay
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def spans(bars):
    """Return the ends of each bar on the axis."""
    ends = [path.vertices[:, 0] for path in bars.get_paths()]
    return [(x.min(), x.max()) for x in ends]


def days(*dates):
    """Return dates as matplotlib places them."""
    return tuple(mpl.dates.date2num(np.array(dates, "M8[D]")))


@pytest.fixture
def panel():
    days = pd.date_range("2024-01-01", periods=30, name="day")
    index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    y = pd.Series(np.sin(np.arange(60)) + np.repeat([5, 9], 30), index)
    return pd.DataFrame({"promo": np.arange(60.0) % 3}, index), y


def test_forecast_display_draws_each_series_beside_its_history(panel):
    X, y = panel
    late = X.index.get_level_values("day") >= "2024-01-25"
    forecaster = WindowForecaster(Ridge(), window=4).fit(X[~late], y[~late])
    display = ForecastDisplay.from_estimator(forecaster, X[late], y, n_history=10)
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["a", "b"]
    forecast = forecaster.predict(X[late])
    for actual, shop in zip(display.history_lines_, "ab"):
        np.testing.assert_allclose(actual.get_ydata(), y[shop].iloc[14:])
    for drawn, part in zip(display.lines_, np.split(forecast, 2)):
        np.testing.assert_allclose(drawn.get_ydata(), part)
    assert display.fill_between_ == []


def test_forecast_display_draws_intervals_and_few_series(panel):
    _, y = panel
    bounds = pd.DataFrame({"low": y - 1, "high": y + 1})
    display = ForecastDisplay.from_predictions(y, y, interval=bounds, max_series=1)
    (band,) = display.fill_between_
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(y["a"].min() - 1)
    assert heights.max() == pytest.approx(y["a"].max() + 1)
    periods = y["a"].copy()
    periods.index = periods.index.to_period("D")
    (line,) = ForecastDisplay.from_predictions(periods, periods).lines_
    np.testing.assert_allclose(line.get_ydata(), periods)


def test_forecast_display_draws_models_side_by_side_where_it_is_told(panel):
    _, y = panel
    axes = mpl.figure.Figure().subplots(2)
    forecasts = {"one": y + 1, "two": y.loc[["b"]]}
    display = ForecastDisplay.from_predictions(y, forecasts, axes=axes)
    assert [ax.get_title(loc="left") for ax in axes] == ["a", "b"]
    assert [line.get_label() for line in display.lines_] == ["one", "one", "two"]
    assert len({line.get_color() for line in display.lines_}) == 2
    np.testing.assert_allclose(display.lines_[1].get_ydata(), y["b"] + 1)
    np.testing.assert_allclose(display.lines_[2].get_ydata(), y["b"])


@pytest.mark.parametrize("n_history", [0, 3])
def test_forecast_display_shows_as_much_history_as_asked_for(panel, n_history):
    _, y = panel
    display = ForecastDisplay.from_predictions(y, y.groupby("shop").tail(6), n_history=n_history)
    for ax, shop in zip(display.axes_, "ab"):
        drawn = ax.get_lines()[0].get_ydata()
        np.testing.assert_allclose(drawn, y[shop].iloc[24 - n_history :])


def test_forecast_display_writes_local_dates():
    hours = pd.date_range("2024-01-01", periods=48, freq="h", tz="Asia/Tokyo")
    known = pd.Series(np.arange(48.0), hours)
    (ax,) = ForecastDisplay.from_predictions(known, known[24:]).axes_
    ax.figure.canvas.draw()
    written = {tick.label1.get_text(): tick.get_loc() for tick in ax.xaxis.get_major_ticks()}
    assert written["Jan-02"] == mpl.dates.date2num(hours[24])


def test_forecast_display_shows_a_series_without_a_name():
    index = pd.MultiIndex.from_arrays([[None, "b"], [0, 0]], names=["shop", "day"])
    display = ForecastDisplay.from_predictions(pd.Series(1.0, index), pd.Series(2.0, index))
    assert [len(ax.get_lines()) for ax in display.axes_] == [2, 2]


def test_split_display_shows_train_gap_and_test(panel):
    X, _ = panel
    cv = PanelTimeSeriesSplit(2, horizon=5, gap=3)
    display = SplitDisplay.from_splitter(cv, X.sample(frac=1, random_state=0))
    train, test = display.bars_[0]
    assert spans(train) == [days("2024-01-01", "2024-01-18")]
    assert spans(test) == [days("2024-01-21", "2024-01-26")]
    by_column = SplitDisplay.from_splitter(
        PanelTimeSeriesSplit(2, horizon=5, gap=3, group="shop", time="day"), X.reset_index()
    )
    np.testing.assert_array_equal(by_column.folds[0][0], display.folds[0][0])


def test_split_display_shows_training_on_both_sides_and_times_in_both():
    X = pd.DataFrame(index=pd.Index(range(6), name="t"))
    train, test = SplitDisplay.from_splitter(KFold(3), X).bars_[1]
    assert spans(train) == [(0, 2), (4, 6)]
    assert spans(test) == [(2, 4)]
    X = pd.DataFrame(index=pd.MultiIndex.from_product([["a", "b"], [0, 1]], names=["g", "t"]))
    train, test = SplitDisplay.from_splitter(KFold(2), X).bars_[0]
    assert spans(train) == spans(test) == [(0, 2)]


def test_split_display_reads_local_time_and_periods():
    local = pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo")
    for index in (local, local.tz_localize(None).to_period("D")):
        display = SplitDisplay.from_splitter(PanelTimeSeriesSplit(1), pd.DataFrame(index=index))
        assert spans(display.bars_[0][1]) == [days("2024-01-03", "2024-01-04")]


@pytest.mark.parametrize("by", ["step", "cutoff"])
def test_backtest_display_draws_mean_errors(panel, by):
    X, y = panel
    cv = PanelTimeSeriesSplit(3, horizon=4)
    table = backtest(Ridge(), X, y, cv=cv, verbose=0)
    display = BacktestDisplay.from_predictions({"one": table, "two": table}, by=by)
    want = (table["y_true"] - table["y_pred"]).abs().groupby(table[by]).mean()
    assert [line.get_label() for line in display.lines_] == ["one", "two"]
    for line in display.lines_:
        np.testing.assert_allclose(line.get_ydata(), want)
    if by == "step":
        near = table[table["step"] <= 2]
        ax = BacktestDisplay.from_predictions({"all": table, "near": near}).ax_
        assert list(ax.get_xticks()) == [1, 2, 3, 4]
    alone = BacktestDisplay.from_estimator(Ridge(), X, y, cv=cv, by=by)
    np.testing.assert_allclose(alone.errors["Ridge"]["mean"], want)


@pytest.mark.parametrize("by", ["step", "cutoff"])
def test_standard_errors_of_a_backtest_count_series(panel, by):
    _, y = panel
    noise = np.random.default_rng(0).normal(size=(60, 4))
    wide = pd.concat({k: pd.Series(y.to_numpy() + 9 * noise[:, k], y.index) for k in range(4)})
    wide.index = wide.index.set_names("region", level=0)  # eight series by two columns
    table = backtest(
        DummyRegressor(), wide.to_frame("x") * 0, wide, cv=PanelTimeSeriesSplit(3, horizon=4),
        verbose=0,
    )  # fmt: skip
    display = BacktestDisplay.from_predictions(table, by=by)
    off = (table["y_true"] - table["y_pred"]).abs()
    per_series = off.groupby([table[by], table["region"], table["shop"]]).mean().groupby(level=0)
    np.testing.assert_allclose(
        display.errors["model"]["std_error"], per_series.sem()
    )  # of equal size
    heights = display.fill_between_[0].get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(display.errors["model"].sum(axis=1).max())


def test_standard_errors_weigh_long_series_and_are_missing_for_one():
    rows = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    table = pd.DataFrame(rows, columns=["shop", "day"])
    table = table.assign(fold=0, cutoff=-1, step=1, y_true=[1.0, 3, 5, np.nan], y_pred=0.0)
    error = BacktestDisplay.from_predictions(table).errors["model"].loc[1]
    # Sums 4 of 2 rows and 5 of 1 row lie 2 off from 3 a row.
    assert error["mean"] == 3
    assert error["std_error"] == pytest.approx(np.sqrt(2 * (2**2 + 2**2)) / 3)
    one = BacktestDisplay.from_predictions(table.drop(columns="shop"))
    assert one.errors["model"]["mean"].tolist() == [3]
    assert one.errors["model"]["std_error"].isna().all()
    assert not one.fill_between_[0].get_paths()


def test_displays_name_what_is_wrong(panel):
    X, y = panel
    forecaster = WindowForecaster(Ridge(), window=4).fit(X, y)
    with pytest.raises(TypeError, match="y_true must be a pandas Series"):
        ForecastDisplay.from_predictions(y.to_numpy(), y)
    with pytest.raises(ValueError, match="y_pred is empty"):
        ForecastDisplay.from_predictions(y, y.iloc[:0])
    with pytest.raises(ValueError, match=r"y_pred\['one'\] is empty"):
        ForecastDisplay.from_predictions(y, {"one": y.iloc[:0]})
    with pytest.raises(ValueError, match="y_pred is empty: give at least one"):
        ForecastDisplay.from_predictions(y, {})
    with pytest.raises(ValueError, match="2 levels of keys, but y_pred 1"):
        ForecastDisplay.from_predictions(y, y["a"])
    with pytest.raises(TypeError, match="X must be a DataFrame and y a Series"):
        ForecastDisplay.from_estimator(forecaster, X, y.to_numpy())
    bounds = pd.DataFrame({"low": y - 1, "high": y + 1})
    for interval in (bounds.to_numpy(), bounds.reset_index(drop=True), bounds.loc[["a"]]):
        with pytest.raises(ValueError, match="interval must be a DataFrame with the index"):
            ForecastDisplay.from_predictions(y, y, interval=interval)
    with pytest.raises(ValueError, match="max_series must be at least 1, got 0"):
        ForecastDisplay.from_predictions(y, y, max_series=0)
    with pytest.raises(ValueError, match="n_history must be at least 0 or None, got -1"):
        ForecastDisplay.from_predictions(y, y, n_history=-1)
    with pytest.raises(ValueError, match="axes has 1 axes for 2 series"):
        ForecastDisplay(y, y).plot(axes=mpl.figure.Figure().subplots())
    with pytest.raises(ValueError, match="tables is empty"):
        BacktestDisplay.from_predictions({})
    with pytest.raises(ValueError, match="by='week' must be 'step' or 'cutoff'"):
        BacktestDisplay.from_predictions(pd.DataFrame(), by="week")
    with pytest.raises(ValueError, match="lacks the columns"):
        BacktestDisplay.from_predictions(pd.DataFrame({"fold": [0]}))


def test_without_matplotlib_the_way_out_is_said(panel, monkeypatch):
    _, y = panel
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-tsrec\[plot\]'"):
        ForecastDisplay.from_predictions(y, y)
