"""SpectralFeatures: what oscillates in rows that are windows."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.fft

from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec._ties import settle
from sklearn_tsrec.features._window_rows import WindowRows, feature_name, fill_inside


class SpectralFeatures(WindowRows):
    """Power in bands, dominant periods and spectral entropy of each window, by the real FFT.

    Parameters
    ----------
    bands : list of (float, float), default=((2, 4), (4, 8), (8, 16), (16, inf))
        Bands of periods, in steps: ``(shortest, longest)``, the longest not included. A band's
        feature is its share of the power of the window.
    n_periods : int, default=1
        How many dominant periods to return: the highest peaks of the periodogram [1]_, in
        descending order of power. NaN where there are fewer peaks.
    entropy : bool, default=True
        Whether to return the entropy of the normalised spectrum [2]_, divided by its largest
        possible value: 0 for one sinusoid, near 1 for noise.
    detrend : {"constant", "linear"}, default="constant"
        What to take away first: the mean, or a least-squares line, which would else look like the
        longest periods.

    Attributes
    ----------
    n_features_in_ : int
        Length of the windows.

    Raises
    ------
    ValueError
        If a band is not a pair of rising periods, the shortest at least 2 (the Nyquist period).

    See Also
    --------
    AutoregressiveFeatures : How a window depends on its own past.

    Notes
    -----
    Holes between two values are filled linearly. Missing values at either end are zero after
    detrending (zero padding), so that short windows share the frequencies of long ones. A window
    without values or without variation has no spectrum: all its features are NaN.

    A window of L values knows the periods L / k only, k = 1 … L // 2.

    References
    ----------
    .. [1] Schuster, A. (1898). On the investigation of hidden periodicities. Terrestrial
       Magnetism 3(1), 13-41.
    .. [2] Inouye, T. et al. (1991). Quantification of EEG irregularity by use of the entropy of
       the power spectrum. Electroencephalography and Clinical Neurophysiology 79(3), 204-210.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.features import SpectralFeatures
    >>> t = np.arange(28)
    >>> windows = np.vstack([np.sin(2 * np.pi * t / 7), 5 + 2 * np.cos(np.pi * t)])
    >>> features = SpectralFeatures([(2, 4), (4, 8)]).set_output(transform="pandas")
    >>> features.fit_transform(windows).round(3) + 0.0
       x__power2_4_28  x__power4_8_28  x__period1_28  x__entropy28
    0             0.0             1.0            7.0           0.0
    1             1.0             0.0            2.0           0.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "bands": ["array-like"],
        "n_periods": [Interval(Integral, 0, None, closed="left")],
        "entropy": ["boolean"],
        "detrend": [StrOptions({"constant", "linear"})],
    }

    def __init__(
        self,
        bands: Any = ((2, 4), (4, 8), (8, 16), (16, np.inf)),
        *,
        n_periods: int = 1,
        entropy: bool = True,
        detrend: str = "constant",
    ):
        self.bands = bands
        self.n_periods = n_periods
        self.entropy = entropy
        self.detrend = detrend

    def _check_features(self, length):
        """Check the bands; return the names of the features."""
        names = []
        for band in self.bands:
            low, high = band if np.shape(band) == (2,) else (np.nan, np.nan)
            if not 2 <= low < high:
                raise ValueError(
                    f"bands holds {band!r}: a band is a pair (shortest, longest) of periods in "
                    "steps, with 2 <= shortest < longest."
                )
            names.append(f"power{low:g}_{high:g}")
        names += [f"period{i + 1}" for i in range(self.n_periods)]
        names += ["entropy"] if self.entropy else []
        if not names:
            raise ValueError("bands=[] with n_periods=0 and entropy=False leaves no feature.")
        return [feature_name(name, length) for name in names]

    def _compute(self, X):
        """Return the features of all windows."""
        length = X.shape[1]
        frequency = np.arange(1, length // 2 + 1) / length
        power = _power(X, self.detrend)
        out = []
        for low, high in self.bands:
            inside = (frequency * low <= 1 + 1e-12) & (frequency * high > 1 + 1e-12)
            out.append(power[:, inside].sum(axis=1))
        out = [np.where(_flat(power), np.nan, share) for share in out]
        peaks = _peaks(power, self.n_periods)
        out += [np.where(k >= 0, length / np.maximum(k + 1, 1), np.nan) for k in peaks.T]
        if self.entropy:
            logs = np.log(power, out=np.zeros_like(power), where=power > 0)
            entropy = -(power * logs).sum(axis=1)
            # One frequency alone has no spread: its entropy is 0.
            entropy = entropy / np.log(max(power.shape[1], 2))
            out.append(np.where(_flat(power), np.nan, entropy))
        return np.column_stack(out)


def _power(X, detrend):
    """Return the share of each Fourier frequency; NaN rows where nothing varies."""
    filled, inside = fill_inside(X)
    n = inside.sum(axis=1, keepdims=True)
    values = np.where(inside, filled, 0.0)
    scale = np.abs(values).max(axis=1, keepdims=True)
    values = np.where(inside, values - values.sum(axis=1, keepdims=True) / n, 0.0)
    if detrend == "linear":
        at = np.where(inside, np.arange(X.shape[1]), 0.0)
        at = np.where(inside, at - at.sum(axis=1, keepdims=True) / n, 0.0)
        slope = (at * values).sum(axis=1, keepdims=True) / (at**2).sum(axis=1, keepdims=True)
        values = np.where(inside, values - slope * at, 0.0)
    flat = ~(np.abs(values).max(axis=1, keepdims=True) > 1e-12 * scale)
    power = np.abs(scipy.fft.rfft(values, axis=1)[:, 1:]) ** 2
    if X.shape[1] % 2 == 0:
        power[:, -1] /= 2  # every other frequency stands for two: itself and its mirror image
    return np.where(flat, np.nan, power / power.sum(axis=1, keepdims=True))


def _flat(power):
    """Return which windows have no spectrum."""
    return np.isnan(power).any(axis=1) if power.shape[1] else np.ones(len(power), dtype=bool)


def _peaks(power, n):
    """Return the positions of the n highest peaks of each row, -1 where there are fewer."""
    edge = np.full((len(power), 1), -1.0)
    power = settle(power)
    padded = np.concatenate([edge, power, edge], axis=1)
    peak = (power > padded[:, :-2]) & (power >= padded[:, 2:]) & (power > 1e-12)
    height = np.where(peak, power, -1.0)
    order = np.argsort(-height, axis=1, kind="stable")[:, :n]
    order = np.where(np.take_along_axis(height, order, axis=1) > 0, order, -1)
    return np.pad(order, ((0, 0), (0, n - order.shape[1])), constant_values=-1)
