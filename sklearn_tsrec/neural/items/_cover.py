"""Few sequences that hold many overlapping windows, so that each is computed once."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit

_MOST_NEW = 16  # items by which a window may go beyond another; larger baskets begin anew


class Cover(NamedTuple):
    """Where windows are found in a few of them.

    Row i has the distinct window ``distinct[i]``, and window j is that of row ``first[j]``. Windows
    are in an order without meaning, which the order of the rows does not change. The windows
    ``kept`` are sequences; the items of window j are those up to ``n_back[j]`` items before the end
    of ``kept[sequence[j]]``. ``later`` counts the windows that continue it, one after another.
    """

    distinct: np.ndarray
    first: np.ndarray
    kept: np.ndarray
    sequence: np.ndarray
    n_back: np.ndarray
    later: np.ndarray


def cover_windows(tokens):
    """Return a cover of windows by a few of them, whatever the order of the rows.

    A window continues another if it is that window moved on by some new items. A chain of such
    windows is one sequence: a causal net that reads it returns at each position what it would
    return for the window that ends there. Of a window that is cut at least the last quarter is
    kept.

    Parameters
    ----------
    tokens : int array of shape (n, L)
        Windows, the newest item last; 0 in front, for no item.

    Returns
    -------
    cover : Cover
    """
    length = tokens.shape[1]
    # The mixing constants have no meaning, except that they are odd and the same every time.
    numbers = np.random.RandomState(0).randint(0, 2**63 - 1, tokens.max() + 1, dtype=np.int64)
    numbers = numbers.astype(np.uint64) * np.uint64(2) + np.uint64(1)
    base = np.uint64(0x9E3779B97F4A7C15)
    most = min(_MOST_NEW, length - 1)
    kept = {*range(most + 1), *range(length - most, length + 1)}
    prefix, value = {0: np.zeros(len(tokens), dtype=np.uint64)}, np.zeros(len(tokens), np.uint64)
    for j in range(length):
        value = value * base + numbers[tokens[:, j]]
        if j + 1 in kept:
            prefix[j + 1] = value
    _, first, group = np.unique(value, return_index=True, return_inverse=True)
    prefix = {j: values[first] for j, values in prefix.items()}
    count = (tokens[first] > 0).sum(axis=1)
    before, n_new = _find_earlier(prefix, count, length, base, most)
    limit = np.maximum(length - count, length - -(-length // 4))
    target, back, later = _assign(before, n_new, limit)
    kept, sequence = np.unique(target, return_inverse=True)
    return Cover(group, first, kept, sequence, back, later)


def _find_earlier(prefix, count, length, base, most):
    """Return the window that each one continues (-1 for none), and by how many items."""
    n = len(count)
    before, n_new = np.full(n, -1), np.zeros(n, dtype=np.int64)
    power = [np.uint64(1)]
    with np.errstate(over="ignore"):
        for _ in range(length):
            power.append(power[-1] * base)
    for k in range(1, most + 1):
        open_rows = np.flatnonzero((before < 0) & (count > k))
        if not len(open_rows):
            break
        size = length - k
        with np.errstate(over="ignore"):
            suffix = prefix[length] - prefix[k] * power[size]
        row_of = pd.Series(np.arange(n), index=suffix)
        row_of = row_of[~row_of.index.duplicated()]
        found = row_of.index.get_indexer(prefix[size][open_rows])
        hit = found >= 0
        hit[hit] = row_of.to_numpy()[found[hit]] != open_rows[hit]
        before[open_rows[hit]] = row_of.to_numpy()[found[hit]]
        n_new[open_rows[hit]] = k
    return before, n_new


@njit(cache=True)
def _assign(before, n_new, limit):
    """Return what covers each window, how many items before its end, and how many are later."""
    n = len(before)
    target = np.full(n, -1)
    back = np.zeros(n, np.int64)
    later = np.zeros(n, np.int64)
    waiting = np.zeros(n, np.int64)
    for i in range(n):
        if before[i] >= 0:
            waiting[before[i]] += 1
    stack = np.empty(n, np.int64)
    top = 0
    for i in range(n):
        if waiting[i] == 0:
            stack[top] = i
            top += 1
    done = np.zeros(n, np.bool_)
    scan = 0
    for _ in range(n):
        if top == 0:  # windows that repeat continue each other in a circle
            while done[scan]:
                scan += 1
            stack[0] = scan
            top = 1
        top -= 1
        i = stack[top]
        done[i] = True
        if target[i] < 0:
            target[i] = i
        p = before[i]
        if p >= 0 and not done[p]:
            later[p] = max(later[p], later[i] + 1)
            distance = back[i] + n_new[i]
            if target[p] < 0 and distance <= limit[p]:
                target[p] = target[i]
                back[p] = distance
            waiting[p] -= 1
            if waiting[p] == 0:
                stack[top] = p
                top += 1
    return target, back, later
