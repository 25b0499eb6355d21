import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_tsrec.metrics import auuc_score, policy_value, qini_score, uplift_interval


def _log(n=400, seed=0):
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=n)
    treatment = rng.integers(0, 2, n)
    return effect * treatment + 0.3 * rng.normal(size=n), effect, treatment


def _slow_curve(y, uplift, treatment):
    """The Qini curve, person by person, without ties."""
    order = np.argsort(-uplift)
    curve = [0.0]
    for m in range(1, len(y) + 1):
        top = order[:m]
        treated, control = top[treatment[top] == 1], top[treatment[top] == 0]
        scaled = y[control].sum() * len(treated) / len(control) if len(control) else 0.0
        curve.append(y[treated].sum() - scaled)
    return np.array(curve)


def test_qini_is_the_area_between_the_curve_and_the_diagonal():
    y, effect, treatment = _log(60)
    curve = _slow_curve(y, effect, treatment)
    area = np.trapezoid(curve) - curve[-1] * 60 / 2
    assert_allclose(qini_score(y, effect, treatment), area / 60**2)
    assert_allclose(qini_score(y, effect, treatment, normalize=False), area)


def test_the_true_effect_beats_a_random_order_and_its_opposite():
    y, effect, treatment = _log()
    noise = np.random.default_rng(1).normal(size=len(y))
    for score in (qini_score, auuc_score):
        assert (
            score(y, effect, treatment) > score(y, noise, treatment) > score(y, -effect, treatment)
        )
    assert abs(qini_score(y, noise, treatment)) < 0.03


def test_ties_have_no_order():
    y, _, treatment = _log()
    order = np.random.default_rng(0).permutation(len(y))
    for score in (qini_score, auuc_score):
        flat = score(y, np.zeros(len(y)), treatment)
        assert_allclose(score(y[order], np.zeros(len(y)), treatment[order]), flat)
    assert_allclose(qini_score(y, np.zeros(len(y)), treatment), 0, atol=1e-12)
    assert_allclose(
        auuc_score(y, np.zeros(len(y)), treatment),
        (y[treatment == 1].mean() - y[treatment == 0].mean()) / 2,
    )


@pytest.mark.parametrize("kind", ["ips", "snips", "dr"])
def test_policy_value_is_near_the_truth_where_propensities_differ(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    propensity = 1 / (1 + np.exp(-x))
    treatment = (rng.random(20_000) < propensity).astype(int)
    y = 1 + x + treatment * x + rng.normal(size=20_000)
    policy = (x > 0).astype(int)
    truth = 1 + np.maximum(x, 0).mean() + x.mean()
    outcomes = np.column_stack([1 + x, 1 + 2 * x])
    found = policy_value(
        y, policy, treatment, propensity, kind=kind, outcomes=outcomes, n_bootstraps=200
    )
    assert found["lower"] < truth < found["upper"]
    assert 5_000 < found["n_effective"] < 20_000


def test_doubly_robust_is_right_with_wrong_propensities_or_wrong_outcomes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=50_000)
    propensity = 1 / (1 + np.exp(-x))
    treatment = (rng.random(50_000) < propensity).astype(int)
    y = x + treatment + 0.1 * rng.normal(size=50_000)
    policy, right = np.ones(50_000), np.column_stack([x, x + 1])
    options = {"kind": "dr", "n_bootstraps": 0}
    wrong_chance = policy_value(y, policy, treatment, 0.5, outcomes=right, **options)
    wrong_outcome = policy_value(y, policy, treatment, propensity, outcomes=0 * right, **options)
    assert_allclose([wrong_chance["value"], wrong_outcome["value"]], 1, atol=0.03)
    plain = policy_value(y, policy, treatment, 0.5, kind="snips", n_bootstraps=0)
    assert plain["value"] > 1.3


def test_rows_of_a_user_are_drawn_together():
    y, _, treatment = _log()
    repeated = [np.repeat(part, 10) for part in (y, treatment, np.arange(len(y)))]
    single = policy_value(y, np.ones(len(y)), treatment, 0.5)
    grouped = policy_value(repeated[0], np.ones(4000), repeated[1], 0.5, groups=repeated[2])
    assert_allclose([grouped[k] for k in ("value", "lower", "upper")],
                    [single[k] for k in ("value", "lower", "upper")])  # fmt: skip
    naive = policy_value(repeated[0], np.ones(4000), repeated[1], 0.5)
    assert naive["upper"] - naive["lower"] < 0.5 * (grouped["upper"] - grouped["lower"])


def test_intervals_of_scores_hold_the_truth_and_know_users():
    truth = auuc_score(*_log(200_000, seed=99))
    held = [
        found["lower"] <= truth <= found["upper"]
        for seed in range(40)
        for found in [uplift_interval(auuc_score, *_log(seed=seed), n_bootstraps=100)]
    ]
    assert np.mean(held) >= 0.85  # 0.95 less three standard errors
    y, effect, treatment = _log()
    single = uplift_interval(qini_score, y, effect, treatment, n_bootstraps=200)
    assert_allclose(single["value"], qini_score(y, effect, treatment))
    n = treatment.sum() * (400 - treatment.sum()) * 4 / 400
    assert_allclose(single["n_effective"], n)
    users = np.repeat(np.arange(400), 5)
    repeated = [np.repeat(part, 5) for part in (y, effect, treatment)]
    grouped = uplift_interval(qini_score, *repeated, groups=users, n_bootstraps=200)
    naive = uplift_interval(qini_score, *repeated, n_bootstraps=200)

    def width(found):
        return found["upper"] - found["lower"]

    assert_allclose(width(grouped), width(single), rtol=0.25)
    assert width(naive) < 0.6 * width(grouped)
    with pytest.raises(ValueError, match="one arm only"):
        uplift_interval(qini_score, [1, 0], [0.1, 0.2], [1, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        uplift_interval(qini_score, y, effect, treatment, groups=[1, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"propensity": 0.0}, r"strictly between 0 and 1, got 0.0 in row 0"),
        ({"propensity": [0.5, 0.5, 1.0, 0.5]}, "in row 2"),
        ({"treatment": [0, 1, 2, 0]}, "must hold 0"),
        ({"policy": [0, 1, 2, 0]}, "must hold probabilities"),
        ({"kind": "best"}, "'ips', 'snips' or 'dr'"),
        ({"kind": "dr"}, "needs outcomes="),
        ({"kind": "dr", "outcomes": [[1, 2]]}, r"shape \(4, 2\)"),
        ({"policy": [1, 1, 0, 0], "treatment": [0, 0, 1, 1]}, "cannot be estimated"),
    ],
)
def test_bad_policies(options, message):
    given = {"policy": [1, 0, 1, 0], "treatment": [1, 0, 0, 1], "propensity": 0.5} | options
    with pytest.raises(ValueError, match=message):
        policy_value([1.0, 2.0, 3.0, 4.0], **given)


def test_one_arm_has_no_effect():
    with pytest.raises(ValueError, match="one arm only"):
        qini_score([1, 0], [0.1, 0.2], [1, 1])
