"""Tables of Nixtla's tools and series of darts, there and back."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.sktime import from_darts, from_nixtla, to_darts, to_nixtla


def shuffled(**options):
    X, y = make_panel(3, 12, random_state=0, **options)
    keep = np.random.default_rng(0).permutation(len(X))
    return X.iloc[keep], y.iloc[keep]


# ---- Nixtla


def test_nixtla_there_and_back():
    X, y = shuffled(ragged=0.3)
    df = to_nixtla(X, y)
    assert list(df.columns) == ["unique_id", "ds", "y", "x0"]
    np.testing.assert_array_equal(df["unique_id"], X.index.get_level_values(0))
    again, target = from_nixtla(df)
    want = X.sort_index()
    np.testing.assert_array_equal(again, want)
    assert list(again.index) == list(want.index)
    np.testing.assert_array_equal(target, y.sort_index())
    columns = to_nixtla(X.reset_index(), y, group="series", time="time")
    pd.testing.assert_frame_equal(columns, df)


def test_nixtla_tables_of_the_future_and_of_other_kinds():
    X, y = shuffled()
    future = from_nixtla(to_nixtla(X))
    pd.testing.assert_frame_equal(future, from_nixtla(to_nixtla(X, y))[0])
    from_polars, _ = from_nixtla(pl.from_pandas(to_nixtla(X, y)))
    np.testing.assert_array_equal(from_polars, future)
    old = to_nixtla(X, y).set_index("unique_id")
    pd.testing.assert_frame_equal(from_nixtla(old)[0], future)


def test_nixtla_names_of_hierarchies_single_series_and_periods():
    day = pd.period_range("2024-01", periods=2, freq="M", name="month")
    index = pd.MultiIndex.from_product([["north"], [1, 2], day], names=["region", "shop", "month"])
    df = to_nixtla(pd.DataFrame(index=index), range(4))
    assert df["unique_id"].tolist() == ["north/1", "north/1", "north/2", "north/2"]
    assert df["ds"].tolist()[:2] == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")]
    assert to_nixtla(pd.DataFrame(index=day))["unique_id"].tolist() == [0, 0]


def test_nixtla_bad_tables():
    with pytest.raises(ValueError, match="df has no column 'ds'"):
        from_nixtla(pd.DataFrame({"unique_id": [1], "time": [2]}))
    with pytest.raises(TypeError, match="df must be a pandas, polars or arrow table, got list"):
        from_nixtla([1, 2])
    X, y = shuffled()
    with pytest.raises(ValueError, match=r"X has columns \['y'\]"):
        to_nixtla(X.rename(columns={"x0": "y"}), y)


# ---- darts, which is no dependency: a stand-in for what is used of it


class TimeSeries:
    """What the two functions use of darts: frames in, frames on a whole calendar out."""

    def __init__(self, df):
        self.df = df

    @classmethod
    def from_dataframe(cls, df, fill_missing_dates):
        assert fill_missing_dates
        return cls(df.asfreq("D") if isinstance(df.index, pd.DatetimeIndex) else df)

    def to_dataframe(self):
        return self.df.rename_axis(columns="component")

    def __len__(self):
        return len(self.df)


@pytest.fixture
def darts(monkeypatch):
    monkeypatch.setitem(sys.modules, "darts", SimpleNamespace(TimeSeries=TimeSeries))


def test_darts_there_and_back(darts):
    X, y = shuffled(ragged=0.3)
    late = y.index.get_level_values(-1) > pd.Timestamp("2024-01-10")
    series, covariates = to_darts(X, y.where(~late))
    assert [len(c) - len(s) for s, c in zip(series, covariates)] == [2, 2, 2]
    again, target = from_darts(series, covariates)
    pd.testing.assert_frame_equal(again, X.sort_index(), check_freq=False)
    pd.testing.assert_series_equal(target, y.where(~late).sort_index(), check_freq=False)
    by_name, _ = to_darts(X.reset_index(), y.where(~late), group="series", time="time")
    for one, two in zip(series, by_name):
        pd.testing.assert_frame_equal(one.df, two.df)


def test_darts_single_series_and_periods(darts):
    months = pd.period_range("2024-01-01", periods=3, freq="D")
    (one,), covariates = to_darts(pd.DataFrame(index=months), [1.0, 2.0, 3.0])
    assert covariates is None
    assert one.df.index[0] == pd.Timestamp("2024-01-01")
    X, y = from_darts(one)
    assert X.shape == (3, 0)
    assert y.tolist() == [1, 2, 3]
    assert y.index.name == "time"


def test_darts_bad_series(darts):
    (one,), (covariate,) = to_darts(*(t.loc[[0]] for t in shuffled()))
    with pytest.raises(ValueError, match="1 series and 2 covariates"):
        from_darts(one, [covariate, covariate])
    both = TimeSeries(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ValueError, match=r"series 0 has the components \['a', 'b'\]"):
        from_darts(both)


def test_darts_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "darts", None)
    X, y = shuffled()
    with pytest.raises(ImportError, match="pip install darts"):
        to_darts(X, y)
