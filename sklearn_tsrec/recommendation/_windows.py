"""Windows as tables: what a classifier is given of the past, and how it finds it there."""

import re
from typing import Any

import numpy as np
import pandas as pd

from sklearn_tsrec._table import as_list, column_position, column_values


def read_context(X, columns) -> Any:
    """Return the context columns of a table, or None."""
    if columns is None:
        return None
    parts = {}
    for key in as_list(columns):
        values = column_values(X, column_position(X, key, "columns"))
        values = values.array if isinstance(values, (pd.Series, pd.Index)) else values
        parts[key if isinstance(key, str) else f"x{key}"] = values
    return pd.DataFrame(parts)


def join_windows(log, spans, width, *, gaps):
    """Return windows as an array, or with their ages and context beside them as a table.

    Parameters
    ----------
    log : EventLog
    spans : Spans
        The past of each row.
    width : int
        Number of items in a window.
    gaps : bool
        Whether to add how old each item is.

    Returns
    -------
    float array of shape (len(spans), width) or DataFrame
        Columns ``item__lag3``, …, ``gap__lag3``, …, and the context under its own names.
    """
    windows = log.windows(spans, width)
    if not gaps and spans.context is None:
        return windows
    blocks, lags = {"item": windows}, range(width, 0, -1)
    if gaps:
        blocks["gap"] = log.ages(spans, width)
    names = [f"{block}__lag{lag}" for block in blocks for lag in lags]
    table = pd.DataFrame(np.hstack(list(blocks.values())), columns=names)
    if spans.context is None:
        return table
    return pd.concat([table, spans.context.reset_index(drop=True)], axis=1)


def split_windows(X):
    """Return the columns of windows, of gaps and the others of such a table, or None of another.

    Returns
    -------
    windows, gaps : lists of str
        The oldest first. A table without columns named so is itself the window.
    others : list
        The context.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    lags = {}
    for name in X.columns:
        found = re.fullmatch(r"(item|gap)__lag(\d+)", name) if isinstance(name, str) else None
        if found:
            lags.setdefault(found[1], {})[int(found[2])] = name
    if "item" not in lags:
        return None
    blocks = [
        [lags.get(block, {}).get(lag) for lag in sorted(lags["item"], reverse=True)]
        for block in ("item", "gap")
    ]
    named = {name for block in lags.values() for name in block.values()}
    others = [name for name in X.columns if name not in named]
    return blocks[0], None if None in blocks[1] else blocks[1], others
