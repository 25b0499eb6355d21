"""Growth at the time scale of a window."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    draw_periods,
    first_order,
    innovations,
    log_uniform,
    seasonal_waves,
    sometimes,
)

_SEASONS: dict[int, float] = {1: 38, 4: 20, 12: 24, 7: 8, 24: 6, 52: 8}


@dataclass(frozen=True)
class TrendSeries:
    """A local linear trend whose slope is as large as the noise of one step.

    A window of 10 to 60 values then shows growth that goes on, as in yearly and quarterly data;
    slopes that belong to hundreds of steps would look like reversion to a mean. Growth is likelier
    than decline.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 38, 4: 20, ...}
        Seasonal period → weight.
    """

    seasons: dict[int, float] = field(default_factory=_SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        period = draw_periods(rng, n, self.seasons, unusual=0.08)
        shock = np.where(sometimes(rng, 0.15, n), 1e-3, log_uniform(rng, 0.05, 1, n))
        sign = np.where(sometimes(rng, 0.72, n), 1, -1) * sometimes(rng, 0.8, n)
        drift = sign * np.abs(rng.standard_normal((n, 1))) * log_uniform(rng, 0.02, 0.8, n)
        # The slope wanders around its mean, with a memory of 4 to 400 steps.
        memory = 1 - 1 / log_uniform(rng, 4, 400, n)[:, 0]
        wander = log_uniform(rng, 0.01, 0.6, n)[:, 0] * np.maximum(np.abs(drift[:, 0]), 0.05)
        moves = rng.standard_normal((n, length)) * (wander * np.sqrt(1 - memory**2))[:, None]
        slope = drift + first_order(moves, memory, start=wander * rng.standard_normal(n))
        level = np.cumsum(slope + shock * innovations(rng, n, length), 1)
        season = log_uniform(rng, 0.15, 6, n) * seasonal_waves(rng, period, length)
        noise = log_uniform(rng, 0.02, 1, n) * sometimes(rng, 0.8, n) * innovations(rng, n, length)

        unit = np.maximum(level.std(1, keepdims=True), 1)
        positive = level - level.min(1, keepdims=True) + log_uniform(rng, 0.05, 2, n) * unit
        growth = level / np.maximum(unit, 1e-3) * log_uniform(rng, 0.2, 1.2, n)
        factor = (1 + np.clip(season / 12, -0.9, 3)) * np.exp(np.clip(0.1 * noise, -2, 2))
        kind = rng.choice(3, (n, 1), p=[0.5, 0.3, 0.2])
        values = np.choose(
            kind,
            [level + season + noise, positive * factor, np.exp(np.clip(growth, -5, 5)) * factor],
        )
        return values, period
