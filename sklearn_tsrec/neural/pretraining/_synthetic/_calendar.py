"""Days with weekends and holidays, hours with working days, months with moving feasts."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import (
    first_order,
    innovations,
    log_uniform,
    sometimes,
)

_KINDS: dict[int, float] = {7: 35, 24: 35, 168: 6, 12: 14, 52: 10}
_DAYS = 365.25


@dataclass(frozen=True)
class CalendarSeries:
    """Human activity on a calendar.

    Daily series have weekdays, a year and holidays; hourly ones have profiles of working days and
    of weekends, and days that are busier than others; monthly ones have trading days and a feast
    that moves; weekly ones have a year of 52.18 weeks and holiday weeks.

    Parameters
    ----------
    kinds : dict of int to float, default={7: 35, 24: 35, 168: 6, 12: 14, 52: 10}
        Seasonal period (7 daily; 24 or 168 hourly; 12 monthly; 52 weekly) → weight.
    """

    kinds: dict[int, float] = field(default_factory=_KINDS.copy)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        weights = np.array(list(self.kinds.values()), float)
        period = rng.choice(list(self.kinds), n, p=weights / weights.sum())
        shape = np.zeros((n, length))
        makers = {7: _daily, 24: _hourly, 168: _hourly, 12: _monthly, 52: _weekly}
        for kind in self.kinds:
            rows = period == kind
            if rows.any():
                shape[rows] = makers[kind](rng, rows.sum(), length)
        memory = rng.uniform(0, 0.95, n)
        noise = first_order(innovations(rng, n, length), memory) * np.sqrt(1 - memory**2)[:, None]
        noise = noise * log_uniform(rng, 0.03, 0.6, n)
        walk = np.cumsum(rng.standard_normal((n, length)), 1) * log_uniform(rng, 1e-3, 5e-2, n)
        line = rng.standard_normal((n, 1)) * np.arange(length) / length
        total = log_uniform(rng, 0.2, 1.2, n) * shape + walk + line + noise
        activity = np.exp(np.clip(log_uniform(rng, 0.1, 1, n) * total, -6, 6))
        kind = rng.choice(3, (n, 1), p=[0.35, 0.45, 0.2])
        # The last kind counts what happens.
        counts = rng.poisson(np.minimum(activity * log_uniform(rng, 2, 100, n), 1e6))
        return np.choose(kind, [total, activity, counts.astype(float)]), period


def _year(rng, n, day):
    """Return (n, length) smooth yearly waves at days (n, length) of the year."""
    wave = np.zeros(day.shape)
    for order in range(1, 4):
        angle = 2 * np.pi * (order * day / _DAYS + rng.random((n, 1)))
        wave += rng.standard_normal((n, 1)) / order * np.sin(angle)
    return wave * sometimes(rng, 0.8, n) * log_uniform(rng, 0.1, 1.5, n)


def _week(rng, n, weekday):
    """Return (n, length) effects of weekdays 0 … 6, most of them working days and weekends."""
    effect = rng.standard_normal((n, 7)) * log_uniform(rng, 0.05, 0.5, n)
    effect[:, 5:] += rng.standard_normal((n, 1)) * log_uniform(rng, 0.3, 3, n)
    return np.take_along_axis(effect, weekday, 1)


def _holidays(rng, n, day, spread):
    """Return (n, length) effects of a few holidays a year, each on a fixed day."""
    effect = np.zeros(day.shape)
    for _ in range(6):
        ahead = (day - rng.integers(0, 365, (n, 1))) % _DAYS
        size = rng.standard_normal((n, 1)) * log_uniform(rng, 0.3, 3, n) * sometimes(rng, 0.5, n)
        effect += size * (ahead < spread)
    return effect


def _daily(rng, n, length):
    """Return shapes of daily series."""
    day = np.arange(length) + rng.integers(0, 365, (n, 1))
    weekday = (day + rng.integers(0, 7, (n, 1))) % 7
    return _week(rng, n, weekday) + _year(rng, n, day) + _holidays(rng, n, day, 1)


def _hourly(rng, n, length):
    """Return shapes of hourly series."""
    hour = np.arange(length) + rng.integers(0, 168, (n, 1))
    day, clock = hour // 24, hour % 24
    weekday = day % 7

    def profile():
        """Return (n, 24) profiles with two or three humps."""
        shape = np.zeros((n, 24))
        for _ in range(3):
            apart = np.abs(np.arange(24) - rng.uniform(0, 24, (n, 1)))
            apart = np.minimum(apart, 24 - apart)
            shape += rng.standard_normal((n, 1)) * np.exp(
                -0.5 * (apart / rng.uniform(1, 5, (n, 1))) ** 2
            )
        return 1.5 * shape

    working, resting = profile(), profile()
    apart = np.sqrt(rng.random((n, 1))) * sometimes(rng, 0.75, n)
    resting = working + apart * (resting - working)
    weekend = weekday >= 5
    shape = np.where(
        weekend,
        np.take_along_axis(resting, clock, 1),
        np.take_along_axis(working, clock, 1),
    )
    n_days = int(day.max()) + 1
    moods = first_order(rng.standard_normal((n, n_days)), rng.uniform(0, 0.9, n))
    moods = np.take_along_axis(moods, day, 1) * log_uniform(rng, 0.02, 0.5, n)
    busy = np.exp(np.clip(moods, -2, 2))
    quieter = np.where(weekend, rng.standard_normal((n, 1)) * log_uniform(rng, 0.1, 1.5, n), 0)
    return np.where(sometimes(rng, 0.5, n), shape * busy, shape + moods) + quieter


def _monthly(rng, n, length):
    """Return shapes of monthly series."""
    month = np.arange(length) + rng.integers(0, 12, (n, 1))
    table = np.take_along_axis(rng.standard_normal((n, 12)), month % 12, 1)
    # Five weekends rather than four, and a feast that is in March or in April.
    start = np.floor(month * _DAYS / 12 + rng.integers(0, 7, (n, 1)))
    weekends = np.floor((start + 30) / 7) - np.floor(start / 7)
    feast = (month % 12 == 2) == (month // 12 * 0.382 % 1 < 0.35)
    feast = feast & np.isin(month % 12, (2, 3))
    size = rng.standard_normal((2, n, 1)) * np.array([0.2, 0.6])[:, None, None]
    return table * log_uniform(rng, 0.2, 1.5, n) + size[0] * (weekends - 4) + size[1] * feast


def _weekly(rng, n, length):
    """Return shapes of weekly series."""
    day = 7.0 * np.arange(length) + rng.integers(0, 365, (n, 1))
    return _year(rng, n, day) + _holidays(rng, n, day, 7)
