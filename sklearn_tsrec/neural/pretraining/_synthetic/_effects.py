"""What happens to series on their way to a table."""

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import log_uniform, sometimes


def add_effects(
    rng: np.random.Generator, values: np.ndarray, flip: float = 0.15, reverse: float = 0.05
) -> np.ndarray:
    """Return series with what tables hold besides their process.

    Each effect befalls a share of the series: spikes (12 %), a shift of the level (8 %), censoring
    from below or above (6 %), rounding (6 %), a turned sign and a turned time.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    values : ndarray of shape (n, length)
        Series.
    flip, reverse : float, default=0.15, 0.05
        Share of series whose sign, whose time, is turned.

    Returns
    -------
    values : ndarray of shape (n, length)
        Changed series.
    """
    n, length = values.shape
    unit = np.maximum(values.std(1, keepdims=True), 1e-9)
    spiky = sometimes(rng, 0.12, n) & (rng.random((n, length)) < log_uniform(rng, 0.002, 0.03, n))
    spikes = rng.standard_normal((n, length)) * log_uniform(rng, 0.5, 6, n) * unit
    values = np.where(spiky, values + spikes, values)
    shifted = np.arange(length) >= rng.integers(0, length, (n, 1))
    shift = 2 * rng.standard_normal((n, 1)) * unit * sometimes(rng, 0.08, n)
    values = values + shift * shifted
    share = np.quantile(values, [0.3, 0.8], axis=1)[..., None]
    values = np.where(sometimes(rng, 0.04, n), np.maximum(values, share[0]), values)
    values = np.where(sometimes(rng, 0.02, n), np.minimum(values, share[1]), values)
    step = unit * log_uniform(rng, 0.05, 0.6, n)
    values = np.where(sometimes(rng, 0.06, n), np.round(values / step) * step, values)
    values = np.where(sometimes(rng, flip, n), -values, values)
    return np.where(sometimes(rng, reverse, n), values[:, ::-1], values)
