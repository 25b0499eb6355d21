import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline, make_union

from sklearn_tsrec import PanelTimeSeriesSplit, metrics
from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin


class Naive(KeyedMixin, RegressorMixin, BaseEstimator):
    """The last known value of a series times a factor."""

    def __init__(self, factor=1.0, group=None, time=None, freq="infer"):
        self.factor = factor
        self.group = group
        self.time = time
        self.freq = freq

    def fit(self, X, y):
        self.target_history_ = History.build(self._fit_keys(X), np.asarray(y, dtype=float))
        return self

    def predict(self, X):
        codes, history = self._read_keys(X).codes, self.target_history_
        last = history.values[history.starts[1:] - 1, 0]
        return self.factor * np.append(last, last.mean())[np.minimum(codes, len(last))]

    def predict_quantiles(self, X, quantiles):
        return self.predict(X)[:, np.newaxis] + 10 * (np.asarray(quantiles) - 0.5)


class Remember(TransformerMixin, Naive):
    """A transformer with a memory."""

    def transform(self, X):
        return np.zeros((len(X), 1))


class Popular(BaseEstimator):
    """Recommends fixed items to everyone in X."""

    def __init__(self, items=("tea", "rice"), group=None, time=None):
        self.items = items
        self.group = group
        self.time = time

    def fit(self, X, y):
        return self

    def recommend(self, X, *, k):
        users = X.index.get_level_values("user") if self.group is None else X[self.group]
        return pd.DataFrame(
            [(u, r, i) for u in users.unique() for r, i in enumerate(self.items[:k], 1)],
            columns=["user", "rank", "item"],
        )


DAYS = pd.date_range("2024-01-01", periods=20)
rng = np.random.default_rng(0)
TABLE = pd.concat(
    [
        pd.DataFrame({"shop": s, "day": DAYS, "x": 0.0, "y": level + rng.normal(size=20)})
        for s, level in (("a", 5), ("b", 50), ("c", 500))
    ]
)
TABLE.loc[TABLE.shop == "c", "y"] = 7.0  # constant: no scale of its own
TABLE = TABLE[~((TABLE.shop == "a") & (TABLE.day == DAYS[5]))].sample(frac=1, random_state=0)
PANEL = TABLE.set_index(["shop", "day"])
TRAIN = PANEL[PANEL.index.get_level_values("day") < DAYS[15]]
TEST = PANEL[PANEL.index.get_level_values("day") >= DAYS[15]].copy()
TEST.iloc[3, 1] = np.nan


def slow_score(root, period=2, test=TEST, factor=1.0):
    """Mean over series of the scaled error of the last value, from dictionaries of days."""

    def mean(values):
        return np.sqrt(np.mean(np.square(values))) if root else np.mean(np.abs(values))

    scales, errors = {}, {}
    for shop, part in TRAIN.y.groupby("shop"):
        by_day = dict(zip(part.index.get_level_values(1), part))
        steps = [
            v - by_day[d - pd.Timedelta(period, "D")]
            for d, v in by_day.items()
            if d - pd.Timedelta(period, "D") in by_day
        ]
        scales[shop] = mean(steps)
        last = factor * by_day[max(by_day)]
        truth = test.y.xs(shop).dropna()
        errors[shop] = mean(truth - last)
    pooled = np.mean([s for s in scales.values() if s > 0])
    return np.mean([errors[s] / (scales[s] or pooled) for s in errors])


@pytest.mark.parametrize("period", [1, 2])
def test_scaled_scorers_take_the_scale_from_the_fitted_estimator(period):
    model = Naive().fit(TRAIN[["x"]], TRAIN.y)
    got = metrics.mase_scorer(period=period)(model, TEST[["x"]], TEST.y)
    assert got == pytest.approx(-slow_score(False, period))
    got = metrics.rmsse_scorer(period=period)(model, TEST[["x"]], TEST.y)
    assert got == pytest.approx(-slow_score(True, period))


def test_keys_as_columns_give_the_same_score():
    train, test = TRAIN.reset_index(), TEST.reset_index()
    model = Naive(group="shop", time="day").fit(train[["x", "day", "shop"]], train.y)
    got = metrics.mase_scorer(period=2)(model, test[["x", "day", "shop"]], test.y)
    assert got == pytest.approx(-slow_score(False))


