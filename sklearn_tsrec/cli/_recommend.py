"""The command ``recommend``."""

from sklearn.dummy import DummyClassifier

from sklearn_tsrec import as_panel
from sklearn_tsrec.cli._tables import check_output, read_table, say, write_table
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    SequenceRecommender,
)

_MODELS = {
    "knn": ItemKNNClassifier,
    "personal": PersonalFrequencyClassifier,
    "popularity": DummyClassifier,
}


def run(arguments):
    """Recommend items to every user of a file."""
    check_output(arguments.out)
    table = read_table(
        arguments.file,
        labels=[arguments.user, arguments.item],
        time=arguments.time,
        time_format=arguments.time_format,
    )
    X, y = as_panel(table, group=arguments.user, time=arguments.time, target=arguments.item)
    recommender = SequenceRecommender(
        _MODELS[arguments.model](),
        half_life=arguments.half_life,
        exclude_seen=arguments.exclude_seen,
    ).fit(X, y)
    lists = recommender.recommend(k=arguments.k)
    write_table(lists, arguments.out)
    users = lists[arguments.user].nunique()
    say(
        f"{len(lists)} recommendations to {users} users"
        + f" → {arguments.out}" * bool(arguments.out)
    )
