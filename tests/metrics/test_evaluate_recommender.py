import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from sklearn_tsrec import SequenceRecommender, as_panel, metrics
from sklearn_tsrec.metrics import evaluate_recommender, ndcg_scorer
from sklearn_tsrec.recommendation import PersonalFrequencyClassifier

K = 3
FEATURES = pd.DataFrame(
    {"kind": list("aabbcc"), "size": [1.0, 2, 0, 1, 1, 3]}, index=[f"i{j}" for j in range(6)]
)


@pytest.fixture
def log():
    """Twelve users and six items; i5 is new in the test, and so is user 11."""
    rng = np.random.default_rng(3)
    rows = [(u, d, f"i{min(rng.geometric(0.4) - 1, 4)}") for u in range(11) for d in range(8)]
    rows += [(u, d, f"i{rng.integers(0, 6)}") for u in range(12) for d in range(8, 11)]
    table = pd.DataFrame([*rows, (0, 9, "i5")], columns=["user", "day", "item"])
    X, y = as_panel(table, group="user", time="day", target="item")
    late = X.index.get_level_values("day") >= 8
    return X[~late], y[~late], X[late], y[late]


@pytest.fixture
def lists(log):
    X, y, X_test, _ = log
    popular = SequenceRecommender(DummyClassifier(strategy="prior"), window=1)
    own = SequenceRecommender(PersonalFrequencyClassifier(0.5))
    return {
        "popular": popular.fit(X, y).recommend(X_test, k=K),
        "own": own.fit(X, y).recommend(X_test, k=K),
    }


def value(table, metric, model="own", column="value"):
    [row] = table[(table["model"] == model) & (table["metric"] == metric)].to_dict("records")
    return row[column]


SINGLE = {
    "ndcg": metrics.ndcg_at_k,
    "recall": metrics.recall_at_k,
    "precision": metrics.precision_at_k,
    "map": metrics.mean_average_precision_at_k,
    "mrr": metrics.mean_reciprocal_rank_at_k,
    "hit_rate": metrics.hit_rate_at_k,
}


def test_every_row_is_what_the_single_metrics_say(log, lists):
    _, y, X_test, y_test = log
    table = evaluate_recommender(
        lists, X_test, y_test, y_train=y, k=K, reference="popular",
        item_features=FEATURES[:5], attribute="kind",
    )  # fmt: skip
    assert table.attrs == {"k": K, "ties": "first", "reference": "popular"}
    features = np.column_stack([pd.get_dummies(FEATURES["kind"]), FEATURES["size"]])[:5]
    series = {}
    for model, one in lists.items():
        series[model] = {
            name: metric(y_test, one, k=K, average=None) for name, metric in SINGLE.items()
        }
        series[model]["novelty"] = metrics.novelty(one, y_train=y, k=K, average=None)
        series[model]["popularity"] = metrics.mean_popularity_percentile(
            one, y_train=y, k=K, average=None
        )
        series[model]["diversity"] = metrics.intra_list_diversity(
            one, items=FEATURES.index[:5], features=features, k=K, average=None
        )
        items = sorted(set(y))
        assert value(table, "coverage", model) == pytest.approx(
            metrics.catalog_coverage(one, items=items, k=K)
        )
        assert value(table, "gini", model) == pytest.approx(
            metrics.gini_index(one, items=items, k=K)
        )
        assert value(table, "exposure_ratio", model) == pytest.approx(
            metrics.exposure_ratio(one, attribute=FEATURES["kind"][:5], k=K)
        )
    for name in series["own"]:
        a, b = series["own"][name], series["popular"][name]
        test = metrics.paired_test(a, b, n_bootstraps=1)
        assert value(table, name) == pytest.approx(a.mean())
        assert value(table, name, column="std_error") == pytest.approx(a.std() / np.sqrt(len(a)))
        assert value(table, name, column="difference") == pytest.approx(test.difference)
        assert value(table, name, column="difference_std_error") == pytest.approx(test.std_error)
        assert value(table, name, column="pvalue") == pytest.approx(test.pvalue)
        assert value(table, name, "popular", "difference") == 0
        assert value(table, name, "popular", "pvalue") == 1
    assert value(table, "users", "data") == 12
    assert value(table, "cold_users", "data") == 1
    assert value(table, "items", "data") == 5
    assert value(table, "cold_items", "data") == 1


