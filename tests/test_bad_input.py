"""What no keyed estimator can use is refused in a short message; what looks odd but is fine works.

Every case runs over every estimator of a list that holds each way to read keys at least once.
Parameters have their own tests, in the rooms.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from sklearn_tsrec.features import LagFeatures, WindowFeatures
from sklearn_tsrec.forecasting import WindowForecaster, make_windows
from sklearn_tsrec.model_selection import LeaveLastOut, PanelTimeSeriesSplit, backtest
from sklearn_tsrec.preprocessing import OutlierClipper, SeriesImputer
from sklearn_tsrec.recommendation import SequenceRecommender

FORECASTER = WindowForecaster(Ridge(), window=2)
ESTIMATORS = [
    LagFeatures([1, 3]),
    LagFeatures([2, 3], target=True, horizon=2),
    WindowFeatures(3, ["mean", "std"], min_samples=1),
    WindowFeatures(3, "mean", target=True, min_samples=1),
    SeriesImputer("linear"),
    OutlierClipper(window=5, min_samples=2),
    FORECASTER,
    SequenceRecommender(DummyClassifier(), freq="infer"),
]
LONG = "x" * 1_000_000


def panel():
    """Return a shuffled panel of two series with keys in columns, and its target."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=12)
    X = pd.DataFrame({"shop": np.repeat(["a", "b"], 12), "day": np.tile(days, 2)})
    X = X.assign(promo=rng.integers(0, 2, 24) * 1.0).sample(frac=1, random_state=0)
    return X.reset_index(drop=True), pd.Series(rng.normal(5, 1, 24), name="sold")


def fit(estimator, X, y, **keys):
    """Fit a clone that reads the keys of the panel, and return it."""
    estimator = clone(estimator).set_params(**{"group": "shop", "time": "day"} | keys)
    if is_classifier(estimator):
        y = np.where(np.asarray(y) > 5, "tea", "rice")
    return estimator.fit(X, y)


def output(estimator, X):
    """Return what a fitted estimator says of each row."""
    call = estimator.transform if hasattr(estimator, "transform") else estimator.predict
    return np.asarray(call(X))


def twice(X):
    """Return as many rows, the first of them twice."""
    return X.iloc[[0, *range(len(X) - 1)]].reset_index(drop=True)


def zones(X):
    """Return days in two time zones."""
    zone = np.where(X["promo"] > 0, "UTC", "Asia/Tokyo")
    return pd.Series([t.tz_localize(z) for t, z in zip(X["day"], zone)], dtype=object)


def unequal(X):
    """Return times that follow no step."""
    return X["day"] + pd.to_timedelta(X["day"].dt.day ** 2 % 7, "h")


