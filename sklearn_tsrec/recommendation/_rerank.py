"""Choose lists out of candidates: relevant, unlike each other, and fair to groups of items."""

import numpy as np
from numba import njit

from sklearn_tsrec._ties import exceeds, margin

_ROUNDS, _SETTLED = 40, 2  # at most so many rounds; prices have settled after so many


def place_values(k):
    """Return how much exposure each place of a list gives."""
    return 1 / np.log2(np.arange(2.0, k + 2))


def choose(items, value, k, features, diversity, group, size, most, bound, rng):
    """Return the candidates of each list that are chosen, the first one first.

    Parameters
    ----------
    items : int64 array of shape (n, m)
        Candidates; -1 after the last one of a list.
    value : float array of shape (n, m)
        How good they are; 1 is much.
    k : int
        Length of the lists.
    features : csr_array of shape (n_items, p)
        Rows of unit length, whose inner products are the similarities of items.
    diversity : float
        Weight of the similarity to what is already in the list.
    group : int64 array of shape (n_items,)
        The group of each item.
    size : int64 array of shape (n_groups,)
        The number of its items.
    most : int
        How many items of a group a list may hold.
    bound : float
        The smallest exposure ratio of groups that all lists together may have; 0 for any.
    rng : RandomState
        Draws the order in which lists take turns to make the exposure fair.

    Returns
    -------
    chosen : int64 array of shape (n, k)
        Columns of ``items``; -1 where no candidate is left.
    ratio : float
        The exposure ratio reached; nan without a bound.
    """
    turn = rng.permutation(len(items)) if bound else np.arange(len(items))
    worth, behind = place_values(k), np.zeros(len(size))
    given = items, value, turn, worth, diversity, features.indptr, features.indices, features.data
    given += group, size, most
    if not bound:
        return _choose(*given, behind, 0.0, 0.0)[0], np.nan
    # The best prices are the same for all lists: what each group is behind at the end of a round is
    # where the next round starts. A gentle pressure keeps prices steady.
    target, pressure, best = bound, 4.0 / len(items), (-1.0, None)
    for number in range(_ROUNDS):
        chosen, shown, behind = _choose(*given, behind, target, pressure)
        each = shown / size
        ratio = each.min() / each.max()
        if ratio > best[0]:
            best = ratio, chosen
        if ratio >= bound and number >= _SETTLED:
            return chosen, ratio
        if number >= _SETTLED:
            target += bound - ratio
            pressure *= 1.2
    return best[1], best[0]


@njit(cache=True)
def _choose(
    items,
    value,
    turn,
    worth,
    diversity,
    indptr,
    indices,
    data,
    group,
    size,
    most,
    start,
    target,
    pressure,
):
    """Choose greedily, list by list; groups behind the target exposure are worth more.

    ``start`` is what they are behind, per item, before the first list. Returned are the candidates
    chosen, the exposure of the groups, and what they are behind after the last list.
    """
    n_lists, n_candidates = items.shape
    k, n_groups = len(worth), len(size)
    chosen = np.full((n_lists, k), -1)
    shown = np.zeros(n_groups)
    behind, price = start.copy(), np.zeros(n_groups)
    n_features = indices.max() + 1 if len(indices) else 0
    picked = np.zeros(n_features)
    least = margin(1.0)  # what values are made of is about 1
    one_list = size.sum() / worth.sum()  # makes exposure per item a number of lists
    for row in turn:
        free = np.ones(n_candidates, dtype=np.bool_)
        similar = np.full(n_candidates, -np.inf)
        held = np.zeros(n_groups, dtype=np.int64)
        for place in range(k):
            if target > 0:
                _set_behind(shown, size, start, target, behind)
                price[:] = pressure * one_list * behind
            best, best_value = -1, -np.inf
            for j in range(n_candidates):
                item = items[row, j]
                if item < 0:
                    break
                if not free[j] or held[group[item]] >= most:
                    continue
                worthy = (1 - diversity) * (value[row, j] + price[group[item]])
                if place > 0 and diversity > 0:
                    worthy -= diversity * similar[j]
                if exceeds(worthy, best_value, least):
                    best, best_value = j, worthy
            if best < 0:
                break
            chosen[row, place] = best
            free[best] = False
            item = items[row, best]
            held[group[item]] += 1
            shown[group[item]] += worth[place]
            if diversity > 0 and place < k - 1:
                for at in range(indptr[item], indptr[item + 1]):
                    picked[indices[at]] = data[at]
                for j in range(n_candidates):
                    other = items[row, j]
                    if other < 0:
                        break
                    if free[j]:
                        product = 0.0
                        for at in range(indptr[other], indptr[other + 1]):
                            product += data[at] * picked[indices[at]]
                        similar[j] = max(similar[j], product)
                for at in range(indptr[item], indptr[item + 1]):
                    picked[indices[at]] = 0.0
    return chosen, shown, behind


@njit(cache=True)
def _set_behind(shown, size, start, target, behind):
    """Find what each group is behind the target share of the exposure of the best shown one."""
    most = 0.0
    for g in range(len(size)):
        most = max(most, shown[g] / size[g])
    for g in range(len(size)):
        behind[g] = max(start[g] + target * most - shown[g] / size[g], 0.0)
