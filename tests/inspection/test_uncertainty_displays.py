"""Fans, sample paths and charts of drift are drawn from the numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
from sklearn_tsrec.inspection import DriftDisplay, ForecastDisplay
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.monitoring import DriftMonitor


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_a_fan_and_sample_paths():
    index = pd.date_range("2024-01-01", periods=60, name="day")
    X, y = pd.DataFrame(index=index), pd.Series(np.random.default_rng(0).normal(size=60), index)
    cv = PanelTimeSeriesSplit(10, horizon=4)
    model = ConformalForecaster(WindowForecaster(window=2), cv=cv).fit(X[:56], y[:56])
    display = ForecastDisplay.from_estimator(
        model, X[56:], y, coverage=[0.5, 0.9], n_paths=7, random_state=0
    )
    wide, narrow = (band.get_datalim(display.axes_[0].transData) for band in display.fill_between_)
    ends = model.predict_interval(X[56:], 0.9)
    assert wide.y0 == pytest.approx(ends.min())
    assert wide.y1 == pytest.approx(ends.max())
    assert narrow.height < wide.height
    paths = model.predict_paths(X[56:], 7, random_state=0)
    drawn = np.column_stack([line.get_ydata() for line in display.path_lines_])
    np.testing.assert_allclose(drawn, paths)
    with pytest.raises(ValueError, match="paths must be a DataFrame"):
        ForecastDisplay.from_predictions(y, y[56:], paths=pd.DataFrame({0: y[:3]}))


def test_charts_of_drift():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"price": rng.normal(size=100)})
    monitor = DriftMonitor().fit(X, rng.normal(size=50))
    with pytest.raises(ValueError, match="compared nothing yet"):
        DriftDisplay.from_estimator(monitor)
    monitor.update(X + 1, rng.normal(size=40), covered=np.ones(40, dtype=bool))
    display = DriftDisplay.from_estimator(monitor)
    names = ["price", "errors up", "errors down", "errors larger", "coverage low", "coverage high"]
    assert [line.get_label() for line in display.lines_] == names
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["inputs", "errors", "coverage"]
    last = [line.get_ydata()[-1] for line in display.lines_]
    np.testing.assert_allclose(last, monitor.report_["statistic"].astype(float))
    with pytest.raises(ValueError, match="give one for each"):
        display.plot(axes=plt.subplots()[1])
