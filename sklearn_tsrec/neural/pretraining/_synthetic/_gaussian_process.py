"""Gaussian processes with kernels put together at random."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import SEASONS, draw_periods, log_uniform


@dataclass(frozen=True)
class GaussianProcessSeries:
    """Draws of Gaussian processes whose kernels are sums and products of simple kernels.

    Parameters
    ----------
    seasons : dict of int to float, default={1: 12, 4: 10, ...}
        Seasonal period → weight.
    n_shared : int, default=16
        Draws of each kernel: a kernel costs one factorisation.

    References
    ----------
    Ansari et al. (2024), "Chronos: learning the language of time series" (KernelSynth).
    """

    seasons: dict[int, float] = field(default_factory=SEASONS.copy)
    n_shared: int = 16

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        values, periods = np.empty((n, length)), np.ones(n, int)
        for start in range(0, n, self.n_shared):
            rows = slice(start, start + self.n_shared)
            kernel, period = self._kernel(rng, length)
            kernel = kernel / max(kernel.diagonal().mean(), 1e-9)
            factor = _factor(kernel)
            values[rows] = rng.standard_normal((len(values[rows]), length)) @ factor.T
            periods[rows] = period
        return values, periods

    def _kernel(self, rng, length):
        """Return a kernel (length, length) and the last season in it."""
        time = np.arange(length, dtype=float)
        apart = np.abs(time[:, None] - time)
        kernel, period = None, 1
        for _ in range(rng.integers(1, 6)):
            kind = rng.choice(6, p=[0.38, 0.2, 0.12, 0.1, 0.1, 0.1])
            if kind == 0:
                period = int(self._period(rng))
                wave = np.sin(np.pi * apart / period) / _draw(rng, 0.3, 2)
                part = np.exp(-2 * wave**2)
            elif kind == 1:
                part = np.exp(-0.5 * (apart / (length * _draw(rng, 0.02, 1))) ** 2)
            elif kind == 2:
                near = apart / (length * _draw(rng, 0.02, 0.5))
                part = 1 / (1 + near**2 / (2 * rng.choice([0.1, 1, 10])))
            elif kind == 3:
                line = time / length - rng.random()
                part = rng.choice([0.3, 1, 5]) + 2 * np.outer(line, line)
            elif kind == 4:
                part = np.eye(length) * _draw(rng, 0.01, 1)
            else:
                part = np.exp(-apart / (length * _draw(rng, 0.01, 0.5)))
            if kernel is None:
                kernel = part
            else:
                kernel = kernel + part if rng.random() < 0.6 else kernel * part
        return kernel, period

    def _period(self, rng):
        """Return a season that is one."""
        real = {period: weight for period, weight in self.seasons.items() if period > 1}
        return draw_periods(rng, 1, real)[0] if real else rng.integers(2, 100)


def _draw(rng, low, high):
    """Return one log-uniform number."""
    return float(log_uniform(rng, low, high, 1)[0, 0])


def _factor(kernel):
    """Return a Cholesky factor; a nugget that grows keeps smooth kernels positive."""
    for nugget in (1e-4, 1e-2):
        try:
            return np.linalg.cholesky(kernel + nugget * np.eye(len(kernel)))
        except np.linalg.LinAlgError:
            continue
    return np.eye(len(kernel))
