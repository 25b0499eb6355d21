import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state, check_scalar

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import row_order
from sklearn_tsrec._quantile_levels import check_coverage, missed_share
from sklearn_tsrec._scans import is_new
from sklearn_tsrec._table import check_target
from sklearn_tsrec._typing import ArrayLike, Estimator, Seed
from sklearn_tsrec.feature_selection._effects import linear_dml, still
from sklearn_tsrec.feature_selection._partialling_out import contiguous_folds, crossfit_effects
from sklearn_tsrec.feature_selection._robust import default_cov_type, effect_covariance, stretches
from sklearn_tsrec.feature_selection._waves import centre

_FOLDS = 3
_PURGE = 4
_TREES = 200


@dataclass(frozen=True)
class CausalEffect:
    """The effect of one column on the target, and the attempts to refute it.

    Parameters
    ----------
    treatment : str
        The column.
    effect, std_error, pvalue, lower, upper : float
        Change of the target for one unit of the treatment with all controls held fixed, and its
        interval with the coverage asked for.
    n_rows : int
        Complete rows.
    controls : list of str
        What was held fixed.
    by : DataFrame
        ``effect``, ``std_error``, ``lower`` and ``upper`` for each regime.
    placebo_lead : dict
        ``effect`` and ``pvalue`` of the treatment one step *later*: a cause cannot come after. None
        where rows have no later ones.
    random_treatment : dict
        Share of shifted copies of the treatment, which cannot have an effect, that seem to have one
        at 5 % (``share``), and how many there were (``n``). Much above 0.05 the errors are too
        small.
    robustness : float
        The share of what is left of both treatment and target that a hidden common cause would have
        to explain to bring the effect to 0 [1]_.
    by_row : DataFrame or None
        With ``modifiers``: ``effect``, ``lower`` and ``upper`` of each complete row.
    heterogeneity_pvalue : float
        With ``modifiers``: of "the effect does not differ with them"; NaN without.

    References
    ----------
    .. [1] C. Cinelli and C. Hazlett (2020), "Making sense of sensitivity: extending omitted
       variable bias", Journal of the Royal Statistical Society B 82(1).
    """

    treatment: str
    effect: float
    std_error: float
    pvalue: float
    lower: float
    upper: float
    n_rows: int
    controls: list = field(repr=False)
    by: pd.DataFrame = field(repr=False)
    placebo_lead: dict
    random_treatment: dict
    robustness: float
    by_row: pd.DataFrame | None = field(default=None, repr=False)
    heterogeneity_pvalue: float = np.nan


