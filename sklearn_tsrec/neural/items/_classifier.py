"""What neural classifiers of the next item have in common."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state

from sklearn_tsrec._item_table import item_matrix, standardized
from sklearn_tsrec._sklearn import Interval, StrOptions, fit_context
from sklearn_tsrec._typing import ArrayLike, Seed, Table
from sklearn_tsrec.neural._device import find_device
from sklearn_tsrec.neural.items._cover import cover_windows
from sklearn_tsrec.neural.items._nets import (
    BestEpoch,
    ItemNet,
    ItemTraining,
    SequenceBatches,
    SequenceSet,
)
from sklearn_tsrec.neural.items._time_gaps import N_GAPS, gap_buckets, time_gaps, usual_gap
from sklearn_tsrec.recommendation._window_classifier import WindowClassifier
from sklearn_tsrec.recommendation._windows import split_windows

_MOST_VALIDATED = 2000  # windows; more cost time and change no decision
_ROWS = 512  # windows scored at once


class ItemNetClassifier(WindowClassifier, BaseEstimator):
    """Base of neural classifiers of the next item; ``_make_module`` returns the net."""

    _make_module: Callable[..., ItemNet]
    module_: ItemNet

    _parameter_constraints: ClassVar[dict] = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"softmax", "sampled", "gbce"})],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "device": [str],
        "random_state": ["random_state"],
        "net_params": [dict, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        width: int = 64,
        *,
        loss: str = "softmax",
        n_negatives: int = 256,
        dropout: float = 0.2,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        max_epochs: int = 20,
        batch_size: int = 64,
        validation_fraction: float = 0.1,
        patience: int | None = 3,
        device: str = "auto",
        random_state: Seed = 0,
        net_params: dict[str, Any] | None = None,
        verbose: int = 0,
    ):
        self.width = width
        self.loss = loss
        self.n_negatives = n_negatives
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state
        self.net_params = net_params
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Table,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        item_features: pd.DataFrame | None = None,
    ) -> Self:
        """Learn from windows and the items after them.

        Parameters
        ----------
        X : array of shape (n_samples, window) or DataFrame
            Windows of items, the oldest first, NaN for no item; or a table of ``item__lag2``,
            ``item__lag1``, …, their ages ``gap__lag2``, ``gap__lag1``, … and other numbers, which
            describe the time after the window: as :class:`~sklearn_tsrec.SequenceRecommender`
            makes it with ``gaps=True`` and ``columns=[…]``.
        y : array of shape (n_samples,)
            The item after each window. An item of a window is the same if it has the same number.
        sample_weight : array of shape (n_samples,), default=None
            Weights of the rows.
        item_features : DataFrame of shape (n_items, n_columns), default=None
            What is known of every item (index): text or categories, and numbers. Items that are
            alike in it begin alike, which helps where each has few events. A
            ``SequenceRecommender`` with ``item_features`` passes them on.

        Returns
        -------
        self
        """
        self._item_features = item_features
        try:
            return self._learn(X, y, sample_weight, fresh=True)
        finally:
            del self._item_features

    def _validate(self, X, y="no_validation", *, reset):
        """Return validated windows, what is known beside them (ages, then context) and y."""
        table = X
        X, ages, y = super()._validate(X, y, reset=reset)
        blocks = split_windows(table)
        others = blocks[2] if blocks else []
        for name in others:
            if not pd.api.types.is_numeric_dtype(table[name].dtype):
                raise TypeError(
                    f"column {name!r} describes the time after the window and must be numeric, got "
                    f"{table[name].dtype}: encode it, or leave it out of `columns`."
                )
        if reset:
            self._n_ages = 0 if ages is None else X.shape[1]
        context = check_array(table[others], input_name="the context") if others else X[:, :0]
        ages = X[:, :0] if ages is None else ages
        return X, np.hstack([ages, context]), y

    def _count(self, X, beside, codes, weight, old, fresh):
        """Train the net."""
        device = find_device(self.device)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        numeric = self.classes_.dtype.kind in "biuf"
        own = self.classes_.astype(np.float64) if numeric else np.arange(0)
        self.items_ = np.union1d(own, self._items_in(X[weight > 0]))
        if numeric:
            class_tokens = 1 + np.searchsorted(self.items_, own)
        else:
            class_tokens = 1 + len(self.items_) + np.arange(len(self.classes_))
        n_tokens = 1 + max(len(self.items_), class_tokens.max())
        ages, context = beside[:, : self._n_ages], beside[:, self._n_ages :]
        self._gap_unit = usual_gap(time_gaps(X, ages)) if self._n_ages else None
        self._context_mean = context[weight > 0].mean(axis=0)
        spread = context[weight > 0].std(axis=0)
        self._context_spread = np.where(spread > 0, spread, 1.0)
        coded = self._codes(X, ages)
        used = (coded > 0).any(axis=1) & (weight > 0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module_ = self._make_module(
                n_tokens=n_tokens,
                class_tokens=torch.from_numpy(class_tokens),
                log_prior=torch.from_numpy(np.log(np.maximum(self.class_prior_, 1e-12))).float(),
                width=self.width,
                dropout=self.dropout,
                with_gaps=self._n_ages > 0,
                features=self._feature_matrix(n_tokens),
                n_context=context.shape[1],
            ).to(device)
            self.best_epoch_, self.validation_losses_, self.net_ = 0, [], None
            if used.any():
                context = self._scaled(context)
                self._train_all(
                    coded[used],
                    codes[used],
                    weight[used],
                    None if context is None else context[used],
                )
        self.module_.eval()

    def _feature_matrix(self, n_tokens):
        """Return what is known of each token as a sparse tensor, or None."""
        if self._item_features is None:
            return None
        table = self._item_features
        items = self.items_ if self.classes_.dtype.kind in "biuf" else self.classes_
        if isinstance(table, pd.DataFrame):
            table = standardized(table)
        known = item_matrix(table, items).tocoo()
        row = 1 + known.row + (n_tokens - 1 - len(items))
        return torch.sparse_coo_tensor(
            torch.from_numpy(np.stack([row, known.col]).astype(np.int64)),
            torch.from_numpy(known.data).float(),
            (n_tokens + 1, known.shape[1]),
            check_invariants=True,
        ).coalesce()

    def _scaled(self, context):
        """Return the context in standard deviations, as a tensor, or None if there is none."""
        if not context.shape[1]:
            return None
        return torch.from_numpy((context - self._context_mean) / self._context_spread).float()

    def _train_all(self, coded, codes, weight, context):
        """Train on all windows; a classifier that pretrains does so first."""
        self._train(*self._sets(coded, codes, weight, context))

    def _sets(self, coded, codes, weight, context):
        """Return the sequences to train on and those to validate on."""
        cover = cover_windows(coded)
        pair = cover.distinct * np.int64(len(self.classes_)) + codes
        if context is None:  # what repeats is one target of more weight
            pair, row = np.unique(pair, return_inverse=True)
            weight = np.bincount(row, weight)
        window, target = np.divmod(pair, len(self.classes_))
        target, weight = torch.from_numpy(target), torch.from_numpy(weight)
        count = (coded[cover.first] > 0).sum(axis=1)
        # Windows are padded in front; sequences are read from their first item.
        position = torch.from_numpy(count[cover.kept][cover.sequence] - 1 - cover.n_back)
        sequence = torch.from_numpy(cover.sequence)
        codes = left_aligned(coded[cover.first[cover.kept]])
        held = self._held_out(cover.later)[window]
        train_set, held_set = (
            SequenceSet(
                codes,
                sequence[window[rows]],
                position[window[rows]],
                target[rows],
                weight[rows],
                None if context is None else context[rows],
            )
            for rows in (np.flatnonzero(~held), np.flatnonzero(held))
        )
        return train_set, held_set if len(held_set) else None

    def _held_out(self, later):
        """Return which distinct windows are for validation: the latest of each series."""
        n_held = int(np.ceil(self.validation_fraction * len(later)))
        held = np.zeros(len(later), dtype=bool)
        held[np.argsort(later, kind="stable")[: min(n_held, _MOST_VALIDATED, len(later) // 2)]] = 1
        return held

    def _train(self, train, held, *, epochs=None):
        """Compose the skorch net and let it train the module."""
        params = dict(self.net_params or {})
        callbacks = [
            ("best", BestEpoch(held, self.patience)),
            *(params.pop("callbacks", None) or ()),
        ]
        if self.verbose:
            from skorch.callbacks import ProgressBar

            callbacks.append(("progress", ProgressBar()))
        self.net_ = ItemTraining(
            **{
                "module": self.module_,
                "loss": self.loss,
                "n_negatives": self.n_negatives,
                "optimizer": torch.optim.AdamW,
                "optimizer__weight_decay": self.weight_decay,
                "lr": self.learning_rate,
                "max_epochs": epochs or self.max_epochs,
                "batch_size": self.batch_size,
                "iterator_train": SequenceBatches,
                "iterator_train__shuffle": True,
                "iterator_valid": SequenceBatches,
                "train_split": None,
                "callbacks": callbacks,
                "device": str(self.module_.bias.device),
                "verbose": 0,
            }
            | params
        )
        self.net_.fit(train)
        self.module_ = self.net_.module_
        best = dict(self.net_.callbacks_)["best"]
        self.best_epoch_, self.validation_losses_ = best.best_, best.losses_

    def _codes(self, X, ages):
        """Return the items of windows with the time after them, right-aligned, 0 in front."""
        code = N_GAPS * (self._positions(X, self.items_) + 1)
        if self._n_ages:
            code += (code > 0) * gap_buckets(time_gaps(X, ages), self._gap_unit)
        order = np.argsort(code > 0, axis=1, kind="stable")
        return np.take_along_axis(code, order, axis=1)

    def _score(self, X, beside):
        """Return the probability of each item after each window."""
        codes = self._codes(X, beside[:, : self._n_ages])
        context = self._scaled(beside[:, self._n_ages :])
        count = (codes > 0).sum(axis=1)
        proba = np.empty((len(X), len(self.classes_)))
        proba[count == 0] = self.class_prior_
        order = np.argsort(count, kind="stable")
        order = order[count[order] > 0]
        device = self.module_.bias.device
        with torch.no_grad():
            for start in range(0, len(order), _ROWS):
                rows = order[start : start + _ROWS]
                n = count[rows].max()
                batch = left_aligned(codes[rows])[:, :n].to(device)
                position = torch.from_numpy(np.arange(len(rows)) * n + count[rows] - 1)
                known = self.module_(
                    batch[None],
                    position[None].to(device),
                    None if context is None else context[rows][None].to(device),
                )
                proba[rows] = self.module_.logits(known).double().softmax(1).cpu().numpy()
        return proba

    def predict_proba(self, X: Table) -> np.ndarray:
        """Return the probability that each item is the next one.

        Parameters
        ----------
        X : array of shape (n_samples, window) or DataFrame
            Windows of items, as in ``fit``. NaN and items that ``fit`` did not see are left out.

        Returns
        -------
        array of shape (n_samples, n_classes)
            Popularity, for a window without a known item.
        """
        return self._score(*self._read(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def left_aligned(codes):
    """Return windows with their items first, as a tensor."""
    order = np.argsort(codes == 0, axis=1, kind="stable")
    return torch.from_numpy(np.take_along_axis(codes, order, axis=1).astype(np.int64))
