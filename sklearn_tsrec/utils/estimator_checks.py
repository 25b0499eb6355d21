"""The contract of keyed estimators, as checks that anybody can run on their own.

scikit-learn's ``check_estimator`` knows nothing of time. These checks do: they build a small panel
with a calendar and assert what makes an estimator safe on it (docs/design.md, rules 1 to 6).
"""

import copy
import pickle
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils._testing import ignore_warnings

_N_TIMES = 30
_CUT = 22


def contract_checks(estimator: Any):
    """Yield the checks of our contract that apply to an estimator.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator. Whether it has a ``time`` parameter shows if it reads keys.

    Yields
    ------
    check : callable
        Takes the estimator; raises AssertionError where the contract is broken.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_tsrec.utils.estimator_checks import contract_checks
    >>> [check.func.__name__ for check in contract_checks(StandardScaler())]
    ['check_constructor_only_stores', 'check_rows_kept', 'check_pickling_keeps_results']
    """
    checks = [check_constructor_only_stores]
    if hasattr(estimator, "transform") or hasattr(estimator, "predict"):
        checks += [check_rows_kept, check_pickling_keeps_results]
    if _is_keyed(estimator):
        checks += [
            check_row_order_does_not_matter,
            check_keys_in_index_columns_and_arrays_agree,
            check_unseen_series_do_not_change_others,
            check_same_seed_same_result,
        ]
        if hasattr(estimator, "transform") and not hasattr(estimator, "predict"):
            checks += [check_future_targets_do_not_matter]  # a model may learn from all of them
        if hasattr(estimator, "transform"):
            checks += [
                check_transform_equals_fit_transform,
                check_training_tail_is_remembered,
                check_output_containers,
            ]
    for check in checks:
        yield partial(check, type(estimator).__name__, estimator)


def parametrize_with_contract_checks(estimators: Sequence):
    """Return a pytest decorator that runs the contract checks over some estimators.

    Parameters
    ----------
    estimators : list of estimator
        The estimators to check.

    Returns
    -------
    decorator
        For a test function with the arguments ``estimator`` and ``check``.
    """
    import pytest

    cases = [(est, check) for est in estimators for check in contract_checks(est)]
    names = [f"{est!r}-{check.func.__name__}".replace("\n", "") for est, check in cases]
    return pytest.mark.parametrize(("estimator", "check"), cases, ids=names)


def check_contract(estimator: Any):
    """Run all checks of our contract on an estimator.

    Parameters
    ----------
    estimator : estimator
        The estimator to check.

    Raises
    ------
    AssertionError
        If the contract is broken.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_tsrec.utils.estimator_checks import check_contract
    >>> check_contract(StandardScaler())
    """
    for check in contract_checks(estimator):
        check()


def _is_keyed(estimator):
    """Return whether an estimator reads keys."""
    return "time" in estimator.get_params(deep=False)


def _panel(seed=0):
    """Return a panel with a calendar, in no order, and a number and an item to learn.

    Of its three series one starts late and one has a hole of two days.
    """
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=_N_TIMES, freq="D")
    index = pd.MultiIndex.from_product([["a", "b", "c"], days], names=["series", "date"])
    gone = [("b", day) for day in days[:5]] + [("c", day) for day in days[10:12]]
    X = pd.DataFrame(
        {"price": rng.normal(5, 1, len(index)), "promo": rng.integers(0, 2, len(index)) * 1.0},
        index=index,
    )
    y = pd.Series(10 + 3 * X["promo"] - X["price"] + rng.normal(0, 0.1, len(index)), name="sales")
    keep = rng.permutation(np.flatnonzero(~index.isin(gone)))
    return X.iloc[keep], y.iloc[keep]


def _keyed(estimator, **keys):
    """Return a clone that reads its keys where parameters name them, with a calendar if it can."""
    estimator = clone(estimator)
    settings = {"time": None, "group": None} | keys
    if "freq" in estimator.get_params(deep=False) and not is_classifier(estimator):
        settings["freq"] = "infer"
    known = estimator.get_params(deep=False)
    return estimator.set_params(**{k: v for k, v in settings.items() if k in known})


def _target(estimator, y):
    """Return the target as the estimator wants it: numbers, or items for a classifier."""
    if is_classifier(estimator):
        return pd.cut(y, 4, labels=["w", "x", "y", "z"]).astype(str)
    return y


