import numpy as np
import pytest
import sklearn.metrics

from sklearn_tsrec import metrics

rng = np.random.default_rng(0)
P = rng.dirichlet([1, 1, 1], 50)
Y = rng.choice(["away", "draw", "home"], 50)


def test_log_loss_equals_scikit_learn():
    assert metrics.log_loss(Y, P) == pytest.approx(sklearn.metrics.log_loss(Y, P))
    assert metrics.log_loss(["a", "b"], [[0, 1], [0, 1]]) == pytest.approx(
        sklearn.metrics.log_loss(["a", "b"], [[0, 1], [0, 1]])
    )


def test_brier_score_equals_a_loop():
    column = {"away": 0, "draw": 1, "home": 2}
    expected = np.mean(
        [sum((P[i, k] - (column[Y[i]] == k)) ** 2 for k in range(3)) for i in range(50)]
    )
    assert metrics.brier_score(Y, P) == pytest.approx(expected)


def test_ranked_probability_score_equals_a_loop_and_follows_the_order_of_labels():
    order = ["draw", "home", "away"]
    losses = []
    for outcome, p in zip(Y, P):
        happened = [float(label == outcome) for label in order]
        losses.append(sum((sum(p[:k]) - sum(happened[:k])) ** 2 for k in (1, 2)) / 2)
    got = metrics.ranked_probability_score(Y, P, labels=order)
    assert got == pytest.approx(np.mean(losses))


def test_ranked_probability_score_of_two_outcomes_is_half_the_brier_score():
    y, p = [0, 1, 1], [[0.2, 0.8], [0.3, 0.7], [1.0, 0.0]]
    assert metrics.ranked_probability_score(y, p) == pytest.approx(metrics.brier_score(y, p) / 2)


def test_scores_per_team():
    got = metrics.brier_score([0, 1, 1], [[1, 0], [1, 0], [0, 1]], groups=list("xxy"), average=None)
    assert got.to_dict() == {"x": 1.0, "y": 0.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.brier_score([0, 1], [[0.5, 0.6], [0, 1]]), "summing to 1"),
        (lambda: metrics.brier_score([0, 1], [[-0.5, 1.5], [0, 1]]), "not negative"),
        (lambda: metrics.brier_score([0, 2], [[0, 1], [0, 1]], labels=[0, 1]), r"such as \[2\]"),
        (lambda: metrics.log_loss([0, 0], [[1], [1]]), "two different outcomes"),
        (lambda: metrics.log_loss(["a", None], [[0, 1]] * 2, labels=["a", "b"]), "1 missing"),
        (lambda: metrics.log_loss([0, 1], [[0, 1]]), "2 rows and y_pred has 1"),
        (lambda: metrics.log_loss([0, 1, 2], [[0, 1]] * 3), r"shape \(n_samples, 3\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
