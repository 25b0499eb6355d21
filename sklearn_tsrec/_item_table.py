"""What is known about items: a table with one row for each, read as numbers or as labels."""

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_tsrec._times import show


def item_rows(table, items, name="item_features"):
    """Return the row of each item in a table indexed by item.

    Raises
    ------
    TypeError
        If it is no table.
    ValueError
        If it describes an item twice, or not at all.
    """
    if not isinstance(table, (pd.DataFrame, pd.Series)):
        raise TypeError(
            f"{name} must be a DataFrame with the items as index, got {type(table).__name__}."
        )
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise ValueError(f"{name} describes {show(twice)} twice: give each item one row.")
    rows = table.index.get_indexer(pd.Index(items))
    if (rows < 0).any():
        unknown = pd.Index(items)[rows < 0]
        raise ValueError(
            f"{name} lacks {len(unknown)} of {len(rows)} items, such as "
            f"{', '.join(show(item) for item in unknown[:3])}: its index must hold all of them."
        )
    return rows


def item_matrix(table, items, name="item_features"):
    """Return the columns of a table as numbers, one row for each item.

    Numbers stay as they are; any other column becomes one column of 0 and 1 for each of its
    labels, and a missing label is 0 in all of them.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_items, n_numbers)
    """
    rows = item_rows(table, items, name)
    parts = []
    for column in table.columns:
        values = table[column].iloc[rows]
        if pd.api.types.is_numeric_dtype(values.dtype):
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
            if not np.isfinite(values).all():
                raise ValueError(
                    f"column {column!r} of {name} is missing or infinite for "
                    f"{show(items[int(np.argmin(np.isfinite(values)))])}: give every item a number."
                )
            parts.append(sparse.csr_array(values[:, np.newaxis]))
        else:
            codes, labels = pd.factorize(values)
            known = np.flatnonzero(codes >= 0)
            shape = len(rows), len(labels)
            parts.append(sparse.csr_array((np.ones(len(known)), (known, codes[known])), shape))
    return sparse.hstack(parts, format="csr")


def standardized(table):
    """Return a table with its numbers in standard deviations from their mean."""
    table = table.copy()
    for column in table.columns:
        values = table[column]
        if pd.api.types.is_numeric_dtype(values.dtype):
            spread = values.std(ddof=0)
            table[column] = (values - values.mean()) / (spread if spread > 0 else 1.0)
    return table


def item_labels(table, items, attribute, name="item_features"):
    """Return the code of the label that each item has in one column, and the labels."""
    rows = item_rows(table, items, name)
    if isinstance(table, pd.DataFrame):
        if attribute not in table.columns:
            raise ValueError(
                f"attribute={attribute!r} is no column of {name}, which has {list(table.columns)}."
            )
        table = table[attribute]
    codes, labels = pd.factorize(table.iloc[rows], sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{table.name or name} is missing for {show(items[int(codes.argmin())])} and "
            f"{int((codes < 0).sum())} item(s) in all: give them a label, such as 'unknown'."
        )
    return codes, pd.Index(labels)