def _split(X, y):
    """Return training and test rows, cut at one time."""
    times = X.index.get_level_values(-1)
    past = times < times.unique().sort_values()[_CUT]
    return X[past], y[past], X[~past]


def _output(estimator, X):
    """Return what a fitted estimator says of each row, as an array."""
    call = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    return _as_array(call(X))


def _as_array(output):
    """Return any output container as an array."""
    return output.to_numpy() if hasattr(output, "to_numpy") else np.asarray(output)


def _assert_same(actual, expected, message):
    """Assert that outputs are equal, missing values included."""
    if actual.dtype.kind in "OUS":
        np.testing.assert_array_equal(actual, expected, err_msg=message)
    else:
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10, err_msg=message)


def _data_for(estimator):
    """Return an estimator and data for it: a panel if it reads keys, else a plain array."""
    if _is_keyed(estimator):
        X, y = _panel()
        return _keyed(estimator), X, _target(estimator, y)
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(40, 12)))
    if get_tags(estimator).input_tags.categorical or is_classifier(estimator):
        X = rng.integers(0, 4, size=X.shape) * 1.0
    y = X[:, -1].astype(int).astype(str) if is_classifier(estimator) else X[:, 0] - X[:, 1]
    return clone(estimator), X, y


@ignore_warnings
def check_constructor_only_stores(name, estimator):
    """Check that a clone has the very parameters it was given, before and after fit (rule 6)."""
    estimator, X, y = _data_for(estimator)
    before = copy.deepcopy(estimator.get_params())
    if not hasattr(estimator, "fit"):
        return
    estimator.fit(X, y)
    after = estimator.get_params()
    assert repr(before) == repr(after), f"{name}.fit changed a parameter"


@ignore_warnings
def check_rows_kept(name, estimator):
    """Check that rows in are rows out (rule 5)."""
    estimator, X, y = _data_for(estimator)
    output = _output(estimator.fit(X, y), X)
    assert len(output) == len(X), f"{name} returns {len(output)} rows for {len(X)}"


@ignore_warnings
def check_pickling_keeps_results(name, estimator):
    """Check that a pickled estimator gives the same numbers."""
    estimator, X, y = _data_for(estimator)
    estimator.fit(X, y)
    again = pickle.loads(pickle.dumps(estimator))
    _assert_same(_output(again, X), _output(estimator, X), f"{name} changed in a pickle")


@ignore_warnings
def check_same_seed_same_result(name, estimator):
    """Check that fitting twice gives the same result (rule 6)."""
    X, y = _panel()
    y = _target(estimator, y)
    keyed = _keyed(estimator)
    if "random_state" in keyed.get_params(deep=False):
        keyed.set_params(random_state=0)
    first, second = clone(keyed).fit(X, y), clone(keyed).fit(X, y)
    _assert_same(_output(first, X), _output(second, X), f"{name} is not reproducible")


@ignore_warnings
def check_row_order_does_not_matter(name, estimator):
    """Check that permuting the rows permutes the output, in fit and afterwards (rule 2)."""
    X, y = _panel()
    y = _target(estimator, y)
    X_past, y_past, X_next = _split(X, y)
    rng = np.random.default_rng(1)
    p, q = rng.permutation(len(X_past)), rng.permutation(len(X_next))
    one = _keyed(estimator).fit(X_past, y_past)
    two = _keyed(estimator).fit(X_past.iloc[p], y_past.iloc[p])
    message = f"{name} depends on the order of the rows"
    _assert_same(_output(two, X_past.iloc[p]), _output(one, X_past)[p], message)
    _assert_same(_output(two, X_next.iloc[q]), _output(one, X_next)[q], message)


@ignore_warnings
def check_keys_in_index_columns_and_arrays_agree(name, estimator):
    """Check that keys in an index, in pandas or polars columns and in arrays agree (rule 2)."""
    X, y = _panel()
    y = _target(estimator, y)
    X_past, y_past, X_next = _split(X, y)
    expected = _output(_keyed(estimator).fit(X_past, y_past), X_next)
    views = {"pandas": (_to_columns, "series", "date"), "array": (_to_array, 0, 1)}
    if find_spec("polars"):
        views["polars"] = (_to_polars, "series", "date")
    for view, (convert, group, time) in views.items():
        keyed = _keyed(estimator, group=group, time=time)
        actual = _output(keyed.fit(convert(X_past), y_past.to_numpy()), convert(X_next))
        # Transformers that keep all columns also return the keys: compare the values only.
        if actual.ndim == 2 and actual.shape[1] == expected.shape[1] + 2:
            actual = actual[:, 2:].astype(float)
        _assert_same(actual, expected, f"{name} differs with keys in a {view} table")


