import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklearn_tsrec import SASRecClassifier, SequenceRecommender, as_panel
from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.neural import GRUClassifier
from sklearn_tsrec.neural._finetune import learning
from sklearn_tsrec.neural.items._classifier import left_aligned
from sklearn_tsrec.neural.items._cover import cover_windows
from sklearn_tsrec.neural.items._nets import BestEpoch, PretrainingSet, SequenceSet
from sklearn_tsrec.neural.items._time_gaps import N_GAPS, gap_buckets, time_gaps


def log_windows(lengths, window, n_items=30, seed=0, basket=1):
    """Windows and targets of users, as a recommender makes them."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for length in lengths:
        items = rng.integers(0, n_items, length)
        for start in range(0, length, basket):
            past = items[max(0, start - window) : start]
            row = np.r_[np.full(window - len(past), np.nan), past]
            for item in items[start : start + basket]:
                X.append(row)
                y.append(item)
    return np.array(X), np.array(y)


def chain(n_users=12, length=8, n_items=6, window=4, seed=0):
    """Windows of users who go round all items, one after another."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for start in rng.integers(0, n_items, n_users):
        items = (start + np.arange(length)) % n_items
        for t in range(1, length):
            past = items[max(0, t - window) : t]
            X.append(np.r_[np.full(window - len(past), np.nan), past])
            y.append(items[t])
    return np.array(X), np.array(y)


def small(kind=SASRecClassifier, **params):
    depth = {"depth": 1, "heads": 1} if kind is SASRecClassifier else {}
    fixed = {"width": 16, "learning_rate": 0.02, "validation_fraction": 0, "random_state": 0}
    params = fixed | {"max_epochs": 30} | depth | params
    return kind(**params)


def as_tokens(X):
    return np.where(np.isnan(X), 0, X + 1).astype(np.int64)


@pytest.mark.parametrize("basket", [1, 3])
@pytest.mark.parametrize("lengths", [[5] * 20, [60, 3, 17, 1, 40]])
def test_every_window_is_found_in_its_sequence(lengths, basket):
    X, _ = log_windows(lengths, 12, basket=basket)
    tokens = as_tokens(X[np.random.default_rng(1).permutation(len(X))])
    tokens = tokens[(tokens > 0).any(axis=1)]
    cover = cover_windows(tokens)
    for row in range(len(tokens)):
        j = cover.distinct[row]
        sequence = tokens[cover.first[cover.kept[cover.sequence[j]]]]
        until = sequence[: len(sequence) - cover.n_back[j]]
        until = until[until > 0]
        own = tokens[row][tokens[row] > 0]
        np.testing.assert_array_equal(until, own[len(own) - len(until) :])
        assert len(until) >= min(len(own), 3)


def test_few_sequences_hold_many_windows():
    X, _ = log_windows([10] * 30, 12, n_items=1000)
    tokens = as_tokens(X)[~np.isnan(X).all(axis=1)]
    assert len(cover_windows(tokens).kept) == 30
    X, _ = log_windows([400], 20, n_items=1000)
    assert len(cover_windows(as_tokens(X)[1:]).kept) <= 27


def test_the_windows_after_each_one_are_counted():
    X, _ = log_windows([9, 4], 12, n_items=1000)
    tokens = as_tokens(X)[~np.isnan(X).all(axis=1)]
    cover = cover_windows(tokens)
    np.testing.assert_array_equal(cover.later[cover.distinct], [*range(8)][::-1] + [2, 1, 0])


def test_windows_that_repeat_are_covered():
    X = np.array([[1.0, 2, 1, 2], [2, 1, 2, 1], [3, 3, 3, 3], [3, 3, 3, 3]])
    cover = cover_windows(as_tokens(X))
    assert cover.distinct[2] == cover.distinct[3]
    assert len(cover.first) == 3


