import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter
from sklearn.ensemble import RandomForestRegressor

from sklearn_tsrec.causal import estimate_effect


def _world(n=600, seed=0, hidden=0.0):
    """Price drives sales by -2, directly and through the queue, under a season that moves both."""
    rng = np.random.default_rng(seed)
    season = lfilter([1.0], [1.0, -0.8], rng.normal(size=n))
    secret = rng.normal(size=n)
    price = 0.5 * season + hidden * secret + rng.normal(size=n)
    queue = -1.0 * price + 0.5 * rng.normal(size=n)
    noise = lfilter([1.0], [1.0, -0.5], rng.normal(size=n))
    sales = 10 - 1.0 * price + 1.0 * queue + season + hidden * secret + noise
    X = pd.DataFrame(
        {"price": price, "season": season, "queue": queue},
        index=pd.date_range("2024-01-01", periods=n),
    )
    return X, sales


def test_direct_and_total_effects():
    X, y = _world(seed=2)
    direct = estimate_effect(X, y, "price", n_placebos=0)
    assert direct.lower < -1 < direct.upper
    assert direct.controls == ["season", "queue"]
    total = estimate_effect(X, y, "price", mediators=["queue"], n_placebos=0)
    assert total.lower < -2 < total.upper
    assert total.pvalue < 1e-10
    assert total.n_rows == 600


def test_intervals_hold_as_often_as_they_say():
    held = [
        found.lower < -2 < found.upper
        for seed in range(40)
        for found in [
            estimate_effect(*_world(seed=seed), "price", mediators=["queue"], n_placebos=0)
        ]
    ]
    assert np.mean(held) >= 0.875  # 0.95 less two standard errors


def test_refutations_pass_for_an_effect_and_not_for_a_consequence():
    X, y = _world()
    found = estimate_effect(X, y, "price", mediators=["queue"], n_placebos=60)
    assert found.placebo_lead["pvalue"] > 0.01
    assert found.random_treatment["n"] == 60
    assert found.random_treatment["share"] < 0.15
    # What sales move tomorrow looks like a cause of them today: its lead gives it away.
    X = X[["price", "season"]].assign(
        stock=-np.r_[0, y[:-1]] + np.random.default_rng(1).normal(size=600)
    )
    fake = estimate_effect(X, y, "stock", n_placebos=0)
    assert fake.placebo_lead["pvalue"] < 1e-6


def test_robustness_is_that_of_cinelli_and_hazlett():
    X, y = _world()
    found = estimate_effect(X, y, "price", mediators=["queue"], n_placebos=0)
    f = abs(found.effect / found.std_error) / np.sqrt(600 - 2 - 1 - 8)
    assert_allclose(found.robustness, 0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2), rtol=1e-6)
    weak = estimate_effect(
        X[["price", "season"]], np.random.default_rng(0).normal(size=600), "price"
    )
    assert weak.robustness < 0.15


def test_effects_by_regime_show_one_that_flips():
    X, y = _world()
    X, y = X[["price", "season"]], y + np.repeat([0.0, 0.0, 6.0], 200) * X["price"].to_numpy()
    found = estimate_effect(X, y, "price", n_placebos=0)
    assert (found.by["upper"][:2] < 0).all()
    assert found.by["lower"][2] > 0


def test_an_effect_that_differs_with_a_column_is_found_by_row():
    rng = np.random.default_rng(0)
    n = 1500
    size, season = rng.uniform(-1, 1, n), rng.normal(size=n)
    price = 0.5 * season + rng.normal(size=n)
    X = pd.DataFrame({"price": price, "season": season, "size": size})
    truth = np.where(size > 0, -2.0, 0.0)
    noise = rng.normal(size=n)
    options = {"treatment": "price", "modifiers": ["size"], "n_placebos": 0}
    found = estimate_effect(X, truth * price + season + noise, **options)
    assert found.heterogeneity_pvalue < 1e-6
    clear = (size < -0.2) | (size > 0.2)
    assert np.abs(found.by_row["effect"] - truth)[clear].mean() < 0.2
    held = (found.by_row["lower"] <= truth) & (truth <= found.by_row["upper"])
    assert held[clear].mean() > 0.85
    same = estimate_effect(X, -price + season + noise, **options)
    assert same.heterogeneity_pvalue > 0.05
    plain = estimate_effect(X, -price + season + noise, "price", n_placebos=0)
    assert plain.by_row is None
    assert np.isnan(plain.heterogeneity_pvalue)


def test_any_nuisance_model_takes_out_a_curved_season():
    rng = np.random.default_rng(0)
    season = rng.uniform(-2, 2, 900)
    price = season**2 + rng.normal(size=900)
    sales = -1.0 * price + 3 * season**2 + rng.normal(size=900)
    X = pd.DataFrame({"price": price, "season": season})
    forest = RandomForestRegressor(40, min_samples_leaf=10, random_state=0)
    straight = estimate_effect(X, sales, "price", n_placebos=0)
    curved = estimate_effect(X, sales, "price", nuisance=forest, n_placebos=0)
    assert straight.effect > 0
    assert abs(curved.effect + 1) < 0.15


def test_row_order_and_levels_of_series_do_not_matter():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(25), range(40)], names=["store", "week"])
    level = np.repeat(rng.normal(0, 10, 25), 40)
    X = pd.DataFrame({"price": rng.normal(size=1000) + level}, index=index)
    X["last"] = rng.normal(size=1000)
    y = -X["price"] + 5 * level + rng.normal(size=1000)
    found = estimate_effect(X, y, "price", n_placebos=0)
    assert found.lower < -1 < found.upper
    order = rng.permutation(1000)
    shuffled = estimate_effect(X.iloc[order], y.iloc[order], "price", n_placebos=0)
    assert_allclose(shuffled.effect, found.effect)
    assert_allclose(shuffled.placebo_lead["effect"], found.placebo_lead["effect"])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"treatment": "zz"}, "'zz' is no column of X"),
        ({}, {"mediators": ["zz"]}, "'zz' is no column of X"),
        ({}, {"mediators": ["price"]}, "own mediators"),
        ({}, {"modifiers": ["zz"]}, "'zz' is no column of X"),
        ({}, {"modifiers": ["price"]}, "modifiers names 'price'"),
        ({"price": "high"}, {}, "'price' has dtype"),
        ({"price": 3.0}, {}, "'price' is constant"),
        ({"season": np.inf}, {}, "'season' contains infinity"),
        ({"season": np.nan}, {}, r"0 complete row\(s\) of 600"),
    ],
)
def test_bad_input(change, options, message):
    X, y = _world()
    with pytest.raises(ValueError, match=message):
        estimate_effect(X.assign(**change), y, **({"treatment": "price"} | options))


def test_arrays_have_no_names():
    with pytest.raises(TypeError, match="X must be a DataFrame"):
        estimate_effect(np.ones((5, 2)), np.ones(5), "x0")