def test_series_that_were_never_seen_take_the_mean_scale():
    model = Naive().fit(TRAIN[["x"]], TRAIN.y)
    last = model.target_history_.values[model.target_history_.starts[1:] - 1, 0]
    new = pd.DataFrame(
        {"x": 0.0, "y": last.mean() + 3},
        pd.MultiIndex.from_product([["new"], DAYS[15:]], names=["shop", "day"]),
    )
    scale = metrics.seasonal_naive_scale(
        TRAIN.y[["b"]], groups=["b"] * len(TRAIN.y[["b"]]), time=TRAIN.y[["b"]].index.codes[1]
    )
    a = TRAIN.y.xs("a").sort_index()
    a_scale = np.nanmean(np.abs(a.asfreq("D").diff()))
    got = metrics.mase_scorer(period=1)(model, new[["x"]], new.y)
    assert got == pytest.approx(-3 / np.mean([scale["b"], a_scale]))


def with_naive(model):
    return make_pipeline(model, DummyRegressor(strategy="constant", constant=9.0))


@pytest.mark.parametrize(
    "model",
    [
        with_naive(Remember()),
        with_naive(make_union("passthrough", Remember())),
        with_naive(ColumnTransformer([("r", Remember(), ["x"]), ("p", "passthrough", ["x"])])),
        GridSearchCV(with_naive(Remember()), {}, cv=PanelTimeSeriesSplit(2)),
        StackingRegressor(
            [("n", with_naive(Remember()))],
            final_estimator=DummyRegressor(strategy="constant", constant=9.0),
            cv=2,
        ),
        TransformedTargetRegressor(
            with_naive(Remember()).set_params(dummyregressor__constant=np.log(9.0)),
            func=np.log,
            inverse_func=np.exp,
        ),
    ],
    ids=["pipeline", "union", "columns", "search", "stacking", "transformed target"],
)
def test_memory_is_found_inside_scikit_learn_and_read_in_the_unit_of_y(model):
    direct = with_naive(Remember()).fit(TRAIN[["x"]], TRAIN.y)
    expected = metrics.mase_scorer(period=2)(direct, TEST[["x"]], TEST.y)
    got = metrics.mase_scorer(period=2)(model.fit(TRAIN[["x"]], TRAIN.y), TEST[["x"]], TEST.y)
    assert got == pytest.approx(expected)


def test_event_logs_count_events_as_period():
    X = pd.DataFrame({"x": 0.0}, pd.Index([0.5, 3, 3.1, 10], name="t"))
    model = Naive(freq=None).fit(X, [1.0, 2.0, 4.0, 8.0])
    got = metrics.mase_scorer(period=2)(model, X.set_axis([11, 12, 13, 14]), [8, 8, 8, 17.0])
    assert got == pytest.approx(-(9 / 4) / 4.5)


def test_other_forecast_scorers_leave_out_rows_without_a_truth():
    model = Naive(factor=1.1).fit(TRAIN[["x"]], TRAIN.y)
    kept = TEST.dropna()
    pred = model.predict(kept[["x"]])
    for scorer, expected in (
        (metrics.wape_scorer(), metrics.weighted_absolute_percentage_error(kept.y, pred)),
        (metrics.smape_scorer(), metrics.symmetric_mean_absolute_percentage_error(kept.y, pred)),
        (metrics.pinball_scorer(alpha=0.7), metrics.mean_pinball_loss(kept.y, pred, alpha=0.7)),
        (
            metrics.wql_scorer(quantiles=(0.2, 0.9)),
            metrics.weighted_quantile_loss(
                kept.y, model.predict_quantiles(kept[["x"]], [0.2, 0.9]), quantiles=[0.2, 0.9]
            ),
        ),
    ):
        assert scorer(model, TEST[["x"]], TEST.y) == pytest.approx(-expected)


