import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec.causal import UpliftRecommender
from sklearn_tsrec.metrics import qini_score


def _log(n=4000, seed=0, confounded=True):
    """Offers go to those who buy anyway; they help the young and annoy the old."""
    rng = np.random.default_rng(seed)
    age, taste = rng.uniform(-1, 1, n), rng.normal(size=n)
    chance = 1 / (1 + np.exp(-taste)) if confounded else np.full(n, 0.5)
    offer = (rng.random(n) < chance).astype(int)
    y = 2 * taste - offer * age + rng.normal(size=n)
    X = pd.DataFrame({"age": age, "taste": taste, "offer": offer, "chance": chance})
    return X, y


def test_the_effect_is_found_under_confounded_offers():
    X, y = _log()
    naive = y[X["offer"] == 1].mean() - y[X["offer"] == 0].mean()
    assert naive > 1
    for propensity in ("chance", LogisticRegression()):
        X_given = X if propensity == "chance" else X.drop(columns="chance")
        found = UpliftRecommender(treatment="offer", propensity=propensity).fit(X_given, y)
        assert abs(found.average_effect_) < 3 * found.average_effect_error_ + 0.05
        assert np.corrcoef(found.predict(X_given), -X["age"])[0, 1] > 0.95
        assert_allclose(np.polyfit(X["age"], found.predict(X_given), 1)[0], -1, atol=0.25)


def test_uplift_does_not_depend_on_what_was_done_to_the_row():
    X, y = _log()
    found = UpliftRecommender(treatment="offer", propensity="chance").fit(X, y)
    flipped = X.assign(offer=1 - X["offer"], chance=0.5)
    assert_array_equal(found.predict(flipped), found.predict(X))
    assert_array_equal(found.arms_, [0, 1])


def test_a_dose_has_an_effect_of_one_unit():
    rng = np.random.default_rng(0)
    season, age = rng.normal(size=3000), rng.uniform(-1, 1, 3000)
    discount = 0.2 + 0.1 * season + 0.1 * rng.normal(size=3000)
    y = 3 * season + (2 + age) * discount + 0.3 * rng.normal(size=3000)
    X = np.column_stack([discount, season, age])
    for learner in (None, LinearRegression()):
        found = UpliftRecommender(learner).fit(X, y)
        assert abs(found.average_effect_ - 2) < 4 * found.average_effect_error_
        assert_allclose(np.polyfit(age, found.predict(X), 1), [1, 2], atol=0.3)
    assert found.overlap_ == {}


@pytest.mark.parametrize("engine", ["linear-dr", "forest"])
@pytest.mark.parametrize("propensity", ["chance", LogisticRegression()])
def test_engines_of_econml_hold_the_uplift_in_their_intervals(engine, propensity):
    X, y = _log(2000)
    if propensity != "chance":
        X = X.drop(columns="chance")
    model = UpliftRecommender(treatment="offer", propensity=propensity, engine=engine).fit(X, y)
    assert_allclose(np.polyfit(X["age"], model.predict(X), 1)[0], -1, atol=0.35)
    interval = model.predict_interval(X)
    held = (interval[:, 0] <= -X["age"]) & (-X["age"] <= interval[:, 1])
    assert held.mean() > 0.85
    narrow = model.predict_interval(X, coverage=0.5)
    assert (np.diff(narrow) < np.diff(interval)).all()
    assert set(model.overlap_) == {"min", "max", "share_clipped"}
    scores = UpliftRecommender(treatment="offer", propensity=propensity).fit(X, y)
    assert model.average_effect_ == scores.average_effect_
    assert not hasattr(scores, "predict_interval")
    with pytest.raises(ValueError, match="coverage=2 must lie between"):
        model.predict_interval(X, coverage=2)


def test_a_forest_knows_the_effect_of_a_dose_and_a_line_does_not():
    rng = np.random.default_rng(0)
    season, age = rng.normal(size=1500), rng.uniform(-1, 1, 1500)
    discount = 0.2 + 0.1 * season + 0.1 * rng.normal(size=1500)
    y = 3 * season + 2 * (age > 0) * discount + 0.05 * rng.normal(size=1500)
    X = np.column_stack([discount, season, age])
    found = UpliftRecommender(engine="forest").fit(X, y)
    assert abs(found.predict(X)[age > 0.2].mean() - 2) < 0.2
    assert abs(found.predict(X)[age < -0.2].mean()) < 0.2
    with pytest.raises(ValueError, match="1500 values, a dose: engine='linear-dr' needs two"):
        UpliftRecommender(engine="linear-dr").fit(X, y)


