from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Seed


def qini_score(
    y_true: ArrayLike, uplift: ArrayLike, treatment: ArrayLike, *, normalize: bool = True
) -> float:
    """Compute the area between the Qini curve of an uplift and that of a random order.

    People are sorted by uplift, the highest first. After each of them the curve is the outcome of
    the treated so far less that of the untreated so far, scaled to as many as were treated.

    Parameters
    ----------
    y_true : array of shape (n_samples,)
        Outcomes: 0 and 1, or amounts.
    uplift : array of shape (n_samples,)
        Predicted effect of the treatment.
    treatment : array of shape (n_samples,)
        1 for treated, 0 for untreated, given at random.
    normalize : bool, default=True
        Whether to divide by the number of people squared, so that numbers of people do not matter.

    Returns
    -------
    float
        0 on average for a random order; higher is better.

    Raises
    ------
    ValueError
        If nobody is treated, or everybody.

    See Also
    --------
    auuc_score : Area under the uplift curve.
    uplift_interval : With an interval.
    policy_value : What it would be worth to act on the uplift.

    References
    ----------
    .. [1] N. Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing
       Analytics Journal.

    Examples
    --------
    from sklearn_tsrec.metrics import qini_score
    >>> qini_score([1, 0, 0, 0], uplift=[0.9, 0.8, 0.2, 0.1], treatment=[1, 0, 1, 0])
    0.09375
    """
    y, order, treated = _sorted_by_uplift(y_true, uplift, treatment)
    n_treated, n_control = np.cumsum(treated), np.cumsum(1 - treated)
    gain = np.cumsum(y * treated)
    loss = np.cumsum(y * (1 - treated)) * n_treated / np.maximum(n_control, 1)
    curve = np.append(0.0, (gain - loss)[_ends(order)])
    place = np.append(0, _ends(order) + 1)
    area = np.trapezoid(curve, place) - curve[-1] * len(y) / 2
    return float(area / len(y) ** 2 if normalize else area)


def auuc_score(y_true: ArrayLike, uplift: ArrayLike, treatment: ArrayLike) -> float:
    """Compute the area under the uplift curve.

    After each person, the highest uplift first, the curve is the difference of the mean outcomes of
    treated and untreated so far, times the share of all people so far.

    Parameters
    ----------
    y_true : array of shape (n_samples,)
        Outcomes.
    uplift : array of shape (n_samples,)
        Predicted effect of the treatment.
    treatment : array of shape (n_samples,)
        1 for treated, 0 for untreated, given at random.

    Returns
    -------
    float
        Half of the mean effect for a random order; higher is better.

    Raises
    ------
    ValueError
        If nobody is treated, or everybody.

    See Also
    --------
    qini_score : The same against a random order.
    uplift_interval : With an interval.

    References
    ----------
    .. [1] P. Gutierrez and J.-Y. Gérardy (2017), "Causal inference and uplift modelling: a review
       of the literature", PMLR 67.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import auuc_score
    >>> auuc_score([1, 0, 0, 0], uplift=[0.9, 0.8, 0.2, 0.1], treatment=[1, 0, 1, 0])
    0.34375
    """
    y, order, treated = _sorted_by_uplift(y_true, uplift, treatment)
    n_treated, n_control = np.cumsum(treated), np.cumsum(1 - treated)
    means = np.cumsum(y * treated) / np.maximum(n_treated, 1)
    means = means - np.cumsum(y * (1 - treated)) / np.maximum(n_control, 1)
    share = np.arange(1, len(y) + 1) / len(y)
    ends = _ends(order)
    return float(np.trapezoid(np.append(0, (means * share)[ends]), np.append(0, share[ends])))


