"""Fine-tuning of a patch transformer, once or again and again, without forgetting."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_tsrec.neural._finetune import blend, learned, learning, put
from sklearn_tsrec.neural.forecasting._augment import AUGMENTATIONS, Augment
from sklearn_tsrec.neural.forecasting._training import (
    Batches,
    Pull,
    QuantileCriterion,
    Skewness,
    TuningNet,
    training_callbacks,
)
from sklearn_tsrec.neural.forecasting._validation import LatestGoodEpoch, split_rows

_BATCHES_PER_EPOCH = 10
_COVARIATE_RATE = 3e-2  # of an adapter that begins at nothing
_FISHER_ROWS = 64


@dataclass(frozen=True)
class Tuning:
    """How a net is fine-tuned: parameters of the same names of ``PatchTransformerRegressor``.

    ``learning_rate`` is a number, and so is ``blend``: 1 where nothing is to be blended.
    """

    finetune: str
    learning_rate: float
    max_epochs: int
    batch_size: int
    validation_fraction: float
    refit: bool
    n_recent: int | str | None
    patience: int | None
    weight_decay: float
    blend: float
    anchor: float
    augment: str | list | None
    adversarial: float
    n_replay: int
    consolidation: float
    net_params: dict | None
    verbose: int


class Tuner:
    """Fine-tune a module on windows, and remember what later windows must not undo.

    Parameters
    ----------
    module : TunedForecaster
        The module; it is changed.
    reader : WindowReader
        How it reads tables of windows.
    rng : RandomState
        Source of chance of all calls.
    anchored : bool
        Whether the weights of the start are kept, for a pull towards them.

    Attributes
    ----------
    memory : Reservoir
        Windows of earlier calls.
    fisher : dict of str to tensor, or None
        How much each weight matters to windows of earlier calls.
    """

    def __init__(self, module, reader, rng, *, anchored):
        self.module, self.reader, self.rng = module, reader, rng
        self.start = learned(module) if anchored else None
        self.memory = Reservoir(rng)
        self.fisher = None

    def learn(self, table, windows, targets, tuning):
        """Train the module, and go part of the way from where it was to the epoch to keep.

        Parameters
        ----------
        table : array or DataFrame
            The windows as they were given; an index holds their series and times.
        windows : array of shape (n, n_columns)
            The same as an array.
        targets : array of shape (n, H)
            The values after each window.
        tuning : Tuning
            How.

        Returns
        -------
        net : TuningNet
            What trained the module.
        best_epoch : int
            The epoch that is kept.
        losses : list of float
            Validation losses at the start and after each epoch.
        """
        seed = self.rng.randint(np.iinfo(np.int32).max)
        start = learned(self.module)
        past = windows[:, : self.reader.layout.n_window]
        train, valid, codes = split_rows(
            table,
            past,
            targets,
            validation_fraction=tuning.validation_fraction,
            n_recent=tuning.n_recent,
        )
        # A window without any value teaches nothing.
        known = ~np.isnan(past).all(axis=1)
        train, valid = train[known[train]], valid[known[valid]]
        if not len(train):
            train, valid = np.flatnonzero(known), valid[:0]
        new, held = (windows[train], targets[train]), (windows[valid], targets[valid])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net, choice = self._train(*self._with_memory(new, held, codes[valid]), tuning)
            if tuning.refit and choice.epoch_ and len(valid):
                put(self.module, start)
                everything = self.reader.training_set(windows[known], targets[known])
                self._compose(tuning, choice.epoch_).fit(everything)
            if tuning.consolidation:
                self._measure_fisher(net, self.reader.training_set(*new))
        if tuning.n_replay:
            self.memory.add(*new, tuning.n_replay)
        if tuning.blend < 1:
            blend(self.module, start, tuning.blend)
        return net, choice.epoch_, choice.losses_

    def _with_memory(self, new, held, codes):
        """Return windows to train on and to hold out, with those remembered at equal weight."""
        weight = np.ones(len(new[0]))
        if len(self.memory):
            old = self.memory.windows, self.memory.targets
            weight = np.concatenate([weight / len(weight), np.full(len(old[0]), 1 / len(old[0]))])
            new = tuple(np.concatenate(pair) for pair in zip(new, old))
            if len(held[0]):
                # The old windows weigh as much as the new when epochs are compared, too.
                some = np.linspace(0, len(old[0]) - 1, len(held[0])).astype(np.int64)
                held = tuple(np.concatenate([one, two[some]]) for one, two in zip(held, old))
                codes = np.concatenate([codes, -1 - np.arange(len(some))])
        return self.reader.training_set(*new, weight), held, codes

    def _train(self, train, held, codes, tuning):
        """Let the module train; return what trained it, and what chose the epoch to keep."""
        valid = self.reader.training_set(*held) if len(held[0]) else None
        choice = LatestGoodEpoch(valid, codes, tuning.blend, tuning.patience)
        net = self._compose(tuning, tuning.max_epochs, choice)
        net.fit(train)
        net.set_params(penalties=())  # copies of weights
        self.module.eval()
        return net, choice

    def _compose(self, tuning, n_epochs, choice=None):
        """Return the skorch net that trains the module; without a choice it keeps the end."""
        params: dict[str, Any] = {
            name: value
            for name, value in (tuning.net_params or {}).items()
            if not name.startswith("module__")
        }
        n_batches = params.pop("iterator_train__n_batches", _BATCHES_PER_EPOCH)
        with_covariates = bool(self.reader.layout.n_features)
        names = tuning.augment or ()
        names = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in names if name not in AUGMENTATIONS]
        if unknown:
            raise ValueError(
                f"augment has {unknown}, but the augmentations are {list(AUGMENTATIONS)}."
            )
        if "mixup" in names and with_covariates:
            raise ValueError("augment='mixup' mixes windows, but their covariates do not mix.")
        groups = [("covariates.*", {"lr": _COVARIATE_RATE})]
        more = params.pop("callbacks", None) or []
        callbacks = training_callbacks(
            tuning.max_epochs * n_batches,
            adalora=tuning.finetune == "adalora",
            verbose=tuning.verbose,
            more=[] if choice is None else [("choice", choice), *more],
        )
        return TuningNet(
            **{
                "module": self.module,
                "criterion": QuantileCriterion,
                "criterion__levels": self.module.net.levels,
                "optimizer": torch.optim.AdamW,
                "optimizer__weight_decay": tuning.weight_decay,
                "lr": tuning.learning_rate,
                "max_epochs": n_epochs,
                "batch_size": tuning.batch_size,
                "iterator_train": Batches,
                "iterator_train__n_batches": n_batches,
                "iterator_train__augment": Augment(names) if names else None,
                "iterator_valid": Batches,
                "train_split": None,
                "callbacks": callbacks,
                "penalties": self._penalties(tuning),
                "adversarial": tuning.adversarial,
                "device": str(next(self.module.parameters()).device),
                "verbose": 0,
            }
            | ({"optimizer__param_groups": groups} if with_covariates else {})
            | params
        )

    def _penalties(self, tuning):
        """Return what is added to the training loss."""
        penalties: list[Skewness | Pull] = [Skewness()] if tuning.finetune == "adalora" else []
        if self.start is not None:
            penalties.append(Pull(self.start, 2 * tuning.anchor))
        if tuning.consolidation and self.fisher is not None:
            strength = {name: tuning.consolidation * f for name, f in self.fisher.items()}
            penalties.append(Pull(learned(self.module), strength))
        return penalties

    def _measure_fisher(self, net, windows):
        """Add the squared gradients of single windows to those of earlier calls."""
        module = self.module
        n = min(_FISHER_ROWS, len(windows))
        total = {name: torch.zeros_like(w) for name, w in learning(module).items()}
        for row in torch.randperm(len(windows))[:n]:
            inputs, target = windows[row[None]]
            module.zero_grad()
            output = net.infer(inputs)
            net.get_loss(output, target).backward()
            for name, weight in learning(module).items():
                total[name] += weight.grad.square() / n
        module.zero_grad()
        self.fisher = {
            name: square + (0 if self.fisher is None else self.fisher[name].to(square))
            for name, square in total.items()
        }


class Reservoir:
    """A fair sample of all windows that were ever added.

    Parameters
    ----------
    rng : RandomState
        Source of chance.

    References
    ----------
    Vitter (1985), "Random sampling with a reservoir".
    """

    def __init__(self, rng):
        self.rng = rng
        self.windows = self.targets = np.empty((0, 0))
        self.n_met = 0

    def __len__(self):
        return len(self.windows)

    def add(self, windows, targets, size):
        """Put windows and targets in, each with the chance that all so far have; keep ``size``."""
        kept_windows, kept_targets = list(self.windows), list(self.targets)
        for window, target in zip(windows, targets):
            self.n_met += 1
            slot = len(kept_windows)
            if slot == size:
                slot = self.rng.randint(self.n_met)
            if slot < len(kept_windows):
                kept_windows[slot], kept_targets[slot] = window, target
            elif slot < size:
                kept_windows.append(window)
                kept_targets.append(target)
        self.windows, self.targets = np.array(kept_windows), np.array(kept_targets)