def _to_columns(frame):
    """Return a panel with its keys in columns."""
    return frame.reset_index()


def _to_polars(frame):
    """Return a panel as a polars frame with its keys in columns."""
    import polars

    columns = frame.reset_index()
    return polars.from_dict({c: columns[c].to_numpy() for c in columns})


def _to_array(frame):
    """Return a panel as numbers: series number, day number, columns."""
    series = frame.index.get_level_values(0).map({"a": 0, "b": 1, "c": 2})
    day = (frame.index.get_level_values(1) - pd.Timestamp("1970-01-01")).days
    return np.column_stack([series, day, frame])


@ignore_warnings
def check_future_targets_do_not_matter(name, estimator):
    """Check that targets from some time on change no feature of earlier rows (rule 4)."""
    X, y = _panel()
    y_other = y.copy()
    times = X.index.get_level_values(-1)
    late = times >= times.unique().sort_values()[_CUT]
    rng = np.random.default_rng(2)
    y_other[late] = rng.permutation(y_other[late].to_numpy()) + 100 * rng.normal(size=late.sum())
    one = _keyed(estimator).fit(X, y).transform(X[~late])
    two = _keyed(estimator).fit(X, y_other).transform(X[~late])
    _assert_same(_as_array(two), _as_array(one), f"{name} sees targets of later rows")


@ignore_warnings
def check_unseen_series_do_not_change_others(name, estimator):
    """Check that a series unseen in fit raises or gets its own output; others keep theirs."""
    X, y = _panel()
    y = _target(estimator, y)
    X_past, y_past, X_next = _split(X, y)
    fitted = _keyed(estimator).fit(X_past, y_past)
    expected = _output(fitted, X_next)
    new = X_next.rename({"a": "new"}, level=0).loc[["new"]]
    try:
        actual = _output(fitted, pd.concat([X_next, new]))
    except ValueError as error:
        if "new" not in str(error):
            raise AssertionError(f"{name} refuses an unseen series but does not name it") from error
        return
    _assert_same(actual[: len(X_next)], expected, f"{name} changes series for an unseen one")


@ignore_warnings
def check_transform_equals_fit_transform(name, estimator):
    """Check that ``fit(X, y).transform(X)`` equals ``fit_transform(X, y)`` (rule 2)."""
    X, y = _panel()
    y = _target(estimator, y)
    expected = _keyed(estimator).fit(X, y).transform(X)
    actual = _keyed(estimator).fit_transform(X, y)
    _assert_same(_as_array(actual), _as_array(expected), f"{name}.fit_transform differs")


@ignore_warnings
def check_training_tail_is_remembered(name, estimator):
    """Check that test rows reach into the training tail (rule 3)."""
    if get_tags(estimator).target_tags.required:
        return  # the last targets of a whole table are not known in a split one
    X, y = _panel()
    X_past, y_past, X_next = _split(X, y)
    fitted = _keyed(estimator).fit(X_past, y_past)
    alone = _output(fitted, X_next)
    together = _output(fitted, pd.concat([X_past, X_next]))[len(X_past) :]
    _assert_same(alone, together, f"{name} forgets the training rows")


@ignore_warnings
def check_output_containers(name, estimator):
    """Check that ``set_output`` gives named columns on the index of the rows (rule 2)."""
    X, y = _panel()
    y = _target(estimator, y)
    plain = _as_array(_keyed(estimator).fit(X, y).transform(X))
    framed = _keyed(estimator).set_output(transform="pandas").fit(X, y)
    table = framed.transform(X)
    assert isinstance(table, pd.DataFrame), f"{name} ignores set_output"
    assert table.index.equals(X.index), f"{name} loses the index"
    assert list(table.columns) == list(framed.get_feature_names_out())
    _assert_same(table.to_numpy(dtype=float), plain.astype(float), f"{name} differs in pandas")
