"""Batches of windows, read where the series lie."""

from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import IterableDataset

_SHORTEST = 8  # values before an origin; below that there is hardly anything to read


class WindowBatch(NamedTuple):
    """Windows of one batch: the arguments of a net's ``forward``, and the targets.

    ``context`` (B, L), ``period`` (B,), ``target`` (B, K, H) after each of K ``origins`` (in
    patches before the end of the window), ``valid`` (B, K).
    """

    context: torch.Tensor
    period: torch.Tensor
    target: torch.Tensor
    origins: tuple
    valid: torch.Tensor


class BatchedWindowDataset(IterableDataset):
    """Random windows of a set of series, a whole batch at a time.

    Series stay where they are, in one flat tensor, and a batch is one indexing of it: nothing is
    stored for a window. Give it to a ``DataLoader`` with ``batch_size=None``.

    Parameters
    ----------
    series : list of 1d arrays, or 2d array
        Series, oldest value first; NaN where missing.
    period : array of shape (n_series,)
        Steps in a season; 1 for none, 0 for not known.
    patch : int
        Patch of the net.
    n_future_patches : int or sequence of int
        Patches to forecast; several lengths are drawn by batch.
    lengths : dict of int to float
        Length of the context, a multiple of ``patch`` → weight; drawn by batch.
    batch_size : int, default=256
        Windows in a batch.
    n_batches : int, default=None
        Batches in one iteration; None goes on for ever.
    n_origins : int, default=4
        Origins in each window from which forecasts are made.
    holes : float, default=0.1
        Share of windows in which values are made missing.
    unknown : float, default=0.1
        Share of windows whose period is hidden.
    random_state : int, numpy.random.Generator or None, default=None
        Source of chance.

    Raises
    ------
    ValueError
        If no series is long enough for a window, or a length is no multiple of ``patch``.
    """

    def __init__(
        self,
        series,
        period,
        *,
        patch,
        n_future_patches,
        lengths,
        batch_size=256,
        n_batches=None,
        n_origins=4,
        holes=0.1,
        unknown=0.1,
        random_state=None,
    ):
        super().__init__()
        sizes = np.array([len(values) for values in series])
        self.patch = patch
        self.n_future_patches = np.atleast_1d(n_future_patches)
        self.lengths = dict(lengths)
        self.batch_size = batch_size
        self.n_batches = n_batches
        self.n_origins = n_origins
        self.holes = holes
        self.unknown = unknown
        self.rng = np.random.default_rng(random_state)
        uneven = [length for length in self.lengths if length % patch]
        if uneven:
            raise ValueError(f"lengths must be multiples of patch={patch}, got {uneven}.")
        needed = _SHORTEST + patch * self.n_future_patches.max()
        if not (sizes >= needed).any():
            raise ValueError(
                f"series are too short for a window: the longest has {max(sizes, default=0)} "
                f"values, and {needed} are needed."
            )
        self.values = torch.cat([torch.as_tensor(np.asarray(v, np.float32)) for v in series])
        self.offset = torch.from_numpy(np.cumsum(sizes) - sizes)
        self.sizes = torch.from_numpy(sizes)
        self.period = torch.as_tensor(np.asarray(period, np.int64)).clone()

    def replace(self, rows, series, period):
        """Replace some series by others of the same lengths.

        Parameters
        ----------
        rows : array of int of shape (n,)
            Which series.
        series : sequence of n arrays
            Their new values.
        period : array of shape (n,)
            Their new periods.
        """
        for row, values, season in zip(rows, series, period):
            start = self.offset[row]
            self.values[start : start + self.sizes[row]] = torch.as_tensor(values)
            self.period[row] = int(season)

    def __iter__(self):
        batches = 0
        while self.n_batches is None or batches < self.n_batches:
            yield self.draw()
            batches += 1

    def draw(self):
        """Return one batch.

        Returns
        -------
        batch : WindowBatch
            Windows and their targets.
        """
        rng, n = self.rng, self.batch_size
        weights = np.array(list(self.lengths.values()), float)
        length = int(rng.choice(list(self.lengths), p=weights / weights.sum()))
        horizon = int(rng.choice(self.n_future_patches)) * self.patch
        n_past = length // self.patch
        others = rng.choice(np.arange(1, n_past), min(self.n_origins, n_past) - 1, replace=False)
        origins = (0, *sorted(others.tolist()))

        usable = np.flatnonzero(self.sizes.numpy() >= _SHORTEST + horizon)
        rows = torch.from_numpy(rng.choice(usable, n))
        room = (self.sizes[rows] - horizon).numpy()
        end = torch.from_numpy(rng.integers(np.minimum(length, room), room + 1))
        step = end[:, None] + torch.arange(-length, horizon)
        flat = self.offset[rows, None] + step.clamp(min=0)
        window = torch.where(step >= 0, self.values[flat], torch.nan)

        visible = self._visible_lengths(length)
        target = torch.stack(
            [window[:, (at := length - self.patch * origin) : at + horizon] for origin in origins],
            1,
        )
        hidden = torch.from_numpy(np.arange(length) < length - visible[:, None])
        hidden |= torch.from_numpy(self._holes(length))
        context = window[:, :length].masked_fill(hidden, torch.nan)
        before = np.minimum(visible, end.numpy())[:, None] - self.patch * np.array(origins)
        valid = torch.from_numpy((before >= _SHORTEST) | (np.array(origins) == 0))
        period = self.period[rows]
        period = period.masked_fill(torch.from_numpy(rng.random(n) < self.unknown), 0)
        return WindowBatch(context, period, target, origins, valid)

    def _visible_lengths(self, length):
        """Return log-uniform numbers of values that are seen, the greater of two draws."""
        longest = np.log(length * 1.4)
        draws = np.exp(self.rng.uniform(np.log(_SHORTEST + 1), longest, (2, self.batch_size)))
        return np.clip(draws.max(0), _SHORTEST, length).astype(int)

    def _holes(self, length):
        """Return where values are made missing: single ones, or one gap."""
        rng, n = self.rng, self.batch_size
        kind = rng.random((n, 1))
        single = rng.random((n, length)) < rng.uniform(0, 0.3, (n, 1))
        start = rng.integers(0, length, (n, 1))
        ahead = np.arange(length) - start
        gap = (ahead >= 0) & (ahead < rng.integers(1, max(length // 4, 2), (n, 1)))
        return np.where(kind < 0.7 * self.holes, single, gap & (kind < self.holes))