def test_errors_of_what_all_lists_share_equal_a_jackknife(log, lists):
    """Coverage by leaving each list out; Gini and exposure by weighing each list a little more."""
    _, y, X_test, y_test = log
    table = evaluate_recommender(
        lists["own"], X_test, y_test, y_train=y, k=K, item_features=FEATURES, attribute="kind"
    )
    users = lists["own"]["user"].unique()
    items = sorted(set(y))

    def weighted(weight):
        one = lists["own"]
        w = one["user"].map(weight).to_numpy()
        code = pd.Index(items).get_indexer(one["item"])
        count = np.sort(np.bincount(code, w, minlength=len(items)))
        n = len(items)
        gini = (2 * np.arange(1, n + 1) - n - 1) @ count / (n * count.sum())
        kind = one["item"].map(FEATURES["kind"])
        exposure = pd.Series(w / np.log2(1 + one["rank"])).groupby(kind.to_numpy()).sum()
        exposure = (exposure / FEATURES["kind"].loc[items].value_counts()).fillna(0)
        return (count > 0).mean(), gini, exposure.min() / exposure.max()

    n = len(users)
    base = pd.Series(1.0, users)
    full = np.array(weighted(base))
    without = np.array([weighted(base.where(users != u, 0.0)) for u in users])
    left_out = (n - 1) * (full - without)
    nudged = np.array([weighted(base.where(users != u, 1 + 1e-6)) for u in users])
    influence = n * (nudged - full) / 1e-6
    expected = [left_out[:, 0], influence[:, 1], influence[:, 2]]
    for name, part in zip(("coverage", "gini", "exposure_ratio"), expected):
        error = part.std(ddof=1) / np.sqrt(n)
        assert value(table, name, "lists", "std_error") == pytest.approx(
            error, rel=1e-4, abs=1e-9
        ), name


def test_a_recommender_and_its_lists_and_the_scorer_agree(log, lists):
    X, y, X_test, y_test = log
    own = SequenceRecommender(PersonalFrequencyClassifier(0.5)).fit(X, y)
    table = evaluate_recommender(own, X_test, y_test, y_train=y, k=K)
    again = evaluate_recommender(lists["own"], X_test, y_test, y_train=y, k=K)
    pd.testing.assert_frame_equal(
        table.drop(columns="model"), again.drop(columns="model"), check_exact=True
    )
    assert value(table, "ndcg", "SequenceRecommender") == pytest.approx(
        ndcg_scorer(k=K)(own, X_test, y_test)
    )


def test_keys_in_columns_and_missing_items(log):
    X, y, X_test, y_test = log
    own = SequenceRecommender(group="user", time="day")
    frame, frame_test = X.index.to_frame(index=False), X_test.index.to_frame(index=False)
    own.fit(frame, y.to_numpy())
    train = frame.assign(item=y.to_numpy())
    got = evaluate_recommender(own, frame_test, y_test.to_numpy(), y_train=train, k=K)
    expected = evaluate_recommender(SequenceRecommender().fit(X, y), X_test, y_test, y_train=y, k=K)
    pd.testing.assert_frame_equal(got, expected)
    of_11 = X_test.index.get_level_values("user") == 11
    missing = y_test.where(~of_11)
    table = evaluate_recommender(own, frame_test, missing.to_numpy(), y_train=train, k=K)
    assert value(table, "users", "data") == 11
    assert value(table, "cold_users", "data") == 0


def test_only_unseen_items_are_all_misses(log, lists):
    _, y, X_test, y_test = log
    unseen = pd.Series([f"new{j}" for j in range(len(y_test))], y_test.index)
    table = evaluate_recommender(lists["own"], X_test, unseen, y_train=y, k=K)
    assert value(table, "ndcg", "lists") == value(table, "hit_rate", "lists") == 0
    assert value(table, "cold_items", "data") == len(unseen)
    assert table["value"].notna().all()


def test_an_item_beyond_training_joins_the_catalogue(log, lists):
    _, y, X_test, y_test = log
    extended = lists["own"].copy()
    extended.loc[extended["rank"] == K, "item"] = "i5"
    table = evaluate_recommender(extended, X_test, y_test, y_train=y, k=K)
    assert value(table, "items", "data") == 6


