from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, norm
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._sklearn import Interval, fit_context
from sklearn_tsrec._table import is_frame, select_columns
from sklearn_tsrec._typing import ArrayLike, Columns, Table

_BINS = 10
_ERROR_CHARTS = ("errors up", "errors down", "errors larger")
_COVERAGE_CHARTS = ("coverage low", "coverage high")
_WATCH = ("inputs", "errors", "coverage")


class DriftMonitor(BaseEstimator):
    """Watch whether inputs, errors or the coverage of intervals are still what they were.

    ``fit`` remembers how things are; ``update`` is given what came since and writes ``report_``;
    ``should_refit_`` is True once something has changed.

    Parameters
    ----------
    watch : tuple of str, default=("inputs", "errors", "coverage")
        Which changes set ``should_refit_``: those of inputs, of errors, of the coverage.
    columns : str, int, list of these or None, default=None
        Columns of X to watch. None is all: leave out columns that must change, such as a year.
    n_reference : int, default=30
        How many errors are the reference. Those given to ``fit`` count; while there are fewer, the
        first given to ``update`` are added.
    n_recent : int, default=100
        How many of the newest rows are compared with those of ``fit``, beside the rows of each
        update, so that a change that comes in updates of a few rows is seen.
    coverage : float, default=0.9
        Share of truths that intervals are to hold.
    run_length : int, default=1000
        Errors, or hits of intervals, from one false alarm to the next, on average, at least.
    level : float, default=0.01
        Probability of a false alarm about any input, over all columns and updates.
    min_stability : float, default=0.1
        Population stability index below which a change of an input is too small to be called one,
        however sure it is.

    Attributes
    ----------
    report_ : DataFrame
        One row for each input and chart: ``kind``, ``statistic`` (for inputs the population
        stability index, and 0 while the test does not reject), ``threshold``, ``pvalue`` and
        ``outside`` (inputs: the share of new values beyond the range seen in ``fit``), ``drifted``
        and ``since`` (the number of the first update that found it, 0 for none).
    should_refit_ : bool
        Whether anything watched has drifted.
    history_ : DataFrame
        The statistic of each row of the report after each observation (charts) or update (inputs).
    reference_errors_ : ndarray
        The errors that are taken as usual.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    sklearn_tsrec.model_selection.backtest : Fits again where this asks for it.
    sklearn_tsrec.inspection.DriftDisplay : Draws the charts.

    Notes
    -----
    *Inputs* have drifted when the two-sample Kolmogorov-Smirnov test of the rows of an update, or
    of the newest rows, against those of ``fit`` rejects at ``level / n_tests * 6 / (pi k)**2`` in
    update k, which sums to ``level`` over all updates, with one or two tests of each column, and
    the stability index is at least ``min_stability``. Rows are taken as independent: rows of a
    season are not, so compare whole seasons, or ranks within them.

    *Errors* are watched by cumulative sums [1]_ of their normal scores among the reference, for a
    mean that moved up or down and for errors that grew, by about one standard deviation.
    *Coverage* is watched by those of the likelihood ratio of twice, and of half, the wanted rate of
    misses. Thresholds are such that independent observations of the old kind raise a false alarm
    after ``run_length`` or more of them, on average [2]_. Errors that depend on each other, as
    those of several steps or series do, raise more: give one number for each time.

    References
    ----------
    .. [1] E. S. Page (1954), "Continuous inspection schemes", Biometrika 41.
    .. [2] G. Lorden (1971), "Procedures for reacting to a change in distribution", Annals of
       Mathematical Statistics 42(6).
    .. [3] J. Gama, I. Žliobaitė, A. Bifet, M. Pechenizkiy and A. Bouchachia (2014), "A survey on
       concept drift adaptation", ACM Computing Surveys 46(4).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.monitoring import DriftMonitor
    >>> rng = np.random.default_rng(0)
    >>> monitor = DriftMonitor().fit(rng.normal(size=(200, 1)), rng.normal(size=100))
    >>> monitor.update(rng.normal(size=(50, 1)), rng.normal(size=50)).should_refit_
    False
    >>> monitor.update(y=rng.normal(2, size=20)).should_refit_
    True
    >>> monitor.report_.index[monitor.report_["drifted"]].tolist()
    ['errors up', 'errors larger']
    """

    _parameter_constraints: ClassVar[dict] = {
        "watch": [list, tuple],
        "columns": [str, Integral, list, tuple, None],
        "n_reference": [Interval(Integral, 10, None, closed="left")],
        "n_recent": [Interval(Integral, 1, None, closed="left")],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "run_length": [Interval(Real, 1, None, closed="neither")],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "min_stability": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        watch: Sequence[str] = _WATCH,
        columns: Columns = None,
        n_reference: int = 30,
        n_recent: int = 100,
        coverage: float = 0.9,
        run_length: int = 1000,
        level: float = 0.01,
        min_stability: float = 0.1,
    ):
        self.watch = watch
        self.columns = columns
        self.n_reference = n_reference
        self.n_recent = n_recent
        self.coverage = coverage
        self.run_length = run_length
        self.level = level
        self.min_stability = min_stability

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Remember how things are.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Inputs. Keys belong in the index.
        y : array-like of shape (n_errors,), default=None
            Errors of forecasts of rows that the forecaster was not fitted to, one for each time,
            the oldest first; of any number.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If ``watch`` names something unknown, or X has no values.
        """
        unknown = [kind for kind in self.watch if kind not in _WATCH]
        if unknown or not self.watch:
            raise ValueError(f"watch={self.watch!r} must name some of {list(_WATCH)}.")
        self._reference = self._read(X, reset=True)
        self._recent = self._reference[:0]
        self.reference_errors_ = _errors(y)
        self._n_updates = 0
        self._parts = [pd.DataFrame({"chart": [], "update": [], "statistic": []})]
        charts = [*self._names, *_ERROR_CHARTS, *_COVERAGE_CHARTS]
        kinds = ["inputs"] * len(self._names) + ["errors"] * 3 + ["coverage"] * 2
        limit = np.log(self.run_length * (len(_ERROR_CHARTS) + len(_COVERAGE_CHARTS)))
        self.report_ = pd.DataFrame(
            {
                "kind": kinds,
                "statistic": 0.0,
                "threshold": np.where(np.array(kinds) == "inputs", self.min_stability, limit),
                "pvalue": np.nan,
                "outside": np.nan,
                "drifted": False,
                "since": 0,
            },
            index=charts,
        )
        self.history_ = self._parts[0]
        self.should_refit_ = False
        return self

    def update(
        self, X: Table = None, y: ArrayLike | None = None, *, covered: ArrayLike | None = None
    ) -> Self:
        """Compare what came since with what was.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p), default=None
            New inputs. None: there are none to look at.
        y : array-like of shape (m_errors,), default=None
            New errors, one for each time, the oldest first.
        covered : array-like of bool of shape (m_hits,), default=None
            Whether intervals of the wanted ``coverage`` held the truth, the oldest first.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self._n_updates += 1
        if X is not None:
            self._watch_inputs(self._read(X, reset=False))
        errors = _errors(y)
        lacking = max(self.n_reference - len(self.reference_errors_), 0)
        if lacking and len(errors):
            self.reference_errors_ = np.append(self.reference_errors_, errors[:lacking])
            errors = errors[lacking:]
        if len(errors):
            usual = self.reference_errors_
            score = normal_scores(usual, errors)
            middle = np.median(usual)
            size = normal_scores(np.abs(usual - middle), np.abs(errors - middle))
            for name, values in zip(_ERROR_CHARTS, (score, -score, size)):
                self._chart(name, shift_gain(values))
        if covered is not None and len(covered):
            missed = ~column_or_1d(covered).astype(bool)
            rate = 1 - self.coverage
            for name, other in zip(_COVERAGE_CHARTS, (min(2 * rate, (1 + rate) / 2), rate / 2)):
                self._chart(name, rate_gain(missed, rate, other))
        if len(self._parts) > 1:
            self.history_ = pd.concat(self._parts[1:], ignore_index=True)
        watched = self.report_["kind"].isin(list(self.watch))
        self.should_refit_ = bool((self.report_["drifted"] & watched).any())
        return self

    def _read(self, X, *, reset):
        """Return the columns to watch, as numbers."""
        if is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not X.shape[0]:
                raise ValueError(f"X has 0 samples (shape={tuple(X.shape)}): there is no input.")
        else:
            X = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        values, names = select_columns(X, self.columns)
        self._names = [str(name) for name in names]
        return np.asarray(values, dtype=np.float64)

    def _watch_inputs(self, values):
        """Compare each column of new rows, and of the newest rows, with the reference."""
        older = max(self.n_recent - len(values), 0)
        kept = self._recent[max(len(self._recent) - older, 0) :]
        samples = [values, np.vstack([kept, values])][: 1 + (len(kept) > 0)]
        self._recent = samples[-1]
        n_tests = max(len(self._names), 1) * len(samples)
        level = self.level * 6 / (np.pi * self._n_updates) ** 2 / n_tests
        for j, name in enumerate(self._names):
            old = _known(self._reference[:, j])
            known = [new for new in (_known(sample[:, j]) for sample in samples) if len(new)]
            if not len(old) or not known:
                continue
            pvalue, stability, outside = min(compare_samples(old, new) for new in known)
            self.report_.loc[name, ["pvalue", "outside"]] = pvalue, outside
            # what chance alone may do is no change, however large it looks in a few rows
            sure = pvalue <= level
            drifted = sure and stability >= self.min_stability
            self._note(name, np.array([stability if sure else 0.0]), drifted)

    def _chart(self, name, gains):
        """Go on with a chart; once it alarmed it stays so."""
        values = cusum(gains, self.report_.loc[name, "statistic"])
        self._note(name, values, bool((values >= self.report_.loc[name, "threshold"]).any()))

    def _note(self, name, values, drifted):
        """Write statistics to the report and the history."""
        self.report_.loc[name, "statistic"] = values[-1]
        if drifted and not self.report_.loc[name, "drifted"]:
            self.report_.loc[name, ["drifted", "since"]] = True, self._n_updates
        new = pd.DataFrame({"chart": name, "update": self._n_updates, "statistic": values})
        self._parts.append(new)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _known(values):
    """Return values that are not missing."""
    return values[~np.isnan(values)]