def test_recommend_may_offer_nothing():
    X, y = _log(confounded=False)
    X = X.drop(columns="chance").assign(user=np.arange(len(X)) // 2)
    found = UpliftRecommender(treatment="offer", group="user").fit(X, y)
    rows = pd.DataFrame(
        {
            "age": [-0.9, -0.3, 0.8, 0.9, -0.5],
            "taste": 0.0,
            "offer": 0,
            "user": ["ann", "ann", "bob", "bob", "cat"],
        }
    )
    listed = found.recommend(rows, k=1)
    assert list(listed["user"]) == ["ann", "cat"]
    assert list(listed.index) == [0, 4]
    assert (listed["rank"] == 1).all()
    assert list(found.recommend(rows, k=2)["rank"]) == [1, 2, 1]
    assert found.recommend(rows, threshold=5).empty
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        found.recommend(rows, 0)
    with pytest.raises(ValueError, match="column 'rank', which the result needs"):
        found.recommend(rows.assign(rank=1))
    with pytest.raises(TypeError, match="pandas DataFrame"):
        found.recommend(rows.to_numpy())


def test_users_stay_in_one_fold():
    X, y = _log(300)
    X = X.assign(user=np.repeat(np.arange(30), 10).astype(str))
    found = UpliftRecommender(treatment="offer", propensity="chance", group="user")
    found._check_table(X, reset=True)
    for train, test in found._folds(X, 300):
        assert not set(X["user"].iloc[train]) & set(X["user"].iloc[test])
    with pytest.raises(ValueError, match="one user only"):
        found.fit(X.assign(user="ann"), y)


def test_the_error_of_the_mean_effect_counts_users_and_not_rows():
    X, y = _log(400, confounded=False)
    X = pd.concat([X.assign(user=np.arange(400))] * 9, ignore_index=True)
    y = np.tile(y, 9)
    model = UpliftRecommender(treatment="offer", propensity="chance", group="user").fit(X, y)
    rows = UpliftRecommender(treatment="offer", propensity="chance").fit(X, y)
    assert_allclose(model.average_effect_error_, 3 * rows.average_effect_error_, rtol=0.1)


def test_a_search_tunes_the_learner_by_qini():
    X, y = _log(2000, confounded=False)
    X = X.drop(columns="chance")

    def qini(model, X, y):
        return qini_score(y, model.predict(X), X["offer"])

    search = GridSearchCV(
        UpliftRecommender(DecisionTreeRegressor(random_state=0), treatment="offer"),
        {"learner__max_leaf_nodes": [2, 4, 400]},
        scoring=qini,
        cv=3,
    ).fit(X, y)
    assert search.best_params_["learner__max_leaf_nodes"] != 400
    assert search.best_score_ > 0.05


def test_clipped_propensities_are_told():
    X, y = _log(500)
    X.loc[:24, "chance"] = 0.001
    model = UpliftRecommender(treatment="offer", propensity="chance")
    with pytest.warns(UserWarning, match=r"5.0% of the propensities are closer to 0 or 1"):
        model.fit(X, y)
    assert model.overlap_["share_clipped"] == 0.05
    assert model.overlap_["min"] == 0.001


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"offer": 1}, {}, "'offer' has one value only"),
        ({"offer": [1, *[0] * 99]}, {}, r"1 row\(s\) that were treated: too few for models of 5"),
        ({"offer": "yes"}, {}, "'offer' has dtype"),
        ({"offer": np.nan}, {}, "'offer' is missing in 100 row"),
        ({"chance": 1.0}, {"propensity": "chance"}, "between 0 and 1, got 1.0 in row 0"),
        ({}, {"propensity": 1.5}, "between 0 and 1, got 1.5"),
        ({}, {"treatment": "zz"}, "unknown column 'zz'"),
    ],
)
def test_bad_input(change, options, message):
    X, y = _log(100)
    with pytest.raises(ValueError, match=message):
        UpliftRecommender(**({"treatment": "offer"} | options)).fit(X.assign(**change), y)
