import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.dummy import DummyRegressor

from sklearn_tsrec.metrics import evaluate_ranker, paired_test, rank_ic_scorer, top_k_spread

rng = np.random.default_rng(0)
INDEX = pd.MultiIndex.from_product([list("abcdefg"), range(9)], names=["asset", "day"])
X = pd.DataFrame(index=INDEX)[rng.random(len(INDEX)) < 0.9].sample(frac=1, random_state=0)
Y = rng.normal(size=len(X))
SCORES = {"good": Y + rng.normal(size=len(X)), "noise": rng.normal(size=len(X))}
DAYS, ASSETS = X.index.get_level_values("day"), X.index.get_level_values("asset")


def slow(score, k, cost):
    """All metrics of each day, by sorting."""
    held, rows = {}, {}
    for day in sorted(set(DAYS)):
        part = pd.DataFrame({"y": Y, "score": score}, ASSETS)[day == DAYS].sort_values("score")
        top, bottom = part[-k:], part[:k]
        weights = dict.fromkeys(top.index, 1 / k) | dict.fromkeys(bottom.index, -1 / k)
        names = {*held, *weights}
        moved = sum(abs(weights.get(n, 0) - held.get(n, 0)) for n in names)
        spread = top["y"].mean() - bottom["y"].mean()
        rows[day] = {
            "rank_ic": spearmanr(part["y"], part["score"])[0],
            "top_excess": top["y"].mean() - part["y"].mean(),
            "spread": spread,
            "traded": moved,
            "net_spread": spread - cost / 10_000 * moved,
        }
        held = weights
    return pd.DataFrame(rows).T


def row(table, model, metric):
    [row] = table[(table["model"] == model) & (table["metric"] == metric)].to_dict("records")
    return row


def test_figures_equal_a_slow_loop_over_dates():
    table = evaluate_ranker(SCORES, X, Y, k=2, cost_bps=50, reference="noise")
    assert table.attrs == {"k": 2, "cost_bps": 50, "reference": "noise"}
    expected = {name: slow(score, 2, 50) for name, score in SCORES.items()}
    for metric in expected["good"]:
        a, b = expected["good"][metric], expected["noise"][metric]
        test = paired_test(a, b, n_bootstraps=1)
        got = row(table, "good", metric)
        assert got["value"] == pytest.approx(a.mean())
        assert got["std_error"] == pytest.approx(a.std() / 3)
        assert got["n"] == 9
        assert got["difference"] == pytest.approx(test.difference)
        assert got["difference_std_error"] == pytest.approx(test.std_error)
        assert got["pvalue"] == pytest.approx(test.pvalue)
    ic = expected["good"]["rank_ic"]
    assert row(table, "good", "rank_ir")["value"] == pytest.approx(ic.mean() / ic.std())
    assert row(table, "data", "dates")["value"] == 9
    assert row(table, "data", "series")["value"] == 7


def test_the_error_of_the_ratio_is_that_of_nudged_weights():
    ic = slow(SCORES["good"], 2, 0)["rank_ic"].to_numpy()

    def ratio(weight):
        mean = np.average(ic, weights=weight)
        return mean / np.sqrt(np.average((ic - mean) ** 2, weights=weight) * 9 / 8)

    step = 1e-6
    nudged = [ratio(np.ones(9) + step * (np.arange(9) == j)) for j in range(9)]
    influence = 9 * (np.array(nudged) - ratio(np.ones(9))) / step
    got = row(evaluate_ranker(SCORES, X, Y, k=2), "good", "rank_ir")["std_error"]
    assert got == pytest.approx(influence.std(ddof=1) / 3, rel=1e-4)


def test_spread_by_date_and_after_costs():
    expected = slow(SCORES["good"], 3, 20)
    options = {"groups": DAYS, "k": 3, "series": ASSETS, "average": None}
    dates_with_both_sides = pd.Series(DAYS).value_counts().sort_index() >= 6
    got = top_k_spread(Y, SCORES["good"], cost_bps=20, **options)
    assert got.isna().equals(~dates_with_both_sides.rename_axis(got.index.name))
    gross = top_k_spread(Y, SCORES["good"], **options).dropna()
    np.testing.assert_allclose(gross, expected["spread"][gross.index])


