"""Counts, many of them zero."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    SEASONS,
    draw_periods,
    log_uniform,
    seasonal_waves,
    sometimes,
)


@dataclass(frozen=True)
class CountSeries:
    """Poisson and negative binomial counts with a season and a drift, a third of them intermittent.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 12, 4: 10, ...}
        Seasonal period → weight.
    """

    seasons: dict[int, float] = field(default_factory=SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        period = draw_periods(rng, n, self.seasons)
        drift = np.cumsum(rng.standard_normal((n, length)), 1) * log_uniform(rng, 0.001, 0.05, n)
        season = log_uniform(rng, 0.05, 1, n) * seasonal_waves(rng, period, length)
        rate = np.exp(np.clip(np.log(log_uniform(rng, 0.05, 30, n)) + season + drift, -5, 6))
        shape = np.broadcast_to(log_uniform(rng, 0.5, 20, n), rate.shape)
        rate = np.where(sometimes(rng, 0.5, n), rate * rng.gamma(shape) / shape, rate)
        counts = rng.poisson(np.minimum(rate, 1e4)).astype(float)
        sold = rng.random((n, length)) > rng.uniform(0.1, 0.9, (n, 1))
        return np.where(sometimes(rng, 0.35, n), counts * sold, counts), period
