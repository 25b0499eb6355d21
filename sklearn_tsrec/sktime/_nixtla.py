"""Tables as statsforecast, mlforecast and neuralforecast want them."""

import pandas as pd

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._panel import as_panel
from sklearn_tsrec._table import as_list, frame_columns, is_frame
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Key, Table

_ID, _TIME, _TARGET = "unique_id", "ds", "y"


def from_nixtla(df: Table):
    """Return a table of Nixtla's tools as a keyed table.

    Parameters
    ----------
    df : pandas, polars or arrow table of shape (n, p)
        Long table with columns ``unique_id``, ``ds`` and, unless it is one of the future, ``y``.

    Returns
    -------
    X : pandas.DataFrame
        All other columns, with an index of (unique_id, ds).
    y : pandas.Series
        The target with the same index. Only returned where there is a column ``y``.

    Raises
    ------
    ValueError
        If ``unique_id`` or ``ds`` is not there.

    See Also
    --------
    to_nixtla : The way back.
    sklearn_tsrec.as_panel : The same for columns of any name.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.sktime import from_nixtla
    >>> df = pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [5.0, 6.0]})
    >>> X, y = from_nixtla(df)
    >>> y
    unique_id  ds
    a          1     5.0
               2     6.0
    Name: y, dtype: float64
    """
    if not is_frame(df):
        raise TypeError(f"df must be a pandas, polars or arrow table, got {type(df).__name__}.")
    columns = frame_columns(df)
    if _ID not in columns and getattr(getattr(df, "index", None), "name", None) == _ID:
        df = df.reset_index()  # as statsforecast returned it before its version 2
        columns = frame_columns(df)
    for name in (_ID, _TIME):
        if name not in columns:
            raise ValueError(
                f"df has no column {name!r}, its columns are {show(columns)}: use as_panel to name "
                "the keys of any other table."
            )
    return as_panel(df, group=_ID, time=_TIME, target=_TARGET if _TARGET in columns else None)


def to_nixtla(
    X: Table, y: ArrayLike | None = None, *, group: Columns = None, time: Key | None = None
) -> pd.DataFrame:
    """Return a keyed table as Nixtla's tools want it.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table.
    y : array-like of shape (n,), default=None
        The target. None for a table of the future.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.

    Returns
    -------
    pandas.DataFrame
        Columns ``unique_id``, ``ds``, ``y`` if given, and those of X that are no keys, in the order
        of the rows. Series named by several columns have a ``unique_id`` such as ``"north/12"``; a
        table of one series has the ``unique_id`` 0. Periods become datetimes, their starts.

    See Also
    --------
    from_nixtla : The way back.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.sktime import to_nixtla
    >>> X = pd.DataFrame({"shop": ["a", "b"], "day": [1, 1], "price": [3.0, 4.0]})
    >>> to_nixtla(X, [5.0, 6.0], group="shop", time="day")
      unique_id  ds    y  price
    0         a   1  5.0    3.0
    1         b   1  6.0    4.0
    """
    keys, names = key_frame(X, group, time)
    when = keys.iloc[:, -1]
    if isinstance(when.dtype, pd.PeriodDtype):
        when = when.dt.to_timestamp()
    series = 0
    if len(names) == 1:
        series = keys.iloc[:, 0]
    elif names:
        series = keys.iloc[:, 0].astype(str).str.cat(keys.iloc[:, 1:-1].astype(str), sep="/")
    table = pd.DataFrame({_ID: series, _TIME: when})
    if y is not None:
        table[_TARGET] = getattr(y, "to_numpy", lambda: y)()
    used = [*as_list(group), *as_list(time)]
    rest = pd.DataFrame(X).drop(columns=used).reset_index(drop=True)
    taken = [name for name in rest if name in (_ID, _TIME, _TARGET)]
    if taken:
        raise ValueError(
            f"X has columns {show(taken)}, names that the keys and the target get: rename them."
        )
    return table.join(rest)
