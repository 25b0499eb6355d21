"""Changes of level and of volatility, saw-teeth and trains of events."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    SEASONS,
    draw_periods,
    first_order,
    innovations,
    log_uniform,
    seasonal_waves,
    sometimes,
)

_N_CHANGES = 6


@dataclass(frozen=True)
class RegimeSeries:
    """Level and volatility change at random times; some series are saw-teeth or events.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 12, 4: 10, ...}
        Seasonal period → weight.
    """

    seasons: dict[int, float] = field(default_factory=SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        period = draw_periods(rng, n, self.seasons)
        change = rng.integers(0, length, (n, _N_CHANGES, 1))
        regime = (np.arange(length) >= change).sum(1)
        levels = rng.standard_normal((n, _N_CHANGES + 1)) * log_uniform(rng, 0.3, 4, n)
        spreads = np.exp(rng.uniform(np.log(0.05), np.log(1.5), (n, _N_CHANGES + 1)))
        noise = innovations(rng, n, length) * np.take_along_axis(spreads, regime, 1)
        level = np.take_along_axis(levels, regime, 1)
        season = log_uniform(rng, 0.2, 3, n) * seasonal_waves(rng, period, length)
        switching = level + season + first_order(noise, rng.uniform(0, 0.95, n))

        cycle = np.maximum(period, 2)[:, None]
        phase = (np.arange(length) + rng.integers(0, 999, (n, 1))) % cycle / cycle
        teeth = phase * log_uniform(rng, 0.5, 4, n) * np.where(sometimes(rng, 0.5, n), 1, -1)
        events = (phase < rng.uniform(0.02, 0.3, (n, 1))) * log_uniform(rng, 1, 8, n)
        kind = rng.choice(3, n, p=[0.6, 0.2, 0.2])
        values = np.choose(kind[:, None], [switching, teeth + 0.3 * noise, events + 0.3 * noise])
        # Teeth and events repeat even where no season was asked for.
        return values, np.where(kind > 0, cycle[:, 0], period)
