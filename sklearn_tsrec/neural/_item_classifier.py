"""What neural classifiers of the next item have in common."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from skorch.helper import predefined_split

from sklearn_tsrec.neural._item_nets import ItemTraining, SequenceBatches, SequenceSet
from sklearn_tsrec.neural._item_sequences import cover_windows
from sklearn_tsrec.neural._nets import BestEpoch, find_device
from sklearn_tsrec.recommendation._window_classifier import WindowClassifier

_MOST_VALIDATED = 2000  # windows; more cost time and change no decision
_ROWS = 512  # windows scored at once


class ItemNetClassifier(WindowClassifier, BaseEstimator):
    """Base of neural classifiers of the next item; ``_make_module`` returns the net."""

    _parameter_constraints: ClassVar[dict] = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"softmax", "sampled", "gbce"})],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
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

    def _count(self, X, gaps, codes, weight, old, fresh):
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
        log_prior = np.log(np.maximum(self.class_prior_, 1e-12))
        tokens = self._tokens(X)
        used = (tokens > 0).any(axis=1) & (weight > 0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module_ = self._make_module(
                n_tokens, torch.from_numpy(class_tokens), torch.from_numpy(log_prior).float()
            ).to(device)
            self.best_epoch_, self.validation_losses_, self.net_ = 0, [], None
            if used.any():
                self._train_all(tokens[used], codes[used], weight[used])
        self.module_.eval()

    def _train_all(self, tokens, codes, weight):
        """Train on all windows; a classifier that pretrains does so first."""
        self._train(*self._sets(tokens, codes, weight))

    def _sets(self, tokens, codes, weight):
        """Return the sequences to train on and those to validate on."""
        cover = cover_windows(tokens)
        # What repeats is one target of more weight.
        pair, row = np.unique(
            cover.distinct * np.int64(len(self.classes_)) + codes, return_inverse=True
        )
        window, target = np.divmod(pair, len(self.classes_))
        target = torch.from_numpy(target)
        weight = torch.from_numpy(np.bincount(row, weight))
        tokens = tokens[cover.first]
        count = (tokens > 0).sum(axis=1)
        # Windows are padded in front; sequences are read from their first item.
        place = count[cover.kept][cover.sequence] - 1 - cover.n_back
        held = self._held_out(cover.last)[window]
        train, held = np.flatnonzero(~held), np.flatnonzero(held)
        train_set = SequenceSet(
            left_aligned(tokens[cover.kept]),
            torch.from_numpy(cover.sequence[window[train]]),
            torch.from_numpy(place[window[train]]),
            target[train],
            weight[train],
        )
        if not len(held):
            return train_set, None
        return train_set, SequenceSet(
            left_aligned(tokens[window[held]]),
            torch.arange(len(held)),
            torch.from_numpy(count[window[held]] - 1),
            target[held],
            weight[held],
        )

    def _held_out(self, last):
        """Return which distinct windows are for validation: some that no other one continues."""
        held = np.zeros(len(last), dtype=bool)
        last = np.flatnonzero(last)
        n_held = np.ceil(self.validation_fraction * len(held))
        n_held = min(int(n_held), _MOST_VALIDATED, len(last) // 2)
        if n_held:
            held[last[np.linspace(0, len(last) - 1, n_held).astype(np.int64)]] = True
        return held

    def _train(self, train, held, *, lr=None, epochs=None):
        """Compose the skorch net and let it train the module."""
        params = dict(self.net_params or {})
        callbacks = [("best", BestEpoch(self.patience)), *(params.pop("callbacks", None) or ())]
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
                "lr": lr or self.lr,
                "max_epochs": epochs or self.max_epochs,
                "batch_size": self.batch_size,
                "iterator_train": SequenceBatches,
                "iterator_train__shuffle": True,
                "iterator_valid": SequenceBatches,
                "train_split": None if held is None else predefined_split(held),
                "callbacks": callbacks,
                "device": str(self.module_.bias.device),
                "verbose": 0,
            }
            | params
        )
        self.net_.fit(train)
        self.net_.set_params(train_split=None)
        self.module_ = self.net_.module_
        best = dict(self.net_.callbacks_)["best"]
        self.best_epoch_, self.validation_losses_ = best.best_, best.losses_

    def _tokens(self, X):
        """Return the items of windows as tokens, right-aligned, with 0 in front."""
        place = self._positions(X, self.items_) + 1
        order = np.argsort(place > 0, axis=1, kind="stable")
        return np.take_along_axis(place, order, axis=1)

    def _score(self, X, gaps=None):
        """Return the probability of each item after each window."""
        tokens = self._tokens(X)
        count = (tokens > 0).sum(axis=1)
        proba = np.empty((len(X), len(self.classes_)))
        proba[count == 0] = self.class_prior_
        order = np.argsort(count, kind="stable")
        order = order[count[order] > 0]
        device = self.module_.bias.device
        with torch.no_grad():
            for start in range(0, len(order), _ROWS):
                rows = order[start : start + _ROWS]
                n = count[rows].max()
                batch = left_aligned(tokens[rows])[:, :n].to(device)
                place = torch.from_numpy(np.arange(len(rows)) * n + count[rows] - 1)
                known = self.module_(batch[None], place[None].to(device))
                proba[rows] = self.module_.logits(known).double().softmax(1).cpu().numpy()
        return proba

    def predict_proba(self, X):
        """Return the probability that each item is the next one.

        Parameters
        ----------
        X : array of shape (n_samples, window)
            Windows of items, the oldest first. NaN and items that ``fit`` did not see say nothing.

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


def left_aligned(tokens):
    """Return windows with their items first, as a tensor."""
    order = np.argsort(tokens == 0, axis=1, kind="stable")
    return torch.from_numpy(np.take_along_axis(tokens, order, axis=1).astype(np.int64))
