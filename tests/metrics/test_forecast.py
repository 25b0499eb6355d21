import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec import metrics

rng = np.random.default_rng(0)
Y = rng.normal(5, 2, 60)
F = Y + rng.normal(0, 1, 60)
LABELS = rng.choice(["a", "b", "c"], 60)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.mean_absolute_error, sklearn.metrics.mean_absolute_error),
        (metrics.root_mean_squared_error, sklearn.metrics.root_mean_squared_error),
        (metrics.mean_absolute_percentage_error, sklearn.metrics.mean_absolute_percentage_error),
        (metrics.mean_pinball_loss, sklearn.metrics.mean_pinball_loss),
    ],
)
def test_equals_scikit_learn_over_rows_and_within_each_series(ours, theirs):
    assert ours(Y, F) == pytest.approx(theirs(Y, F))
    per_series = ours(Y, F, groups=LABELS, average=None)
    table = pd.DataFrame({"y": Y, "f": F}).groupby(LABELS)
    expected = pd.Series({name: theirs(part.y, part.f) for name, part in table})
    pd.testing.assert_series_equal(per_series, expected)
    assert ours(Y, F, groups=LABELS, average="series") == pytest.approx(expected.mean())


def test_relative_errors_by_hand():
    assert metrics.symmetric_mean_absolute_percentage_error([1, 0, -1], [3, 0, 1]) == pytest.approx(
        (1 + 0 + 2) / 3
    )
    assert metrics.weighted_absolute_percentage_error([1, -3, 0], [2, -1, 1]) == 1.0
    per_series = metrics.weighted_absolute_percentage_error(
        [1, -3, 5], [2, -1, 5], groups=[7, 7, 3], average=None
    )
    assert per_series.to_dict() == {3: 0.0, 7: 0.75}


def test_several_key_columns_give_a_multiindex():
    keys = pd.DataFrame({"shop": ["x", "x", "y"], "item": [1, 2, 1]})
    for groups in (keys, pd.MultiIndex.from_frame(keys)):
        per_series = metrics.mean_absolute_error([1, 2, 3], [1, 1, 1], groups=groups, average=None)
        assert per_series.index.names == ["shop", "item"]
        assert per_series.to_dict() == {("x", 1): 0.0, ("x", 2): 1.0, ("y", 1): 2.0}


def test_groups_are_taken_by_position_whatever_their_index():
    shops = pd.Series(["a", "b"], index=[5, 9], name="shop")
    for groups in (shops, pd.Index(shops)):
        per_series = metrics.mean_absolute_error([1, 2], [1, 1], groups=groups, average=None)
        assert per_series.index.name == "shop"
        assert per_series.to_dict() == {"a": 0.0, "b": 1.0}


@pytest.mark.parametrize("squared", [False, True])
@given(
    sizes=st.lists(st.integers(0, 7), min_size=1, max_size=4).filter(any),
    period=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_seasonal_naive_scale_equals_a_loop(squared, sizes, period, seed):
    rng = np.random.default_rng(seed)
    series = {name: rng.normal(size=n) for name, n in zip("abcd", sizes) if n}
    for values in series.values():
        values[rng.random(len(values)) < 0.2] = np.nan
    table = pd.DataFrame(
        [(name, t, v) for name, values in series.items() for t, v in enumerate(values)],
        columns=["name", "t", "v"],
    ).sample(frac=1, random_state=seed)
    expected = {}
    for name, values in series.items():
        steps = [values[i] - values[i - period] for i in range(period, len(values))]
        steps = np.array([d for d in steps if d == d])
        mean = np.mean(steps**2 if squared else abs(steps)) if len(steps) else np.nan
        expected[name] = np.sqrt(mean) if squared else mean
    got = metrics.seasonal_naive_scale(
        table.v, groups=table.name, period=period, time=table.t, squared=squared
    )
    pd.testing.assert_series_equal(got, pd.Series(expected), check_names=False)


def test_scaled_errors_by_hand():
    scale = pd.Series({"a": 2.0, "b": 4.0})
    arguments = {"groups": ["b", "a", "a"], "scale": scale}
    mase, rmsse = metrics.mean_absolute_scaled_error, metrics.root_mean_squared_scaled_error
    assert mase([4, 2, 0], [0, 0, 6], **arguments) == pytest.approx((1 + 1 + 3) / 3)
    assert mase([4, 2, 0], [0, 0, 6], **arguments, average="series") == pytest.approx(1.5)
    assert rmsse([4, 2, 0], [0, 0, 6], **arguments, average=None).to_dict() == {
        "a": pytest.approx(np.sqrt(5)),
        "b": 1.0,
    }
    assert mase([4, 2], [0, 0], scale=[2, 4]) == 1.25
    assert mase([4, 2], [0, 0], scale=2) == 1.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.mean_absolute_error([], []), "y_true is empty"),
        (lambda: metrics.mean_absolute_error([1, np.nan, 2], [1, 2, 3]), "1 rows with missing"),
        (lambda: metrics.mean_absolute_error([1, 2], [np.inf, 2]), "y_pred has 1 rows"),
        (lambda: metrics.mean_absolute_error([1, 2], [1]), "2 rows and y_pred has 1"),
        (lambda: metrics.mean_absolute_error([[1, 2]], [[1, 2]]), "must have shape"),
        (lambda: metrics.mean_absolute_error([1], [1], average="series"), "needs groups="),
        (lambda: metrics.mean_absolute_error([1], [1], average="rows"), "average must be"),
        (
            lambda: metrics.mean_absolute_error([1, 2], [1, 2], groups=["a", None], average=None),
            "missing labels",
        ),
        (lambda: metrics.mean_absolute_error([1, 2], [1, 2], groups=["a"]), "1 labels for 2"),
        (lambda: metrics.mean_absolute_percentage_error([0, 1], [1, 1]), r"y_true is 0 \(1 rows"),
        (lambda: metrics.weighted_absolute_percentage_error([0, 0], [1, 1]), "is 0"),
        (
            lambda: metrics.weighted_absolute_percentage_error(
                [0, 1], [1, 1], groups=["a", "b"], average=None
            ),
            r"1 series \('a'\)",
        ),
        (
            lambda: metrics.mean_absolute_scaled_error(
                [1, 1], [1, 2], groups=["a", "b"], scale=pd.Series({"a": 0.0})
            ),
            r"2 series have no positive scale \('a', 'b'\)",
        ),
        (
            lambda: metrics.mean_absolute_scaled_error([1], [1], scale=pd.Series({"a": 1.0})),
            "give groups=",
        ),
        (
            lambda: metrics.mean_absolute_scaled_error(
                [1], [1], groups=["a"], scale=pd.Series([1.0, 2.0], ["a", "a"])
            ),
            "twice",
        ),
        (lambda: metrics.mean_absolute_scaled_error([1], [1], scale=0.0), "positive"),
        (lambda: metrics.mean_absolute_scaled_error([1], [1], scale=[1, 2]), "shape"),
        (lambda: metrics.seasonal_naive_scale([1, 2], period=0), "period"),
        (lambda: metrics.seasonal_naive_scale([]), "n_samples > 0"),
        (lambda: metrics.seasonal_naive_scale([1, 2], time=[1]), "time has shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