def _errors(y):
    """Return errors as numbers, without missing ones."""
    if y is None:
        return np.empty(0)
    errors = column_or_1d(y).astype(np.float64)
    return errors[~np.isnan(errors)]


def compare_samples(reference, new):
    """Return how a feature differs from before.

    Parameters
    ----------
    reference, new : array of shape (n,)
        Known values.

    Returns
    -------
    pvalue : float
        Of the two-sample Kolmogorov-Smirnov test.
    stability : float
        Population stability index over the tenths of the reference.
    outside : float
        Share of new values beyond the range of the reference.
    """
    pvalue = ks_2samp(reference, new).pvalue
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = []
    for sample in (reference, new):
        count = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1)
        shares.append((count + 0.5) / (len(sample) + 0.5 * len(count)))  # no share is 0
    old, now = shares
    stability = float(((now - old) * np.log(now / old)).sum())
    outside = float(((new < reference.min()) | (new > reference.max())).mean())
    return float(pvalue), stability, outside


def normal_scores(reference, new):
    """Return new values as normal deviates, by their ranks in the reference.

    Values that are no less usual than those of the reference are about standard normal, however
    heavy its tails are.
    """
    reference = np.sort(reference)
    n = len(reference)
    rank = (np.searchsorted(reference, new, "left") + np.searchsorted(reference, new, "right")) / 2
    return norm.ppf((rank + 0.5) / (n + 1))


def shift_gain(scores):
    """Return the log likelihood ratio of a normal mean that moved up by one deviation."""
    return scores - 0.5


def rate_gain(missed, rate, other):
    """Return the log likelihood ratio of another rate of misses."""
    return np.where(missed, np.log(other / rate), np.log((1 - other) / (1 - rate)))


def cusum(gains, start=0.0):
    """Return the cumulative sums of gains that never fall below 0."""
    out = np.empty(len(gains))
    value = start
    for i, gain in enumerate(gains):
        value = max(0.0, value + gain)
        out[i] = value
    return out
