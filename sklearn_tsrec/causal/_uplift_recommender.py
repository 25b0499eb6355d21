import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import read_groups
from sklearn_tsrec._quantile_levels import check_coverage
from sklearn_tsrec._sklearn import HasMethods, Interval, StrOptions, fit_context, num_samples
from sklearn_tsrec._table import (
    as_list,
    check_target,
    column_position,
    frame_columns,
    is_frame,
    select_columns,
)
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Estimator, Key, Seed, Table

_TREES = 200


def _has_interval(recommender):
    """Return whether the engine has intervals."""
    if recommender.engine == "scores":
        raise AttributeError(
            "engine='scores' gives no interval: use engine='linear-dr' or 'forest'."
        )
    return True


class UpliftRecommender(RegressorMixin, BaseEstimator):
    """Recommend what changes the outcome, and not what would have happened anyway.

    A row is a chance to offer something: a user, and perhaps an item. The table holds whether it
    was offered (or how large the discount was), and the target what came of it. Predicted is the
    *uplift*: the outcome with the offer less the outcome without it.

    For a treatment of two values a doubly robust score [1]_ of each row is learned: with m(t, x)
    the outcome models, e the propensity and t the treatment, ::

        score = m(1, x) - m(0, x) + (t - e) / (e (1 - e)) * (y - m(t, x))

    It is right on average if either the outcome models or the propensities are. For a treatment of
    more values, a dose, what is left of the outcome is learned from what is left of the dose [2]_:
    the uplift of one unit. All models that a score is made of have not seen its row.

    Parameters
    ----------
    learner : regressor or None, default=None
        Learns outcomes, doses, and (with ``engine="scores"``) the uplift; for doses it must take
        ``sample_weight``. None is a ridge regression on standardised columns.
    treatment : str or int, default=0
        Column of what was done: two numbers, of which the smaller is "not treated", or a
        dose. It is read in ``fit`` alone.
    propensity : str, int, float, classifier or None, default=None
        Probability of the treatment: a column that holds it, one number for all rows, or a
        classifier that learns it. None is the share of treated rows, right for offers made at
        random. For doses it must be None.
    group : str, int or None, default=None
        Column that names the user of a row: rows of a user stay in one fold, and
        :meth:`recommend` lists by user.
    engine : {"scores", "linear-dr", "forest"}, default="scores"
        What learns the uplift: ``learner``, from the scores; or EconML's ``LinearDRLearner``, a
        straight line in the features (not for doses), or ``CausalForestDML``. The last two have
        :meth:`predict_interval`.
    clip : float, default=0.01
        Propensities closer to 0 or 1 are moved to it; ``overlap_`` counts them.
    cv : int, default=5
        Number of folds for the models that a score is made of.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds and of the forest.

    Attributes
    ----------
    learner_ : regressor or EconML estimator
        Predicts the uplift.
    average_effect_ : float
        Mean of the scores: the mean effect of the treatment (for doses: of one unit).
    average_effect_error_ : float
        Its standard error, over users where ``group`` names them.
    overlap_ : dict
        ``min`` and ``max`` propensity and ``share_clipped``; empty for doses.
    arms_ : array
        The two values of the treatment, untreated first; empty for doses.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If the treatment is no number or has one value, or a propensity is not between 0 and 1.

    Warns
    -----
    UserWarning
        If propensities were clipped: for such rows there is next to nothing to compare with.

    See Also
    --------
    sklearn_tsrec.metrics.qini_score : Measures the order.
    sklearn_tsrec.metrics.policy_value : What it would be worth to act on it.

    References
    ----------
    .. [1] E. Kennedy (2023), "Towards optimal doubly robust estimation of heterogeneous causal
       effects", Electronic Journal of Statistics 17(2).
    .. [2] X. Nie and S. Wager (2021), "Quasi-oracle estimation of heterogeneous treatment effects",
       Biometrika 108(2).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_tsrec.causal import UpliftRecommender
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"user": np.arange(2000), "age": rng.uniform(20, 60, 2000),
    ...                   "offer": rng.integers(0, 2, 2000)})
    >>> y = 5 + X["offer"] * (X["age"] - 40) / 10 + rng.normal(size=2000)  # annoys the young
    >>> recommender = UpliftRecommender(treatment="offer", group="user").fit(X, y)
    >>> who = pd.DataFrame({"user": ["ann", "bob"], "age": [25, 55], "offer": 0})
    >>> recommender.predict(who).round(1)
    array([-1.5,  1.4])
    >>> recommender.recommend(who)[["user", "rank"]]
      user  rank
    1  bob     1
    """

    _parameter_constraints: ClassVar[dict] = {
        "learner": [HasMethods(["fit", "predict"]), None],
        "treatment": [str, Integral],
        "propensity": [str, Real, HasMethods(["fit", "predict_proba"]), None],
        "group": [str, Integral, None],
        "engine": [StrOptions({"scores", "linear-dr", "forest"})],
        "clip": [Interval(Real, 0, 0.5, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        learner: Estimator = None,
        *,
        treatment: Key = 0,
        propensity: Any = None,
        group: Key | None = None,
        engine: str = "scores",
        clip: float = 0.01,
        cv: int = 5,
        random_state: Seed = 0,
    ):
        self.learner = learner
        self.treatment = treatment
        self.propensity = propensity
        self.group = group
        self.engine = engine
        self.clip = clip
        self.cv = cv
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn the uplift from a log of what was done and what came of it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Features, the treatment, and perhaps its propensity and the user.
        y : array of shape (n_samples,)
            Outcomes: 0 and 1, or amounts.

        Returns
        -------
        self
        """
        X = self._check_table(X, reset=True)
        n = num_samples(X)
        y = check_target(y, n, estimator=self, allow_nan=False).astype(np.float64)
        place = column_position(X, self.treatment, "treatment")
        t = select_columns(X, [place], parameter="treatment")[0][:, 0].astype(np.float64)
        if np.isnan(t).any():
            raise ValueError(
                f"treatment={self.treatment!r} is missing in {np.isnan(t).sum()} rows."
            )
        values = np.unique(t)
        if len(values) < 2:
            raise ValueError(
                f"treatment={self.treatment!r} has one value only ({values[0]:g}; n_samples={n}): "
                "an effect needs rows that were treated and rows that were not."
            )
        features = self._features(X)
        folds = self._folds(X, n)
        base = (
            make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 6)))
            if self.learner is None
            else self.learner
        )
        if len(values) == 2:
            self.arms_ = values
            treated, weight = t == values[1], None
            chance = self._check_overlap(self._propensities(X, features, treated, folds))
            target = score = _robust_scores(features, treated, y, chance, folds, base)
        else:
            if self.engine == "linear-dr":
                raise ValueError(
                    f"treatment={self.treatment!r} has {len(values)} values, a dose: "
                    "engine='linear-dr' needs two. Use 'scores' or 'forest'."
                )
            self.arms_, self.overlap_ = np.empty(0), {}
            treated, chance = t, None
            target, weight, score = _dose_scores(features, t, y, folds, base)
        if self.engine == "scores":
            name = "ridgecv__sample_weight" if self.learner is None else "sample_weight"
            options = {} if weight is None else {name: weight}
            self.learner_ = clone(base).fit(features, target, **options)
        else:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            self.learner_ = _fit_engine(
                self.engine, base, features, treated, y, chance, folds, seed
            )
        self.average_effect_ = float(score.mean())
        user = np.arange(n) if self.group is None else read_groups(X, self.group, None)[0]
        sums = np.bincount(user, score - score.mean())  # rows of a user are alike
        self.average_effect_error_ = float(np.sqrt(sums @ sums) / n)
        return self

    def _check_table(self, X, *, reset):
        """Validate X, and keep a frame a frame: users need not be numbers."""
        if is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not X.shape[0]:
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
            return X
        return validate_data(self, X, reset=reset, dtype=np.float64)

    def _features(self, X):
        """Return the columns that are neither treatment, propensity nor user."""
        named = [self.treatment, *as_list(self.group)]
        if isinstance(self.propensity, (str, Integral)) and not isinstance(self.propensity, bool):
            named.append(self.propensity)
        skip = {column_position(X, key) for key in named}
        values, _ = select_columns(X, None, skip=skip)
        values = np.ascontiguousarray(values, dtype=np.float64)
        return values if values.shape[1] else np.zeros((len(values), 1))

    def _folds(self, X, n):
        """Return folds that keep each user together."""
        rng = check_random_state(self.random_state)
        n_folds = min(self.cv, n)
        if self.group is None:
            return list(KFold(n_folds, shuffle=True, random_state=rng).split(np.empty(n)))
        users, _ = read_groups(X, self.group, None)
        n_folds = min(n_folds, users.max() + 1)
        if n_folds < 2:
            raise ValueError(f"group={self.group!r} has one user only: folds need at least two.")
        users = rng.permutation(users.max() + 1)[users]
        return list(GroupKFold(n_folds).split(np.empty(n), groups=users))

    def _propensities(self, X, features, treated, folds):
        """Return the probability of each row's being treated."""
        given = self.propensity
        if given is None:
            return np.full(len(treated), treated.mean())
        if hasattr(given, "fit"):
            chance = np.empty(len(treated))
            for train, test in folds:
                model = clone(given).fit(features[train], treated[train])
                chance[test] = model.predict_proba(features[test])[:, -1]
            return chance
        if isinstance(given, (str, Integral)):
            place = column_position(X, given, "propensity")
            chance = select_columns(X, [place], parameter="propensity")[0][:, 0]
        else:
            chance = np.full(len(treated), float(given))
        outside = ~((chance > 0) & (chance < 1))
        if outside.any():
            row = int(outside.argmax())
            raise ValueError(
                f"propensity must be strictly between 0 and 1, got {chance[row]} in row {row} (and "
                f"in {int(outside.sum())} in all): leave out what was never or always offered."
            )
        return chance

    def _check_overlap(self, chance):
        """Return propensities moved away from 0 and 1; report and warn of how many were."""
        clipped = np.clip(chance, self.clip, 1 - self.clip)
        share = float((clipped != chance).mean())
        self.overlap_ = {
            "min": float(chance.min()), "max": float(chance.max()), "share_clipped": share,
        }  # fmt: skip
        if share > 0:
            warnings.warn(
                f"{share:.1%} of the propensities are closer to 0 or 1 than clip={self.clip}: for "
                "these rows there is next to nothing to compare with. Leave them out, or see "
                "overlap_.",
                UserWarning,
                stacklevel=4,
            )
        return clipped

    def predict(self, X: Table) -> np.ndarray:
        """Return the uplift of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Columns as in ``fit``; what the treatment column holds does not matter.

        Returns
        -------
        array of shape (n_samples,)
            Change of the outcome by the treatment (for doses: by one unit).
        """
        check_is_fitted(self)
        features = self._features(self._check_table(X, reset=False))
        if self.engine == "scores":
            return self.learner_.predict(features)
        return self.learner_.effect(features)

    @available_if(_has_interval)
    def predict_interval(self, X: Table, coverage: float = 0.95) -> np.ndarray:
        """Return an interval of the uplift of each row, with one of EconML's engines.

        Rows of one user are taken as independent.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Columns as in ``fit``.
        coverage : float, default=0.95
            The interval holds with this probability.

        Returns
        -------
        array of shape (n_samples, 2)
            Lower and upper ends.
        """
        check_coverage(coverage)
        check_is_fitted(self)
        features = self._features(self._check_table(X, reset=False))
        return np.column_stack(self.learner_.effect_interval(features, alpha=1 - coverage))

    def recommend(self, X: Table = None, k: int = 10, *, threshold: float = 0.0) -> pd.DataFrame:
        """Return the rows that are worth an offer, the best of each user first.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            Possible offers, one for each row. They are needed: an uplift is one of rows.
        k : int, default=10
            Most offers for one user (without ``group``: in all).
        threshold : float, default=0.0
            Smallest uplift that is worth an offer, such as what it costs. Users without such a row
            are offered nothing, and are not in the table.

        Returns
        -------
        DataFrame
            The rows of X, with ``rank`` (1 is best) and ``uplift``, in the order of users in X.

        Raises
        ------
        ValueError
            If k is not a positive integer.
        """
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}.")
        if not isinstance(X, pd.DataFrame):
            raise TypeError(f"X must be a pandas DataFrame to list from, got {type(X).__name__}.")
        taken = {"rank", "uplift"} & set(frame_columns(X))
        if taken:
            raise ValueError(
                f"X has a column {sorted(taken)[0]!r}, which the result needs: rename it."
            )
        uplift = self.predict(X)
        users = np.zeros(len(X), dtype=np.int64)
        if self.group is not None:
            users, _ = read_groups(X, self.group, None)
        order = np.lexsort((-settle(uplift), users))
        first = np.searchsorted(users[order], users[order])
        rank = np.arange(len(order)) - first + 1
        listed = (rank <= k) & (uplift[order] > threshold)
        return X.iloc[order[listed]].assign(rank=rank[listed], uplift=uplift[order[listed]])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # predicts effects, and not outcomes
        return tags


def _robust_scores(features, treated, y, chance, folds, base):
    """Return the doubly robust score of each row."""
    outcome = np.empty((len(y), 2))
    for train, test in folds:
        for arm in (0, 1):
            rows = train[treated[train] == arm]
            if len(rows) < 2:
                raise ValueError(
                    f"the treatment has {int((treated == arm).sum())} row(s) that were "
                    f"{'treated' if arm else 'not treated'}: too few for models of {len(folds)} "
                    "folds. Give more rows, or a smaller cv."
                )
            outcome[test, arm] = clone(base).fit(features[rows], y[rows]).predict(features[test])
    own = np.where(treated, outcome[:, 1], outcome[:, 0])
    weight = (treated - chance) / (chance * (1 - chance))
    return outcome[:, 1] - outcome[:, 0] + weight * (y - own)


def _dose_scores(features, dose, y, folds, base):
    """Return what one unit did in each row, how much that counts, and scores of the mean effect."""
    dose = dose - _out_of_fold(base, features, dose, folds)
    left = y - _out_of_fold(base, features, y, folds)
    effect = dose @ left / max(dose @ dose, 1e-300)
    score = effect + dose * (left - effect * dose) / max((dose**2).mean(), 1e-300)
    return left / np.where(np.abs(dose) > 1e-8, dose, 1e-8), dose**2, score


def _out_of_fold(base, features, y, folds):
    """Return predictions by models that have not seen the row."""
    out = np.empty(len(y))
    for train, test in folds:
        out[test] = clone(base).fit(features[train], y[train]).predict(features[test])
    return out


class _Given(ClassifierMixin, BaseEstimator):
    """A propensity model that reads the propensity from its last column."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (np.asarray(X)[:, -1] > 0.5).astype(int)

    def predict_proba(self, X):
        chance = np.asarray(X)[:, -1]
        return np.column_stack([1 - chance, chance])


def _fit_engine(engine, base, features, treatment, y, chance, folds, seed):
    """Return a fitted EconML estimator of the uplift.

    Parameters
    ----------
    engine : {"linear-dr", "forest"}
        ``LinearDRLearner`` or ``CausalForestDML``.
    base : regressor
        Learns outcomes and doses.
    features : array of shape (n, p)
    treatment : array of shape (n,)
        Whether a row was treated, or its dose.
    y : array of shape (n,)
        Outcomes.
    chance : array of shape (n,) or None
        Propensities; None for doses.
    folds : list of (train, test)
        For the models of outcomes and doses.
    seed : int
    """
    dml = require("econml.dr" if engine == "linear-dr" else "econml.dml", "causal")
    given = None if chance is None else chance[:, None]
    if engine == "linear-dr":
        model = dml.LinearDRLearner(
            model_propensity=_Given(), model_regression=clone(base), cv=folds, random_state=seed
        )
    else:
        model = dml.CausalForestDML(
            model_y=clone(base), model_t=clone(base) if chance is None else _Given(), cv=folds,
            discrete_treatment=chance is not None, n_estimators=_TREES, min_samples_leaf=10,
            n_jobs=1, random_state=seed,
        )  # fmt: skip
    treatment = treatment if chance is None else treatment.astype(int)
    return model.fit(y, treatment, X=features, W=given)
