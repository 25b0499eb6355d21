"""A mixture of families: the prior of a pretrained net."""

import numpy as np

from sklearn_tsrec.neural.pretraining._synthetic._calendar import CalendarSeries
from sklearn_tsrec.neural.pretraining._synthetic._counts import CountSeries
from sklearn_tsrec.neural.pretraining._synthetic._draws import Family, draw_periods, standardise
from sklearn_tsrec.neural.pretraining._synthetic._effects import add_effects
from sklearn_tsrec.neural.pretraining._synthetic._gaussian_process import GaussianProcessSeries
from sklearn_tsrec.neural.pretraining._synthetic._mixup import MixupSeries
from sklearn_tsrec.neural.pretraining._synthetic._regimes import RegimeSeries
from sklearn_tsrec.neural.pretraining._synthetic._sarima import SarimaSeries
from sklearn_tsrec.neural.pretraining._synthetic._state_space import StateSpaceSeries
from sklearn_tsrec.neural.pretraining._synthetic._structural import StructuralSeries
from sklearn_tsrec.neural.pretraining._synthetic._trend import TrendSeries

FAMILIES: dict[str, Family] = {
    "structural": StructuralSeries(),
    "trend": TrendSeries(),
    "state_space": StateSpaceSeries(),
    "sarima": SarimaSeries(),
    "gaussian_process": GaussianProcessSeries(),
    "counts": CountSeries(),
    "regimes": RegimeSeries(),
    "calendar": CalendarSeries(),
    "mixup": MixupSeries(),
}
WEIGHTS: dict[str, float] = {
    "structural": 18,
    "trend": 19,
    "state_space": 25,
    "sarima": 9,
    "gaussian_process": 6,
    "counts": 4,
    "regimes": 6,
    "calendar": 10,
    "mixup": 3,
}


class SyntheticMixture:
    """Series of many kinds, from families that are drawn by weight.

    Parameters
    ----------
    weights : dict of str to float, default=None
        Name of a family → how often it is drawn; None is the mixture that the shipped checkpoints
        learned from. Names are ``structural``, ``trend``, ``state_space``, ``sarima``,
        ``gaussian_process``, ``counts``, ``regimes``, ``calendar``, ``mixup`` and those in
        ``families``.
    families : dict of str to object, default=None
        More families: anything with ``draw(rng, n, length)``.
    effects : bool, default=True
        Whether to add spikes, shifts, censoring, rounding and turns.
    wrong_period : float, default=0.1
        Share of series with a period that is not theirs, as a calendar suggests one for a price: a
        net has to look whether there is one.

    Raises
    ------
    ValueError
        If a weight has no family, or all weights are 0.

    Examples
    --------
    >>> from sklearn_tsrec.neural.synthetic import SyntheticMixture
    >>> values, period = SyntheticMixture().sample(100, 64, random_state=0)
    >>> values.shape, period.shape
    ((100, 64), (100,))
    """

    def __init__(
        self,
        weights: dict[str, float] | None = None,
        *,
        families: dict[str, Family] | None = None,
        effects: bool = True,
        wrong_period: float = 0.1,
    ):
        self.weights = dict(WEIGHTS if weights is None else weights)
        self.families = FAMILIES | (families or {})
        self.effects = effects
        self.wrong_period = wrong_period
        unknown = sorted(set(self.weights) - set(self.families))
        if unknown:
            raise ValueError(
                f"weights name families that do not exist: {unknown}; there are "
                f"{sorted(self.families)}."
            )
        if not sum(self.weights.values()) > 0 or min(self.weights.values()) < 0:
            raise ValueError(f"weights must be 0 or more, and some above 0, got {self.weights}.")

    def sample(
        self, n: int, length: int, random_state: int | np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return standardised series in random order, and their periods.

        Parameters
        ----------
        n, length : int
            Number of series, and of values in each.
        random_state : int, numpy.random.Generator or None, default=None
            Source of chance.

        Returns
        -------
        values : float32 ndarray of shape (n, length)
            Series of mean 0 and standard deviation 1.
        period : int64 ndarray of shape (n,)
            Steps in a season; 1 for none.
        """
        rng = np.random.default_rng(random_state)
        weights = np.array(list(self.weights.values()), float)
        counts = rng.multinomial(n, weights / weights.sum())
        values, periods = np.empty((n, length)), np.empty(n, np.int64)
        start = 0
        for name, count in zip(self.weights, counts):
            if count:
                rows = slice(start, start + count)
                values[rows], periods[rows] = self.families[name].draw(rng, count, length)
                start += count
        wrong = rng.random(n) < self.wrong_period
        periods[wrong] = draw_periods(rng, wrong.sum())
        if self.effects:
            values = add_effects(rng, values)
        values = standardise(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
        order = rng.permutation(n)
        return values[order].astype(np.float32), periods[order]
