from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from sklearn_tsrec._item_table import item_labels, item_matrix
from sklearn_tsrec._keys import read_groups, sorted_groups
from sklearn_tsrec._typing import ArrayLike, Seed, Table
from sklearn_tsrec.metrics._beyond_accuracy import (
    diversity,
    gini_weights,
    popularity_percentile,
    self_information,
)
from sklearn_tsrec.metrics._exposure import place_values
from sklearn_tsrec.metrics._lists import Events, match, popularity, read_events, read_lists
from sklearn_tsrec.metrics._paired import t_test
from sklearn_tsrec.metrics._ranking import ACCURACY


def evaluate_recommender(
    recommender: Any,
    X: Table,
    y: ArrayLike,
    *,
    y_train: pd.DataFrame | ArrayLike,
    k: int = 10,
    reference: str | None = None,
    item_features: pd.DataFrame | None = None,
    attribute: str | None = None,
    ties: str = "first",
    random_state: Seed = 0,
) -> pd.DataFrame:
    """Measure recommended lists in every respect, with standard errors and paired tests.

    Each series in X is given one list, ranked with what ``fit`` knew; every event in y is relevant.
    The catalogue are the items of ``y_train``, those that a recommender could list beyond (its
    ``items_``), and those that a table does list. Items in y that training never saw are misses,
    unless they are listed.

    Parameters
    ----------
    recommender : recommender, DataFrame, or dict of these
        What to evaluate: fitted estimators with ``recommend``, or lists as it returns them; several
        by name.
    X : table of shape (n_events, n_columns)
        Keyed events to predict, none of them seen in ``fit``. For lists without a recommender,
        the keys are in the index.
    y : array-like of shape (n_events,)
        Their items. Events without an item are left out.
    y_train : DataFrame or Series
        Training events: a table with the group columns and ``item``, or items keyed by an index.
    k : int, default=10
        Length of the lists.
    reference : str, default=None
        The name of the model that all others are compared with, user by user.
    item_features : DataFrame of shape (n_items, n_columns), default=None
        What describes each item, with the items as index. Numbers are taken as they are, other
        columns as labels. It is needed for ``diversity``.
    attribute : str, default=None
        The column of ``item_features`` that groups items, for ``exposure_ratio``.
    ties : {"first", "random"}, default="first"
        Items with equal scores: ``"first"`` leaves them as the recommender ranked them (ours drew
        their order once for all lists, by their ``random_state``); ``"random"`` draws their order
        anew for each list, across its end too. Lists that were given as a table can only be
        shuffled as far as they reach. A re-ranked list must stay as it is.
    random_state : int, RandomState instance or None, default=0
        Seed of ``ties="random"``.

    Returns
    -------
    DataFrame
        One row for each model and metric, with the columns

        model, metric : str
            Accuracy: ``ndcg``, ``recall``, ``precision``, ``map``, ``mrr`` and ``hit_rate``.
            Beyond it: ``coverage``, ``gini``, ``novelty``, ``popularity`` (a percentile),
            ``diversity`` and ``exposure_ratio``. Of the model ``"data"``: how many ``users`` have
            events in y, how many of them are ``cold_users`` without a training event, how many
            ``items`` the catalogue has, and how many ``cold_items`` in y were not in training.
        value : float
            The mean over users or, for coverage, Gini index and exposure ratio, that of all lists.
        std_error : float
            Its standard error over users. That of a property of all lists is by the jackknife.
        n : int
            How many users it is about.
        difference, difference_std_error, pvalue : float
            Only with a ``reference``: the value minus that of the reference over users with both,
            its standard error, and the two-sided p-value of the paired t-test.

    See Also
    --------
    ndcg_scorer : For ``GridSearchCV``.
    paired_test : Two models by one metric, with a bootstrap interval.
    sklearn_tsrec.inspection.RecommendationDisplay : Draws the table.

    Notes
    -----
    Coverage has pseudo-values by leaving one list out; the Gini index and the exposure ratio are
    smooth in the share of the lists that show an item, and have those of the infinitesimal
    jackknife [1]_.

    References
    ----------
    .. [1] B. Efron (1982), "The Jackknife, the Bootstrap and Other Resampling Plans", SIAM.
    .. [2] R. Cañamares, P. Castells and A. Moffat (2020), "Offline evaluation options for
       recommender systems", Information Retrieval Journal 23.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.metrics import evaluate_recommender
    >>> bought = pd.DataFrame({"user": [1, 1, 2, 3, 1, 2, 4], "day": [1, 2, 2, 3, 8, 9, 9],
    ...                        "item": ["tea", "milk", "tea", "rice", "tea", "rice", "eggs"]})
    >>> X, y = as_panel(bought, group="user", time="day", target="item")
    >>> late = X.index.get_level_values("day") > 7
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2, 4, 4], "rank": [1, 2] * 3,
    ...                       "item": ["tea", "milk", "rice", "tea", "tea", "rice"]})
    >>> table = evaluate_recommender(lists, X[late], y[late], y_train=y[~late], k=2)
    >>> table.drop(columns="model").set_index("metric").rename_axis(None).round(3)
                value  std_error  n
    ndcg        0.667      0.333  3
    recall      0.667      0.333  3
    precision   0.333      0.167  3
    map         0.667      0.333  3
    mrr         0.667      0.333  3
    hit_rate    0.667      0.333  3
    coverage    1.000      0.222  3
    gini        0.222      0.111  3
    novelty     1.085      0.000  3
    popularity  0.625      0.000  3
    users       3.000        NaN  3
    cold_users  1.000        NaN  3
    items       3.000        NaN  3
    cold_items  1.000        NaN  3
    """
    if ties not in ("first", "random"):
        raise ValueError(f"ties must be 'first' or 'random', got {ties!r}.")
    if attribute is not None and item_features is None:
        raise ValueError(
            f"attribute={attribute!r} names a column of item_features, but there are none: give "
            "item_features, a table with the items as index."
        )
    models = named_models(recommender, "lists", pd.DataFrame)
    if reference is not None and reference not in models:
        raise ValueError(f"reference={reference!r} is none of the models {list(models)}.")
    true = _happened(models, X, y)
    rng = check_random_state(random_state)
    lists = {}
    for name, model in models.items():
        table = _recommend(model, X, k, ties, rng)
        lists[name], names = read_lists(table, k)
        lists[name] = lists[name].of_series(true.labels)
    train = read_events(y_train, names, "y_train")
    count, catalogue = popularity(train), train.items
    could = [pd.Index(getattr(model, "items_", [])) for model in models.values()]
    for items in (*(one.items for one in lists.values()), *could):
        cold = items[catalogue.get_indexer(items) < 0]
        catalogue = catalogue.append(cold) if len(cold) else catalogue
    parts = {
        name: measure_lists(one, true, train, count, catalogue, k, item_features, attribute)
        for name, one in lists.items()
    }
    counts = {
        "users": len(true.labels),
        "cold_users": (train.labels.get_indexer(true.labels) < 0).sum(),
        "items": len(catalogue),
        "cold_items": (train.items.get_indexer(true.items) < 0).sum(),
    }
    table = summary_table(parts, counts, len(true.labels), reference)
    table.attrs = {"k": k, "ties": ties, "reference": reference}
    return table


