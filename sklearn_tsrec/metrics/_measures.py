"""All that is measured of lists, each with one value for each series whose mean it is."""

import numpy as np

from sklearn_tsrec._item_table import item_labels, item_matrix
from sklearn_tsrec.metrics._beyond_accuracy import (
    diversity,
    gini_weights,
    popularity_percentile,
    self_information,
)
from sklearn_tsrec.metrics._exposure import place_values
from sklearn_tsrec.metrics._lists import match
from sklearn_tsrec.metrics._ranking import ACCURACY


def measure_lists(lists, true, train, count, catalogue, k, item_features, attribute):
    """Return each metric as an array over the series of ``true``; NaN for a series without a list.

    ``count`` is how many training series had each item of ``train``.

    What is a property of all lists together (coverage, Gini, exposure) is spread over the series
    by the jackknife, so that its mean and its standard error are found like those of the others.
    """
    hits = match(lists, true, k)
    parts = {name: value(hits, k) for name, value in ACCURACY.items()}
    bits = self_information(train, count, lists.items)
    percentile = popularity_percentile(train, count, lists.items)
    item = catalogue.get_indexer(lists.items)[lists.item]
    shown = np.bincount(item, minlength=len(catalogue))
    has_list = np.bincount(lists.series, minlength=len(lists.labels)) > 0
    parts["coverage"] = _coverage(lists, item, shown)
    parts["gini"] = _gini(lists, item, shown, has_list.sum())
    parts["novelty"] = lists.mean(bits[lists.item])
    parts["popularity"] = lists.mean(percentile[lists.item])
    if item_features is not None:
        parts["diversity"] = diversity(lists, item_matrix(item_features, lists.items))
    if attribute is not None:
        group, labels = item_labels(item_features, catalogue, attribute)
        size = np.bincount(group, minlength=len(labels))
        parts["exposure_ratio"] = _exposure(lists, group[item], size, has_list.sum())
    for name in ("coverage", "gini", "diversity", "exposure_ratio"):
        if name in parts:
            parts[name] = np.where(has_list, parts[name], np.nan)
    return parts


def _coverage(lists, item, shown):
    """Return pseudo-values of the share of the catalogue that is shown to anyone."""
    alone = np.bincount(lists.series, shown[item] == 1, minlength=len(lists.labels))
    n_lists = len(np.unique(lists.series))
    lost = alone / len(shown)  # what would not be shown without this list
    return (shown > 0).mean() + (n_lists - 1) * (lost - lost.sum() / n_lists)


def _gini(lists, item, shown, n_lists):
    """Return pseudo-values of the Gini index, to first order."""
    slope = gini_weights(shown) / (len(shown) * shown.sum())
    gini = slope @ shown
    slope -= gini / shown.sum()
    return gini + n_lists * np.bincount(lists.series, slope[item], minlength=len(lists.labels))


def _exposure(lists, group, size, n_lists):
    """Return pseudo-values of the exposure ratio, to first order."""
    value = place_values(lists.rank) / size[group]
    total = np.bincount(group, value, minlength=len(size))
    low, high = total.argmin(), total.argmax()
    ratio = total[low] / total[high]
    slope = (group == low) - ratio * (group == high)
    each = np.bincount(lists.series, value * slope, minlength=len(lists.labels))
    return ratio + n_lists * each / total[high]
