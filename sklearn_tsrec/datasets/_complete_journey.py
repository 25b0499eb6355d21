import pandas as pd
from sklearn.utils import Bunch

from sklearn_tsrec.datasets._base import read_description, read_table

_NOT_COUNTED = ("COUPON/MISC ITEMS", "FUEL")  # gallons and dollars, not units


def load_complete_journey():
    """Load one year of grocery shopping: receipt lines, and weekly demand by category.

    One table, two questions: what will be sold next week (``demand``), and what will a household
    buy next (``transactions``). It is a sample of about one receipt line in twenty, see ``DESCR``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with

        demand : pandas.DataFrame of shape (14924, 5)
            One row for each category and week: ``category``, ``week`` (its Monday), ``price`` and
            ``discount`` (known ahead), ``demand`` in units. A full calendar of 52 weeks: a week
            without sales has demand 0 and the price and discount of the last week with sales.
        transactions : pandas.DataFrame of shape (75000, 10)
            One row for each receipt line, in order of time: ``household``, ``time``, ``store``,
            ``product``, ``category``, ``quantity``, ``price`` (of one unit, before discounts),
            ``sales``, ``retail_discount`` and ``coupon_discount`` (dollars for the line).
        products : pandas.DataFrame of shape (20897, 6)
            Department, category, type, brand and size of each product.
        households : pandas.DataFrame of shape (801, 7)
            What some of the households answered about themselves.
        DESCR : str
            Full description, with its licence (CC0 1.0) and its source.

    See Also
    --------
    sklearn_tsrec.as_panel : Moves keys into the index, and splits the target off.

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import load_complete_journey
    >>> journey = load_complete_journey()
    >>> X, y = as_panel(journey.demand, group="category", time="week", target="demand")
    >>> X.loc["EGGS"].head(2).round(2)
                price  discount
    week
    2017-01-02   1.19      0.08
    2017-01-09   1.52      0.03
    >>> y.loc["EGGS"].head(2).tolist()
    [12, 21]
    >>> events = journey.transactions.dropna(subset="category")
    >>> X, y = as_panel(events, group="household", time="time", target="category")
    >>> y.loc[906].head(2).tolist()
    ['SEAFOOD - SHELF STABLE', 'SALD DRSNG/SNDWCH SPRD']
    """
    products = read_table("complete_journey_products")
    lines = read_table("complete_journey_transactions", parse_dates=["time"])
    category = lines["product"].map(products.set_index("product")["category"])
    lines.insert(4, "category", category)
    lines.insert(6, "price", _price(lines).round(4))
    return Bunch(
        demand=weekly_demand(lines),
        transactions=lines,
        products=products,
        households=read_table("complete_journey_households"),
        DESCR=read_description("complete_journey"),
    )


def _price(lines):
    """Return the shelf price of a unit on each receipt line."""
    quantity = lines["quantity"]
    return (lines["sales"] + lines["retail_discount"]) / quantity.where(quantity > 0)


def weekly_demand(lines):
    """Sum receipt lines by category and complete week, on a full calendar."""
    day = lines["time"].dt.normalize()
    week = day - pd.to_timedelta(day.dt.weekday, unit="D")
    # A week counts only if the days of the table cover it from Monday to Sunday.
    complete = (week >= day.iloc[0]) & (week + pd.Timedelta(days=6) <= day.iloc[-1])
    counted = (lines["quantity"] > 0) & ~lines["category"].isin(_NOT_COUNTED)
    share = lines["retail_discount"] / (lines["sales"] + lines["retail_discount"])
    lines = lines.assign(week=week, price=_price(lines), discount=share.fillna(0))
    lines = lines[complete & counted]
    # Every line counts once in price and discount: weighted by units, a household that stocks up
    # on something cheap would lower the price of the very week in which it raises demand.
    cells = lines.groupby(["category", "week"]).agg(
        price=("price", "mean"), discount=("discount", "mean"), demand=("quantity", "sum")
    )
    calendar = pd.date_range(lines["week"].min(), lines["week"].max(), freq="7D")
    names = cells.index.unique("category")
    demand = cells.round(4).reindex(
        pd.MultiIndex.from_product([names, calendar], names=["category", "week"])
    )
    by_category = demand[["price", "discount"]].groupby(level="category")
    demand[["price", "discount"]] = by_category.ffill().fillna(by_category.bfill())
    demand["demand"] = demand["demand"].fillna(0).astype(int)
    return demand.reset_index()
