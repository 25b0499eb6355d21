import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)

from sklearn_tsrec import PanelTimeSeriesSplit

START = pd.Timestamp("2024-02-20")


def make_panel(seed, n_series=3, n_days=40):
    """A ragged daily panel with holes, rows shuffled."""
    rng = np.random.default_rng(seed)
    parts = []
    for name in "abcdef"[:n_series]:
        begin, end = sorted(rng.choice(n_days, 2, replace=False))
        days = np.arange(begin, end + 1)
        days = days[(rng.random(len(days)) < 0.8) | (days == begin)]
        parts.append(pd.DataFrame({"shop": name, "day": START + pd.to_timedelta(days, "D")}))
    table = pd.concat(parts, ignore_index=True)
    table["x"] = rng.normal(size=len(table))
    return table.sample(frac=1, random_state=seed, ignore_index=True)


@given(
    seed=st.integers(0, 500),
    n_splits=st.integers(1, 4),
    horizon=st.integers(1, 6),
    gap=st.integers(0, 3),
    embargo=st.integers(0, 3),
    step=st.none() | st.integers(1, 8),
    max_train=st.none() | st.integers(1, 30),
    as_duration=st.booleans(),
)
@settings(max_examples=150)
def test_equals_a_slow_reference(
    seed, n_splits, horizon, gap, embargo, step, max_train, as_duration
):
    X = make_panel(seed)
    day = X.day.dt.date.tolist()
    last = max(day)
    one = pd.Timedelta("1D").to_pytimedelta()
    expected = []
    for fold in range(n_splits):
        shift = step or horizon
        cut = last - (horizon + (n_splits - 1 - fold) * shift) * one
        train, test = [], []
        for row, tick in enumerate(day):
            if cut < tick <= cut + horizon * one:
                test.append(row)
            if tick > cut - gap * one:
                continue
            if max_train is not None and tick <= cut - (gap + max_train) * one:
                continue
            earlier = [cut - j * shift * one for j in range(1, fold + 1)]
            if any(e + horizon * one < tick <= e + (horizon + embargo) * one for e in earlier):
                continue
            train.append(row)
        expected.append((train, test))
    assume(all(train and test for train, test in expected))

    def length(n):
        return f"{n}D" if as_duration and n else n

    cv = PanelTimeSeriesSplit(
        n_splits,
        horizon=length(horizon),
        gap=length(gap),
        embargo=length(embargo),
        step=length(step),
        max_train=length(max_train),
        group="shop",
        time="day",
        freq="D",
    )
    assert [(a.tolist(), b.tolist()) for a, b in cv.split(X)] == expected


@given(seed=st.integers(0, 200), horizon=st.integers(1, 4), gap=st.integers(0, 3))
@settings(max_examples=40)
def test_no_training_time_reaches_the_gap_and_row_order_does_not_matter(seed, horizon, gap):
    X = make_panel(seed).set_index(["shop", "day"])
    assume(X.index.get_level_values(1).nunique() > 25)
    cv = PanelTimeSeriesSplit(2, horizon=horizon, gap=gap, freq="D")
    try:
        folds = list(cv.split(X))
    except ValueError:  # a hole just where a test window lies
        assume(False)
    order = np.random.default_rng(seed).permutation(len(X))
    day = X.index.get_level_values(1)
    for (train, test), (train2, test2) in zip(folds, cv.split(X.iloc[order])):
        assert day[train].max() + pd.Timedelta(gap, "D") < day[test].min()
        assert set(order[train2]) == set(train)
        assert set(order[test2]) == set(test)


def test_keys_in_columns_index_arrays_and_polars_give_the_same_folds():
    X = make_panel(3)
    by_name = PanelTimeSeriesSplit(2, horizon=4, group="shop", time="day", freq="D")
    expected = [(a.tolist(), b.tolist()) for a, b in by_name.split(X)]
    code, day = pd.factorize(X.shop)[0], (X.day - START).dt.days
    array = np.column_stack([code, day, X.x])
    for cv, table in (
        (PanelTimeSeriesSplit(2, horizon=4, freq="D"), X.set_index(["shop", "day"])),
        (PanelTimeSeriesSplit(2, horizon=4, group=0, time=1), array),
        (by_name, pl.DataFrame({name: X[name].to_numpy() for name in X})),
    ):
        assert [(a.tolist(), b.tolist()) for a, b in cv.split(table)] == expected


def test_calendar_steps_count_months_and_working_days():
    X = pd.DataFrame({"x": 0.0}, pd.date_range("2023-01-01", periods=14, freq="MS"))
    train, test = next(PanelTimeSeriesSplit(1, horizon=2, gap=1).split(X))
    assert (train.max(), test.tolist()) == (10, [12, 13])
    X = pd.DataFrame({"x": 0.0}, pd.date_range("2024-01-01", periods=15, freq="B"))
    train, test = next(PanelTimeSeriesSplit(1, horizon=5).split(X))
    assert test.tolist() == [10, 11, 12, 13, 14]
    X = pd.DataFrame({"x": 0.0}, pd.period_range("2020Q1", periods=9, freq="Q"))
    train, test = next(PanelTimeSeriesSplit(1, horizon=2).split(X))
    assert test.tolist() == [7, 8]


