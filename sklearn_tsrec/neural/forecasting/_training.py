"""How a net is trained: batches of windows, penalties, schedules; composed with skorch."""

import math

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, LRScheduler, ProgressBar
from skorch.dataset import unpack_data
from torch import nn
from torch.utils.data import Dataset

from sklearn_tsrec.neural._finetune import RankBudget, adapt, learning, set_dropout
from sklearn_tsrec.neural.forecasting._checkpoint import load_checkpoint
from sklearn_tsrec.neural.forecasting._config import PatchTransformerConfig
from sklearn_tsrec.neural.forecasting._covariates import CovariateAdapter
from sklearn_tsrec.neural.forecasting._model import PatchTransformer, quantile_loss


class TunedForecaster(nn.Module):
    """A patch transformer, from a checkpoint or new, ready to be fine-tuned.

    Parameters
    ----------
    checkpoint : str, Path or None, default=None
        The checkpoint; None makes a new net of ``sizes``.
    finetune : str, default="full"
        What learns, as in ``adapt``.
    sizes : dict, default=None
        Fields of :class:`PatchTransformerConfig` of a new net.
    dropout : float, default=0.0
        Share of activations dropped in training.
    n_features : int, default=0
        Numbers that describe the covariates of a step; with any, an adapter learns from them.
    **options
        Sizes of the modules that ``adapt`` adds.
    """

    def __init__(
        self, checkpoint=None, finetune="full", sizes=None, dropout=0.0, n_features=0, **options
    ):
        super().__init__()
        if checkpoint is None:
            net = PatchTransformer(PatchTransformerConfig(**(sizes or {})))
        else:
            net = load_checkpoint(checkpoint)
        set_dropout(net, dropout)
        self.net = adapt(net, finetune, **options)
        self.covariates = CovariateAdapter(n_features) if n_features else None

    def forward(self, context, period, n_future_patches, features=None):
        """Return forecasts of the first patches ahead, moved by what the covariates add."""
        output = self.net(context, period, int(n_future_patches[0]))
        if features is None or self.covariates is None:
            return output
        shift = self.covariates(features) * output.season
        shift = nn.functional.pad(shift, (0, output.quantiles.shape[2] - shift.shape[1]))
        return output._replace(quantiles=output.quantiles + shift[:, None, :, None])


