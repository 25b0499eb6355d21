"""Validation while a net trains: which rows are held out, and which epoch is kept."""

import numpy as np
import pandas as pd
import torch
from skorch.callbacks import Callback
from skorch.dataset import unpack_data

from sklearn_tsrec._keys import row_order
from sklearn_tsrec.neural._finetune import blend, learned, put
from sklearn_tsrec.neural.forecasting._model import row_losses

_MOST_VALIDATED = 256  # windows; more cost time and change no decision
_FEWEST_RECENT = 64  # windows of a series that count as recent, however short the horizon


def split_rows(X, windows, targets, *, validation_fraction, n_recent):
    """Return the rows to train on and the rows to validate on.

    Parameters
    ----------
    X : array or DataFrame
        The windows as they were given. An index of series and times is read.
    windows : array of shape (n, L)
        The same as an array. Without an index, a row whose window is that of the row above, moved
        on by its first target, is the next row of the same series. If there is no such row,
        all rows are in time order and each stands for itself.
    targets : array of shape (n, H)
        The values after the windows.
    validation_fraction : float
        Share of the rows, the latest of each series, to validate on.
    n_recent : int, "auto" or None
        Number of rows of each series, the latest ones, that are used at all. None uses all;
        "auto" uses four times the horizon and at least 64.

    Returns
    -------
    train, valid : int arrays
        Rows. No target of the one is a target of the other.
    codes : int array of shape (n,)
        The series of each row.
    """
    n, horizon = targets.shape
    order = np.arange(n)
    keyed = isinstance(getattr(X, "index", None), (pd.MultiIndex, pd.DatetimeIndex, pd.PeriodIndex))
    if keyed:
        series, order = row_order(X, n)
        series = series[order]
    else:
        follows = follows_row_above(windows, targets[:, 0])
        keyed = follows.any()
        series = np.cumsum(~follows) if keyed else np.zeros(n, dtype=np.int64)
    _, first, sizes = np.unique(series, return_index=True, return_counts=True)
    count = np.repeat(sizes, sizes)
    age = count - 1 - (np.arange(n) - np.repeat(first, sizes))
    if keyed and n_recent is not None:
        most = max(4 * horizon, _FEWEST_RECENT) if n_recent == "auto" else n_recent
        count = np.minimum(count, most)
    n_valid = np.ceil(validation_fraction * count).astype(np.int64)
    n_valid[n_valid >= count] = 0
    gap = horizon - 1 if keyed else 0
    held = age < n_valid
    # A series too short to be cut is learned from as a whole.
    whole = keyed & (count <= n_valid + gap)
    train = order[whole | ((age >= np.where(n_valid, n_valid + gap, 0)) & (age < count))]
    valid = order[held & ~whole]
    if len(valid) > _MOST_VALIDATED:
        valid = valid[np.linspace(0, len(valid) - 1, _MOST_VALIDATED).astype(np.int64)]
    codes = np.empty(n, dtype=np.int64)
    codes[order] = series
    return train, valid, codes


def follows_row_above(windows, target):
    """Return whether the window of each row is that of the row above, moved on by its target."""
    follows = np.zeros(len(windows), dtype=bool)
    old, new = windows[:-1, 1:], windows[1:, :-1]
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    follows[1:] = same.all(axis=1) & (windows[1:, -1] == target[:-1])
    return follows


class LatestGoodEpoch(Callback):
    """Keep the latest epoch that is as good as the best one; the start is one of them.

    Epochs are judged as they will be used: part of the way from the weights of the start. One is as
    good as the best if its loss, series by series, is greater by no more than a standard error: a
    few hundred overlapping windows of one stretch of time show great harm, and nothing finer.
    On development cuts (docs/pretraining.rst) the least loss chose the start, or an early epoch,
    where later ones were better on what followed.

    Parameters
    ----------
    held : WindowSet or None
        Windows that epochs are judged on. None keeps the last epoch.
    series : array of int of shape (n_held,)
        The series of each window. With a single one, the least loss decides.
    share : float, default=1.0
        How far the weights in use lie from the start to those of the epoch.
    patience : int or None, default=None
        Training ends when the latest good epoch is so many epochs ago.
    """

    def __init__(self, held, series=None, share=1.0, patience=None):
        self.held, self.series, self.share, self.patience = held, series, share, patience

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Measure the start."""
        self.epoch_, self.losses_ = 0, []
        if self.held is None:
            return
        _, self._codes = np.unique(self.series, return_inverse=True)
        self._weights = [learned(net.module_)]
        module = net.module_.net
        prefix, module.prefix = module.prefix, None  # new tokens change forecasts: not the start
        self._by_series = [self._measure(net)]
        module.prefix = prefix
        self._has_prefix = prefix is not None

    def on_epoch_end(self, net, **kwargs):
        """Measure an epoch."""
        if self.held is None:
            return
        now = learned(net.module_)
        self._weights.append(now)
        if self.share < 1:
            blend(net.module_, self._weights[0], self.share)
        self._by_series.append(self._measure(net))
        put(net.module_, now)
        net.history.record("valid_loss", float(self._by_series[-1].mean()))
        self.epoch_ = self._choose()
        if self.patience and len(self._weights) - 1 - self.epoch_ >= self.patience:
            raise KeyboardInterrupt  # how callbacks end the training of a skorch net

    def on_train_end(self, net, **kwargs):
        """Go back to the chosen epoch."""
        if self.held is None:
            self.epoch_ = len(net.history)
            return
        put(net.module_, self._weights[self.epoch_])
        if self.epoch_ == 0 and self._has_prefix:
            net.module_.net.prefix = None
        self.losses_ = [float(losses.mean()) for losses in self._by_series]
        self.held = self.series = None  # data and weights
        self._weights, self._by_series = [], []

    def _choose(self):
        """Return the latest epoch that is no more than a standard error worse than the best."""
        losses = np.array(self._by_series)
        worse = losses - losses[losses.mean(axis=1).argmin()]
        n = worse.shape[1]
        error = worse.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.zeros(len(worse))
        return int(np.flatnonzero(worse.mean(axis=1) <= error)[-1])

    @torch.no_grad()
    def _measure(self, net):
        """Return the mean loss of each series."""
        net.module_.eval()
        parts = []
        for batch in net.get_iterator(self.held, training=False):
            inputs, target = unpack_data(batch)
            output = net.infer(inputs)
            target = target.to(output.season.device)[:, None]
            parts.append(row_losses(output, target, net.module_.net.levels).cpu().numpy())
        losses = np.concatenate(parts)
        return np.bincount(self._codes, losses) / np.bincount(self._codes)