def uplift_interval(
    score: Callable,
    y_true: ArrayLike,
    uplift: ArrayLike,
    treatment: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_bootstraps: int = 1000,
    coverage: float = 0.95,
    random_state: Seed = 0,
):
    """Compute a score of an uplift with a bootstrap interval.

    Parameters
    ----------
    score : callable
        Such as :func:`qini_score` or :func:`auuc_score`.
    y_true, uplift, treatment : arrays of shape (n_samples,)
        As the score takes them.
    groups : array of shape (n_samples,), default=None
        Whose row it is: rows of one user are drawn together. None takes rows as independent.
    n_bootstraps : int, default=1000
        Number of samples for the interval.
    coverage : float, default=0.95
        Probability with which the interval holds the truth.
    random_state : int, RandomState instance or None, default=0
        Seed of the samples.

    Returns
    -------
    dict
        ``value``, ``lower``, ``upper``, and ``n_effective``: how many rows, half of them treated,
        would say as much.

    Raises
    ------
    ValueError
        If nobody is treated, or everybody; also in a sample of users, if there are too few.

    References
    ----------
    .. [1] B. Efron and R. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman & Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.metrics import qini_score, uplift_interval
    >>> rng = np.random.default_rng(0)
    >>> effect, treatment = rng.normal(size=500), rng.integers(0, 2, 500)
    >>> y = effect * treatment + rng.normal(size=500)
    >>> found = uplift_interval(qini_score, y, effect, treatment, n_bootstraps=200)
    >>> found["lower"] < found["value"] < found["upper"], round(found["n_effective"])
    (True, 500)
    """
    check_scalar(n_bootstraps, "n_bootstraps", Integral, min_val=1)
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="neither")
    y = check_array(y_true, ensure_2d=False, dtype=np.float64, input_name="y_true").ravel()
    uplift, treated = column_or_1d(uplift), _check_treatment(treatment)
    check_consistent_length(y, uplift, treated, groups)
    value = score(y, uplift, treated)
    codes = _user_codes(groups, len(y))
    rows = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    first = np.cumsum(counts) - counts
    rng = check_random_state(random_state)
    values = []
    for _ in range(n_bootstraps):
        drawn = rng.randint(len(counts), size=len(counts))
        size = counts[drawn]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        sample = rows[np.repeat(first[drawn], size) + within]
        values.append(score(y[sample], uplift[sample], treated[sample]))
    lower, upper = np.quantile(values, [(1 - coverage) / 2, (1 + coverage) / 2])
    return {
        "value": value,
        "n_effective": float(4 / (1 / treated.sum() + 1 / (1 - treated).sum())),
        "lower": float(lower),
        "upper": float(upper),
    }


