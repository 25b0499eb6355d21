import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec import as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.datasets._complete_journey import weekly_demand


@pytest.fixture(scope="module")
def journey():
    return load_complete_journey()


def test_the_demand_table_is_a_full_calendar_of_complete_weeks(journey):
    demand = journey.demand
    assert demand["week"].min() == pd.Timestamp("2017-01-02")
    assert demand["week"].max() == pd.Timestamp("2017-12-25")
    assert (demand["week"].dt.weekday == 0).all()
    assert (demand.groupby("category")["week"].nunique() == 52).all()
    assert not demand.duplicated(["category", "week"]).any()
    assert not demand.isna().any().any()
    assert demand["discount"].between(0, 1).all()


def test_demand_is_the_sum_of_the_receipt_lines(journey):
    lines, demand = journey.transactions, journey.demand
    monday = pd.Timestamp("2017-05-08")
    inside = lines["time"].between(monday, monday + pd.Timedelta("7D"), inclusive="left")
    eggs = lines[inside & (lines["category"] == "EGGS") & (lines["quantity"] > 0)]
    row = demand[(demand["category"] == "EGGS") & (demand["week"] == monday)].squeeze()
    assert row["demand"] == eggs["quantity"].sum()
    shelf = eggs["sales"] + eggs["retail_discount"]
    assert row["price"] == pytest.approx((shelf / eggs["quantity"]).mean(), abs=1e-4)
    assert row["discount"] == pytest.approx((eggs["retail_discount"] / shelf).mean(), abs=1e-4)


def test_what_demand_leaves_out_is_what_the_description_says(journey):
    lines, demand = journey.transactions, journey.demand
    assert not demand["category"].isin(["FUEL", "COUPON/MISC ITEMS"]).any()
    counted = lines[
        (lines["time"] >= "2017-01-02")
        & (lines["time"] < "2018-01-01")
        & lines["category"].notna()
        & ~lines["category"].isin(["FUEL", "COUPON/MISC ITEMS"])
    ]
    assert demand["demand"].sum() == counted["quantity"].sum()
    assert lines["category"].isna().sum() == 331
    assert (lines["quantity"] == 0).sum() == 416


def test_transactions_lie_on_the_local_clock_in_order(journey):
    lines = journey.transactions
    assert lines["time"].is_monotonic_increasing
    assert lines["time"].min() == pd.Timestamp("2017-01-01 07:30:27")
    assert lines["time"].max().year == 2017
    assert lines["time"].dt.hour.value_counts().idxmax() == 17
    assert lines["household"].nunique() == 2377
    assert lines["product"].isin(journey.products["product"]).sum() == 74778
    priced = lines[lines["quantity"] > 0]
    np.testing.assert_allclose(
        priced["price"] * priced["quantity"],
        priced["sales"] + priced["retail_discount"],
        atol=2e-4 * priced["quantity"].max(),
    )
    assert lines.loc[lines["quantity"] == 0, "price"].isna().all()


def test_both_tables_become_panels(journey):
    X, y = as_panel(journey.demand, group="category", time="week", target="demand")
    assert X.columns.tolist() == ["price", "discount"]
    assert y.groupby(level="category").size().eq(52).all()
    events = journey.transactions.dropna(subset="category")
    _, items = as_panel(events, group="household", time="time", target="category")
    assert len(items) == 75000 - 331


def test_empty_weeks_have_demand_zero_and_the_last_price():
    line = {"quantity": 2, "price": 2.0, "sales": 3.0, "retail_discount": 1.0}
    rows = [
        line | {"category": "a", "time": "2024-01-01 09:00"},  # a Monday
        line | {"category": "b", "time": "2024-01-10 09:00", "price": 3.0, "sales": 5.0},
        line | {"category": "a", "time": "2024-01-21 23:00", "price": 1.5, "retail_discount": 0.0},
        line | {"category": "a", "time": "2024-01-22 09:00"},  # the week that has just begun
    ]
    lines = pd.DataFrame(rows).assign(time=lambda t: pd.to_datetime(t["time"]))
    table = weekly_demand(lines).set_index(["category", "week"])
    assert table.loc["a", "demand"].tolist() == [2, 0, 2]
    assert table.loc["a", "price"].tolist() == [2.0, 2.0, 1.5]
    assert table.loc["a", "discount"].tolist() == [0.25, 0.25, 0.0]
    assert table.loc["b", "demand"].tolist() == [0, 2, 0]
    assert table.loc["b", "price"].tolist() == [3.0, 3.0, 3.0]


def test_every_line_counts_once_in_price_and_discount():
    line = {"category": "a", "time": pd.Timestamp("2024-01-02")}
    rows = [
        line | {"quantity": 1, "price": 5.0, "sales": 5.0, "retail_discount": 0.0},
        line | {"quantity": 9, "price": 1.0, "sales": 4.5, "retail_discount": 4.5},
    ]
    days = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=7), "quantity": 0})
    lines = pd.concat([days[:1], pd.DataFrame(rows), days[2:]], ignore_index=True)
    table = weekly_demand(lines)
    assert table[["price", "discount", "demand"]].to_numpy().tolist() == [[3.0, 0.25, 10]]


def test_description_says_what_the_data_are(journey):
    assert "This is a sample" in journey.DESCR
    assert "CC0" in journey.DESCR
