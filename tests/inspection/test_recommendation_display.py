"""The recommendation display draws the numbers of the table."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from sklearn_tsrec import SequenceRecommender, as_panel
from sklearn_tsrec.inspection import RecommendationDisplay
from sklearn_tsrec.metrics import evaluate_recommender
from sklearn_tsrec.recommendation import ItemKNNClassifier

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="module")
def models():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=12)
    rows = [(u, d, f"i{min(rng.geometric(0.35), 7)}") for u in range(20) for d in days]
    X, y = as_panel(
        pd.DataFrame(rows, columns=["user", "day", "item"]),
        group="user", time="day", target="item",
    )  # fmt: skip
    late = X.index.get_level_values("day") > "2024-01-10"
    popular = SequenceRecommender(DummyClassifier(strategy="prior"), window=1)
    knn = SequenceRecommender(ItemKNNClassifier())
    fitted = {"popular": popular.fit(X[~late], y[~late]), "kNN": knn.fit(X[~late], y[~late])}
    return fitted, X[late], y[late], y[~late]


@pytest.fixture
def display(models):
    fitted, X, y, y_train = models
    return RecommendationDisplay.from_estimator(
        fitted, X, y, y_train=y_train, k=3, reference="popular"
    )


def test_metrics_are_those_of_the_table_with_one_error_to_each_side(models, display):
    fitted, X, y, y_train = models
    table = evaluate_recommender(fitted, X, y, y_train=y_train, k=3, reference="popular")
    pd.testing.assert_frame_equal(display.evaluation, table)
    assert [ax.get_title(loc="left") for ax in display.axes_] == [
        "NDCG@3", "recall@3", "coverage@3", "novelty@3",
    ]  # fmt: skip
    assert [t.get_text() for t in display.axes_[0].get_yticklabels()] == ["popular", "kNN"]
    for ax, metric in zip(display.axes_, ["ndcg", "recall", "coverage", "novelty"]):
        rows = table[(table["metric"] == metric) & (table["model"] != "data")]
        [container] = ax.containers
        np.testing.assert_allclose(container[0].get_xdata().astype(float), rows["value"])
        spans = np.array([s[:, 0] for s in container[2][0].get_segments()], dtype=float)
        errors = rows["std_error"].to_numpy(dtype=float)
        np.testing.assert_allclose(spans[:, 1] - spans[:, 0], 2 * errors, atol=1e-12)


def test_single_estimators_tables_and_key_columns_agree(models, display):
    fitted, X, y, y_train = models
    one = RecommendationDisplay.from_estimator(
        fitted["kNN"], X, y, y_train=y_train, k=3, metrics=["mrr"]
    )
    assert len(one.axes_) == 1
    lists = fitted["kNN"].recommend(X, k=3)
    two = RecommendationDisplay.from_predictions(lists, y, y_train=y_train, k=3)
    columns = SequenceRecommender(ItemKNNClassifier(), group="user", time="day")
    columns.fit(y_train.index.to_frame(index=False), y_train.to_numpy())
    three = RecommendationDisplay.from_estimator(
        columns, X.index.to_frame(index=False), y.to_numpy(), y_train=y_train, k=3
    )
    for other in (two, three):
        pd.testing.assert_series_equal(one.evaluation["value"], other.evaluation["value"])


def test_tradeoff_places_models_and_connects_curves(display):
    display.plot_tradeoff("novelty", "recall")
    table = display.evaluation.set_index(["metric", "model"])["value"]
    [ax] = display.axes_
    assert ax.get_xlabel() == "novelty@3"
    assert ax.get_ylabel() == "recall@3"
    for container, name in zip(ax.containers, ["popular", "kNN"]):
        [x], [y] = container[0].get_data()
        assert (x, y) == (table["novelty", name], table["recall", name])
    assert sorted(text.get_text() for text in ax.texts) == ["kNN", "popular"]
    display.plot_tradeoff(curves={"k": ["kNN", "popular"]})
    [container] = display.axes_[0].containers
    assert sorted(text.get_text() for text in display.axes_[0].texts) == ["NN", "popular"]
    np.testing.assert_array_equal(
        container[0].get_xdata(), [table["coverage", "kNN"], table["coverage", "popular"]]
    )


def test_names_hide_no_points_and_no_names(display):
    display.plot_tradeoff()
    [ax] = display.axes_
    renderer = ax.figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in ax.texts]
    assert not boxes[0].overlaps(boxes[1])
    points = ax.transData.transform(
        [[c[0].get_xdata()[0], c[0].get_ydata()[0]] for c in ax.containers]
    )
    assert not any(box.contains(*point) for box in boxes for point in points)


def test_a_user_history_stands_beside_its_list(models, display):
    fitted, _, y, y_train = models
    display.plot_series(4, model="kNN", n_history=2)
    [ax] = display.axes_
    listed = fitted["kNN"].recommend([4], k=3)["item"].tolist()
    rows = [t.get_text() for t in ax.get_yticklabels()]
    assert rows[:3] == [f"{n}. {item}" for n, item in enumerate(listed, 1)]
    missed = [item for item in y[4].unique() if item not in listed]
    assert rows[3 : 3 + len(missed)] == missed
    often = [i for i in y_train[4].value_counts().index if i not in [*listed, *missed]][:2]
    assert rows[3 + len(missed) :] == often
    items = [*listed, *missed, *often]
    before, later = (points.get_offsets().data for points in ax.collections[:2])
    np.testing.assert_array_equal(later[:, 1], [items.index(item) for item in y[4]])
    shown = y_train[4][y_train[4].isin(items)]
    np.testing.assert_array_equal(before[:, 1], [items.index(item) for item in shown])
    np.testing.assert_allclose(before[:, 0], mpl.dates.date2num(shown.index))


def test_several_group_levels():
    index = pd.MultiIndex.from_tuples(
        [("a", 1, 1), ("a", 2, 1), ("a", 1, 2)], names=["shop", "user", "time"]
    )
    train, later = pd.Series(["x", "y", "z"], index), pd.Series(["y"], index[:1])
    lists = pd.DataFrame({"shop": ["a"], "user": [1], "rank": [1], "item": ["x"], "score": [1.0]})
    display = RecommendationDisplay.from_predictions(lists, later, y_train=train, k=1)
    display.plot_series(("a", 1))
    assert [t.get_text() for t in display.axes_[0].get_yticklabels()] == ["1. x", "y", "z"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.plot(metrics=["auc"]), "'auc' is none of the metrics"),
        (lambda d: d.plot(axes=d.axes_[:2]), "axes has 2 axes for 4 metrics"),
        (lambda d: d.plot_tradeoff("auc"), "'auc' is none of the metrics"),
        (lambda d: d.plot_tradeoff(curves={"a": ["b"]}), r"curves name \['b'\]"),
        (lambda d: d.plot_series(99), "no list for the series 99"),
        (lambda d: d.plot_series(4, model="x"), "model='x' is none of"),
    ],
)
def test_bad_requests_are_named(call, message, display):
    with pytest.raises(ValueError, match=message):
        call(display)


def test_events_must_be_keyed(models):
    fitted, X, y, y_train = models
    with pytest.raises(TypeError, match="y_train must be a Series of items with an index"):
        RecommendationDisplay.from_estimator(fitted, X, y, y_train=y_train.reset_index())