def estimate_effect(
    X: pd.DataFrame,
    y: ArrayLike,
    treatment: str,
    *,
    mediators: Sequence[str] = (),
    modifiers: Sequence[str] = (),
    coverage: float = 0.95,
    nuisance: Estimator = None,
    n_regimes: int = 3,
    n_placebos: int = 200,
    random_state: Seed = 0,
) -> CausalEffect:
    """Estimate the effect of one column on the target, and try to refute it.

    Double machine learning by EconML's ``LinearDML`` on contiguous folds with a purge: target and
    treatment are both predicted from the controls, and what is left of one is regressed on what is
    left of the other, with errors that allow for dependence over time.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_columns)
        Treatment and controls, with keys in the index where there are any. Past values of the
        target belong among the controls.
    y : array of shape (n_samples,)
        The target.
    treatment : str
        The column whose effect is estimated: a number.
    mediators : list of str, default=()
        Columns that the treatment itself moves on its way to the target. Left out, the effect is
        the *total* one; among the controls, the *direct* one.
    modifiers : list of str, default=()
        Columns that the effect may differ with, in any shape: EconML's ``CausalForestDML`` then
        gives an effect to each row. They are controlled for, too. Its intervals take rows as
        independent.
    coverage : float, default=0.95
        The interval holds with this probability.
    nuisance : regressor or None, default=None
        Predicts target and treatment from the controls; None is ``Ridge(1.0)``.
    n_regimes : int, default=3
        Number of contiguous stretches of time for ``by``.
    n_placebos : int, default=200
        Number of shifted copies of the treatment.
    random_state : int, RandomState instance or None, default=0
        Seed of the shifts and of the forests.

    Returns
    -------
    effect : CausalEffect
        The effect, its interval, and the refutations.

    Raises
    ------
    ValueError
        If a column is unknown, is no number, or is constant; if there are too few complete rows.

    See Also
    --------
    sklearn_tsrec.feature_selection.CausalFeatureSelector : Finds what has an effect at all.

    Notes
    -----
    All of it rests on the controls: a hidden common cause of treatment and target biases every
    figure, and ``robustness`` only shows how strong it would have to be.

    References
    ----------
    .. [1] V. Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and
       structural parameters", The Econometrics Journal 21(1).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_tsrec.causal import estimate_effect
    >>> rng = np.random.default_rng(0)
    >>> season = rng.normal(size=400)
    >>> price = 0.5 * season + rng.normal(size=400)
    >>> sales = 10 - 2 * price + 3 * season + rng.normal(size=400)
    >>> X = pd.DataFrame({"price": price, "season": season})
    >>> found = estimate_effect(X, sales, "price")
    >>> round(found.effect, 1), found.lower < -2 < found.upper
    (-2.0, True)
    """
    check_coverage(coverage)
    check_scalar(n_regimes, "n_regimes", int, min_val=1)
    check_scalar(n_placebos, "n_placebos", int, min_val=0)
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a DataFrame with named columns, got {type(X).__name__}.")
    for name in (treatment, *mediators, *modifiers):
        if name not in X.columns:
            raise ValueError(
                f"{name!r} is no column of X: the columns are {', '.join(map(str, X.columns))}."
            )
    if treatment in mediators:
        raise ValueError(f"treatment={treatment!r} cannot be one of its own mediators.")
    for name in modifiers:
        if name == treatment or name in mediators:
            raise ValueError(
                f"modifiers names {name!r}, which is the treatment or a mediator: the effect can "
                "differ only with what the treatment does not move."
            )
    controls = [c for c in X.columns if c != treatment and c not in mediators]
    T = _numbers(X, [treatment])[:, 0]
    W = _numbers(X, controls)
    y = check_target(y, len(X), estimator=estimate_effect).astype(np.float64)
    series, order = row_order(X, len(X))
    lead = _later(T[order], series[order])[np.argsort(order)]
    complete = ~(np.isnan(W).any(axis=1) | np.isnan(T) | np.isnan(y))
    rows = order[complete[order]]
    least = 3 * (len(controls) + 3)
    if len(rows) < least:
        raise ValueError(
            f"{len(rows)} complete row(s) of {len(X)} are too few for {len(controls)} control(s): "
            f"at least {least} are needed."
        )
    series = np.unique(series[rows], return_inverse=True)[1]
    T, W, y, lead = T[rows], W[rows], y[rows], lead[rows]
    if not T.std() > 1e-12 * max(abs(T.mean()), 1e-300):
        raise ValueError(f"treatment={treatment!r} is constant: it moves nothing.")

    V = W[:, [controls.index(name) for name in modifiers]]
    T, y, W, n_absorbed = still(T, y, W, series, nuisance)
    folds = contiguous_folds(series, _FOLDS, min(_PURGE, int(np.bincount(series).min()) // 6))
    (effect,), treated, target = linear_dml(T[:, None], y, W, folds, nuisance)
    effect = float(effect)
    treated = treated[:, 0]
    cov_type = default_cov_type(series)
    freedom = series[-1] if cov_type == "cluster" else len(y) - W.shape[1] - 1 - n_absorbed
    error = _std_error(effect, treated, target, series, cov_type)
    width = float(stats.t.isf(missed_share(coverage) / 2, max(freedom, 1)))

    regime = stretches(series, n_regimes)
    by = []
    for value in range(n_regimes):
        own = regime == value
        theta = treated[own] @ target[own] / max(treated[own] @ treated[own], 1e-300)
        se = _std_error(theta, treated[own], target[own], series[own], cov_type)
        by.append((theta, se, theta - width * se, theta + width * se))
    rng = check_random_state(random_state)
    by_row, differs = None, np.nan
    if len(modifiers):
        by_row, differs = _effects_by_row(
            T, y, W, V, folds, series, cov_type, nuisance=nuisance, coverage=coverage,
            seed=int(rng.randint(2**31 - 1)),
        )  # fmt: skip
        by_row = pd.DataFrame(by_row, X.index[rows], ["effect", "lower", "upper"])
    partial = (effect / error) ** 2 / max(freedom, 1)
    return CausalEffect(
        treatment=treatment,
        effect=effect,
        std_error=error,
        pvalue=float(2 * stats.t.sf(abs(effect / error), max(freedom, 1))),
        lower=effect - width * error,
        upper=effect + width * error,
        n_rows=len(rows),
        controls=controls,
        by=pd.DataFrame(
            by,
            columns=["effect", "std_error", "lower", "upper"],
            index=pd.RangeIndex(n_regimes, name="regime"),
        ),
        placebo_lead=_placebo_lead(lead, T, W, y, series, cov_type, freedom),
        random_treatment=_random_treatments(T, W, y, series, folds, cov_type, n_placebos, rng),
        robustness=float(0.5 * (np.sqrt(partial**2 + 4 * partial) - partial)),
        by_row=by_row,
        heterogeneity_pvalue=differs,
    )


def _numbers(X, columns):
    """Return columns as floats, or raise and name the first that is none."""
    for name in columns:
        if not pd.api.types.is_numeric_dtype(X[name].dtype):
            raise ValueError(
                f"column {name!r} has dtype {X[name].dtype}, but numbers are needed: encode it."
            )
    values = X[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        name = columns[int(np.isinf(values).any(axis=0).argmax())]
        raise ValueError(f"column {name!r} contains infinity: replace it by a number or NaN.")
    return values


def _later(values, series):
    """Return the next value of the same series for each row in order; NaN at the ends."""
    later = np.full(len(values), np.nan)
    same = ~is_new(series)[1:]
    later[:-1][same] = values[1:][same]
    return later


def _std_error(effect, treated, target, series, cov_type):
    """Return the standard error of the slope of residuals on residuals."""
    slope, table = np.atleast_1d(effect), treated[:, None]
    return float(np.sqrt(effect_covariance(slope, table, target, series, cov_type)[0, 0]))


def _placebo_lead(lead, T, W, y, series, cov_type, freedom):
    """Return the effect of the treatment's next value beside its present one."""
    known = ~np.isnan(lead)
    if known.sum() < 3 * (W.shape[1] + 4):
        return {"effect": np.nan, "pvalue": np.nan}
    series = np.unique(series[known], return_inverse=True)[1]
    table = centre(np.column_stack([lead, T, W])[known], series)
    target = centre(y[known], series)
    coef, *_ = np.linalg.lstsq(table[:, 1:], np.column_stack([table[:, 0], target]), rcond=None)
    left = np.column_stack([table[:, 0], target]) - table[:, 1:] @ coef
    effect = left[:, 0] @ left[:, 1] / max(left[:, 0] @ left[:, 0], 1e-300)
    error = _std_error(effect, left[:, 0], left[:, 1], series, cov_type)
    return {
        "effect": float(effect),
        "pvalue": float(2 * stats.t.sf(abs(effect / error), max(freedom, 1))),
    }


def _random_treatments(T, W, y, series, folds, cov_type, n, rng):
    """Return how often the treatment of another time seems to have an effect.

    Each series is turned round by a random number of steps, so that the copy depends on its own
    past as the treatment does.
    """
    if n == 0:
        return {"share": np.nan, "n": 0}
    counts = np.bincount(series)
    first = np.cumsum(counts) - counts
    place = np.arange(len(series)) - first[series]
    copies = []
    for _ in range(n):
        least = np.maximum(counts // 10, 1)
        shift = least + (rng.random_sample(len(counts)) * np.maximum(counts - 2 * least, 1)).astype(
            int
        )
        copies.append(T[first[series] + (place + shift[series]) % counts[series]])
    found = 0
    for copy in copies:
        table = np.column_stack([copy, T, W])
        (effect,), ((treated, target),) = crossfit_effects(table, y, folds, [np.array([0])])
        row = np.sort(np.concatenate([test for _, test in folds]))
        error = _std_error(effect[0], treated[:, 0], target, series[row], cov_type)
        found += abs(effect[0]) > 1.96 * error
    return {"share": found / n, "n": n}


def _effects_by_row(T, y, W, V, folds, series, cov_type, *, nuisance, coverage, seed):
    """Return the effect of each row with its interval, and the p-value of "all are the same".

    Of forests that have not seen a row, the p-value asks whether the effects that they predict
    differ as the true ones do: what is left of the target is regressed on what is left of the
    treatment, and on that times the predicted effect less its mean [1]_.

    Parameters
    ----------
    T, y : arrays of shape (n,)
        Treatment and target.
    W : array of shape (n, m)
        Controls.
    V : array of shape (n, k)
        What the effect may differ with.
    folds : list of (train, test)
        Time-ordered and purged.
    series : int array of shape (n,)
        Ascending code of the series of each row.
    cov_type : {"hac", "cluster"}
        Errors of the test.
    nuisance : regressor or None
        None is ``Ridge(1.0)``.
    coverage : float
        Intervals hold with this probability.
    seed : int
        Of the forests.

    Returns
    -------
    effects : array of shape (n, 3)
        Effect, lower and upper end.
    pvalue : float

    References
    ----------
    .. [1] V. Chernozhukov, M. Demirer, E. Duflo and I. Fernández-Val (2018), "Generic machine
       learning inference on heterogeneous treatment effects in randomized experiments", NBER
       24678: the best linear predictor; as a test of causal forests in the R package grf.
    """
    forest, (target, treated) = _forest(T, y, W, V, folds, nuisance, seed)
    lower, upper = forest.effect_interval(V, alpha=missed_share(coverage))
    effects = np.column_stack([forest.effect(V), lower, upper])
    unseen = np.empty(len(y))
    for train, test in folds:
        # Two contiguous halves serve as the folds of what is left to train on.
        half = len(train) // 2
        rows = np.arange(len(train))
        inner = [(rows[half:], rows[:half]), (rows[:half], rows[half:])]
        own, _ = _forest(T[train], y[train], W[train], V[train], inner, nuisance, seed)
        unseen[test] = own.effect(V[test])
    away = unseen - unseen.mean()
    if not away.std() > 0:
        return effects, 1.0
    table = np.column_stack([treated, treated * away])
    slopes, *_ = np.linalg.lstsq(table, target, rcond=None)
    error = np.sqrt(effect_covariance(slopes, table, target, series, cov_type)[1, 1])
    freedom = series[-1] if cov_type == "cluster" else len(y) - 2
    return effects, float(stats.t.sf(slopes[1] / error, max(freedom, 1)))


def _forest(T, y, W, V, folds, nuisance, seed):
    """Return a fitted causal forest, and what is left of target and treatment."""
    CausalForestDML = require("econml.dml", "causal").CausalForestDML
    nuisance = Ridge(1.0) if nuisance is None else nuisance
    forest = CausalForestDML(
        model_y=clone(nuisance), model_t=clone(nuisance), cv=folds, n_estimators=_TREES,
        min_samples_leaf=10, n_jobs=1, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Co-variance matrix is underdetermined")
        forest.fit(y, T, X=V, W=W if W.shape[1] else None, cache_values=True)
    target, treated = forest.residuals_[:2]
    return forest, (np.ravel(target), np.ravel(treated))