CASES = {
    "duplicate": (twice, {}, "repeats, first for group=[ab], time=2024"),
    "duplicate of a long name": (
        lambda X: twice(X.replace({"shop": {X["shop"][0]: LONG}})), {},
        r"repeats, first for group=x+… \(1000000 characters\)",
    ),
    "mixed time zones": (lambda X: X.assign(day=zones(X)), {}, "mixes time zones"),
    "NaT": (lambda X: X.assign(day=X["day"].where(X.index != 3)), {}, "time is missing.*row 3"),
    "no group": (
        lambda X: X.assign(shop=X["shop"].where(X.index != 3)), {}, "group is missing in row 3",
    ),
    "text as time": (lambda X: X.assign(day=X["day"].astype(str)), {}, "pandas.to_datetime"),
    "endless time": (lambda X: X.assign(day=np.inf), {}, "infinite in row 0"),
    "unknown group": (lambda X: X, {"group": "store"}, "unknown column 'store'"),
    "unknown time": (lambda X: X, {"time": "date"}, "unknown column 'date'"),
    "irregular": (lambda X: X.assign(day=unequal(X)), {}, "irregular"),
    "irregular under a frequency": (
        lambda X: X.assign(day=unequal(X)), {"freq": "D"}, "not on the grid of freq='D'",
    ),
    "off the grid": (lambda X: X, {"freq": "W-MON"}, "not on the grid of freq='W-MON'"),
    "empty": (lambda X: X.head(0), {}, "0 sample"),
    "a single row": (lambda X: X.head(1), {}, "at least two distinct times"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_refused(estimator, case):
    change, keys, message = CASES[case]
    X, y = panel()
    X = change(X)
    if is_classifier(estimator) and "duplicate" in case:  # baskets are several rows at one time
        assert len(output(fit(estimator, X, y), X)) == len(X)
        return
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        fit(estimator, X, y.head(len(X)), **keys)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("estimator", [e for e in ESTIMATORS if not is_classifier(e)], ids=repr)
def test_numbers_that_are_none_are_refused_by_who_reads_them(estimator):
    X, y = panel()
    reads_y = getattr(estimator, "target", estimator is FORECASTER)
    if not getattr(estimator, "target", False):
        with pytest.raises(ValueError, match="column 'promo', row 0"):
            fit(estimator, X.assign(promo=np.inf), y)
        with pytest.raises(ValueError, match="column 'promo' has dtype.*numbers are needed"):
            fit(estimator, X.assign(promo="yes"), y)
    if reads_y:
        with pytest.raises(ValueError, match="y contains infinity"):
            fit(estimator, X, y.where(y < 5, np.inf))
        with pytest.raises(ValueError, match="y must hold numbers for .* string to float: .*'tea'"):
            fit(estimator, X, np.full(len(y), "tea"))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_before_fit_and_for_series_never_seen(estimator):
    X, y = panel()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        output(clone(estimator), X)
    fitted = fit(estimator, X, y)
    stranger = X.assign(shop="new", day=X["day"] + pd.Timedelta(days=12)).drop_duplicates("day")
    if estimator is FORECASTER:
        with pytest.warns(UserWarning, match="1 series have no known target, first new"):
            np.testing.assert_allclose(output(fitted, stranger), y.mean())
        return
    out = output(fitted, stranger)
    assert len(out) == len(stranger)
    if getattr(estimator, "target", False):
        assert np.isnan(out).all()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_long_names_and_constant_series_are_fine(estimator):
    X, y = panel()
    expected = output(fit(estimator, X, y), X)
    longer = X.assign(shop=X["shop"].replace("b", LONG))
    actual = output(fit(estimator, longer, y), longer)
    if expected.ndim == 2 and expected.shape[1] == X.shape[1]:  # keys are in the output
        expected, actual = expected[:, 2:].astype(float), actual[:, 2:].astype(float)
    np.testing.assert_array_equal(actual, expected)
    constant = output(fit(estimator, X.assign(promo=5.0), y * 0 + 5), X.assign(promo=5.0))
    if estimator is FORECASTER:
        np.testing.assert_allclose(constant, 5.0)
    elif is_classifier(estimator):
        assert set(constant) == {"rice"}
    else:
        numbers = pd.DataFrame(constant).select_dtypes("number").to_numpy()
        assert set(numbers[~np.isnan(numbers)]) <= {5.0, 0.0}  # values, means; spreads


def test_splits_and_windows_refuse_the_same():
    X, y = panel()
    cv = PanelTimeSeriesSplit(2, group="shop", time="day")
    calls = [
        lambda X: list(cv.split(X)),
        lambda X: make_windows(X, y.head(len(X)), window=2, group="shop", time="day"),
        lambda X: backtest(FORECASTER, X, y.head(len(X)), cv=cv, verbose=0),
    ]
    last = LeaveLastOut(group="shop", time="day")  # counts events: times follow no step
    for case in ("mixed time zones", "NaT", "text as time", "endless time", "irregular", "empty"):
        change, _, message = CASES[case]
        for call in [*calls, lambda X: list(last.split(X))][: 3 + (case != "irregular")]:
            with pytest.raises((ValueError, TypeError), match=message) as caught:
                call(change(X))
            assert len(str(caught.value)) < 500
