"""Keys mean the same wherever a table holds them, and bad keys are named."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sklearn_tsrec import as_panel
from tests.test_history import Keyed


@pytest.fixture
def frame():
    """A small panel with keys in columns, rows in no order."""
    days = pd.date_range("2024-01-01", periods=4, freq="D")
    table = pd.DataFrame(
        {
            "store": np.repeat(["b", "a", "c"], 4),
            "date": np.tile(days, 3),
            "promo": np.arange(12.0),
        }
    )
    return table.sample(frac=1, random_state=0)


def same(keyed_a, a, keyed_b, b):
    """Assert that two tables have the same keys."""
    one, two = keyed_a._fit_keys(a), keyed_b._fit_keys(b)
    np.testing.assert_array_equal(one.codes, two.codes)
    np.testing.assert_array_equal(one.ticks, two.ticks)
    one, two = keyed_a._read_keys(a), keyed_b._read_keys(b)
    np.testing.assert_array_equal(one.codes, two.codes)
    np.testing.assert_array_equal(one.ticks, two.ticks)


def test_index_columns_polars_arrow_and_categories_agree(frame):
    columns = Keyed("store", "date")
    indexed = frame.set_index(["store", "date"])
    same(columns, frame, Keyed(), indexed)
    same(columns, frame, Keyed("store", "date"), pl.from_pandas(frame))
    same(columns, frame, Keyed("store", "date"), pa.Table.from_pandas(frame, preserve_index=False))
    same(columns, frame, Keyed(0, 1), frame)
    category = frame.assign(store=frame["store"].astype("category"))
    same(columns, frame, Keyed("store", "date"), category)
    same(Keyed(), category.set_index(["store", "date"]), Keyed(), indexed)


LABELS = [
    lambda f: f,
    *(lambda f, dtype=dtype: f.assign(store=f["store"].astype(dtype))
      for dtype in (object, "string", "category")),
    *(lambda f, dtype=dtype: pl.from_pandas(f).with_columns(pl.col("store").cast(dtype))
      for dtype in (pl.String, pl.Categorical, pl.Enum(["c", "a", "b", "unused"]))),
    lambda f: pa.Table.from_pandas(f, preserve_index=False),
]  # fmt: skip


@pytest.mark.parametrize("form", LABELS)
@pytest.mark.parametrize("by", [["store", "date"], ["date", "store"], ["promo"]])
def test_labels_are_numbered_alike_in_runs_and_out_of_them(frame, form, by):
    frame = frame.sort_values(by).reset_index(drop=True)
    keyed = Keyed("store", "date")
    same(Keyed("store", "date"), frame.set_index("promo"), keyed, form(frame))
    assert keyed.groups_.tolist() == ["a", "b", "c"]
    frame["store"] = frame["store"].where(frame["promo"] != 3)
    row = int(frame["store"].isna().argmax())
    with pytest.raises(ValueError, match=f"group is missing in row {row} and in 1 row"):
        keyed._fit_keys(form(frame))


def test_arrays_give_positions(frame):
    table = np.column_stack(
        [frame["store"].map({"a": 0, "b": 1, "c": 2}), frame["date"].dt.day, frame["promo"]]
    )
    keyed = Keyed(0, 1)
    keys = keyed._fit_keys(table)
    np.testing.assert_array_equal(keys.codes, table[:, 0])
    np.testing.assert_array_equal(np.diff(keys.ticks[keys.order]) == 1, [1, 1, 1, 0] * 2 + [1] * 3)


def test_several_group_columns(frame):
    frame = frame.assign(item=np.where(frame["promo"] % 2, "x", "y"))
    one = Keyed(["store", "item"], "date", freq="D")
    same(one, frame, Keyed(freq="D"), frame.set_index(["store", "item", "date"]))
    assert one.groups_[0] == ("a", "x")
    assert one._group_names == ["store", "item"]
    same(one, frame, Keyed(["store", "item"], "date", freq="D"), pl.from_pandas(frame))


def test_polars_time_zones(frame):
    zoned = frame.assign(date=frame["date"].dt.tz_localize("Europe/Paris"))
    same(Keyed("store", "date"), zoned, Keyed("store", "date"), pl.from_pandas(zoned))


def test_slices_forget_levels_that_they_do_not_use(frame):
    indexed = frame.set_index(["store", "date"]).sort_index()
    extra = indexed.rename({pd.Timestamp("2024-01-04"): pd.Timestamp("2024-01-04 07:00")})
    keyed = Keyed()
    keyed._fit_keys(extra[extra.index.get_level_values("date") < "2024-01-04"])
    assert keyed.freq_ == "D"


def test_unseen_series_get_new_codes(frame):
    keyed = Keyed("store", "date")
    keyed._fit_keys(frame)
    keys = keyed._read_keys(frame.head(3).assign(store=["zz", "a", "yy"]))
    assert keys.n_known == 3
    assert keys.n_series == 5
    assert keys.codes[1] == 0
    assert set(keys.codes[[0, 2]]) == {3, 4}


BAD = [
    (lambda f: f.assign(store="a"), {}, ValueError, r"repeats, first for time=2024-01-01.*8 row"),
    (lambda f: f.assign(date=f.date.where(f.promo > 0)), {}, ValueError, "time is missing"),
    (lambda f: f.assign(store=f.store.where(f.promo > 0)), {}, ValueError, "group is missing"),
    (lambda f: f.assign(date=f.date.astype(str)), {}, TypeError, "convert"),
    (lambda f: f, {"group": "shop"}, ValueError, "unknown column 'shop'. The columns are store"),
    (lambda f: f, {"time": "day"}, ValueError, "unknown column 'day'"),
    (lambda f: f, {"time": 7}, ValueError, "time 7 is out of range: the table has 3 columns"),
    (lambda f: f, {"freq": "W-MON"}, ValueError, "not on the grid"),
    (lambda f: f, {"group": []}, ValueError, "names no column"),
    (lambda f: f, {"time": None}, ValueError, "plain row number, while column 'date' holds dates"),
    (lambda f: f.to_numpy(), {"time": None, "group": 0}, ValueError, "no index to read times"),
    (lambda f: f.to_numpy(), {"group": 0}, ValueError, "is a name, but X is an array"),
    (lambda f: f.head(1), {}, ValueError, "needs at least two distinct times"),
]


@pytest.mark.parametrize(("change", "keys", "error", "message"), BAD)
def test_bad_keys_are_named(frame, change, keys, error, message):
    keyed = Keyed(**({"group": "store", "time": "date"} | keys))
    frame = frame.reset_index(drop=True)
    with pytest.raises(error, match=message):
        keyed._fit_keys(change(frame))


def test_irregular_times_are_not_guessed():
    index = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-17"])
    table = pd.DataFrame({"v": np.arange(4.0)}, index=index)
    with pytest.raises(
        ValueError, match="irregular: all times fit freq='D', but the commonest gap"
    ):
        Keyed()._fit_keys(table)
    assert Keyed(freq="D")._fit_keys(table).ticks.tolist()[-1] == 19739


def test_other_kinds_of_time_are_refused(frame):
    keyed = Keyed("store", "date")
    keyed._fit_keys(frame)
    with pytest.raises(TypeError, match="holds numbers here, but datetimes in fit"):
        keyed._read_keys(frame.assign(date=1))
    with pytest.raises(ValueError, match="time zone UTC here, but None in fit"):
        keyed._read_keys(frame.assign(date=frame.date.dt.tz_localize("UTC")))
    monthly = Keyed("store", "date")
    monthly._fit_keys(frame.assign(date=frame.date.dt.to_period("D")))
    with pytest.raises(ValueError, match="periods of 'M' here, but of 'D' in fit"):
        monthly._read_keys(frame.assign(date=frame.date.dt.to_period("M")))


def test_a_million_characters_do_not_flood_the_message(frame):
    long = pd.concat([frame, frame.head(1)]).assign(store="x" * 1_000_000)
    long["store"] = long["store"].where(long["promo"] > 0, "y" * 1_000_000)
    with pytest.raises(ValueError, match=r"1000000 characters") as caught:
        Keyed("store", "date")._fit_keys(long)
    assert len(str(caught.value)) < 500


def test_as_panel_sorts_and_splits(frame):
    X, y = as_panel(frame, group="store", time="date", target="promo")
    assert X.index.names == ["store", "date"]
    assert X.index.is_monotonic_increasing
    assert y.loc[("b", pd.Timestamp("2024-01-01"))] == 0
    for table in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        other, z = as_panel(table, group="store", time="date", target="promo")
        assert other.index.equals(X.index)
        np.testing.assert_array_equal(y, z)
    assert as_panel(frame.query("store == 'a'"), time="date").index.name == "date"


@pytest.mark.parametrize(
    ("change", "keys", "error", "message"),
    [
        (lambda f: f.to_numpy(), {}, TypeError, "must be a pandas, polars or arrow table"),
        (lambda f: f, {"target": "sales"}, ValueError, "unknown column 'sales'"),
        (lambda f: f, {"time": None}, ValueError, "time=None names no column"),
        (lambda f: f.assign(date=f.date.where(f.promo != 3)), {}, ValueError, "'date' is missing"),
        (lambda f: f.assign(store=f.store.where(f.promo != 3)), {}, ValueError, "'store' is miss"),
        (lambda f: f.assign(date=f.date.astype(str)), {}, TypeError, "convert"),
    ],
)
def test_as_panel_names_what_is_wrong(frame, change, keys, error, message):
    with pytest.raises(error, match=message):
        as_panel(change(frame), **({"group": "store", "time": "date"} | keys))