def test_forecast_scorers_tune_in_grid_search():
    scoring = {
        "mase": metrics.mase_scorer(period=1),
        "rmsse": metrics.rmsse_scorer(period=1),
        "wape": metrics.wape_scorer(),
    }
    search = GridSearchCV(
        Naive(),
        {"factor": [0.5, 1.0, 2.0]},
        cv=PanelTimeSeriesSplit(2, horizon=3),
        scoring=scoring,
        refit="mase",
        n_jobs=2,
        error_score="raise",
    )
    clone(search).fit(PANEL[["x"]], PANEL.y)
    search.fit(PANEL[["x"]], PANEL.y)
    assert search.best_params_ == {"factor": 1.0}
    assert search.score(TEST[["x"]], TEST.y) < 0
    scores = cross_validate(
        Naive(), PANEL[["x"]], PANEL.y, cv=PanelTimeSeriesSplit(3), scoring=scoring["wape"]
    )
    assert (scores["test_score"] < 0).all()


EVENTS = pd.DataFrame(
    {"user": [1, 1, 2, 2, 3], "time": [1, 2, 1, 3, 2], "item": ["tea", "milk", "tea", "tea", None]}
)


@pytest.mark.parametrize("name", ["ndcg", "recall", "precision", "map", "mrr", "hit_rate"])
@pytest.mark.parametrize("in_index", [True, False])
def test_ranking_scorers_score_one_list_per_group(name, in_index):
    metric = {
        "map": "mean_average_precision_at_k",
        "mrr": "mean_reciprocal_rank_at_k",
    }.get(name, f"{name}_at_k")
    keys = {} if in_index else {"group": "user", "time": "time"}
    model = Popular(**keys)
    X = EVENTS.set_index(["user", "time"])[[]] if in_index else EVENTS[["time", "user"]]
    expected = getattr(metrics, metric)(
        EVENTS[["user", "item"]].dropna(),
        pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2] * 2, "item": ["tea", "rice"] * 2}),
        k=2,
    )
    got = getattr(metrics, f"{name}_scorer")(k=2)(model, X, EVENTS["item"])
    assert got == pytest.approx(expected)
    assert 0 < got <= 1


def test_ranking_scorers_tune_in_grid_search():
    X = EVENTS.dropna().set_index(["user", "time"])[[]]
    search = GridSearchCV(
        Popular(),
        {"items": [("rice", "milk"), ("tea", "rice")]},
        cv=PanelTimeSeriesSplit(1, horizon=1, freq=None),
        scoring=metrics.ndcg_scorer(k=2),
        error_score="raise",
    )
    assert search.fit(X, EVENTS["item"].dropna()).best_params_["items"] == ("tea", "rice")


@pytest.mark.parametrize(
    ("scorer", "shown"),
    [
        (metrics.mase_scorer(period=7), "mase_scorer(period=7)"),
        (metrics.wape_scorer(), "wape_scorer()"),
        (metrics.wql_scorer(quantiles=(0.1, 0.9)), "wql_scorer(quantiles=(0.1, 0.9))"),
        (metrics.ndcg_scorer(k=3), "ndcg_scorer(k=3)"),
    ],
)
def test_scorers_show_how_they_were_made_copy_and_pickle(scorer, shown):
    for same in (scorer, copy.deepcopy(scorer), pickle.loads(pickle.dumps(scorer))):
        assert repr(same) == shown
    model = Naive().fit(TRAIN[["x"]], TRAIN.y)
    if "k=" not in shown:
        again = pickle.loads(pickle.dumps(scorer))
        assert again(model, TEST[["x"]], TEST.y) == scorer(model, TEST[["x"]], TEST.y)


def test_what_cannot_be_scored_is_named():
    plain = Ridge().fit(TRAIN[["x"]], TRAIN.y)
    with pytest.raises(ValueError, match="nothing in this Ridge remembers it"):
        metrics.mase_scorer(period=1)(plain, TEST[["x"]], TEST.y)
    with pytest.raises(ValueError, match="all truths are missing"):
        metrics.wape_scorer()(plain, TEST[["x"]], TEST.y * np.nan)
    constant = Naive().fit(TRAIN[["x"]], TRAIN.y * 0)
    with pytest.raises(ValueError, match="no series varies"):
        metrics.mase_scorer(period=1)(constant, TEST[["x"]], TEST.y)
    with pytest.raises(ValueError, match="period must be"):
        metrics.mase_scorer(period=0)
