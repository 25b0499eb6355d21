"""``as_panel``: move the keys of any table into the index, once."""

from typing import overload

import narwhals as nw
import numpy as np
import pandas as pd

from sklearn_tsrec._table import as_list, column_position, column_values, is_frame
from sklearn_tsrec._times import read_times
from sklearn_tsrec._typing import Columns, Key, Table


@overload
def as_panel(
    data: Table, group: Columns = None, time: Key | None = None, target: None = None
) -> pd.DataFrame: ...


@overload
def as_panel(
    data: Table, group: Columns = None, time: Key | None = None, *, target: str
) -> tuple[pd.DataFrame, pd.Series]: ...


def as_panel(data, group=None, time=None, target=None):
    """Move the keys of a long table into the index, where every estimator finds them.

    Parameters
    ----------
    data : pandas, polars or arrow table of shape (n, p)
        One row for each time of each series.
    group : str or list of str, default=None
        Column(s) that name the series. None means that the table is one series.
    time : str
        Column that holds the time: datetimes, periods, integers or floats.
    target : str, default=None
        Column to forecast or to recommend. It is split off as ``y``.

    Returns
    -------
    X : pandas.DataFrame
        The other columns, sorted by series and time, with an index of (group …, time).
    y : pandas.Series
        The target, with the same index. Only returned when ``target`` is given.

    Raises
    ------
    ValueError
        If a column is unknown, or a key is missing in some row.
    TypeError
        If ``data`` is no table, or the times are text.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import as_panel
    >>> df = pd.DataFrame({
    ...     "store": ["b", "a", "a"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"]),
    ...     "promo": [1, 0, 1],
    ...     "sales": [5.0, 7.0, 6.0],
    ... })
    >>> X, y = as_panel(df, group="store", time="date", target="sales")
    >>> X
                      promo
    store date
    a     2024-01-01      1
          2024-01-02      0
    b     2024-01-01      1
    >>> y.tolist()
    [6.0, 7.0, 5.0]
    """
    if not is_frame(data):
        raise TypeError(
            f"data must be a pandas, polars or arrow table, got {type(data).__name__}: for arrays "
            "give time= and group= to the estimators as column positions."
        )
    if time is None:
        raise ValueError("time=None names no column: give the column that holds the times.")
    keys = [*as_list(group), time]
    positions = [column_position(data, key) for key in keys]
    if target is not None:
        column_position(data, target)
    frame = _to_pandas(data)
    labels = []
    for key, position in zip(keys, positions):
        values = frame.iloc[:, position]
        if key == time:
            read_times(values, f"column {key!r}")
        elif values.isna().any():
            raise ValueError(
                f"column {key!r} is missing in row {int(np.argmax(values.isna()))}: a row without "
                "a series belongs nowhere. Drop such rows or name their series."
            )
        labels.append(pd.Index(values))
    index = labels[0] if len(labels) == 1 else pd.MultiIndex.from_arrays(labels, names=keys)
    frame = frame.drop(columns=[frame.columns[p] for p in positions]).set_axis(index, axis=0)
    if not index.is_monotonic_increasing:
        frame = frame.sort_index(kind="stable")
    if target is None:
        return frame
    return frame.drop(columns=target), frame[target]


def _to_pandas(data):
    """Return a table as a pandas frame; polars needs no pyarrow for it."""
    if isinstance(data, pd.DataFrame):
        return data
    frame = nw.from_native(data, eager_only=True)
    return pd.DataFrame({c: column_values(data, j) for j, c in enumerate(frame.columns)})
