import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from sklearn_tsrec.model_selection import LeaveLastOut


@given(
    events=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=2, max_size=30),
    n_last=st.integers(1, 3),
)
@settings(max_examples=100)
def test_equals_a_slow_reference(events, n_last):
    X = pd.DataFrame(events, columns=["user", "time"])
    big = [u for u, n in X.user.value_counts().items() if n > n_last]
    assume(big)
    ((train, test),) = LeaveLastOut(n_last, group="user", time="time").split(X)
    assert sorted([*train, *test]) == list(range(len(X)))
    times = X.time.to_numpy()
    for user in X.user.unique():
        rows = np.flatnonzero(X.user == user)
        tested = np.intersect1d(rows, test)
        assert len(tested) == (n_last if user in big else 0)
        if len(tested):
            kept = np.intersect1d(rows, train)
            assert times[kept].max() <= times[tested].min()
            assert sorted(times[tested]) == sorted(times[rows])[-n_last:]


def test_ties_are_drawn_by_seed():
    X = pd.DataFrame({"x": range(10)}, pd.Index([0] * 10, name="time"))
    last = {next(LeaveLastOut(random_state=seed).split(X))[1][0] for seed in range(40)}
    assert len(last) > 5
    assert next(LeaveLastOut().split(X))[1] == next(LeaveLastOut().split(X))[1]


def test_works_as_cv():
    index = pd.MultiIndex.from_product([["a", "b"], range(5)], names=["user", "time"])
    X, y = pd.DataFrame({"x": 0.0}, index), np.tile([0, 1, 1, 1, 1], 2)
    assert cross_val_score(DummyClassifier(), X, y, cv=LeaveLastOut(2)).tolist() == [1.0]


@pytest.mark.parametrize(("n_last", "message"), [(0, "n_last must be"), (3, "no series has more")])
def test_bad_input_is_named(n_last, message):
    X = np.array([[0.0, 0.0, 0.0]]).T
    with pytest.raises(ValueError, match=message):
        next(LeaveLastOut(n_last, time=0).split(X))