def test_equal_scores_share_the_last_places():
    returns = np.array([4.0, 2.0, 1.0, 0.0, -3.0])
    # Long: the first, and half of each of the next two. Short: the last two.
    spread = top_k_spread(returns, [5, 3, 3, 2, 1], groups=np.zeros(5), k=2)
    assert spread == pytest.approx((4 + 1.5) / 2 - (0 - 3) / 2)
    assert top_k_spread(returns, np.ones(5), groups=np.zeros(5), k=2) == pytest.approx(0)


class Negated:
    """Says minus what is known to be good, and that low is good."""

    direction = "low"
    group = time = None

    def predict(self, X):
        return -SCORES["good"]


def test_a_ranker_that_wants_low_values():
    high = evaluate_ranker(SCORES["good"], X, Y, k=2)
    low = evaluate_ranker(Negated(), X, -Y, k=2)
    pd.testing.assert_frame_equal(high.drop(columns="model"), low.drop(columns="model"))


def test_rows_without_a_truth_are_left_out():
    missing = np.where(DAYS == 3, np.nan, Y)
    table = evaluate_ranker(SCORES, X, missing, k=2)
    known = DAYS != 3
    scores = {name: score[known] for name, score in SCORES.items()}
    pd.testing.assert_frame_equal(table, evaluate_ranker(scores, X[known], Y[known], k=2))


def test_errors_count_that_truths_overlap():
    draw = np.random.default_rng(1)
    names, n = [f"a{i}" for i in range(12)], 400
    index = pd.MultiIndex.from_product([names, range(n)], names=["asset", "day"])
    # What happens over three days, known each day: a noise score has an error of root 3 more.
    step = draw.normal(size=(len(names), n + 2))
    over = step[:, :-2] + step[:, 1:-1] + step[:, 2:]
    score = np.repeat(draw.normal(size=len(names)), n)
    tables = [
        evaluate_ranker(score, pd.DataFrame(index=index), over.ravel(), k=3, overlap=overlap)
        for overlap in (1, 3)
    ]
    alone, shared = (row(table, "scores", "spread") for table in tables)
    assert alone["value"] == shared["value"]
    assert shared["std_error"] / alone["std_error"] == pytest.approx(3**0.5, rel=0.1)
    series = over.reshape(len(names), n)
    order = np.argsort(score[::n])
    spread = series[order[-3:]].mean(axis=0) - series[order[:3]].mean(axis=0)
    off = spread - spread.mean()
    variance = off @ off + 2 * (off[1:] @ off[:-1] + off[2:] @ off[:-2])
    assert shared["std_error"] == pytest.approx(np.sqrt(variance / (n * (n - 1))))


def test_scorer_of_a_constant_forecast_is_zero():
    model = DummyRegressor().fit(X, Y)
    assert rank_ic_scorer()(model, X, np.where(DAYS == 3, np.nan, Y)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate_ranker(SCORES, X, Y, k=0), "k must be an integer"),
        (lambda: evaluate_ranker(SCORES, X, Y, k=4), "no date has 8 series"),
        (lambda: evaluate_ranker(SCORES, X, Y, k=2, overlap=0), "overlap must be an integer"),
        (lambda: evaluate_ranker(SCORES, X, Y, k=2, reference="x"), "none of the models"),
        (lambda: evaluate_ranker(SCORES, X, Y * np.nan, k=2), "all truths are missing"),
        (lambda: evaluate_ranker(Y[:-1], X, Y, k=2), "'scores' has"),
        (lambda: evaluate_ranker(Y, X.droplevel(0), Y, k=2), "names no series"),
        (lambda: evaluate_ranker({"data": Y}, X, Y, k=2), "none of the name 'data'"),
        (lambda: evaluate_ranker({"a": Y * np.inf}, X, Y, k=2), "the scores of 'a'"),
        (lambda: top_k_spread(Y, Y, groups=DAYS, k=2, cost_bps=5), "needs series="),
        (lambda: top_k_spread(Y, Y, groups=DAYS, k=2, average="samples"), "average must be"),
        (lambda: rank_ic_scorer()(Negated(), X, Y * np.nan), "all truths are missing"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
