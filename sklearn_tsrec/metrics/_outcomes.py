import numpy as np
import pandas as pd

from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._series import aggregate, check_rows


def brier_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Brier score of outcome probabilities.

    ``mean(sum_k (p_k - o_k)²)`` with ``o_k`` 1 for the outcome that happened, else 0: between 0
    and 2, the original definition for any number of outcomes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The outcomes, such as "home", "draw", "away".
    y_pred : array-like of shape (n_samples, n_outcomes)
        Probability of each outcome; rows sum to 1.
    labels : array-like of shape (n_outcomes,), default=None
        The outcome of each column, such as ``classifier.classes_``; ``None`` takes the sorted
        outcomes in ``y_true``.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row, such as the team.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The score; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] G. W. Brier (1950), "Verification of forecasts expressed in terms of probability",
       Monthly Weather Review 78(1).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import brier_score
    >>> brier_score(["home", "away"], [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]],
    ...             labels=["away", "draw", "home"])
    0.25
    """
    outcome, y_pred = _check_outcomes(y_true, y_pred, labels)
    loss = ((y_pred - np.eye(y_pred.shape[1])[outcome]) ** 2).sum(axis=1)
    return aggregate(loss, groups=groups, average=average)


def log_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Logarithmic loss of outcome probabilities.

    ``mean(-log p)`` with ``p`` the probability given to what happened, kept above the smallest
    step of float64 (2.2e-16). Over rows it equals :func:`sklearn.metrics.log_loss`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The outcomes.
    y_pred : array-like of shape (n_samples, n_outcomes)
        Probability of each outcome; rows sum to 1.
    labels : array-like of shape (n_outcomes,), default=None
        The outcome of each column; ``None`` takes the sorted outcomes in ``y_true``.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The loss; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] I. J. Good (1952), "Rational decisions", Journal of the Royal Statistical Society B
       14(1).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import log_loss
    >>> log_loss(["away", "home"], [[0.5, 0.5], [0.5, 0.5]])
    0.6931471805599453
    """
    outcome, y_pred = _check_outcomes(y_true, y_pred, labels)
    given = y_pred[np.arange(len(outcome)), outcome]
    loss = -np.log(np.maximum(given, np.finfo(np.float64).eps))
    return aggregate(loss, groups=groups, average=average)


def ranked_probability_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Ranked probability score of *ordered* outcomes.

    ``mean(sum_k (P_k - O_k)²) / (n_outcomes - 1)`` with ``P`` and ``O`` cumulated over the
    outcomes in order: a home win forecast when the match is drawn costs less than when it is lost.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The outcomes.
    y_pred : array-like of shape (n_samples, n_outcomes)
        Probability of each outcome; rows sum to 1.
    labels : array-like of shape (n_outcomes,), default=None
        The outcome of each column, *in their order*, such as ``["away", "draw", "home"]``;
        ``None`` takes the sorted outcomes in ``y_true``.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The score, between 0 and 1; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] E. S. Epstein (1969), "A scoring system for probability forecasts of ranked
       categories", Journal of Applied Meteorology 8(6).
    .. [2] A. C. Constantinou and N. E. Fenton (2012), "Solving the problem of inadequate scoring
       rules for assessing probabilistic football forecast models", Journal of Quantitative
       Analysis in Sports 8(1).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import ranked_probability_score
    >>> ranked_probability_score(["draw", "home"], [[0, 0, 1], [0, 0, 1]],
    ...                          labels=["away", "draw", "home"])
    0.25
    """
    outcome, y_pred = _check_outcomes(y_true, y_pred, labels)
    difference = np.cumsum(y_pred - np.eye(y_pred.shape[1])[outcome], axis=1)[:, :-1]
    loss = (difference**2).sum(axis=1) / difference.shape[1]
    return aggregate(loss, groups=groups, average=average)


def _check_outcomes(y_true, y_pred, labels):
    """Return the column of the outcome of each row, and checked probabilities."""
    y_true = pd.Series(np.asarray(y_true))
    if y_true.isna().any():
        raise ValueError(
            f"y_true has {y_true.isna().sum()} missing outcomes: leave these rows out before "
            "scoring."
        )
    labels = pd.Index(np.unique(y_true.to_numpy()) if labels is None else np.asarray(labels))
    if not labels.is_unique or len(labels) < 2:
        raise ValueError(f"labels must be at least two different outcomes, got {list(labels)}.")
    y_pred = check_rows(y_pred, name="y_pred", n_columns=len(labels))
    if len(y_true) != len(y_pred):
        raise ValueError(f"y_true has {len(y_true)} rows and y_pred has {len(y_pred)}.")
    if (y_pred < 0).any() or not np.allclose(y_pred.sum(axis=1), 1, atol=1e-6):
        raise ValueError("y_pred must hold probabilities: not negative, each row summing to 1.")
    outcome = labels.get_indexer(y_true)
    if (outcome < 0).any():
        unknown = y_true[outcome < 0].unique()[:3].tolist()
        raise ValueError(f"y_true has outcomes that labels does not name, such as {unknown}.")
    return outcome, y_pred
