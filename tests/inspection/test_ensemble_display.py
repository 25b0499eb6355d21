"""EnsembleDisplay shows weights, and the errors of members beside those of the stack."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_tsrec.ensemble import TemporalStackingRegressor
from sklearn_tsrec.forecasting import DriftRegressor, SeasonalNaiveRegressor
from sklearn_tsrec.inspection import EnsembleDisplay
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

mpl.use("Agg")


@pytest.fixture
def panel():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=40, name="day")
    index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    return pd.DataFrame(index=index), pd.Series(rng.normal(5, 1, 80), index)


def drawn(panel, *args, **options):
    """Return the display of a stack on its last four days, and the stack."""
    X, y = panel
    past = X.index.get_level_values(1) < "2024-02-06"
    members = [("last", SeasonalNaiveRegressor()), ("drift", DriftRegressor())]
    cv = PanelTimeSeriesSplit(2, horizon=4)
    stack = TemporalStackingRegressor(members, *args, cv=cv, **options).fit(X[past], y[past])
    display = EnsembleDisplay.from_estimator(stack, X[~past], y[~past])
    mpl.pyplot.close(display.figure_)
    return display, stack, X[~past], y[~past]


def test_errors_are_those_of_members_and_stack(panel):
    display, stack, X, y = drawn(panel)
    off = (y - stack.predict(X)).abs().groupby(level="day").mean()
    np.testing.assert_allclose(display.errors["stack"], off)
    np.testing.assert_allclose(display.lines_[-1].get_ydata(), off)
    assert [line.get_label() for line in display.lines_] == ["last", "drift", "stack"]


@pytest.mark.parametrize(("per", "n_bars", "label"), [
    (None, 2, "weight"), ("horizon", 8, "steps ahead"), ("group", 4, "series"),
])  # fmt: skip
def test_weights_are_drawn_as_they_are_learned(panel, per, n_bars, label):
    display, stack, _, _ = drawn(panel, per=per)
    ax = display.axes_[0]
    assert ax.get_xlabel() == label
    size = [bar.get_width() if per is None else bar.get_height() for bar in ax.patches]
    assert len(size) == n_bars
    np.testing.assert_allclose(sorted(size), np.sort(stack.weights_.to_numpy().ravel()))


def test_online_weights_are_drawn_over_time(panel):
    X, y = panel
    days = X.index.get_level_values("day")
    past = days < "2024-01-21"
    members = [("last", SeasonalNaiveRegressor()), ("drift", DriftRegressor())]
    stack = TemporalStackingRegressor(members, cv=5, weights="online").fit(X[past], y[past])
    for day in pd.date_range("2024-01-21", "2024-02-01"):
        stack.partial_fit(X[days == day], y[days == day])
    ahead = days >= "2024-02-02"
    display = EnsembleDisplay.from_estimator(stack, X[ahead], y[ahead])
    areas = display.axes_[0].collections
    assert [area.get_label() for area in areas] == ["last", "drift"]
    edge = areas[0].get_paths()[0].vertices[:, 1]
    weights = stack.weights_over_time_
    assert weights.index.equals(pd.date_range("2024-01-16", "2024-02-01", name="day"))
    assert set(weights["last"].round(9)) == set(edge[edge > 0].round(9))
    mpl.pyplot.close(display.figure_)


def test_without_weights_there_are_errors_only(panel):
    display, *_ = drawn(panel, LinearRegression())
    assert len(display.axes_) == 1
    with pytest.raises(ValueError, match="axes has 2 Axes, but 1 are needed"):
        display.plot(axes=mpl.pyplot.subplots(2)[1])
    mpl.pyplot.close("all")


def test_what_is_no_stack_is_refused(panel):
    X, y = panel
    with pytest.raises(TypeError, match="LinearRegression is no stack"):
        EnsembleDisplay.from_estimator(LinearRegression(), X, y)
