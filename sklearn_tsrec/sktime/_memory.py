"""What forecasters remember: rows as keyed tables, kept or moved to other series."""

from copy import deepcopy

import pandas as pd

from sklearn_tsrec.forecasting import WindowForecaster


def tabulate(y, X, columns):
    """Return the keyed table and the target of some rows; raise unless X has columns as in fit."""
    if (X is None) != (columns is None):
        given, other = ("no X", "X") if X is None else ("X", "no X")
        raise ValueError(
            f"{given} is given here, but {other} in fit: give the same exogenous columns to all "
            "methods, or to none."
        )
    if X is None:
        table = pd.DataFrame(index=y.index)
    else:
        table = X if X.index.equals(y.index) else X.reindex(y.index)
    return table, y.iloc[:, 0]


def move_memory(pretrained, table, target):
    """Return a forecaster that has learned elsewhere, with a memory of these rows."""
    model = deepcopy(pretrained)
    if isinstance(model, WindowForecaster):
        return model.remember(table, target)
    if not hasattr(model, "update"):
        raise ValueError(
            f"{type(model).__name__} has no update(X, y), so it cannot be shown other series after "
            "pretrain: use a WindowForecaster, or fit without pretrain."
        )
    return model.update(table, target)


def put_rows(old, new):
    """Return rows with new ones, which replace those of the same key."""
    return pd.concat([old[~old.index.isin(new.index)], new]).sort_index()
