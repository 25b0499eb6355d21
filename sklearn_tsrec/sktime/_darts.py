"""Series of darts as keyed tables, and back."""

from typing import Any

import pandas as pd

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._table import as_list
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Key, Table


def from_darts(series: Any, covariates: Any = None):
    """Return series of darts as a keyed table.

    Parameters
    ----------
    series : TimeSeries or sequence of TimeSeries
        Targets, each with one component.
    covariates : TimeSeries or sequence of TimeSeries, default=None
        Known-ahead columns of each series, in the same order. Those of later times are rows with a
        missing target.

    Returns
    -------
    X : pandas.DataFrame
        One column for each component of the covariates, with an index of (series, time). Series
        are numbered from 0; a single one that is not in a sequence has an index of times alone.
    y : pandas.Series
        The target with the same index.

    Raises
    ------
    ValueError
        If a target has several components, or the numbers of series differ.

    See Also
    --------
    to_darts : The way back.
    """
    single = not isinstance(series, (list, tuple))
    targets = [series] if single else list(series)
    known = [] if covariates is None else covariates
    known = list(known) if isinstance(known, (list, tuple)) else [known]
    if known and len(known) != len(targets):
        raise ValueError(
            f"there are {len(targets)} series and {len(known)} covariates: give one for each."
        )
    tables = []
    for number, one in enumerate(targets):
        target = one.to_dataframe()
        if target.shape[1] != 1:
            raise ValueError(
                f"series {number} has the components {show(list(target.columns))}: give one series "
                "for each, such as [series[c] for c in series.components]."
            )
        target = target.set_axis(["y"], axis=1)
        if known:
            target = target.join(known[number].to_dataframe(), how="outer")
        tables.append(target.rename_axis(index="time", columns=None))
    table = tables[0] if single else pd.concat(dict(enumerate(tables)), names=["series"])
    return table.drop(columns="y"), table["y"]


def to_darts(X: Table, y: ArrayLike, *, group: Columns = None, time: Key | None = None):
    """Return a keyed table as series of darts.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table.
    y : array-like of shape (n,)
        The target; rows without one that end a series are covariates only.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.

    Returns
    -------
    series : list of TimeSeries
        The target of each series, in the order of their labels. Times that are missing inside are
        NaN, and periods become datetimes.
    covariates : list of TimeSeries or None
        All columns of X that are no keys; None if there are none.

    Raises
    ------
    ImportError
        If darts is not installed.

    See Also
    --------
    from_darts : The way back.
    """
    make = require("darts").TimeSeries.from_dataframe
    keys, names = key_frame(X, group, time)
    when = keys.iloc[:, -1]
    if isinstance(when.dtype, pd.PeriodDtype):
        when = when.dt.to_timestamp()
    columns = pd.DataFrame(X).drop(columns=[*as_list(group), *as_list(time)])
    columns = columns.rename(columns=str)
    table = columns.set_axis(pd.Index(when, name="time"))
    target = pd.Series(getattr(y, "to_numpy", lambda: y)(), table.index, name="y").to_frame()
    parts = [keys[name].to_numpy() for name in names]
    groups = [slice(None)]
    if parts:
        groups = list(pd.DataFrame(index=range(len(keys))).groupby(parts).indices.values())
    series, covariates = [], []
    for rows in groups:
        one = target.iloc[rows].sort_index()
        series.append(make(one[: one["y"].last_valid_index()], fill_missing_dates=True))
        covariates.append(make(table.iloc[rows].sort_index(), fill_missing_dates=True))
    return series, covariates if len(columns.columns) else None