def named_models(given, name, plain):
    """Return the models by name; results of the types ``plain`` have a name of their own."""
    if isinstance(given, dict):
        if not given or "data" in given:
            raise ValueError(
                "give a dict of at least one model, and none of the name 'data', got "
                f"{list(given)}."
            )
        return given
    return {name if isinstance(given, plain) else type(given).__name__: given}


def summary_table(parts, counts, n, reference, overlap=1):
    """Return the tidy table of metrics, each given as an array over users or dates."""
    other = {} if reference is None else parts[reference]
    rows = [
        (name, metric, *_summary(value, other.get(metric), overlap))
        for name, values in parts.items()
        for metric, value in values.items()
    ]
    rows += [("data", what, float(count), np.nan, n) for what, count in counts.items()]
    columns = [
        "model",
        "metric",
        "value",
        "std_error",
        "n",
        "difference",
        "difference_std_error",
        "pvalue",
    ]
    return pd.DataFrame(rows, columns=columns[: 5 if reference is None else 8])


def _happened(models, X, y):
    """Return the events to predict as codes."""
    keyed = next((m for m in models.values() if not isinstance(m, pd.DataFrame)), None)
    series, labels = read_groups(X, getattr(keyed, "group", None), getattr(keyed, "time", None))
    item, items = pd.factorize(y if isinstance(y, pd.Series) else np.asarray(y))
    if len(item) != len(series):
        raise ValueError(f"y has {len(item)} items for {len(series)} events in X.")
    known = item >= 0
    if not known.any():
        raise ValueError("all items in y are missing: there is nothing to predict.")
    labels, series = sorted_groups(labels, series)
    if not known.all():
        kept, series = np.unique(series[known], return_inverse=True)
        labels, item = labels[kept], item[known]
    return Events(series, item, labels, pd.Index(items))


def _recommend(model, X, k, ties, rng):
    """Return the lists of a model, those of equal scores in the order asked for."""
    given = isinstance(model, pd.DataFrame)
    if not given and not hasattr(model, "recommend"):
        raise TypeError(
            f"{type(model).__name__} has no recommend(X, k): give a fitted recommender, or lists "
            "as it returns them."
        )
    if ties == "first":
        return model if given else model.recommend(X, k=k)
    lists = model if given else _recommend_past_ties(model, X, k)
    return _shuffle_ties(lists, rng)


def _recommend_past_ties(recommender, X, k):
    """Return lists that are long enough to hold all items that share the score of place k."""
    depth = 2 * k
    while True:
        lists = recommender.recommend(X, k=depth)
        coded, _ = read_lists(lists, depth)
        score = lists["score"].to_numpy()
        last, ends = np.full((2, len(coded.labels)), np.nan)
        last[coded.series[coded.rank == k]] = score[coded.rank == k]
        ends[coded.series[coded.rank == depth]] = score[coded.rank == depth]
        if not (last == ends).any():
            return lists
        depth *= 4


def _shuffle_ties(lists, rng):
    """Return lists in which the order of equal scores is drawn."""
    if "score" not in lists:
        raise ValueError("ties='random' needs the column 'score' in the lists: use ties='first'.")
    coded, _ = read_lists(lists, np.iinfo(np.int64).max)
    order = np.lexsort((coded.rank, coded.series))
    series, score = coded.series[order], lists["score"].to_numpy()[order]
    new = (np.diff(series, prepend=-1) != 0) | (score != np.roll(score, 1))
    drawn = order[np.lexsort((rng.uniform(size=len(order)), np.cumsum(new)))]
    shuffled = lists.iloc[drawn].copy()
    shuffled["rank"] = coded.rank[order]
    return shuffled


def _summary(value, reference, overlap):
    """Return the mean over series, its error, their number, and the paired test if asked for."""
    mean, error, _ = t_test(value, overlap)
    row = [mean, error, int((~np.isnan(value)).sum())]
    if reference is not None:
        row += t_test(value - reference, overlap)
    return row


def measure_lists(lists, true, train, count, catalogue, k, item_features, attribute):
    """Return each metric as an array over the series of ``true``; NaN for a series without a list.

    ``count`` is how many training series bought each item of ``train``.

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
