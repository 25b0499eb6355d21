"""What a classifier is told of the past at a moment: items, their ages, and context beside them."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import read_clock, read_groups
from sklearn_tsrec._table import as_list, column_position, column_values, is_frame
from sklearn_tsrec.recommendation._events import event_spans, event_windows
from sklearn_tsrec.recommendation._moments import DAY


@dataclass(frozen=True)
class Moments:
    """Moments to recommend at: the events of a series before each, its time and its context.

    Attributes
    ----------
    first, end : int64 arrays of shape (n,)
        The events before each moment are the rows ``first:end`` of the history.
    times : float array of shape (n,)
        Days for datetimes, else the numbers of the clock.
    context : DataFrame of shape (n, n_columns) or None
        What is known of each moment beside its keys.
    """

    first: np.ndarray
    end: np.ndarray
    times: np.ndarray
    context: pd.DataFrame | None

    def __len__(self):
        return len(self.first)

    def take(self, rows):
        """Return some of the moments: a slice or a mask."""
        context = None if self.context is None else self.context.iloc[rows]
        return Moments(self.first[rows], self.end[rows], self.times[rows], context)


def clock_numbers(recommender, times):
    """Return times as numbers that can be subtracted: days, steps of ``freq``, or as they are."""
    if recommender.frequency_ is not None:
        return recommender.frequency_.ticks(times).astype(np.float64)
    return times.values / (DAY if times.kind == "datetime" else 1.0)


def row_times(recommender, X):
    """Return the time of each row of a table as such a number."""
    times, inverse = read_clock(X, recommender.time)
    return clock_numbers(recommender, times.like(*recommender._clock))[inverse]


def read_context(X, columns):
    """Return the context columns of a table, or None."""
    if columns is None:
        return None
    parts = {}
    for key in as_list(columns):
        values = column_values(X, column_position(X, key, "columns"))
        values = values.array if isinstance(values, (pd.Series, pd.Index)) else values
        parts[key if isinstance(key, str) else f"x{key}"] = values
    return pd.DataFrame(parts)


def moments_of(recommender, X, keys):
    """Return the moments that are the rows of a table."""
    spans = event_spans(recommender.history_, keys.codes, keys.ticks)
    return Moments(*spans, row_times(recommender, X), read_context(X, recommender.columns))


def listed_moments(recommender, X, groups, codes, tick, time):
    """Return the one moment of each listed series; without a time it is the end of training."""
    ticks = None if tick is None else np.full(len(codes), tick)
    history = recommender.history_
    time = history.values[:, 2].max() if time is None else time
    context = None
    if recommender.columns is not None:
        if not (is_frame(X) or getattr(X, "ndim", 1) == 2):
            raise ValueError(
                f"columns={recommender.columns!r} says what is known of each moment: give "
                "recommend() a table with the keys and these columns, not labels of series."
            )
        # Of several rows of one series the earliest is the moment of its list.
        order = np.argsort(row_times(recommender, X), kind="stable")
        series, labels = read_groups(X, recommender.group, recommender.time)
        _, row = np.unique(groups.get_indexer(labels)[series[order]], return_index=True)
        context = read_context(X, recommender.columns).iloc[order[row]]
    return Moments(*event_spans(history, codes, ticks), np.full(len(codes), time), context)


def read_past(recommender, moments):
    """Return what the classifier is given: windows, or a table of windows, gaps and context."""
    history, width = recommender.history_, recommender.window
    windows = event_windows(history, moments.first, moments.end, width)
    if not recommender.gaps and moments.context is None:
        return windows
    blocks, lags = {"item": windows}, range(width, 0, -1)
    if recommender.gaps:
        then = event_windows(history, moments.first, moments.end, width, column=2)
        blocks["gap"] = moments.times[:, np.newaxis] - then
    names = [f"{block}__lag{lag}" for block in blocks for lag in lags]
    table = pd.DataFrame(np.hstack(list(blocks.values())), columns=names)
    if moments.context is None:
        return table
    return pd.concat([table, moments.context.reset_index(drop=True)], axis=1)


def split_past(X):
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
