"""Innovations state space models of exponential smoothing."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    draw_periods,
    innovations,
    log_uniform,
    seasonal_waves,
    sometimes,
)

_SEASONS: dict[int, float] = {1: 25, 4: 18, 12: 27, 7: 10, 24: 14, 52: 8, 48: 2, 96: 2}


@dataclass(frozen=True)
class StateSpaceSeries:
    """Exponential smoothing run forwards: what its forecasts are right for.

    Smoothing of level, slope and season and the damping are drawn for each series; noise may be
    autocorrelated and change its size; half of the series are multiplicative (an exponential).

    Parameters
    ----------
    seasons : dict of int to float, default={1: 25, 4: 18, ...}
        Seasonal period → weight.

    References
    ----------
    Hyndman, Koehler, Ord & Snyder (2008), *Forecasting with exponential smoothing: the state space
    approach*.
    """

    seasons: dict[int, float] = field(default_factory=_SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        period = draw_periods(rng, n, self.seasons, unusual=0.08)
        path = self._run(rng, n, length, period)
        # The exponential of a path whose steps are 1 to 25 %, over a range of at most e^7.
        step = np.maximum(np.diff(path, axis=1).std(1, keepdims=True), 1e-6)
        growth = path / step * log_uniform(rng, 0.01, 0.25, n)
        growth = growth * np.minimum(1, 7 / np.maximum(np.ptp(growth, 1)[:, None], 1e-6))
        growth = growth - growth.mean(1, keepdims=True)
        return np.where(sometimes(rng, 0.45, n), np.exp(growth), path), period

    def _run(self, rng, n, length, period):
        """Return (n, length) paths of additive models."""
        chance = rng.random
        alpha = np.where(chance(n) < 0.2, 0.02 * chance(n), rng.beta(1.1, 1.3, n))
        beta = np.where(chance(n) < 0.35, 0, 0.6 * alpha * rng.beta(1, 4, n))
        gamma = np.where(chance(n) < 0.3, 0, (1 - alpha) * rng.beta(1, 4, n))
        damping = np.where(chance(n) < 0.45, 1, rng.uniform(0.8, 0.995, n))
        memory = np.where(chance(n) < 0.3, rng.uniform(0.2, 0.9, n), 0)
        back = np.where(chance(n) < 0.6, log_uniform(rng, 0.002, 0.1, n)[:, 0], 0)

        errors = innovations(rng, n, length) * np.where(memory > 0, 0.6, 1)[:, None]
        swings = np.cumsum(rng.standard_normal((n, length)), 1) * log_uniform(rng, 0.003, 0.05, n)
        volatility = np.clip(np.exp(np.clip(swings, -3, 3)), 0.1, 10)
        errors = np.where(sometimes(rng, 0.25, n), errors * volatility, errors)

        level = 3 * rng.standard_normal(n)
        growth = np.abs(rng.standard_normal(n)) * log_uniform(rng, 0.01, 1.2, n)[:, 0]
        growth = growth * np.where(chance(n) < 0.7, 1, -1) * (chance(n) < 0.75)
        slope = growth.copy()
        season = seasonal_waves(rng, period, int(period.max()), evolving=0)
        season = season * log_uniform(rng, 0.2, 12, n)
        rows, noise, path = np.arange(n), np.zeros(n), np.empty((n, length))
        for step in range(length):
            phase = step % period
            of_season = season[rows, phase]
            error = errors[:, step]
            noise = memory * noise + error
            path[:, step] = level + damping * slope + of_season + noise
            level = level + damping * slope + alpha * error
            # The slope returns to the growth of the series, not to nothing.
            slope = growth + damping * (1 - back) * (slope - growth) + beta * error
            season[rows, phase] = of_season + gamma * error
        return path
