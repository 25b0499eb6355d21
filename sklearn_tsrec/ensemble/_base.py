"""What stacks of regressors and of classifiers have in common."""

import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.base import MetaEstimatorMixin, TransformerMixin
from sklearn.utils import Bunch, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin, key_frame
from sklearn_tsrec._sklearn import BaseComposition, HasMethods, Interval, StrOptions
from sklearn_tsrec._steps_ahead import last_known, steps_ahead
from sklearn_tsrec._times import show
from sklearn_tsrec.ensemble._members import call, run_members
from sklearn_tsrec.model_selection._folds import read_folds, with_keys


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

    def get_params(self, deep=True):
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

    def set_params(self, **params):
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
                    "passthrough=True shows the columns of X to a final_estimator, but it is None: "
                    "weights see forecasts only. Give a final_estimator, or passthrough=False."
                )
            return
        for name in ("weights", "per"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} says how a weighted mean is made, but "
                    f"final_estimator={show(self.final_estimator)} takes its place: give one of "
                    "them."
                )

    def _keys(self):
        """Return the parameters that say where keys are."""
        return {"group": self.group, "time": self.time, "freq": self.freq}

    # ---- learning

    def _fit_members(self, X, y, keys, method):
        """Fit the members; return the out-of-fold rows and what each member says of each fold.

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
        codes, ticks, calendar = keys.codes, keys.ticks, self.frequency_ is not None
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
        """Keep which member gave no forecast for which series in which fold, and say so."""
        about = ["fold", *self.group_names_]
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
            names = self.group_names_ or [None]
            self._cell_labels = self.groups_.set_names(names)

    def _set_weights(self, pooled, weights):
        """Set the public attributes that hold weights."""
        self.pooled_weights_ = pd.Series(pooled, index=self.member_names_, name="all")
        self.weights_ = pd.DataFrame(weights.T, index=self.member_names_, columns=self._cell_labels)

    def _row_weights(self, X):
        """Return the weight of each member in each row."""
        keys = self._read_keys(X)
        steps = steps_ahead(self._last, keys.codes, keys.ticks, self.frequency_ is not None)
        table = np.vstack([self.weights_.to_numpy().T, self.pooled_weights_.to_numpy()])
        return table[self._cells(keys.codes, steps)]

    def _ask(self, method, X):
        """Return the forecast of each member."""
        jobs = (delayed(call)(member, method, X) for member in self.estimators_)
        return Parallel(n_jobs=self.n_jobs)(jobs)

    def get_feature_names_out(self, input_features=None):
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
    """Tell whether a member is left out."""
    return isinstance(member, str) and member == "drop"
