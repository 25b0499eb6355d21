"""The keys of rows as a table, for results that name their rows."""

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import _group_names, _time_name
from sklearn_tsrec._table import as_list, column_position, column_values


def key_frame(X, group, time):
    """Return the labels of the keys of each row, without changing them.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table.
    group, time : str, int, list of these or None
        Keys, as every keyed estimator takes them.

    Returns
    -------
    keys : DataFrame of shape (n, n_levels + 1)
        Group columns, then the time column, with row numbers as index.
    group_names : list of str
        The names of the group columns.
    """
    group_names = _group_names(X, group, time)
    if group is None:
        parts = [X.index.get_level_values(level) for level in range(len(group_names))]
    else:
        parts = [column_values(X, column_position(X, key, "group")) for key in as_list(group)]
    if time is None:
        parts.append(X.index.get_level_values(-1))
    else:
        parts.append(column_values(X, column_position(X, time, "time")))
    names = [*group_names, _time_name(X, time)]
    columns = [part.array if hasattr(part, "array") else np.asarray(part) for part in parts]
    return pd.DataFrame(dict(zip(names, columns))), group_names
