"""Seasonal autoregressions and moving averages."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    SEASONS,
    draw_periods,
    first_order,
    innovations,
    log_uniform,
    sometimes,
    standardise,
)

_BURN_IN = 100


@dataclass(frozen=True)
class SarimaSeries:
    """Seasonal ARIMA: orders up to (2, 1, 1) × (1, 0, 1), some of them exponentials.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 12, 4: 10, ...}
        Seasonal period → weight.

    References
    ----------
    Barndorff-Nielsen & Schou (1973), "On the parametrization of autoregressive models by partial
    autocorrelations": two of them in (−1, 1) make any stationary AR(2).
    """

    seasons: dict[int, float] = field(default_factory=SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        period = draw_periods(rng, n, self.seasons)
        path = self._stationary(rng, n, length + _BURN_IN, period)[:, _BURN_IN:]
        spread = path.std(1, keepdims=True)
        drift = 0.3 * spread * rng.standard_normal((n, 1)) * sometimes(rng, 0.5, n)
        summed = np.cumsum(path + drift, 1)
        path = np.where(sometimes(rng, 0.35, n), summed, path)
        grown = np.exp(np.clip(standardise(path) * log_uniform(rng, 0.05, 0.8, n), -5, 5))
        return np.where(sometimes(rng, 0.25, n), grown, path), period

    def _stationary(self, rng, n, length, period):
        """Return (n, length) paths without a unit root."""
        slow = rng.random(n) < 0.7
        first = np.where(slow, rng.uniform(-0.3, 0.98, n), rng.uniform(-0.9, 0.9, n))
        second = rng.uniform(-0.6, 0.6, n) * (rng.random(n) < 0.5)
        phi1, phi2 = first * (1 - second), second
        theta = (rng.uniform(-0.8, 0.6, n) * (rng.random(n) < 0.5))[:, None]
        noise = innovations(rng, n, length)
        noise[:, 1:] += theta * noise[:, :-1]
        if not phi2.any():
            short = first_order(noise, phi1)
        else:
            short = noise.copy()
            for step in range(2, length):
                short[:, step] += phi1 * short[:, step - 1] + phi2 * short[:, step - 2]
        seasonal = period > 1
        phi = rng.uniform(0.2, 0.98, n) * (rng.random(n) < 0.8) * seasonal
        theta = -rng.uniform(0, 0.8, n) * (rng.random(n) < 0.3) * seasonal
        shocks = innovations(rng, n, length) * (theta != 0)[:, None]
        path, rows = short.copy(), np.arange(n)
        for step in range(1, length):
            season_ago = np.maximum(step - period, 0)
            path[:, step] += phi * path[rows, season_ago] + theta * shocks[rows, season_ago]
            path[:, step] += shocks[:, step]
        return path