def policy_value(
    y_true: ArrayLike,
    policy: ArrayLike,
    treatment: ArrayLike,
    propensity: float | ArrayLike,
    *,
    kind: str = "snips",
    outcomes: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_bootstraps: int = 1000,
    coverage: float = 0.95,
    random_state: Seed = 0,
):
    """Estimate the mean outcome if a policy decided who is treated, from a log of another one.

    Parameters
    ----------
    y_true : array of shape (n_samples,)
        Outcomes in the log.
    policy : array of shape (n_samples,)
        1 where the policy treats, 0 where it does not; or the probability that it does.
    treatment : array of shape (n_samples,)
        1 for treated in the log, 0 for untreated.
    propensity : float or array of shape (n_samples,)
        Probability with which the log treated each, strictly between 0 and 1.
    kind : {"ips", "snips", "dr"}, default="snips"
        Inverse propensity weights; the same, normalised to sum to the number of people, which has
        less variance and a little bias; or doubly robust, right if propensities *or* outcomes are.
    outcomes : array of shape (n_samples, 2), default=None
        For ``kind="dr"``: predicted outcome of each if untreated, and if treated, by models that
        have not seen these rows.
    groups : array of shape (n_samples,), default=None
        Whose row it is: rows of one user are drawn together. None takes rows as independent.
    n_bootstraps : int, default=1000
        Number of samples for the interval; 0 gives none.
    coverage : float, default=0.95
        Probability with which the interval holds the truth.
    random_state : int, RandomState instance or None, default=0
        Seed of the samples.

    Returns
    -------
    dict
        ``value``, ``lower``, ``upper``, and ``n_effective``: how many rows with equal weights would
        say as much.

    Raises
    ------
    ValueError
        If a propensity is not between 0 and 1, or a treatment is neither 0 nor 1.

    References
    ----------
    .. [1] A. Swaminathan and T. Joachims (2015), "The self-normalized estimator for counterfactual
       learning", NeurIPS.
    .. [2] M. Dudík, J. Langford and L. Li (2011), "Doubly robust policy evaluation and learning",
       ICML.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import policy_value
    >>> value = policy_value([1, 0, 0, 1], policy=[1, 1, 0, 0], treatment=[1, 0, 1, 0],
    ...                      propensity=0.5, n_bootstraps=0)
    >>> value["value"], value["n_effective"]
    (1.0, 2.0)
    """
    y = check_array(y_true, ensure_2d=False, dtype=np.float64, input_name="y_true").ravel()
    treated = _check_treatment(treatment)
    policy = column_or_1d(policy).astype(np.float64)
    check_consistent_length(y, treated, policy, groups)
    if ((policy < 0) | (policy > 1)).any():
        raise ValueError("policy must hold probabilities, between 0 and 1.")
    chance = np.broadcast_to(np.asarray(propensity, dtype=np.float64), y.shape)
    outside = ~((chance > 0) & (chance < 1))
    if outside.any():
        row = int(outside.argmax())
        raise ValueError(
            f"propensity must be strictly between 0 and 1, got {chance[row]} in row {row} (and in "
            f"{int(outside.sum())} in all): what was never or always done has no estimate."
        )
    check_scalar(n_bootstraps, "n_bootstraps", Integral, min_val=0)
    if kind not in ("ips", "snips", "dr"):
        raise ValueError(f"kind={kind!r} must be 'ips', 'snips' or 'dr'.")
    weight = np.where(treated == 1, policy / chance, (1 - policy) / (1 - chance))
    if kind == "dr":
        if outcomes is None:
            raise ValueError("kind='dr' needs outcomes=, predicted untreated and treated.")
        outcomes = check_array(outcomes, input_name="outcomes")
        if outcomes.shape != (len(y), 2):
            raise ValueError(f"outcomes must have shape ({len(y)}, 2), got {outcomes.shape}.")
        chosen = (1 - policy) * outcomes[:, 0] + policy * outcomes[:, 1]
        known = np.where(treated == 1, outcomes[:, 1], outcomes[:, 0])
        top, bottom = chosen + weight * (y - known), np.ones(len(y))
    else:
        top, bottom = weight * y, weight if kind == "snips" else np.ones(len(y))
    if not bottom.sum() > 0:
        raise ValueError("no row of the log did what the policy would: it cannot be estimated.")
    answer = {
        "value": float(top.sum() / bottom.sum()),
        "n_effective": float(weight.sum() ** 2 / max((weight**2).sum(), 1e-300)),
    }
    if n_bootstraps:
        codes = _user_codes(groups, len(y))
        tops, bottoms = np.bincount(codes, top), np.bincount(codes, bottom)
        rng = check_random_state(random_state)
        drawn = [rng.randint(len(tops), size=len(tops)) for _ in range(n_bootstraps)]
        values = np.array([tops[d].sum() / max(bottoms[d].sum(), 1e-300) for d in drawn])
        lower, upper = np.quantile(values, [(1 - coverage) / 2, (1 + coverage) / 2])
        answer |= {"lower": float(lower), "upper": float(upper)}
    return answer


def _user_codes(groups, n):
    """Return a number for the user of each row; without groups, each row is one."""
    if groups is None:
        return np.arange(n)
    return np.unique(column_or_1d(groups), return_inverse=True)[1]


def _check_treatment(treatment):
    """Return a treatment as 0 and 1."""
    treated = column_or_1d(treatment)
    if not np.isin(treated, [0, 1]).all():
        raise ValueError(
            f"treatment must hold 0 (untreated) and 1 (treated), got {np.unique(treated)[:5]}."
        )
    return treated.astype(np.float64)


def _sorted_by_uplift(y_true, uplift, treatment):
    """Return outcomes, uplifts and treatments, the highest uplift first."""
    y = check_array(y_true, ensure_2d=False, dtype=np.float64, input_name="y_true").ravel()
    uplift = check_array(uplift, ensure_2d=False, dtype=np.float64, input_name="uplift").ravel()
    treated = _check_treatment(treatment)
    check_consistent_length(y, uplift, treated)
    if not 0 < treated.sum() < len(treated):
        raise ValueError("treatment has one arm only: an effect needs treated and untreated rows.")
    uplift = settle(uplift)
    order = np.argsort(-uplift, kind="stable")
    return y[order], uplift[order], treated[order]


def _ends(uplift):
    """Return the last row of each run of equal uplifts: what is tied has no order."""
    return np.flatnonzero(np.append(np.diff(uplift) != 0, True))
