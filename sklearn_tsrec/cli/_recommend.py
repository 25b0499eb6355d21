"""The command ``recommend``."""

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from sklearn_tsrec import as_panel
from sklearn_tsrec.cli._tables import TableError, check_output, read_table, say, write_table
from sklearn_tsrec.metrics import evaluate_recommender, ndcg_scorer
from sklearn_tsrec.recommendation import (
    ALSClassifier,
    EASEClassifier,
    ItemKNNClassifier,
    MarkovClassifier,
    PersonalFrequencyClassifier,
    SequenceRecommender,
    TwoStageRecommender,
)

_CLASSIFIERS = {
    "popularity": DummyClassifier,
    "decayed": DummyClassifier,
    "personal": PersonalFrequencyClassifier,
    "knn": ItemKNNClassifier,
    "ease": EASEClassifier,
    "als": ALSClassifier,
    "markov": MarkovClassifier,
}
_KNOWN = 0.8  # share of the time that is known when a model is measured
_HALF_LIVES = (1 / 48, 1 / 12, 1 / 3)  # tried for "decayed", as shares of the time of the log


def run(arguments):
    """Recommend items to every user of a file, or measure how well that would have gone."""
    check_output(arguments.out)
    table = read_table(
        arguments.file,
        labels=[arguments.user, arguments.item],
        time=arguments.time,
        time_format=arguments.time_format,
    )
    X, y = as_panel(table, group=arguments.user, time=arguments.time, target=arguments.item)
    if arguments.evaluate:
        _evaluate(arguments, X, y)
        return
    lists = _fit(arguments.model, arguments, X, y).recommend(k=arguments.k)
    write_table(lists, arguments.out)
    users = lists[arguments.user].nunique()
    say(f"{len(lists)} recommendations to {users} users" + _to(arguments.out))


def _fit(model, arguments, X, y):
    """Return a fitted recommender."""
    options = {"exclude_seen": arguments.exclude_seen}
    half_life = arguments.half_life
    if model == "ranker":
        if half_life is not None:
            raise TableError("--half-life has no meaning for --model ranker, which tries several.")
        ranker = TwoStageRecommender(**options).fit(X, y)
        if ranker.fallback_ is not None:
            say(f"the ranker is no better than {ranker.fallback_!r} alone, which is used")
        return ranker
    if model == "decayed" and half_life is None:
        half_life = _choose_half_life(arguments, X, y)
    return SequenceRecommender(_CLASSIFIERS[model](), half_life=half_life, **options).fit(X, y)


def _choose_half_life(arguments, X, y):
    """Return the half-life whose lists fit the last fifth of the log best, by NDCG."""
    times = X.index.get_level_values(-1)
    span = times.max() - times.min()
    past = _past(X)
    scores = {}
    for share in _HALF_LIVES:
        half_life = share * span
        if isinstance(span, pd.Timedelta):
            half_life = f"{max(half_life.total_seconds(), 1):.0f}s"
        recommender = SequenceRecommender(
            DummyClassifier(), half_life=half_life, exclude_seen=arguments.exclude_seen
        ).fit(X[past], y[past])
        scores[half_life] = ndcg_scorer(k=arguments.k)(recommender, X[~past], y[~past])
    best = max(scores, key=scores.get)
    shown = f"{pd.Timedelta(best) / pd.Timedelta('1D'):.3g} days" if isinstance(best, str) else best
    say(f"half-life chosen on the last fifth of the time: {shown}")
    return best


def _past(X):
    """Return which events are in the first four fifths of the time; raise if all are."""
    times = X.index.get_level_values(-1)
    past = np.asarray(times <= times.min() + _KNOWN * (times.max() - times.min()))
    if past.all():
        raise TableError("all events have one time: there is nothing to predict.")
    return past


def _evaluate(arguments, X, y):
    """Fit to the first four fifths of the time and print how well the rest is predicted."""
    past = _past(X)
    X_train, y_train, X_test, y_test = X[past], y[past], X[~past], y[~past]
    if arguments.exclude_seen:  # what is left out of lists is not asked for either
        users = [part.index.get_level_values(0) for part in (y_train, y_test)]
        seen = pd.MultiIndex.from_arrays([users[0], y_train])
        new = ~pd.MultiIndex.from_arrays([users[1], y_test]).isin(seen)
        X_test, y_test = X_test[new], y_test[new]
        if y_test.empty:
            raise TableError("nobody chose anything new in the last fifth of the time.")
    models = list(dict.fromkeys([arguments.model, "popularity"]))
    table = evaluate_recommender(
        {model: _fit(model, arguments, X_train, y_train) for model in models},
        X_test,
        y_test,
        y_train=y_train,
        k=arguments.k,
        reference="popularity",
    )
    time = X_test.index.get_level_values(-1).min()
    say(
        f"learned from {past.sum()} events, {len(y_test)} events from {time} on to predict; ± "
        "is one standard error over users; equal scores in a seeded random order"
        + (", what users interacted with before left out" if arguments.exclude_seen else "")
    )
    if arguments.out:
        write_table(table, arguments.out)
        say(f"{len(table)} figures → {arguments.out}")
    else:
        print(_readable(table, models, arguments.k))


def _readable(table, models, k):
    """Return the table with a line for each metric."""
    counts = table[table["model"] == "data"].set_index("metric")["value"].astype(int)
    columns = {}
    for model in models:
        part = table[table["model"] == model].set_index("metric")
        columns[model] = _with_error(part, "value", "std_error")
        if model != "popularity":
            difference = _with_error(part, "difference", "difference_std_error")
            pvalue = part["pvalue"].map("{:.3f}".format)
    if len(models) > 1:
        columns |= {"difference": difference, "p": pvalue}
    lines = pd.DataFrame(columns)
    lines.index = [f"{metric}@{k}" for metric in lines.index]
    return "\n".join(
        [
            lines.to_string(),
            "",
            f"users {counts['users']}, of them without any event before {counts['cold_users']}; "
            f"items {counts['items']}, and {counts['cold_items']} without any event before",
        ]
    )


def _with_error(table, value, error):
    """Return figures with their standard errors, as text."""
    return [f"{v:.4f} ± {e:.4f}" for v, e in zip(table[value], table[error])]


def _to(out):
    """Return where the table went."""
    return f" → {out}" if out else ""