def test_users_without_a_list_miss_all_and_have_no_diversity(log, lists):
    _, y, X_test, y_test = log
    some = lists["own"][lists["own"]["user"] > 2]
    table = evaluate_recommender(
        {"some": some, "own": lists["own"]}, X_test, y_test, y_train=y, k=K, reference="own",
        item_features=FEATURES, attribute="kind",
    )  # fmt: skip
    assert value(table, "ndcg", "some", "n") == 12
    for name in ("coverage", "gini", "novelty", "popularity", "diversity", "exposure_ratio"):
        assert value(table, name, "some", "n") == 9
    assert value(table, "diversity", "some", "difference") == pytest.approx(0)


class Tied:
    """Recommends twenty items, the same to everybody, all but the first with one score."""

    group = time = None

    def recommend(self, X, k):
        users = X.index.unique("user")
        n = min(k, 20)
        return pd.DataFrame(
            {
                "user": np.repeat(users, n),
                "rank": np.tile(np.arange(1, n + 1), len(users)),
                "item": np.tile(np.arange(n), len(users)),
                "score": np.tile(np.r_[1.0, np.full(n - 1, 0.5)], len(users)),
            }
        )


def test_random_ties_reach_across_the_end_of_the_list():
    users = np.arange(4000)
    index = pd.MultiIndex.from_arrays([users, users * 0 + 9], names=["user", "time"])
    X, y = pd.DataFrame(index=index), pd.Series(19, index)
    train = pd.Series(np.arange(20), index[:20])
    first = evaluate_recommender(Tied(), X, y, y_train=train, k=2)
    assert value(first, "hit_rate", "Tied") == 0
    drawn = evaluate_recommender(Tied(), X, y, y_train=train, k=2, ties="random", random_state=0)
    # Place 2 is one of 19 items with equal scores.
    assert value(drawn, "hit_rate", "Tied") == pytest.approx(1 / 19, abs=0.012)
    assert value(drawn, "coverage", "Tied") == 1
    again = evaluate_recommender(Tied(), X, y, y_train=train, k=2, ties="random", random_state=0)
    pd.testing.assert_frame_equal(drawn, again)
    whole = Tied().recommend(X, 20)
    table = evaluate_recommender(whole, X, y, y_train=train, k=2, ties="random", random_state=0)
    assert value(table, "hit_rate", "lists") == value(drawn, "hit_rate", "Tied")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": -1}, "k must be an integer"),
        ({"ties": "last"}, "ties must be"),
        ({"reference": "best"}, "reference='best' is none of the models"),
        ({"attribute": "kind"}, "give item_features"),
        ({"attribute": "color", "item_features": FEATURES}, "attribute='color' is no column"),
        ({"item_features": FEATURES[:2]}, "item_features lacks"),
        ({"item_features": pd.concat([FEATURES, FEATURES])}, "describes i0 twice"),
        ({"item_features": FEATURES.assign(size=np.nan)}, "column 'size' of item_features"),
        (
            {"item_features": FEATURES.assign(kind=None), "attribute": "kind"},
            "kind is missing for",
        ),
        ({"item_features": {"i0": 1}}, "must be a DataFrame"),
        ({"y_train": pd.Series([], dtype=object)}, "y_train"),
        ({"recommender": {}}, "at least one model"),
        ({"recommender": DummyClassifier()}, "no recommend"),
        ({"ties": "random", "recommender": "without score"}, "needs the column 'score'"),
        ({"y": ["i0"]}, "y has 1 items for"),
        ({"y": "missing"}, "all items in y are missing"),
    ],
)
def test_bad_input_is_named(options, message, log, lists):
    _, y, X_test, y_test = log
    arguments = {"recommender": lists["own"], "X": X_test, "y": y_test, "y_train": y, "k": K}
    arguments |= options
    if isinstance(arguments["recommender"], str):
        arguments["recommender"] = lists["own"].drop(columns="score")
    if isinstance(arguments["y"], str):
        arguments["y"] = np.full(len(y_test), None)
    with pytest.raises((ValueError, TypeError), match=message):
        evaluate_recommender(**arguments)


def test_items_that_a_recommender_could_list_are_in_the_catalogue(log):
    X, y, X_test, y_test = log
    table = pd.DataFrame({"size": np.arange(9.0)}, [f"i{j}" for j in range(9)])  # four more than y
    model = SequenceRecommender(DummyClassifier(strategy="prior"), window=1, item_features=table)
    model.fit(X, y)
    result = evaluate_recommender({"own": model}, X_test, y_test, y_train=y, k=K)
    assert len(model.items_) == value(result, "items", "data") == 9
    listed = model.recommend(X_test, k=K)["item"].nunique()
    assert value(result, "coverage") == pytest.approx(listed / 9)
