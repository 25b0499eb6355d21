"""The one place where per-row losses become a number, or a number per series."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array


def check_rows(values, *, name, n_columns=None) -> np.ndarray:
    """Return finite float64 values, one for each row, or say what is wrong with them."""
    values = check_array(
        values,
        dtype=np.float64,
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=0,
        input_name=name,
    )
    if n_columns is None and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    expected = "(n_samples,)" if n_columns is None else f"(n_samples, {n_columns})"
    if values.ndim != (1 if n_columns is None else 2) or values.shape[1:] != (
        () if n_columns is None else (n_columns,)
    ):
        raise ValueError(f"{name} must have shape {expected}, got {values.shape}.")
    if not len(values):
        raise ValueError(f"{name} is empty: a metric needs at least one row.")
    bad = ~np.isfinite(values)
    if bad.any():
        rows = bad if bad.ndim == 1 else bad.any(axis=1)
        raise ValueError(
            f"{name} has {rows.sum()} rows with missing or infinite values (the first is row "
            f"{rows.argmax()}). Leave such rows out before scoring, for example "
            "keep = np.isfinite(y_true); the scorers leave out rows without a truth by themselves."
        )
    return values


def check_pair(y_true, y_pred, *, n_columns=None) -> tuple[np.ndarray, np.ndarray]:
    """Return truths and predictions as finite arrays of equal length."""
    y_true = check_rows(y_true, name="y_true")
    y_pred = check_rows(y_pred, name="y_pred", n_columns=n_columns)
    if len(y_true) != len(y_pred):
        raise ValueError(f"y_true has {len(y_true)} rows and y_pred has {len(y_pred)}.")
    return y_true, y_pred


def series_codes(groups, n_samples):
    """Return an integer code per row and the sorted labels of the series."""
    if isinstance(groups, pd.DataFrame):
        table = groups
    elif isinstance(groups, pd.MultiIndex):
        table = groups.to_frame(allow_duplicates=True)
    else:
        table = pd.DataFrame({0: groups if isinstance(groups, pd.Series) else np.asarray(groups)})
    if len(table) != n_samples:
        raise ValueError(f"groups has {len(table)} labels for {n_samples} rows.")
    names = getattr(groups, "names", [getattr(groups, "name", None)])
    names = list(table.columns) if isinstance(groups, pd.DataFrame) else list(names)
    table = table.set_axis(range(table.shape[1]), axis=1).reset_index(drop=True)
    if table.isna().any(axis=None):
        raise ValueError("groups has missing labels: give every row the label of its series.")
    grouped = table.groupby(list(table.columns), sort=True, observed=True)
    labels = grouped.size().index
    return grouped.ngroup().to_numpy(), labels.set_names(names)


def name_some(labels, chosen):
    """Name at most three of the chosen series, for an error message."""
    names = [repr(label) for label in labels[chosen][:3]]
    return ", ".join(names) + (", ..." if chosen.sum() > 3 else "")


def aggregate(loss, *, groups, average, weight=None, root=False) -> Any:
    """Average a loss per row over all rows, over series, or within each series.

    With ``weight`` the average is a ratio of sums, ``sum(loss) / sum(weight)``; ``root`` takes
    the square root of each average before series are averaged.
    """
    finish = np.sqrt if root else np.asarray
    weight = np.ones(len(loss)) if weight is None else weight
    if average == "samples":
        if groups is not None:
            series_codes(groups, len(loss))
        total = weight.sum()
        if total == 0:
            raise ValueError("The sum of |y_true| is 0: a relative error is not defined.")
        return float(finish(loss.sum() / total))
    if average not in ("series", None):
        raise ValueError(f"average must be 'samples', 'series' or None, got {average!r}.")
    if groups is None:
        raise ValueError(f"average={average!r} needs groups=, the label of the series of each row.")
    codes, labels = series_codes(groups, len(loss))
    total = np.bincount(codes, weight)
    if (total == 0).any():
        raise ValueError(
            f"The sum of |y_true| is 0 in {(total == 0).sum()} series "
            f"({name_some(labels, total == 0)}): a relative error per series is not defined. "
            "Leave these series out, or use average='samples'."
        )
    per_series = finish(np.bincount(codes, loss) / total)
    return float(per_series.mean()) if average == "series" else pd.Series(per_series, labels)