def test_a_window_says_the_same_alone_and_inside_its_sequence():
    X, y = log_windows([9] * 10, 12, n_items=8)
    classifier = small(max_epochs=2).fit(X, y)
    tokens = as_tokens(X)
    longest = tokens[(tokens > 0).sum(axis=1) == 8]
    net = classifier.module_
    with torch.no_grad():
        known = net.read(left_aligned(longest * N_GAPS))
    for n in range(1, 9):
        rows = np.full((len(longest), 12), np.nan)
        rows[:, 12 - n :] = longest[:, 4 : 4 + n] - 1
        with torch.no_grad():
            logits = net.logits(net.head(net.norm(known[:, n - 1])))
        np.testing.assert_allclose(
            classifier.predict_proba(rows), logits.double().softmax(1), rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
@pytest.mark.parametrize("loss", ["softmax", "sampled", "gbce"])
def test_it_learns_an_order(kind, loss):
    X, y = chain()
    params = {"learning_rate": 0.01, "dropout": 0.1, "n_negatives": 4, "max_epochs": 60}
    classifier = small(kind, loss=loss, **params).fit(X, y)
    assert classifier.score(X, y) == 1
    np.testing.assert_allclose(classifier.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_training_ends_when_the_latest_windows_are_ranked_no_better(kind):
    X, y = log_windows([9] * 30, 8, n_items=12)  # nothing can be learned of it
    classifier = small(kind, validation_fraction=0.2, patience=2).fit(X, y)
    losses = classifier.validation_losses_
    assert len(losses) == classifier.best_epoch_ + 3
    assert losses[classifier.best_epoch_] == min(losses)
    X, y = chain(40, 12)
    classifier = small(kind, validation_fraction=0.2, patience=None, max_epochs=60).fit(X, y)
    assert classifier.validation_losses_[classifier.best_epoch_] < 0.2


class Losses(Callback):
    """Remembers the losses of each epoch of training and validation."""

    rows: ClassVar[list] = []

    def on_epoch_end(self, net, **kwargs):
        """Remember an epoch."""
        self.rows.append((net.history[-1, "train_loss"], net.history[-1, "valid_loss"]))


def test_callbacks_of_skorch_see_the_losses_of_every_epoch():
    X, y = chain(40, 12)
    params = {"callbacks": [("mine", Losses())]}
    classifier = small(max_epochs=3, validation_fraction=0.2, net_params=params).fit(X, y)
    train, valid = np.transpose(Losses.rows)
    np.testing.assert_array_equal(valid, classifier.validation_losses_[1:])
    assert train[-1] < train[0]


def test_validation_windows_count_by_their_weights():
    X, y = chain(40, 12)
    classifier = small(max_epochs=1, batch_size=1).fit(X, y)

    def measure(weight):
        codes, position = torch.tensor([[N_GAPS, 0], [N_GAPS, 2 * N_GAPS]]), torch.tensor([0, 1])
        rows = SequenceSet(codes, torch.arange(2), position, torch.tensor([1, 5]), weight)
        return BestEpoch(rows, None)._measure(classifier.net_)

    one, other = measure(torch.tensor([1.0, 0])), measure(torch.tensor([0, 1.0]))
    assert one != other
    assert measure(torch.tensor([3.0, 1.0])) == pytest.approx((3 * one + other) / 4)


def test_pretraining_never_sees_what_is_held_out():
    X, y = log_windows([20] * 6, 30, n_items=10_000)
    classifier = small(pretrain="next", validation_fraction=0.3, max_epochs=1).fit(X, y)
    coded = classifier._codes(X, X[:, :0])
    known = (coded > 0).any(axis=1)
    codes = np.searchsorted(classifier.classes_, y)
    train, held = classifier._sets(coded[known], codes[known], np.ones(known.sum()), None)
    pretraining = PretrainingSet(train, classifier.module_.class_tokens, 10_000, "next")
    seen = set((pretraining.codes // N_GAPS).unique().tolist()) - {0}
    held_out = set(classifier.module_.class_tokens[held.target].tolist())
    assert len(held_out) >= 30
    assert not seen & held_out
    assert len(seen) >= 60


def test_drawn_items_stand_for_all_of_them():
    X, y = log_windows([30] * 20, 8, n_items=40)
    classifier = small(loss="sampled", n_negatives=10, max_epochs=2).fit(X, y)
    training, net = classifier.net_, classifier.module_
    known, target = torch.randn(5, 16), torch.arange(5)
    with torch.no_grad():
        logits = net.logits(known)
        whole = logits.logsumexp(1)
        own = logits[torch.arange(5), target]
        torch.manual_seed(0)
        drawn = [training._against_some(known, target) + own for _ in range(2000)]
    torch.testing.assert_close(torch.stack(drawn).exp().mean(0), whole.exp(), rtol=0.02, atol=0)


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_the_order_of_rows_does_not_matter(kind):
    X, y = log_windows([7] * 8, 5)
    order = np.random.default_rng(3).permutation(len(X))
    one = small(kind, max_epochs=3).fit(X, y)
    two = small(kind, max_epochs=3).fit(X[order], y[order])
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-6)


def test_the_past_further_back_counts():
    # After 2 comes what came before it; the last item alone does not show it.
    X = np.array([[np.nan, 0, 2], [np.nan, 1, 2]] * 6)
    y = np.array([0, 1] * 6)
    classifier = small(validation_fraction=0, max_epochs=40).fit(X, y)
    np.testing.assert_array_equal(classifier.predict(X), y)


@pytest.mark.parametrize("pretrain", ["next", "masked"])
@pytest.mark.parametrize(
    "finetune", ["head", "last", "lora", "adalora", "adapter", "prefix", "full"]
)
def test_pretraining_and_every_way_to_tune(pretrain, finetune):
    X, y = chain(8)
    classifier = small(pretrain=pretrain, pretrain_epochs=5, finetune=finetune, max_epochs=2).fit(
        X, y
    )
    learns = sum(w.numel() for w in learning(classifier.module_).values())
    total = sum(w.numel() for w in classifier.module_.parameters())
    assert learns == total if finetune == "full" else learns < total
    assert np.isfinite(classifier.predict_proba(X)).all()


def test_pretraining_alone_learns_the_order():
    X, y = chain()
    classifier = small(pretrain="next", pretrain_epochs=60, finetune="none").fit(X, y)
    assert classifier.score(X, y) > 0.9


def test_pretraining_is_a_better_start():
    X, y = chain()
    params = {"max_epochs": 1, "validation_fraction": 0.2}
    scratch = small(**params).fit(X, y).validation_losses_
    tuned = small(pretrain="next", pretrain_epochs=40, **params).fit(X, y).validation_losses_
    assert tuned[0] < scratch[1]


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_a_window_that_says_nothing_has_popularity(kind):
    X, y = chain()
    classifier = small(kind, max_epochs=2).fit(X, y)
    empty = classifier.predict_proba([[np.nan] * 4, [np.nan, np.nan, 99, 77]])
    np.testing.assert_allclose(empty, [classifier.class_prior_] * 2)
    known = classifier.predict_proba([[np.nan, np.nan, np.nan, 3], [99, np.nan, 3, np.nan]])
    np.testing.assert_allclose(known[0], known[1], rtol=1e-6)


def test_rows_without_weight_teach_nothing():
    X, y = chain()
    wrong = np.r_[y, (y + 2) % 6]
    classifier = small(max_epochs=60).fit(
        np.r_[X, X], wrong, sample_weight=np.r_[np.ones(len(y)), np.zeros(len(y))]
    )
    assert classifier.score(X, y) == 1


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_same_seed_same_result_and_pickled(kind):
    X, y = chain()
    one, two = (small(kind, max_epochs=3).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    three = small(kind, max_epochs=3, random_state=1).fit(X, y)
    assert not np.array_equal(one, three.predict_proba(X))
    again = pickle.loads(pickle.dumps(three))
    np.testing.assert_array_equal(again.predict_proba(X), three.predict_proba(X))


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_it_recommends_and_is_tuned(kind):
    events = make_events(n_users=12, n_items=8, n_events=200, random_state=0)
    X, y = as_panel(events, group="user", time="time", target="item")
    search = GridSearchCV(
        SequenceRecommender(small(kind, max_epochs=2), window=6, random_state=0),
        {"estimator__width": [4, 8], "estimator__learning_rate": [1e-3, 1e-2]},
        cv=PanelTimeSeriesSplit(2, horizon="3D"),
        error_score="raise",
    ).fit(X, y)
    lists = search.best_estimator_.recommend(k=3)
    assert (lists.groupby(lists.columns[0]).size() == 3).all()


def test_a_search_in_a_pipeline_tunes_the_way_to_learn_from_a_pretrained_net():
    X, y = chain(30)
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(), small(pretrain="next", max_epochs=2)),
        {
            "sasrecclassifier__finetune": ["head", "lora"],
            "sasrecclassifier__net_params": [{}, {"optimizer__betas": (0.8, 0.9)}],
        },
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_gaps_end_at_the_next_item_and_fall_into_powers_of_two():
    X = np.array([[np.nan, 1, 2], [3, 4, 5]])
    gaps = time_gaps(X, np.array([[np.nan, 9, 1], [5, 5, 0]]))
    np.testing.assert_array_equal(gaps, [[np.nan, 8, 1], [0, 5, 0]])
    buckets = gap_buckets(np.array([np.nan, 0, 1e-9, 0.5, 1, 1.3, 2, 1e9]), 1.0)
    np.testing.assert_array_equal(buckets, [0, 1, 2, 8, 9, 9, 10, 16])


def late_or_early(n=40, seed=0):
    """Windows of one item, whose age alone decides what is next."""
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.5, 1.0, 30.0)
    X = pd.DataFrame({"item__lag1": rng.integers(0, 2, n), "gap__lag1": age})
    return X, (age > 2).astype(int)


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_time_gaps_are_learned_from(kind):
    X, y = late_or_early()
    assert small(kind, max_epochs=60).fit(X, y).score(X, y) == 1
    assert small(kind, max_epochs=60).fit(X[["item__lag1"]], y).score(X[["item__lag1"]], y) < 0.8


def test_windows_with_gaps_share_sequences():
    events = make_events(n_users=10, n_items=20, n_events=300, random_state=0)
    X, y = as_panel(events, group="user", time="time", target="item")
    recommender = SequenceRecommender(
        small(max_epochs=1, pretrain="masked", pretrain_epochs=1), window=200, gaps=True
    ).fit(X, y)
    sequences = recommender.estimator_.net_.history  # it trained at all
    assert len(sequences) == 1
    assert recommender.recommend(k=2)["score"].between(0, 1).all()


def test_ages_that_rise_are_refused():
    X = pd.DataFrame(
        [[1, 2, 1.0, 3.0]], columns=["item__lag2", "item__lag1", "gap__lag2", "gap__lag1"]
    )
    with pytest.raises(ValueError, match="row 0 has an item with an age of 1 before one with"):
        small().fit(pd.concat([X, X]), [1, 2])


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_context_is_learned_from(kind):
    rng = np.random.default_rng(0)
    hour = rng.integers(0, 2, 60) * 12 + 6.0
    X = pd.DataFrame({"item__lag1": rng.integers(0, 3, 60), "hour": hour})
    y = (hour > 12).astype(int)
    assert small(kind, max_epochs=40).fit(X, y).score(X, y) == 1
    with pytest.raises(
        TypeError, match="column 'hour' describes the time after the window and must be num"
    ):
        small(kind).fit(X.astype({"hour": str}), y)


@pytest.mark.parametrize("kind", [SASRecClassifier, GRUClassifier])
def test_items_that_are_alike_teach_each_other(kind):
    # Items 0 to 19 are red, 20 to 39 blue; 40 follows red ones and 41 blue ones.
    shown = np.r_[0:15, 20:35]
    X = np.repeat(shown, 4)[:, None].astype(float)
    y = np.where(X[:, 0] < 20, 40, 41)
    X = np.r_[X, [[18.0]], [[38.0]], [[40.0]], [[41.0]]]
    y = np.r_[y, 19, 39, 40, 41]
    colours = pd.DataFrame({"colour": ["red"] * 20 + ["blue"] * 20 + ["none"] * 2, "size": 1.0})
    classifier = small(kind, learning_rate=0.01, max_epochs=40)
    coloured = classifier.fit(X, y, item_features=colours)
    items = coloured.classes_
    red, blue = coloured.predict_proba([[19.0], [39.0]])
    assert items[red.argmax()] == 40
    assert items[blue.argmax()] == 41
    with pytest.raises(ValueError, match="item_features lacks 2 of"):
        classifier.fit(X, y, item_features=colours[:40])


def test_a_recommender_passes_item_features_on():
    events = make_events(n_users=10, n_items=8, n_events=120, random_state=0)
    X, y = as_panel(events, group="user", time="time", target="item")
    items = (
        pd.DataFrame({"kind": ["a", "b"] * 5}, index=pd.Index([*np.unique(y), "new1", "new2"]))
        if y.dtype == object or str(y.dtype).startswith("str")
        else pd.DataFrame({"kind": ["a", "b"] * 5}, index=pd.Index([*np.unique(y), 98, 99]))
    )
    recommender = SequenceRecommender(small(max_epochs=1), window=5, item_features=items).fit(X, y)
    assert recommender.estimator_.module_.features.shape[1] == 2
    lists = recommender.recommend(k=10)
    assert set(items.index[-2:]) <= set(lists["item"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 10, "heads": 4}, "width must be a multiple of 2 \\* heads = 8, got 10"),
        ({"finetune": "lora"}, "finetune='lora' needs a pretrained net"),
        ({"device": "cuda:9"}, "is not there"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    X, y = chain()
    with pytest.raises(ValueError, match=message):
        small(**params).fit(X, y)
