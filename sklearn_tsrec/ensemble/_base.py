"""What stacks of regressors and of classifiers have in common."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import joblib
import numpy as np
import pandas as pd
from sklearn.base import MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import Bunch, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, check_memory
from tqdm import tqdm

from sklearn_tsrec._keys import KeyedMixin, key_frame
from sklearn_tsrec._sklearn import (
    BaseComposition,
    HasMethods,
    Interval,
    StrOptions,
    safe_indexing,
)
from sklearn_tsrec._steps_ahead import last_known, steps_ahead
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.model_selection._folds import read_folds, rows_to_ask, update_all, with_keys


class TemporalStackingBase(KeyedMixin, TransformerMixin, MetaEstimatorMixin, BaseComposition):
    """Base of :class:`TemporalStackingRegressor` and :class:`TemporalStackingClassifier`."""

    _stack_constraints: ClassVar[dict] = {
        "estimators": [list],
        "cv": [Interval(Integral, 1, None, closed="left"), HasMethods(["split"]), list, None],
        "per": [StrOptions({"horizon", "group"}), None],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "share": [Interval(Real, 0, 1, closed="left")],
        "passthrough": ["boolean"],
        "refit": ["boolean"],
        "memory": [None, str, HasMethods(["cache"])],
        "n_jobs": [Integral, None],
        "freq": [str, Real, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    # ---- parameters

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, those of the members by their names.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the members, and their parameters, as well.

        Returns
        -------
        params : dict
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also ``<name of a member>`` and ``<name of a member>__<parameter>``.

        Parameters
        ----------
        **params : dict
            Names and values; a member set to ``"drop"`` is left out.

        Returns
        -------
        self
        """
        return self._set_params("estimators", **params)

    def _read_members(self, method):
        """Return the names and unfitted clones of the members in use; raise if there are none."""
        if not self.estimators or not all(
            isinstance(pair, tuple) and len(pair) == 2 for pair in self.estimators
        ):
            raise ValueError(
                f"estimators={show(self.estimators)} must be a list of (name, estimator), such as "
                "[('linear', WindowForecaster())]."
            )
        self._validate_names([name for name, _ in self.estimators])
        used = [(name, member) for name, member in self.estimators if not _dropped(member)]
        if not used:
            raise ValueError(
                "all members of estimators are 'drop': at least one must be an estimator."
            )
        for name, member in used:
            if not hasattr(member, "fit") or not hasattr(member, method):
                raise ValueError(
                    f"member {name!r} of estimators is {show(member)}, which has no fit or no "
                    f"{method}: give an estimator that has both, or 'drop'."
                )
        return [name for name, _ in used], [with_keys(m, self._keys()) for _, m in used]

    def _check_final(self):
        """Raise if the parameters of weights and of a final estimator are mixed."""
        if self.final_estimator is None:
            if self.passthrough:
                raise ValueError(
                    "passthrough=True gives the columns of X to a final_estimator, but it is None: "
                    "weights see forecasts only. Give a final_estimator, or passthrough=False."
                )
            return
        for name in ("weights", "per"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is about a weighted mean, but "
                    f"final_estimator={show(self.final_estimator)} takes its place: give one of "
                    "them."
                )

    def _keys(self):
        """Return the parameters of the keys."""
        return {"group": self.group, "time": self.time, "freq": self.freq}

    # ---- learning

    def _fit_members(self, X, y, keys, method):
        """Fit the members; return the out-of-fold rows and what each member forecasts in each fold.

        Returns
        -------
        rows : int64 array of shape (n,)
            The row of X that each out-of-fold row is.
        forecasts : list of list
            For each fold, the forecast of each member.
        """
        names, members = self._read_members(method)
        if X.shape[0] == 1:
            raise ValueError(
                f"{type(self).__name__} got n_samples=1 row, of which nothing can be held out."
            )
        folds = read_folds(self.cv, X, y, keys.codes, keys.ticks, self._keys())
        forecasts, self.estimators_ = run_members(
            members,
            X,
            y,
            folds,
            method=method,
            refit=self.refit,
            memory=self.memory,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self.member_names_ = names
        self.named_estimators_ = Bunch(**dict(zip(names, self.estimators_)))
        self._describe_rows(X, y, keys, folds)
        return np.concatenate([fold.test for fold in folds]), forecasts

    def _describe_rows(self, X, y, keys, folds):
        """Set the table of out-of-fold rows: keys, fold, cutoff, step and truth."""
        labels, _ = key_frame(X, self.group, self.time)
        codes, ticks, calendar = keys.codes, keys.ticks, self._frequency is not None
        target = y if y.dtype.kind == "f" else np.zeros(len(y))
        parts = []
        for number, fold in enumerate(folds):
            train, test = fold.train, fold.test
            last = last_known(codes[train], ticks[train], target[train], keys.n_series)
            about = {
                "fold": number,
                "cutoff": labels.iloc[train[ticks[train].argmax()], -1],
                "step": steps_ahead(last, codes[test], ticks[test], calendar),
                "y_true": y[test],
            }
            parts.append(labels.iloc[test].assign(**about))
        taken = set(parts[0].columns) & set(self.member_names_)
        if taken:
            raise ValueError(
                f"member {min(taken)!r} has the name of another column of out_of_fold_: give it a "
                f"name other than {list(parts[0].columns)}."
            )
        self.out_of_fold_ = pd.concat(parts, ignore_index=True)

    def _report_failures(self, failed):
        """Keep which member gave no forecast for which series in which fold, and warn."""
        about = ["fold", *self._group_names]
        parts = []
        for name, column in zip(self.member_names_, failed.T):
            count = self.out_of_fold_.loc[column, about].value_counts(sort=False)
            parts.append(count.rename("n_rows").reset_index().assign(member=name))
        self.failures_ = pd.concat(parts)[["member", *about, "n_rows"]].reset_index(drop=True)
        if failed.any():
            first = self.failures_.iloc[0]
            warnings.warn(
                f"{int(failed.any(axis=0).sum())} of {failed.shape[1]} members gave no forecast "
                f"for some of the out-of-fold rows, first {first['member']!r} in fold "
                f"{first['fold']}: there, the others count for more. failures_ lists them.",
                UserWarning,
                stacklevel=4,
            )

    def _cells(self, codes, steps):
        """Return the cell of rows among those that have weights of their own; -1 for none."""
        if self.per is None:
            return np.zeros(len(codes), dtype=np.int64)
        if self.per == "horizon":
            return np.minimum(steps, len(self._cell_labels)) - 1
        return np.where(codes < len(self._cell_labels), codes, -1)

    def _set_cells(self, steps):
        """Set the labels of the cells that have weights of their own."""
        if self.per is None:
            self._cell_labels = pd.Index(["all"])
        elif self.per == "horizon":
            self._cell_labels = pd.RangeIndex(1, steps.max() + 1, name="step")
        else:
            names = self._group_names or [None]
            self._cell_labels = self.groups_.set_names(names)

    def _publish(self, combiner):
        """Set the public attributes that show what a combiner learned."""
        self.final_estimator_ = getattr(combiner, "estimator", None)
        self.weights_ = self.pooled_weights_ = None
        if getattr(combiner, "weights", None) is not None:
            names, labels = self.member_names_, self._cell_labels
            self.pooled_weights_ = pd.Series(combiner.pooled, index=names, name="all")
            self.weights_ = pd.DataFrame(combiner.weights.T, index=names, columns=labels)

    def _read_cells(self, keys):
        """Return the cell of the rows of keys."""
        steps = steps_ahead(self._last, keys.codes, keys.ticks, self._frequency is not None)
        return self._cells(keys.codes, steps)

    def _passed(self, X):
        """Return the columns of X that the final estimator sees, or None."""
        return self._select_columns(X, None)[0] if self.passthrough else None

    def _ask(self, method, X):
        """Return the forecast of each member."""
        jobs = (delayed(call)(member, method, X) for member in self.estimators_)
        return Parallel(n_jobs=self.n_jobs)(jobs)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of what :meth:`transform` returns.

        Parameters
        ----------
        input_features : array of str, default=None
            Not used, present for the protocol of scikit-learn.

        Returns
        -------
        array of str
        """
        check_is_fitted(self)
        return np.asarray(self._names_out, dtype=object)

    def _takes_nan(self):
        try:
            used = [member for _, member in self.estimators if not _dropped(member)]
            return all(get_tags(member).input_tags.allow_nan for member in used)
        except Exception:  # estimators that are no list of pairs are refused by fit
            return False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _dropped(member):
    """Return whether a member is left out."""
    return isinstance(member, str) and member == "drop"


def run_members(members, X, y, folds, *, method, refit, memory, n_jobs, verbose):
    """Return what each member forecasts out of fold, and the members fitted for good.

    Parameters
    ----------
    members : list of estimator
        Unfitted; they are fitted as they are.
    X, y : table and array
        All training rows.
    folds : list of Fold
        The folds.
    method : str
        What to call for a forecast, ``"predict"`` or ``"predict_proba"``.
    refit : bool
        Whether members are fitted again to all rows, or those of the last fold updated with the
        others.
    memory : Memory, str or None
        Where fits are kept. They are found again by the content of the rows.
    n_jobs, verbose : int
        As in the stack.

    Returns
    -------
    forecasts : list of list
        For each fold, what ``forecast`` returns of each member.
    fitted : list of estimator
    """
    memory = check_memory(memory)
    forecast_fold = memory.cache(_forecast_fold, ignore=["X", "y", "fold"])
    fit_whole = memory.cache(_fit_whole, ignore=["X", "y"])
    caches = memory.location is not None
    jobs, last = [], len(folds) - 1
    for number, fold in enumerate(folds):
        content = _content(X, y, fold) if caches else None
        keep = not refit and number == last
        jobs += [
            delayed(forecast_fold)(clone(member), content, X, y, fold, method, keep)
            for member in members
        ]
    if refit:
        content = joblib.hash((X, y)) if caches else None
        jobs += [delayed(fit_whole)(clone(member), content, X, y) for member in members]
    done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    done = list(tqdm(done, total=len(jobs), desc="members", disable=not verbose))
    n = len(members)
    parts = [done[n * number : n * (number + 1)] for number in range(len(folds))]
    forecasts = [[part[0] for part in fold] for fold in parts]
    if refit:
        return forecasts, done[n * len(folds) :]
    fitted = [part[1] for part in parts[-1]]
    rest = np.setdiff1d(np.arange(len(y)), folds[-1].train)
    update_all(fitted, safe_indexing(X, rest), y[rest], "refit=False")
    return forecasts, fitted


def _content(X, y, fold):
    """Return a hash of all rows of a fold that a member is given."""
    rows = [fold.train, fold.test, fold.between]
    return joblib.hash([y[fold.train], *(safe_indexing(X, part) for part in rows)])


def _fit_whole(member, content, X, y):
    """Fit a member to all rows."""
    return member.fit(X, y)


def _forecast_fold(member, content, X, y, fold, method, keep):
    """Fit a member to the training rows of a fold; return its forecast of the test rows.

    The fitted member comes along if it is to be kept.
    """
    member.fit(safe_indexing(X, fold.train), y[fold.train])
    forecast = call(member, method, safe_indexing(X, rows_to_ask(member, fold)))
    n = len(fold.test)
    forecast = forecast[:n] if method == "predict" else (forecast[0][:n], forecast[1])
    return forecast, member if keep else None


def call(member, method, X):
    """Return the forecast of a fitted member, NaN where it has none.

    Probabilities come with the classes that they are of.
    """
    forecast = np.array(getattr(member, method)(X), dtype=np.float64)
    if method == "predict":
        forecast = forecast.reshape(len(forecast))
    forecast[~np.isfinite(forecast)] = np.nan
    return forecast if method == "predict" else (forecast, member.classes_)