def test_event_logs_by_duration_need_no_frequency():
    time = pd.to_datetime(
        [
            "2024-01-01 10:01",
            "2024-01-01 10:01",
            "2024-01-09 08:00:01.5",
            "2024-01-20",
            "2024-01-21 03:00",
        ],
        format="ISO8601",
    )
    X = pd.DataFrame({"user": [1, 1, 2, 1, 2], "t": time}).iloc[::-1]
    cv = PanelTimeSeriesSplit(1, horizon="14D", group="user", time="t")
    assert [(a.tolist(), b.tolist()) for a, b in cv.split(X)] == [([3, 4], [0, 1, 2])]


def test_integers_count_distinct_times_without_a_frequency():
    X = np.array([[1.0, 5.0, 5.0, 90.5, 1e9]]).T
    cv = PanelTimeSeriesSplit(2, horizon=1, time=0, freq=None)
    assert [(a.tolist(), b.tolist()) for a, b in cv.split(X)] == [
        ([0, 1, 2], [3]),
        ([0, 1, 2, 3], [4]),
    ]


def test_local_days_are_whole_days_when_clocks_change():
    days = pd.date_range("2024-03-25", "2024-04-05", tz="Europe/Berlin")
    X = pd.DataFrame({"x": 0.0}, days)
    for horizon in (7, "7D"):
        _, test = next(PanelTimeSeriesSplit(1, horizon=horizon).split(X))
        assert test.tolist() == [5, 6, 7, 8, 9, 10, 11]


def test_works_as_cv_everywhere_in_scikit_learn():
    X = make_panel(5, n_series=6).set_index(["shop", "day"])
    y = 2 * X.x + 1
    cv = PanelTimeSeriesSplit(3, horizon=4, freq="D")
    grid = {"alpha": [1e-3, 1e3]}
    score = "neg_mean_absolute_error"
    for search in (
        GridSearchCV(Ridge(), grid, cv=cv, scoring=score, n_jobs=2),
        RandomizedSearchCV(Ridge(), grid, cv=cv, scoring=score, n_iter=2, random_state=0),
        HalvingGridSearchCV(Ridge(), grid, cv=cv, scoring=score, random_state=0, min_resources=20),
    ):
        assert clone(search).fit(X, y).best_params_ == {"alpha": 1e-3}
    assert len(cross_validate(Ridge(), X, y, cv=cv)["test_score"]) == 3
    assert repr(pickle.loads(pickle.dumps(cv))) == repr(cv)
    assert "horizon=4" in repr(cv)


DAILY = pd.DataFrame({"x": 0.0}, pd.date_range("2024-01-01", periods=10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 0}, "n_splits must be an integer"),
        ({"n_splits": 2.0}, "n_splits must be an integer"),
        ({"horizon": 0}, "horizon must be an integer of at least 1"),
        ({"horizon": 1.5}, "horizon must be an integer"),
        ({"horizon": "a week"}, "is not a duration"),
        ({"gap": -1}, "gap must be an integer of at least 0"),
        ({"step": 0}, "step must be an integer of at least 1"),
        ({"max_train": 0}, "max_train must be an integer of at least 1"),
        ({"n_splits": 3, "horizon": 3, "gap": 1}, "need 11 steps of 'D', but the table has 10"),
        ({"n_splits": 4, "horizon": "3D"}, "need 12 days, but the table has 9 days"),
        ({"horizon": 2, "gap": "30h"}, "1.25 steps"),
        ({"freq": None, "horizon": 2, "gap": "1D"}, "with freq=None"),
        ({"freq": None, "n_splits": 10}, "need 11 distinct times, but the table has 10"),
        ({"time": "date"}, "unknown column 'date'"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        list(PanelTimeSeriesSplit(**{"n_splits": 2, **options}).split(DAILY))


def test_a_hole_in_place_of_a_fold_is_named():
    X = DAILY.iloc[[0, 1, 2, 3, 4, 9]]
    with pytest.raises(ValueError, match="fold 0 of 2 has no test rows"):
        list(PanelTimeSeriesSplit(2, horizon=2).split(X))
    with pytest.raises(ValueError, match="fold 0 of 1 has no training rows"):
        list(PanelTimeSeriesSplit(1, horizon=1, max_train=2).split(X))


def test_durations_of_plain_numbers_raise():
    with pytest.raises(ValueError, match="the times are plain numbers"):
        next(PanelTimeSeriesSplit(1, horizon="7D", time=0).split(np.arange(9.0)[:, None]))