class WindowSet(Dataset):
    """Windows and their targets, read a batch of rows at a time.

    Parameters
    ----------
    context : tensor of shape (n, L)
        Windows; L is a multiple of the patch of the net.
    period : tensor of shape (n,)
        Steps in a season.
    target : tensor of shape (n, H)
        The values that follow.
    patch : int
        Patch of the net.
    weight : tensor of shape (n,), default=None
        How often each row is drawn, relative to the others.
    features : tensor of shape (n, H, n_features), default=None
        What is known of the steps ahead.
    """

    def __init__(self, context, period, target, patch, weight=None, features=None):
        self.context, self.period, self.target = context, period, target
        self.patch, self.weight, self.features = patch, weight, features

    def __len__(self):
        return len(self.context)

    def __getitem__(self, rows):
        context = self.context[rows]
        # The window is only as long as the longest series in the batch.
        seen = torch.isfinite(context).any(0)
        begin = int(seen.byte().argmax()) // self.patch * self.patch
        inputs = {"context": context[:, begin:], "period": self.period[rows]}
        n_future = -(-self.target.shape[1] // self.patch)
        inputs["n_future_patches"] = torch.full((len(context),), n_future)
        if self.features is not None:
            inputs["features"] = self.features[rows]
        return inputs, self.target[rows]


class WindowReader:
    """Read tables of windows as the net takes them.

    Parameters
    ----------
    layout : Layout
        What the columns of a table hold.
    periods : tuple of int
        Steps in the candidate seasons.
    n_read : int
        How many of the last values of a window are read.
    config : PatchTransformerConfig
        Sizes of the net.
    """

    def __init__(self, layout, periods, n_read, config):
        self.layout, self.periods, self.n_read, self.config = layout, periods, n_read, config

    def context(self, table):
        """Return what the net reads of windows, as a tensor (n, L)."""
        return torch.from_numpy(table[:, : self.layout.n_window][:, -self.n_read :].copy())

    def features(self, table):
        """Return what is known of the steps ahead, (n, H, n_features), or None."""
        return self.layout.features(table, self.periods[0]) if self.layout.n_features else None

    def training_set(self, table, targets, weight=None):
        """Return windows, and the first block of their targets, as a WindowSet."""
        patch, block = self.config.patch, self.config.block
        context, features = self.context(table), self.features(table)
        context = nn.functional.pad(context, (-context.shape[1] % patch, 0), value=torch.nan)
        targets = torch.from_numpy(targets[:, :block].copy())
        # Neighbours learn with different periods, so that forecasts with each get better.
        period = torch.tensor(np.resize(self.periods, len(context)))
        weight = None if weight is None else torch.from_numpy(weight)
        features = None if features is None else features[:, :block]
        return WindowSet(context, period, targets, patch, weight, features)


class Batches:
    """The batches of one epoch, in the form in which skorch asks for them.

    Parameters
    ----------
    dataset : WindowSet
        The windows.
    batch_size : int
        Rows in a batch.
    n_batches : int, default=None
        Draw so many batches of random rows; None goes through all rows in order.
    augment : callable, default=None
        Takes inputs and targets, and returns others.
    """

    def __init__(self, dataset, batch_size, n_batches=None, augment=None):
        self.dataset, self.batch_size = dataset, batch_size
        self.n_batches, self.augment = n_batches, augment

    def __iter__(self):
        n = len(self.dataset)
        if self.n_batches is None:
            for rows in torch.arange(n).split(self.batch_size):
                yield self.dataset[rows]
            return
        weight = torch.ones(n) if self.dataset.weight is None else self.dataset.weight
        for _ in range(self.n_batches):
            rows = torch.multinomial(weight, min(self.batch_size, 4 * n), replacement=True)
            batch = self.dataset[rows]
            yield batch if self.augment is None else self.augment(*batch)


class QuantileCriterion(nn.Module):
    """Mean quantile loss in scaled units."""

    def __init__(self, levels):
        super().__init__()
        self.register_buffer("levels", levels)

    def forward(self, output, target):
        """Return the loss of the forecasts of targets (B, H)."""
        return quantile_loss(output, target[:, None], self.levels)


class Pull:
    """Quadratic penalty that pulls weights towards where they were: ½ Σ strength (w − anchor)²."""

    def __init__(self, anchor, strength):
        self.anchor, self.strength = anchor, strength

    def __call__(self, module):
        """Return the penalty; weights that have no anchor are free."""
        total = 0.0
        for name, weight in learning(module).items():
            if name in self.anchor:
                change = (weight - self.anchor[name].to(weight.device)).square()
                strength = self.strength
                if isinstance(strength, dict):
                    strength = strength[name].to(weight.device)
                total = total + (strength * change).sum() / 2
        return total


class Skewness:
    """Penalty that keeps the factors of AdaLoRA orthogonal."""

    def __call__(self, module):
        """Return the penalty."""
        parts = [part for part in module.modules() if hasattr(part, "skewness")]
        return 0.1 * sum(part.skewness() for part in parts) / max(len(parts), 1)


class TuningNet(NeuralNet):
    """A skorch net whose loss has penalties, and that may train on adversarial windows.

    Parameters
    ----------
    penalties : list of callable, default=()
        Each takes the module and returns what is added to the training loss.
    adversarial : float, default=0.0
        Size of the perturbation, in standard deviations of the window.

    References
    ----------
    Goodfellow, Shlens & Szegedy (2015), "Explaining and harnessing adversarial examples".
    """

    module_: TunedForecaster

    def __init__(self, module, criterion, *, penalties=(), adversarial=0.0, **kwargs):
        super().__init__(module, criterion, **kwargs)
        self.penalties = penalties
        self.adversarial = adversarial

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss and, in training, the penalties."""
        loss = super().get_loss(y_pred, y_true, X=X, training=training)
        return loss + sum(penalty(self.module_) for penalty in self.penalties) if training else loss

    def train_step_single(self, batch, **fit_params):
        """Learn from a batch, after moving its windows to where they are hardest."""
        if self.adversarial:
            inputs, target = unpack_data(batch)
            context = inputs["context"].clone().requires_grad_()
            output = self.infer({**inputs, "context": context})
            slope = torch.autograd.grad(super().get_loss(output, target), context)[0]
            seen = torch.isfinite(context)
            values = torch.where(seen, context.detach(), 0)
            count = seen.sum(1, keepdim=True).clamp(min=1)
            mean = values.sum(1, keepdim=True) / count
            size = (((values - mean) * seen).square().sum(1, keepdim=True) / count).sqrt()
            step = self.adversarial * size * slope.sign().nan_to_num()
            batch = {**inputs, "context": context.detach() + step}, target
        return super().train_step_single(batch, **fit_params)


class SpendRanks(Callback):
    """Let AdaLoRA drop ranks as training goes on."""

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def on_train_begin(self, net, **kwargs):
        """Begin with all ranks."""
        self.budget_ = RankBudget(net.module_, self.n_steps)

    def on_batch_end(self, net, training=False, **kwargs):
        """Drop some."""
        if training:
            self.budget_.update()

    def on_train_end(self, net, **kwargs):
        """Forget the layers: they belong to the module."""
        self.budget_ = None


class WarmUpThenCosine:
    """Factor of the learning rate at each step."""

    def __init__(self, n_steps):
        self.n_steps = n_steps
        self.n_warm = min(20, max(n_steps // 10, 1))

    def __call__(self, step):
        """Return the factor."""
        warm = min(1.0, (step + 1) / self.n_warm)
        return warm * 0.5 * (1 + math.cos(math.pi * min(step / self.n_steps, 1.0)))


def training_callbacks(n_steps, *, adalora, verbose, more):
    """Return the callbacks of one training run, and ``more`` of them."""
    schedule = torch.optim.lr_scheduler.LambdaLR
    callbacks = [
        ("clip", GradientNormClipping(1.0)),
        (
            "schedule",
            LRScheduler(schedule, lr_lambda=WarmUpThenCosine(n_steps), step_every="batch"),
        ),
    ]
    if adalora:
        callbacks.append(("ranks", SpendRanks(n_steps)))
    if verbose:
        callbacks.append(("progress", ProgressBar()))
    return callbacks + more
