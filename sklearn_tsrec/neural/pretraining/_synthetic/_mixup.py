"""Convex combinations of series."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._draws import Family, standardise
from sklearn_tsrec.neural.pretraining._synthetic._sarima import SarimaSeries
from sklearn_tsrec.neural.pretraining._synthetic._structural import StructuralSeries


@dataclass(frozen=True)
class MixupSeries:
    """Weighted means of series of two other families, with the season of the first.

    Parameters
    ----------
    first, second : object with ``draw``, default=StructuralSeries(), SarimaSeries()
        The families.

    References
    ----------
    Ansari et al. (2024), "Chronos: learning the language of time series" (TSMixup).
    """

    first: Family = field(default_factory=StructuralSeries)
    second: Family = field(default_factory=SarimaSeries)

    def draw(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``n`` series and their periods, as in :meth:`StructuralSeries.draw`."""
        values, period = self.first.draw(rng, n, length)
        others, _ = self.second.draw(rng, n, length)
        share = rng.beta(1.5, 1.5, (n, 1))
        return share * standardise(values) + (1 - share) * standardise(others), period
