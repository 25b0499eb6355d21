import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._keys import row_order
from sklearn_tsrec._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)
from sklearn_tsrec._table import check_target
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Table
from sklearn_tsrec.feature_selection._basis import Basis
from sklearn_tsrec.feature_selection._driver_tests import driver_tests
from sklearn_tsrec.feature_selection._drivers import check_horizon, read_driver
from sklearn_tsrec.feature_selection._effects import effect_table
from sklearn_tsrec.feature_selection._partialling_out import (
    benjamini_hochberg,
    contiguous_folds,
    hotelling,
    invert,
)
from sklearn_tsrec.feature_selection._robust import default_cov_type, effect_covariance, stretches
from sklearn_tsrec.feature_selection._waves import SlowWaves

_FOLDS = 3


class CausalFeatureSelector(SelectorMixin, BaseEstimator):
    """Keep the features whose drivers move the target when all others are held fixed.

    All columns made of one driver (its lags, its windows) are chosen together. A driver is kept
    when, given every other column, the past of the target and the calendar, its columns still add
    something about the target: a partialling-out (double machine learning) Wald test, in a basis of
    straight, squared and one-sided terms, with errors that allow for dependence over time, at a
    false discovery rate of ``fdr`` over all drivers. Before, a lasso drops what no test would
    find.

    Series that only share a measured cause with the target, proxies of drivers, and series that the
    target itself moves are told apart from drivers. A hidden common cause is not: no table shows
    what it does not hold.

    Rows with missing values are left out in ``fit`` and passed through by ``transform``.

    Parameters
    ----------
    fdr : float, default=0.05
        False discovery rate: the expected share of wrong drivers among those kept.
    drivers : dict, array-like of shape (n_features,) or None, default=None
        The driver of each column: labels, or lists of columns by driver. None reads names:
        ``price__lag3`` and ``price__mean28`` belong to ``price``; other columns stand alone.
    always_keep : "auto", list of str or None, default="auto"
        Drivers (or columns) that are controlled for and kept without a test. "auto" is the target's
        own past (``y__…``) and what depends on the time alone: calendar and Fourier features.
        Without the target's past, what the target moves looks like what moves it.
    max_features : int or None, default=None
        Most columns to keep beside those of ``always_keep``; the drivers with the smallest
        p-values come first.
    horizon : int or None, default=None
        Steps ahead that are forecast: a column with a lag below it is not known in time, and
        raises unless its driver is listed in ``known_ahead``. None does not look.
    known_ahead : list of str, default=()
        Drivers known ahead of time, such as prices that are set or holidays.
    nonlinear : bool, default=True
        Whether drivers are tested, and controlled for, with squared and one-sided terms too. With
        straight controls alone, a copy of the target stands in for its curved past.
    screen : bool, default=True
        Whether a lasso leaves out drivers before the test. False tests all of them together, which
        needs many more rows than columns.
    cov_type : {"auto", "hac", "cluster"}, default="auto"
        Errors of the test: allowing for dependence over time within series, or for any dependence
        within them. "auto" is "cluster" where there are 20 series or more, and enough for the test.
    engine : {"closed-form", "econml"}, default="closed-form"
        How drivers are tested: one factorisation for all of them, or a fit of EconML's LinearDML
        for each with ``nuisance`` models, cross-fitted on contiguous folds with a purge.
    nuisance : regressor or None, default=None
        For ``engine="econml"``: predicts the target and the driver from everything else. None is
        ``Ridge(1.0)``.
    invariance : {"report", "drop"}, default="report"
        What happens with kept drivers whose effect differs between regimes. Dropping them can throw
        away what really drives the target: temperature drives demand up in summer and down in
        winter.
    effects : bool, default=True
        Whether the effects of what is kept are estimated. False is faster and needs no EconML.
    n_regimes : int, default=3
        Number of contiguous stretches of time that effects are compared over.

    Attributes
    ----------
    support_ : bool array of shape (n_features,)
        Kept columns.
    drivers_ : Series of shape (n_features,)
        The driver of each column.
    pvalues_ : Series of shape (n_tested,)
        Of each driver, 1 where the lasso left it out; those always kept have none.
    strength_ : Series of shape (n_tested,)
        Share of the target's variance that leaves with the driver.
    heterogeneity_pvalues_ : Series
        Of "the effect is the same in all regimes", for the drivers found.
    effects_ : DataFrame
        ``effect``, ``std_error``, ``pvalue`` and the range, ``lowest`` and ``highest``, of each
        kept column of a tested driver, by EconML's LinearDML. None of these with ``effects=False``.
    conf_int_ : DataFrame
        ``lower`` and ``upper`` ends of 95 % intervals of the effects.
    effects_covariance_ : DataFrame
        Covariance of the effects' errors.
    effects_dof_ : float
        Degrees of freedom of the effects' t-tests and intervals.
    graph_ : DataFrame
        One edge into the target for each row: ``driver``, ``lag``, ``effect``, ``pvalue``.
    fallback_ : bool
        Whether no driver was found, and the one with the smallest p-value is kept so that there is
        a feature to learn from.
    n_rows_ : int
        Number of complete rows.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If there are too few complete rows, or a lag is below the horizon.

    Warns
    -----
    UserWarning
        If drivers are collinear.

    See Also
    --------
    sklearn_tsrec.datasets.make_causal_series : Series with known drivers.

    Notes
    -----
    Keys are read from the index (series first, time last), which our transformers and
    ``set_output(transform="pandas")`` keep. Without one, rows are one series in the given order.

    The level of each series is taken out first, and where there is one series, its slow movements
    (n^(1/3) half waves): what wanders seems to move together.

    References
    ----------
    .. [1] V. Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and
       structural parameters", The Econometrics Journal 21(1).
    .. [2] W. Newey and K. West (1987), "A simple, positive semi-definite, heteroskedasticity and
       autocorrelation consistent covariance matrix", Econometrica 55(3).
    .. [3] Y. Benjamini and Y. Hochberg (1995), "Controlling the false discovery rate", Journal of
       the Royal Statistical Society B 57(1).

    Examples
    --------
    >>> from sklearn.pipeline import make_union
    >>> from sklearn_tsrec.datasets import make_causal_series
    >>> from sklearn_tsrec.feature_selection import CausalFeatureSelector
    >>> from sklearn_tsrec.features import LagFeatures
    >>> series = make_causal_series(500, 6, n_drivers=2, n_proxies=2, n_children=1, random_state=0)
    >>> lags = make_union(LagFeatures([1, 2]), LagFeatures([1, 2], target=True),
    ...                   verbose_feature_names_out=False).set_output(transform="pandas")
    >>> X = lags.fit_transform(series.data, series.target)
    >>> selector = CausalFeatureSelector().fit(X, series.target)
    >>> selector.pvalues_.round(3).to_frame().assign(role=series.role)
            pvalue    role
    driver
    s0       1.000   noise
    s1       0.000  driver
    s2       0.338   proxy
    s3       0.000  driver
    s4       1.000   proxy
    s5       1.000   child
    """

    _parameter_constraints: ClassVar[dict] = {
        "fdr": [Interval(Real, 0, 1, closed="neither")],
        "drivers": [dict, "array-like", None],
        "always_keep": [StrOptions({"auto"}), list, tuple, None],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "known_ahead": [list, tuple],
        "nonlinear": ["boolean"],
        "screen": ["boolean"],
        "cov_type": [StrOptions({"auto", "hac", "cluster"})],
        "engine": [StrOptions({"closed-form", "econml"})],
        "nuisance": [HasMethods(["fit", "predict"]), None],
        "invariance": [StrOptions({"report", "drop"})],
        "effects": ["boolean"],
        "n_regimes": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        fdr: float = 0.05,
        *,
        drivers: dict | ArrayLike | None = None,
        always_keep: str | Sequence[str] | None = "auto",
        max_features: int | None = None,
        horizon: int | None = None,
        known_ahead: Sequence[str] = (),
        nonlinear: bool = True,
        screen: bool = True,
        cov_type: str = "auto",
        engine: str = "closed-form",
        nuisance: Any = None,
        invariance: str = "report",
        effects: bool = True,
        n_regimes: int = 3,
    ):
        self.fdr = fdr
        self.drivers = drivers
        self.always_keep = always_keep
        self.max_features = max_features
        self.horizon = horizon
        self.known_ahead = known_ahead
        self.nonlinear = nonlinear
        self.screen = screen
        self.cov_type = cov_type
        self.engine = engine
        self.nuisance = nuisance
        self.invariance = invariance
        self.effects = effects
        self.n_regimes = n_regimes

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Find the drivers of the target.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Features, with keys in the index where there is one.
        y : array of shape (n_samples,)
            The target: a number.

        Returns
        -------
        self
        """
        keyed = X if isinstance(X, pd.DataFrame) else None
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        y = check_target(y, len(X), estimator=self).astype(np.float64)
        names = check_feature_names_in(self)
        codes, labels = self._read_groups(names)
        always = self._read_always(names, codes, labels)
        series, order = row_order(keyed, len(X))
        copies = 1 + 2 * self.nonlinear
        X, y, series = self._complete_rows(X, y, series, order, copies * int(always.sum()))
        widest = copies * int(np.bincount(codes[~always]).max(initial=0))
        cov_type = default_cov_type(series, widest, self.cov_type)
        waves = SlowWaves(series)
        tested = np.unique(codes[~always])
        drivers = pd.Index(labels[tested], name="driver")
        rows = X, y, series, waves, codes
        pvalues, strength = self._test(*rows, tested, drivers, always, cov_type)
        self.pvalues_ = pd.Series(pvalues, index=drivers, name="pvalue")
        self.strength_ = pd.Series(strength, index=drivers, name="strength")
        size = np.bincount(codes[~always], minlength=len(labels))[tested]
        chosen = self._choose(pvalues, strength, size, bool(always.any()))
        same = self._invariance(*rows, tested[chosen], always)
        self.heterogeneity_pvalues_ = pd.Series(same, drivers[chosen], name="pvalue")
        if self.invariance == "drop":
            chosen = chosen[~benjamini_hochberg(same, self.fdr)]
        picked = np.isin(codes, tested[chosen]) & ~always
        self.support_ = picked | always
        if not self.support_.any():
            raise ValueError(
                f"invariance='drop' leaves no feature: all {len(same)} effect(s) found differ in "
                "their regimes. Use 'report' to keep them."
            )
        if self.effects:
            self._estimate(names, X, y, series, picked, always, cov_type)
        return self

    def _read_groups(self, names):
        """Read the driver of each column; return its code, and the drivers."""
        read = [read_driver(name) for name in names]
        if self.drivers is None:
            groups = [driver.name for driver in read]
        elif isinstance(self.drivers, dict):
            listed = {c: driver for driver, columns in self.drivers.items() for c in columns}
            unknown = [c for c in listed if c not in set(names)]
            if unknown:
                raise ValueError(f"drivers names {unknown[0]!r}, which is no column of X.")
            groups = [listed.get(name, name) for name in names]
        else:
            groups = list(self.drivers)
            if len(groups) != len(names):
                raise ValueError(
                    f"drivers has {len(groups)} label(s) for {len(names)} columns: give one each."
                )
        if self.horizon is not None:
            check_horizon(names, read, self.horizon, self.known_ahead)
        self._read = read
        self.drivers_ = pd.Series(groups, index=pd.Index(names, name="feature"), name="driver")
        codes, labels = pd.factorize(self.drivers_)
        return codes, np.asarray(labels, dtype=object)

    def _read_always(self, names, codes, labels):
        """Return which columns are kept without a test."""
        if self.always_keep == "auto":
            return np.array(
                [d.kind == "clock" or (d.kind == "past" and d.name == "y") for d in self._read]
            )
        wanted = list(self.always_keep or [])
        unknown = [k for k in wanted if k not in set(names) and k not in set(labels)]
        if unknown:
            raise ValueError(
                f"always_keep names {unknown[0]!r}, which is neither a column nor a driver. The "
                f"drivers are {', '.join(map(str, labels[:20]))}."
            )
        return np.array([n in wanted or labels[c] in wanted for n, c in zip(names, codes)])

    def _complete_rows(self, X, y, series, order, n_controls):
        """Return the rows without missing values, in order; raise if there are too few."""
        complete = ~(np.isnan(X).any(axis=1) | np.isnan(y))
        self.n_rows_ = int(complete.sum())
        least = n_controls + 6
        if self.n_rows_ < least:
            worst = int(np.isnan(X).sum(axis=0).argmax())
            raise ValueError(
                f"{self.n_rows_} complete row(s) of {len(X)} (n_samples={len(X)}) are too few for "
                f"{n_controls} control(s): at least {least} are needed. Column "
                f"{self.drivers_.index[worst]!r} has most missing values: fill it, or leave it out."
            )
        rows = order[complete[order]]
        codes = np.unique(series[rows], return_inverse=True)[1]
        if codes[-1] + 1 == len(rows):
            raise ValueError("each series has one complete row: without its level nothing is left.")
        if len(rows) == len(X) and (rows[1:] > rows[:-1]).all():
            return X, y, codes  # as they are: no copy
        return X[rows], y[rows], codes

    def _test(self, X, y, series, waves, codes, tested, drivers, always, cov_type):
        """Return the p-value and the strength of each driver."""
        basis = Basis(X, y[:, None], series, waves, curved=self.nonlinear)
        if not len(basis.source):
            raise ValueError("all columns are constant in the complete rows: none can be chosen.")
        column = np.where(always, -1, codes)[basis.source]
        groups = [np.flatnonzero(column == g) for g in tested]
        controls = np.flatnonzero(column < 0)
        folds = self._folds(series) if self.engine == "econml" else None
        pvalues, strength, collinear = driver_tests(
            basis, groups, controls, cov_type, self.screen, folds=folds, nuisance=self.nuisance
        )
        if collinear.any():
            listed = ", ".join(repr(str(driver)) for driver in drivers[collinear][:10])
            warnings.warn(
                f"the drivers {listed} are collinear with the rest: no data can set their effects "
                "apart, and the test finds neither. Leave some of them out, or name them as one in "
                "drivers=.",
                UserWarning,
                stacklevel=3,
            )
        return pvalues, strength

    def _folds(self, series):
        """Return contiguous folds, with a purge as long as the lags that overlap."""
        lags, shortest = [d.lag for d in self._read if d.lag], int(np.bincount(series).min())
        return contiguous_folds(series, _FOLDS, min(max(lags, default=4), shortest // (2 * _FOLDS)))

    def _choose(self, pvalues, strength, size, anything_kept):
        """Return which drivers are kept, those with the smallest p-values first."""
        order = np.lexsort((-settle(strength), settle(np.log(np.maximum(pvalues, 1e-300)))))
        chosen = order[benjamini_hochberg(pvalues, self.fdr)[order]]
        if self.max_features is not None:
            chosen = chosen[np.cumsum(size[chosen]) <= self.max_features]
        self.fallback_ = not len(chosen) and not anything_kept
        if self.fallback_:
            chosen = order[:1]
        return chosen

    def _invariance(self, X, y, series, waves, codes, chosen, always):
        """Return the p-value of "the same effect in all regimes" for some drivers."""
        if not len(chosen):
            return np.empty(0)
        used = np.flatnonzero(always | np.isin(codes, chosen))
        basis = Basis(X[:, used], y[:, None], series, waves, curved=False)
        column = np.where(always, -1, codes)[used][basis.source]
        groups = [np.flatnonzero(column == g) for g in chosen]
        design = basis.design(groups, np.flatnonzero(column < 0))
        return heterogeneity(design, stretches(series, self.n_regimes))

    def _estimate(self, names, X, y, series, picked, always, cov_type):
        """Estimate the effects of the kept columns that were tested."""
        used = np.flatnonzero(picked | always)
        used = used[X[:, used].std(axis=0) > 0]
        treated, controls = used[picked[used]], used[always[used]]
        self.effects_, self.conf_int_, self.effects_covariance_, self.effects_dof_ = effect_table(
            names[treated], X[:, treated], y, X[:, controls], series, self._folds(series), cov_type,
            0.05, self.nuisance,
        )  # fmt: skip
        self.graph_ = self.effects_[["effect", "pvalue"]].reset_index(drop=True)
        self.graph_.insert(0, "driver", self.drivers_.to_numpy()[treated])
        self.graph_.insert(1, "lag", pd.array([self._read[j].lag for j in treated], dtype="Int64"))

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags


def heterogeneity(design: Any, regime: ArrayLike) -> np.ndarray:
    """Return the p-value of "the effects are the same in all regimes" for every group.

    Each group is partialled out of the rest over all rows; what is left gives an effect and a
    covariance for each regime, and Cochran's Q [1]_ says whether they differ.

    Parameters
    ----------
    design : Design
        Centred columns of the groups and their controls, and the target.
    regime : int array of shape (n,)
        The regime of each row.

    Returns
    -------
    array of shape (n_groups,)

    References
    ----------
    .. [1] W. Cochran (1954), "The combination of estimates from different experiments",
       Biometrics 10(1).
    """
    y, groups, series, rows = design.y, design.groups, design.basis.series, design.whole()
    n, p = rows.shape
    gram = design.gram.copy()
    gram[np.diag_indices(p)] += 1e-9 * n
    inverse = invert(gram)
    effect = inverse @ design.cross
    influence = rows @ inverse
    residual = y - rows @ effect
    pvalues = np.ones(len(groups))
    for i, columns in enumerate(groups):
        own = np.linalg.pinv(inverse[np.ix_(columns, columns)], hermitian=True)
        treated = influence[:, columns] @ own
        target = residual + treated @ effect[columns]
        effects, precisions, smallest = [], [], n
        for value in np.unique(regime):
            within = regime == value
            T, r = treated[within], target[within]
            theta, *_ = np.linalg.lstsq(T, r, rcond=None)
            covariance = effect_covariance(theta, T, r, series[within], "hac")
            effects.append(theta)
            precisions.append(np.linalg.pinv(covariance, hermitian=True))
            smallest = min(smallest, int(within.sum()) - len(columns))
        weight = np.linalg.pinv(sum(precisions), hermitian=True)
        pooled = weight @ sum(w @ t for w, t in zip(precisions, effects))
        away = np.concatenate([t - pooled for t in effects])
        k = len(columns) * (len(effects) - 1)
        q = sum(a @ w @ a for a, w in zip(np.split(away, len(effects)), precisions))
        pvalues[i] = (
            hotelling(np.r_[np.sqrt(q), np.zeros(k - 1)], np.eye(k), smallest * len(effects))
            if k
            else 1.0
        )
    return pvalues
