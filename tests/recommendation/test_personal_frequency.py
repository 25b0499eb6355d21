import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec import SequenceRecommender
from sklearn_tsrec.recommendation import PersonalFrequencyClassifier

NAN = np.nan


def past(items, gaps):
    """Return the table that a recommender gives to its classifier."""
    items, gaps = np.array(items, dtype=float), np.array(gaps, dtype=float)
    lags = range(items.shape[1], 0, -1)
    names = [f"{block}__lag{lag}" for block in ("item", "gap") for lag in lags]
    return pd.DataFrame(np.hstack([items, gaps]), columns=names)


def test_old_items_count_less():
    X = past([[NAN, 1, 2], [1, 1, 2]], [[NAN, 30, 10], [40, 20, 10]])
    model = PersonalFrequencyClassifier(2.0, half_life=10.0).fit(X, [1, 2])
    count = np.array([[1 / 8, 1 / 2], [1 / 16 + 1 / 4, 1 / 2]])
    expected = (count + 2 * 0.5) / (count.sum(axis=1, keepdims=True) + 2)
    np.testing.assert_allclose(model.predict_proba(X), expected)


def test_items_are_due_after_their_own_interval():
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):  # all take 1 every 8 days, 2 every 32 days and 3 at random
        for item, interval in ((1, 8), (2, 32)):
            start = rng.uniform(0, interval)
            rows += [(user, start + interval * n, item) for n in range(400 // interval)]
        rows += [(user, t, 3) for t in rng.uniform(0, 400, 20)]
    X = pd.DataFrame(rows, columns=["user", "day", "item"])
    model = SequenceRecommender(
        PersonalFrequencyClassifier(0.01, repurchase=1.0),
        window=30,
        gaps=True,
        group="user",
        time="day",
    ).fit(X[["user", "day"]], X["item"])
    # Windows hold positions in classes_. Half octaves are told apart: 8 and 32 are exact.
    np.testing.assert_allclose(model.estimator_.interval_[:2], [8, 32], rtol=0.02)
    ask = past([[1.0, 0, 1, 0]] * 3, [[50, 40, 32, 4], [50, 40, 16, 8], [50, 40, 32, 8]])
    proba = model.estimator_.predict_proba(ask.reindex(columns=model.estimator_.feature_names_in_))
    # What is due comes before what was just had.
    assert proba[0, 1] > 2 * proba[0, 0]
    assert proba[1, 0] > 2 * proba[1, 1]
    assert proba[2, 0] == pytest.approx(proba[2, 1], rel=0.01)


def test_the_curve_is_the_rate_of_repeats_over_the_usual_one():
    X = past([[1.0], [1], [1], [1], [1], [1]], [[4], [4], [4], [16], [16], [16]])
    y = [1, 1, 2, 1, 2, 2]
    model = PersonalFrequencyClassifier(1.0, repurchase=1e-9).fit(X, y)
    # Item 1 came again at ages 4, 4 and 16: its interval is the geometric mean, 4 * 4 ** (1 / 3).
    np.testing.assert_allclose(model.interval_[0], 4 * 4 ** (1 / 3))
    rate = (3 + 1) / (6 + 1)
    early, late = (2 + 1) / (3 + 1 / rate) / rate, (1 + 1) / (3 + 1 / rate) / rate
    expected = [(early + 0.5) / (early + 1), (late + 0.5) / (late + 1)]
    np.testing.assert_allclose(model.predict_proba(X)[[0, 3], 0], expected)


@pytest.mark.parametrize("options", [{"half_life": 5.0}, {"repurchase": 2.0}])
def test_new_rows_add_to_the_old_ones(options):
    rng = np.random.default_rng(0)
    items = rng.choice([NAN, 0, 1, 2, 3], (60, 4))
    X, y = past(items, rng.uniform(0, 50, (60, 4))), np.r_[[2] * 20, rng.integers(0, 5, 40)]
    weight = rng.uniform(0.1, 2, 60)
    model = PersonalFrequencyClassifier(**options)
    whole = model.fit(X, y, weight).predict_proba(X)
    parts = PersonalFrequencyClassifier(**options)
    for rows in (slice(0, 20), slice(20, 60)):
        parts.partial_fit(X[rows], y[rows], sample_weight=weight[rows])
    np.testing.assert_allclose(parts.predict_proba(X), whole)


@pytest.mark.parametrize("options", [{"half_life": 5.0}, {"repurchase": 2.0}])
def test_ages_are_needed(options):
    model = PersonalFrequencyClassifier(**options)
    with pytest.raises(ValueError, match=r"SequenceRecommender\(gaps=True\)"):
        model.fit([[1.0]], [1])
    for age in (-1, NAN):
        with pytest.raises(ValueError, match=f"row 1 has an item with an age of {age:g}"):
            model.fit(past([[NAN], [1]], [[NAN], [age]]), [1, 1])
    model.fit(past([[1]], [[2]]), [1])
    with pytest.raises(ValueError, match="row 0 has an item with an age of -3"):
        model.predict_proba(past([[1]], [[-3]]))


@pytest.mark.parametrize("name", ["half_life", "repurchase"])
def test_bad_parameters(name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        PersonalFrequencyClassifier(**{name: 0}).fit([[1.0]], [1])
