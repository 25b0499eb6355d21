import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from sklearn_tsrec.features import WindowStatistics

ALL = [
    *("mean", "sum", "std", "min", "max", "median", "q10", "q97.5", "count", "nonzero_share"),
    *("slope", "skew", "last", "recency", "time_since"),
]


def slow(window):
    """Every statistic of one window, in the order of ALL."""
    at = np.flatnonzero(~np.isnan(window))
    x = window[at]
    n = len(x)
    series = pd.Series(x)
    varied = n > 0 and x.min() < x.max()
    nonzero = at[x != 0]
    return [
        series.mean(),
        x.sum() if n else np.nan,
        series.std(),
        series.min(),
        series.max(),
        series.median(),
        series.quantile(0.1),
        series.quantile(0.975),
        n,
        (x != 0).mean() if n else np.nan,
        stats.linregress(at, x).slope if n > 1 else np.nan,
        stats.skew(x, bias=False) if n > 2 and varied else np.nan,
        x[-1] if n else np.nan,
        len(window) - at[-1] if n else np.nan,
        len(window) - nonzero[-1] if len(nonzero) else np.nan,
    ]


@given(
    arrays(
        float,
        st.tuples(st.integers(1, 4), st.integers(1, 8)),
        elements=st.sampled_from([np.nan, 0.0, 1.0, 2.5, -3.0, 0.1, 7.0]),
    ),
    st.data(),
)
@settings(max_examples=80)
def test_equals_a_slow_reference(X, data):
    size = data.draw(st.integers(1, X.shape[1]))
    actual = WindowStatistics(ALL, sizes=[size]).fit_transform(X)
    expected = [slow(window[len(window) - size :]) for window in X]
    np.testing.assert_allclose(actual, expected, atol=1e-9)


def test_equal_values_do_not_vary():
    out = WindowStatistics(["std", "skew", "slope"]).fit_transform(np.full((1, 7), 0.1))
    np.testing.assert_array_equal(out, [[0.0, np.nan, 0.0]])


def test_names_follow_the_grammar():
    features = WindowStatistics(["mean", "q10"], sizes=[2, 3]).fit(np.zeros((1, 3)))
    names = ["x__mean2", "x__q10_2", "x__mean3", "x__q10_3"]
    assert features.get_feature_names_out().tolist() == names


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"statistics": "middle"}, "statistics holds 'middle'"),
        ({"statistics": ["q100"]}, "statistics holds 'q100'"),
        ({"statistics": []}, "statistics is empty"),
        ({"statistics": ["mean", "mean"]}, "repeat a feature"),
        ({"sizes": 0}, "sizes holds 0"),
        ({"sizes": [1.5]}, "sizes holds 1.5"),
        ({"sizes": [4]}, "sizes holds 4"),
        ({"sizes": []}, "sizes is empty"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        WindowStatistics(**params).fit(np.zeros((2, 3)))


def test_infinite_values_raise():
    with pytest.raises(ValueError, match="infinity"):
        WindowStatistics().fit([[np.inf, 1.0]])
