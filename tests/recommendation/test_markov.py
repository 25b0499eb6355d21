import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy import sparse

from sklearn_tsrec.recommendation import MarkovClassifier

NAN = np.nan
WINDOWS = st_numpy.arrays(
    float, st.tuples(st.integers(1, 10), st.just(3)), elements=st.sampled_from([NAN, 0, 1, 2])
)


def tail(window, length):
    """Return the last items of a window, or None if it has fewer."""
    items = [item for item in window if not np.isnan(item)]
    return tuple(items[-length:]) if len(items) >= length else None


@settings(max_examples=60)
@given(WINDOWS, st.randoms(use_true_random=False), st.floats(0.1, 20), st.sampled_from([1, 2]))
def test_counts_back_off(X, random, smoothing, order):
    y = np.array([random.randrange(3) for _ in X])
    weight = np.array([random.uniform(0.1, 2) for _ in X])
    model = MarkovClassifier(order, smoothing=smoothing).fit(X, y, weight)
    asked = np.vstack([X, [[NAN, 1, 77], [0, NAN, NAN], [NAN, NAN, NAN]]])
    proba = model.predict_proba(asked)
    for window, given_proba in zip(asked, proba, strict=True):
        expected = np.array([weight[y == i].sum() for i in model.classes_]) / weight.sum()
        for length in range(1, order + 1):
            memory = tail(window, length)
            same = np.array([memory is not None and tail(row, length) == memory for row in X])
            count = np.array([weight[same & (y == i)].sum() for i in model.classes_])
            expected = (count + smoothing * expected) / (count.sum() + smoothing)
        np.testing.assert_allclose(given_proba, expected, atol=1e-12)


def test_second_order_tells_apart_what_the_first_cannot():
    X, y = [[1, 2], [3, 2]] * 4, [5, 6] * 4
    asked = [[1, 2], [3, 2]]
    assert MarkovClassifier(2, smoothing=0.1).fit(X, y).predict(asked).tolist() == [5, 6]
    first = MarkovClassifier(smoothing=0.1).fit(X, y).predict_proba(asked)
    np.testing.assert_allclose(first, 0.5)


@pytest.mark.parametrize(
    ("model", "name"),
    [(MarkovClassifier(3), "order"), (MarkovClassifier(smoothing=0), "smoothing")],
)
def test_bad_parameters(model, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        model.fit([[1.0]], [1])


def test_sparse_rows_have_no_order():
    with pytest.raises(TypeError, match="dense data is required"):
        MarkovClassifier().fit(sparse.csr_array([[1.0, 0.0]]), [1])
