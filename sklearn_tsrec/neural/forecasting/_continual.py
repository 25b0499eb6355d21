"""Training of the patch transformer, and learning on from new windows without forgetting."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_array

from sklearn_tsrec._sklearn import fit_context
from sklearn_tsrec.neural._finetune import learned, put
from sklearn_tsrec.neural.forecasting._augment import AUGMENTATIONS, Augment
from sklearn_tsrec.neural.forecasting._selection import LatestGoodEpoch
from sklearn_tsrec.neural.forecasting._split import split_rows
from sklearn_tsrec.neural.forecasting._training import (
    Batches,
    Pull,
    QuantileCriterion,
    Skewness,
    TuningNet,
    WindowSet,
    training_callbacks,
)

_BATCHES_PER_EPOCH = 10
# Rates that suit each way: the more weights learn, the smaller.
_RATES = {"full": 2e-4}
_RATE = 1e-3  # of all others
_COVARIATE_RATE = 3e-2  # of an adapter that begins at nothing
_FISHER_ROWS = 64


class ContinualMixin:
    """Mixin of :class:`PatchTransformerRegressor`: what learns, once or again and again."""

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y):
        """Learn on from new windows.

        With ``n_replay`` the new windows are learned along with a fair sample of all earlier ones,
        and with ``consolidation`` weights that mattered stay near where they were; with neither,
        what was learned before is slowly forgotten.

        Parameters
        ----------
        X : array of shape (n, L)
            New windows.
        y : array of shape (n,) or (n, H)
            The values after each window.

        Returns
        -------
        self
            The first call is ``fit``.
        """
        if not hasattr(self, "module_"):
            return self.fit(X, y)
        windows, targets = self._read_training(X, y, reset=False)
        if targets.shape[1] != self.horizon_:
            raise ValueError(
                f"y has {targets.shape[1]} columns, but the regressor learns {self.horizon_} steps."
            )
        if self.finetune != "none":
            self._learn(X, windows, targets)
        return self

    def pretrain_on(self, X):
        """Learn on from series without labels: each window's own last steps are its target.

        Parameters
        ----------
        X : array of shape (n, L)
            Windows. Those whose last ``horizon`` values are not all known are left out.

        Returns
        -------
        self
            Go on with ``partial_fit``: ``fit`` begins with the checkpoint again.

        Raises
        ------
        ValueError
            If nothing learns, the horizon is not known, or no window is long enough.
        """
        horizon = getattr(self, "horizon_", self.horizon)
        if horizon is None:
            raise ValueError("pretrain_on needs horizon=, or fit before it.")
        if self.finetune == "none":
            raise ValueError("finetune='none' learns nothing: pretrain_on needs another way.")
        if getattr(self, "_layout", None) is not None and self._layout.n_features:
            raise ValueError(
                "pretrain_on reads windows alone, and this regressor has covariates: give it "
                "labelled windows in partial_fit."
            )
        X = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        targets = X[:, -horizon:]
        usable = np.isfinite(targets).all(axis=1) & ~np.isnan(X[:, :-horizon]).all(axis=1)
        if not usable.any():
            raise ValueError(
                f"X has no window with a value before its last horizon={horizon} known values."
            )
        # The window is as long as those to come: what it lacks is missing in front.
        windows = np.full_like(X, np.nan)
        windows[:, horizon:] = X[:, :-horizon]
        windows, targets = windows[usable], targets[usable]
        flat = getattr(self, "_flat", horizon == 1)
        return self.partial_fit(windows, targets[:, 0] if flat else targets)

    def active_query(self, X, n):
        """Return the windows whose true values would teach most: those forecast least surely.

        Parameters
        ----------
        X : array of shape (m, L)
            Windows of series whose next values could be found out.
        n : int
            How many to choose.

        Returns
        -------
        rows : int array of shape (min(n, m),)
            The widest 80 % intervals, relative to the standard deviation of their window, first.
            Windows without any value come last.

        References
        ----------
        Lewis & Gale (1994), "A sequential algorithm for training text classifiers": query what is
        least certain.
        """
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n={n!r} must be an integer of at least 1.")
        low, high = np.moveaxis(self.predict_quantiles(X, [0.1, 0.9]), -1, 0)
        width = (high - low).reshape(len(low), -1).mean(axis=1)
        X = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        X = X[:, : self._layout.n_window]
        known = ~np.isnan(X)
        count = known.sum(axis=1).clip(1)
        mean = np.where(known, X, 0).sum(axis=1) / count
        size = np.sqrt((np.where(known, X - mean[:, np.newaxis], 0) ** 2).sum(axis=1) / count)
        share = np.where(size > 0, width / np.where(size > 0, size, 1), 0)
        share[~known.any(axis=1)] = -1
        return np.argsort(-share, kind="stable")[:n]

    def _module_params(self):
        """Return the parameters of the module."""
        given = {
            name.removeprefix("module__"): value
            for name, value in (self.net_params or {}).items()
            if name.startswith("module__")
        }
        names = ("checkpoint", "finetune", "dropout")
        params = {name: getattr(self, name) for name in names}
        return params | {"n_features": self._layout.n_features} | given

    def _rate(self):
        """Return the learning rate."""
        if self.lr != "auto":
            return self.lr
        return _RATE if self.checkpoint is None else _RATES.get(self.finetune, _RATE)

    def _forget(self):
        """Begin without memory of earlier windows."""
        self._origin = learned(self.module_) if self.anchor else None
        self._memory, self._n_met, self._fisher = None, 0, None

    def _learn(self, X, windows, targets, share=1.0, refit=False):
        """Fine-tune the net on windows and targets; keep an epoch that is used in part."""
        seed = self._rng.randint(np.iinfo(np.int32).max)
        start = learned(self.module_)
        past = windows[:, : self._layout.n_window]
        train, valid, codes = split_rows(
            X,
            past,
            targets,
            validation_fraction=self.validation_fraction,
            n_recent=self.n_recent,
        )
        # A window without any value teaches nothing.
        known = ~np.isnan(past).all(axis=1)
        train, valid = train[known[train]], valid[known[valid]]
        if not len(train):
            train, valid = np.flatnonzero(known), valid[:0]
        new = windows[train], targets[train]
        held, codes = (windows[valid], targets[valid]), codes[valid]
        weight = np.ones(len(train))
        if self._memory is not None and len(self._memory[0]):
            old_windows, old_targets = self._memory
            weight = np.concatenate(
                [weight / len(train), np.full(len(old_windows), 1 / len(old_windows))]
            )
            new = np.concatenate([new[0], old_windows]), np.concatenate([new[1], old_targets])
            if len(valid):
                # The old windows weigh as much as the new when epochs are compared, too.
                some = np.linspace(0, len(old_windows) - 1, len(valid)).astype(np.int64)
                held = (
                    np.concatenate([held[0], old_windows[some]]),
                    np.concatenate([held[1], old_targets[some]]),
                )
                codes = np.concatenate([codes, -1 - np.arange(len(some))])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._train(self._window_set(*new, weight), held, codes, share)
            if refit and self.best_epoch_ and len(valid):
                put(self.module_, start)
                self._compose(self.best_epoch_).fit(
                    self._window_set(windows[known], targets[known])
                )
            if self.consolidation:
                self._measure_fisher(self._window_set(windows[train], targets[train]))
        if self.n_replay:
            self._remember(windows[train], targets[train])

    def _window_set(self, windows, targets, weight=None):
        """Return windows in the form in which the net learns from them."""
        config = self.module_.net.config
        context = self._context(windows)
        features = self._features(windows)
        context = torch.nn.functional.pad(
            context, (-context.shape[1] % config.patch, 0), value=torch.nan
        )
        targets = torch.from_numpy(targets[:, : config.block].copy())
        # Neighbours learn with different periods, so that forecasts with each get better.
        period = torch.tensor(np.resize(self.periods_, len(context)))
        weight = None if weight is None else torch.from_numpy(weight)
        if features is not None:
            features = features[:, : config.block]
        return WindowSet(context, period, targets, config.patch, weight, features)

    def _train(self, train, held, codes, share):
        """Let the module train, and keep an epoch."""
        valid = self._window_set(*held) if len(held[0]) else None
        choice = LatestGoodEpoch(valid, codes, share, self.patience)
        self.net_ = self._compose(self.max_epochs, choice)
        self.net_.fit(train)
        self.net_.set_params(penalties=())  # copies of weights
        self.module_ = self.net_.module_.eval()
        self.best_epoch_, self.validation_losses_ = choice.epoch_, choice.losses_

    def _compose(self, n_epochs, choice=None):
        """Return the skorch net that trains the module; without a choice, as long as is said."""
        params = {
            name: value
            for name, value in (self.net_params or {}).items()
            if not name.startswith("module__")
        }
        n_batches = params.pop("iterator_train__n_batches", _BATCHES_PER_EPOCH)
        n_steps = self.max_epochs * n_batches
        names = [self.augment] if isinstance(self.augment, str) else list(self.augment or ())
        unknown = [name for name in names if name not in AUGMENTATIONS]
        if unknown:
            raise ValueError(
                f"augment has {unknown}, but the augmentations are {list(AUGMENTATIONS)}."
            )
        if "mixup" in names and self._layout.n_features:
            raise ValueError("augment='mixup' mixes windows, but their covariates do not mix.")
        groups = [("covariates.*", {"lr": _COVARIATE_RATE})]
        more = params.pop("callbacks", None) or []
        callbacks = training_callbacks(
            n_steps,
            adalora=self.finetune == "adalora",
            verbose=self.verbose,
            more=[] if choice is None else [("choice", choice), *more],
        )
        return TuningNet(
            **{
                "module": self.module_,
                "criterion": QuantileCriterion,
                "criterion__levels": self.module_.net.levels,
                "optimizer": torch.optim.AdamW,
                "optimizer__weight_decay": self.weight_decay,
                "lr": self._rate(),
                "max_epochs": n_epochs,
                "batch_size": self.batch_size,
                "iterator_train": Batches,
                "iterator_train__n_batches": n_batches,
                "iterator_train__augment": Augment(names) if names else None,
                "iterator_valid": Batches,
                "train_split": None,
                "callbacks": callbacks,
                "penalties": self._penalties(),
                "adversarial": self.adversarial,
                "device": str(next(self.module_.parameters()).device),
                "verbose": 0,
            }
            | ({"optimizer__param_groups": groups} if self._layout.n_features else {})
            | params
        )

    def _penalties(self):
        """Return what is added to the training loss."""
        penalties = [Skewness()] if self.finetune == "adalora" else []
        if self._origin is not None:
            penalties.append(Pull(self._origin, 2 * self.anchor))
        if self.consolidation and self._fisher is not None:
            strength = {name: self.consolidation * f for name, f in self._fisher.items()}
            penalties.append(Pull(learned(self.module_), strength))
        return penalties

    def _measure_fisher(self, windows):
        """Add the squared gradients of single windows to those of earlier calls."""
        module = self.module_
        n = min(_FISHER_ROWS, len(windows))
        total = {name: torch.zeros_like(w) for name, w in module.learning.items()}
        for row in torch.randperm(len(windows))[:n]:
            inputs, target = windows[row[None]]
            module.zero_grad()
            output = self.net_.infer(inputs)
            self.net_.get_loss(output, target).backward()
            for name, weight in module.learning.items():
                total[name] += weight.grad.square() / n
        module.zero_grad()
        self._fisher = {
            name: square + (0 if self._fisher is None else self._fisher[name].to(square))
            for name, square in total.items()
        }

    def _remember(self, windows, targets):
        """Keep a fair sample of all windows met (reservoir sampling, Vitter 1985)."""
        if self._memory is None:
            self._memory = windows[:0], targets[:0]
        kept_windows, kept_targets = (list(part) for part in self._memory)
        for window, target in zip(windows, targets):
            self._n_met += 1
            place = len(kept_windows)
            if place == self.n_replay:
                place = self._rng.randint(self._n_met)
            if place < len(kept_windows):
                kept_windows[place], kept_targets[place] = window, target
            elif place < self.n_replay:
                kept_windows.append(window)
                kept_targets.append(target)
        self._memory = np.array(kept_windows), np.array(kept_targets)
