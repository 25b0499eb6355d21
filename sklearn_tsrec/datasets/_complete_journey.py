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
            What some of the households told about themselves.
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
    2017-01-02   1.18      0.09
    2017-01-09   1.79      0.02
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
    shelf = lines["sales"] + lines["retail_discount"]
    quantity = lines["quantity"]
    lines.insert(6, "price", (shelf / quantity.where(quantity > 0)).round(4))
    return Bunch(
        demand=weekly_demand(lines),
        transactions=lines,
        products=products,
        households=read_table("complete_journey_households"),
        DESCR=read_description("complete_journey"),
    )


def weekly_demand(lines):
    """Sum receipt lines by category and complete week, on a full calendar."""
    day = lines["time"].dt.normalize()
    week = day - pd.to_timedelta(day.dt.weekday, unit="D")
    # A week counts only if the days of the table cover it from Monday to Sunday.
    complete = (week >= day.iloc[0]) & (week + pd.Timedelta(days=6) <= day.iloc[-1])
    counted = (lines["quantity"] > 0) & ~lines["category"].isin(_NOT_COUNTED)
    lines = lines.assign(week=week, shelf=lines["sales"] + lines["retail_discount"])
    lines = lines[complete & counted]  # lines without a category fall out of the sums below
    sums = lines.groupby(["category", "week"])[["quantity", "shelf", "retail_discount"]].sum()
    calendar = pd.date_range(lines["week"].min(), lines["week"].max(), freq="7D")
    cells = pd.MultiIndex.from_product([sums.index.levels[0], calendar], names=["category", "week"])
    demand = pd.DataFrame(
        {
            "price": (sums["shelf"] / sums["quantity"]).round(4),
            "discount": (sums["retail_discount"] / sums["shelf"]).fillna(0).round(4),
        }
    ).reindex(cells)
    by_category = demand.groupby(level="category")
    demand = by_category.ffill().fillna(by_category.bfill())
    demand["demand"] = sums["quantity"].reindex(cells, fill_value=0)
    return demand.reset_index()
