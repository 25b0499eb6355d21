"""Level, trend, seasons and noise."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    SEASONS,
    draw_periods,
    growing,
    innovations,
    log_uniform,
    seasonal_waves,
    sometimes,
)


@dataclass(frozen=True)
class StructuralSeries:
    """Level + trend + one or two seasons + noise, added or multiplied.

    The level is a random walk; the trend is a line, a damped line, a broken line or a slope that
    wanders. Slopes belong to the whole length of a series: see :class:`TrendSeries` for growth
    that a short window can see.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 12, 4: 10, ...}
        Seasonal period → weight.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.neural.synthetic import StructuralSeries
    >>> values, period = StructuralSeries({7: 1}).draw(np.random.default_rng(0), 2, 100)
    >>> values.shape
    (2, 100)
    """

    seasons: dict[int, float] = field(default_factory=SEASONS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series of a length, and their seasonal periods.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        n, length : int
            Number of series, and of values in each.

        Returns
        -------
        values : ndarray of shape (n, length)
            The series.
        period : ndarray of shape (n,)
            Steps in a season; 1 for none.
        """
        period = draw_periods(rng, n, self.seasons)
        still = sometimes(rng, 0.3, n)
        walk = innovations(rng, n, length) * np.where(still, 0, log_uniform(rng, 0.003, 0.4, n))
        total = np.cumsum(walk, 1) + self._trend(rng, n, length)
        size = log_uniform(rng, 0.05, 4, n)
        season = size * seasonal_waves(rng, period, length)
        noise = innovations(rng, n, length) * log_uniform(rng, 0.02, 1.2, n)
        # A second, longer season, like the week of hours or the year of weeks.
        longer = np.clip(period * rng.choice([4, 5, 7, 12], n), 2, 366)
        has_two = (rng.random(n) < 0.15) & (period > 1) & (period < 30)
        second = seasonal_waves(rng, np.where(has_two, longer, 1), length, evolving=0)
        second = second * log_uniform(rng, 0.1, 2, n)
        added = total + season + second + noise
        multiplied = growing(rng, total, np.minimum(size, 1) * (season / size) + second / 3, noise)
        return np.where(sometimes(rng, 0.5, n), added, multiplied), period

    def _trend(self, rng, n, length):
        """Return (n, length) trends of four kinds."""
        time = np.arange(length) / length
        slope = rng.standard_normal((n, 1)) * log_uniform(rng, 0.02, 8, n)
        slope = slope * sometimes(rng, 0.7, n)
        line = slope * time
        damped = 1.2 * slope * (1 - np.exp(-time * log_uniform(rng, 1, 15, n)))
        broken = line.copy()
        for _ in range(4):
            bend = rng.standard_normal((n, 1)) * np.abs(slope) * sometimes(rng, 0.5, n)
            broken += bend * np.maximum(0, time - rng.random((n, 1)))
        wander = np.cumsum(np.cumsum(rng.standard_normal((n, length)), 1), 1)
        wander *= 3 * log_uniform(rng, 0.01, 1, n) / length**1.5
        kind = rng.choice(4, (n, 1), p=[0.3, 0.15, 0.3, 0.25])
        return np.choose(kind, [line, damped, broken, wander])
