"""Every bad input is named, with what to do about it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sklearn_tsrec.forecasting import WindowForecaster
from tests.forecasting.reference import make_panel, split

BAD = [
    ({"window": 0}, ValueError, "window"),
    ({"window": [0, 1]}, ValueError, r"window=\[0, 1\] holds 0"),
    ({"window": []}, ValueError, "must name at least one lag"),
    ({"horizon": 0}, ValueError, "horizon"),
    ({"target_transform": "log"}, ValueError, "target_transform='log' is not known"),
    ({"target_transform": "seasonal"}, ValueError, "needs period="),
    ({"target_transform": "last_season"}, ValueError, "'last_season' needs period="),
    ({"columns": ["price"]}, ValueError, "unknown column 'price'"),
    ({"past_columns": "price"}, ValueError, "unknown column 'price'"),
    ({"freq": "W-MON"}, ValueError, "not on the grid"),
    ({"window": 100}, ValueError, "found no whole window to learn from in n_samples=120 "),
]


@pytest.mark.parametrize(("parameters", "error", "message"), BAD)
def test_bad_parameters_are_named(parameters, error, message):
    X, y = make_panel()
    forecaster = WindowForecaster(**({"estimator": Ridge(), "window": 3} | parameters))
    with pytest.raises(error, match=message):
        forecaster.fit(X, y)


def test_bad_data_is_named():
    X, y = make_panel()
    forecaster = WindowForecaster(Ridge(), window=3)
    with pytest.raises(ValueError, match="repeats, first for group=a"):
        forecaster.fit(pd.concat([X, X.loc[["a"]]]), np.append(y, y["a"]))
    with pytest.raises(ValueError, match="all of it is missing"):
        forecaster.fit(X, y * np.nan)
    with pytest.raises(ValueError, match="infinity"):
        forecaster.fit(X, y.where(y > y.min(), np.inf))
    with pytest.raises(ValueError, match="column 'promo', row 0"):
        forecaster.fit(X.assign(promo=np.inf), y)
    with pytest.raises(ValueError, match="column 'promo' has dtype"):
        forecaster.fit(X.assign(promo="yes"), y)
    with pytest.raises(ValueError, match="could not convert string"):
        forecaster.fit(X, np.full(len(y), "many"))
    with pytest.raises(ValueError, match="requires y to be passed"):
        forecaster.fit(X, None)
    with pytest.raises(ValueError, match="needs at least two distinct times"):
        forecaster.fit(X.head(1), y.head(1))
    with pytest.raises(ValueError, match="0 sample"):
        forecaster.fit(X.head(0), y.head(0))
    with pytest.raises(ValueError, match="not fitted yet"):
        WindowForecaster().predict(X)


def test_columns_have_one_role():
    X, y = make_panel()
    X = X.assign(size=X.index.get_level_values("store").map({"a": 1.0, "b": 2.0, "c": 3.0}))
    WindowForecaster(Ridge(), window=3, static_columns="size").fit(X, y)
    with pytest.raises(ValueError, match=r"names column 'size', which is in past_columns already"):
        WindowForecaster(past_columns="size", static_columns="size").fit(X, y)
    with pytest.raises(ValueError, match="static_columns: 'promo' changes in series a"):
        WindowForecaster(Ridge(), window=3, static_columns="promo").fit(X, y)
    with pytest.raises(ValueError, match="names column 'day', which is a key already"):
        WindowForecaster(columns="day", group="store", time="day").fit(X.reset_index(), y)


def test_bad_rows_in_predict_and_update_are_named():
    X, y = make_panel()
    X_train, X_test, y_train, y_test = split(X, y)
    forecaster = WindowForecaster(Ridge(), window=3).fit(X_train, y_train)
    twice = pd.concat([X_test, X_test.loc[["b"]]])
    with pytest.raises(ValueError, match="repeats, first for store=b, day=2024-02-04"):
        forecaster.predict(twice)
    with pytest.raises(ValueError, match="repeats, first for store=b"):
        forecaster.update(twice, np.append(y_test, y_test["b"]))
    with pytest.raises(ValueError, match="requires y to be passed"):
        forecaster.update(X_test, None)
    noon = X_test.rename(lambda day: day + pd.Timedelta(hours=12), level="day")
    with pytest.raises(ValueError, match="not on the grid"):
        forecaster.predict(noon)
    with pytest.raises(ValueError, match="column 'promo' is known ahead, but missing in series a"):
        forecaster.predict(X_test.assign(promo=np.nan))
    with pytest.raises(ValueError, match="0 sample"):
        forecaster.predict(X_test.head(0))
    zones = X_test.index.set_levels(X_test.index.levels[1].tz_localize("UTC"), level="day")
    with pytest.raises(ValueError, match="time zone"):
        forecaster.predict(X_test.set_axis(zones))
    sized = X_train.assign(size=1.0)
    static = WindowForecaster(Ridge(), window=3, static_columns="size").fit(sized, y_train)
    with pytest.raises(ValueError, match="static column 'size' is missing in series a"):
        static.predict(X_test.assign(size=np.nan))


def test_a_very_long_name_of_a_series_is_cut_in_messages():
    days = pd.date_range("2024-01-01", periods=9)
    index = pd.MultiIndex.from_product([["a" * 1_000_000, "b"], days], names=["s", "d"])
    X = pd.DataFrame({"promo": 1.0}, index=index)
    forecaster = WindowForecaster(Ridge(), window=2).fit(X, np.arange(18.0))
    assert np.isfinite(forecaster.predict(X)).all()
    with pytest.raises(ValueError, match="known ahead") as error:
        forecaster.predict(X.assign(promo=np.nan))
    assert len(str(error.value)) < 400
