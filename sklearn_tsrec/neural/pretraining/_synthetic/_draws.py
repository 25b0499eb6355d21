"""Random ingredients that all families of series share; all are vectorised over series."""

from typing import Protocol

import numpy as np


class Family(Protocol):
    """A family of series: whatever draws some."""

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series of a length, and their periods."""
        ...


# Season → how often it is drawn: the calendars that series come in.
SEASONS: dict[int, float] = {1: 12, 4: 10, 5: 3, 7: 13, 12: 22, 24: 16, 48: 6, 52: 6, 96: 4, 168: 2}


def log_uniform(rng, low, high, n):
    """Return (n, 1) numbers whose logarithm is uniform."""
    return np.exp(rng.uniform(np.log(low), np.log(high), (n, 1)))


def sometimes(rng, share, n):
    """Return (n, 1) booleans, true with the probability ``share``."""
    return rng.random((n, 1)) < share


def draw_periods(rng, n, seasons=SEASONS, unusual=0.12):
    """Return (n,) seasonal periods; a share ``unusual`` is uniform on 2 … 99."""
    weights = np.array(list(seasons.values()), float)
    period = rng.choice(list(seasons), n, p=weights / weights.sum())
    return np.where(rng.random(n) < unusual, rng.integers(2, 100, n), period)


def innovations(rng, n, length, heavy=0.3):
    """Return (n, length) noise of about unit variance; a share of rows has heavy tails."""
    noise = rng.standard_normal((n, length))
    rows = rng.random(n) < heavy
    noise[rows] = rng.standard_t(3.5, (rows.sum(), length)) / 1.5
    return noise


def standardise(values):
    """Return rows with mean 0 and standard deviation 1; constant rows become 0."""
    centred = values - values.mean(1, keepdims=True)
    return centred / np.maximum(centred.std(1, keepdims=True), 1e-9)


def first_order(noise, memory, start=0.0):
    """Return x_t = memory · x_{t−1} + noise_t of each row, ``memory`` (n,)."""
    path = np.empty_like(noise)
    state = np.broadcast_to(start, len(noise))
    for step in range(noise.shape[1]):
        state = memory * state + noise[:, step]
        path[:, step] = state
    return path


def seasonal_waves(rng, period, length, evolving=0.4):
    """Return (n, length) seasons of unit size, 0 where the period is 1.

    Half are smooth (a few harmonics), the others are free tables, a third of which are spiky. A
    share ``evolving`` changes its size slowly.
    """
    n = len(period)
    cycle = np.maximum(period, 2)[:, None]
    time = np.arange(length)
    order = np.arange(1, 7)
    decay = rng.uniform(0.3, 2.0, (n, 1))
    size = rng.standard_normal((n, 6)) / order**decay * (order <= rng.integers(1, 7, (n, 1)))
    angle = rng.uniform(0, 2 * np.pi, (n, 6))
    waves = np.zeros((n, length))
    for harmonic in range(6):
        turn = 2 * np.pi * (harmonic + 1) * time / cycle
        waves += size[:, [harmonic]] * np.sin(turn + angle[:, [harmonic]])
    table = rng.standard_normal((n, cycle.max()))
    spiky = sometimes(rng, 0.35, n)
    bursts = 3 * np.abs(table) * (rng.random(table.shape) < 0.2)
    phase = (time + rng.integers(0, 1000, (n, 1))) % cycle
    tables = np.take_along_axis(np.where(spiky, bursts, table), phase, 1)
    waves = standardise(np.where(sometimes(rng, 0.5, n), tables, waves))
    if evolving:
        drift = rng.standard_normal((n, length)) * log_uniform(rng, 1e-4, 3e-2, n)
        size = np.exp(np.clip(np.cumsum(drift, 1), -3, 3))
        waves = np.where(sometimes(rng, evolving, n), waves * size, waves)
    return waves * (period > 1)[:, None]


def growing(rng, total, season, noise, spread=(0.1, 1.2)):
    """Return a multiplicative series: season and noise scale with a level that is exp(total)."""
    unit = np.maximum(total.std(1, keepdims=True), 0.3)
    level = np.exp(
        np.clip(total * np.minimum(log_uniform(rng, *spread, len(total)) / unit, 1), -6, 6)
    )
    return level * np.maximum(1 + 0.3 * np.clip(season, -3, 3), 0.02) * np.exp(0.15 * noise)
