import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sklearn_tsrec.preprocessing import SeriesScaler
from tests.preprocessing.tables import DAYS, panels, polars_of

PEERS = {"standard": StandardScaler, "robust": RobustScaler, "minmax": MinMaxScaler}


@given(panels(), panels(), st.sampled_from(list(PEERS)))
@settings(max_examples=80)
def test_each_series_is_scaled_as_scikit_learn_would(train, test, method):
    if train["x"].isna().all():
        return
    scaler = SeriesScaler(method).fit(train)
    out = scaler.transform(test)
    for series, rows in test.groupby(level="s"):
        own = train[train.index.get_level_values("s") == series]
        own = own if own["x"].notna().any() else train  # unseen: pooled values
        peer = PEERS[method]().fit(own.to_numpy())
        expected = peer.transform(rows.to_numpy())
        np.testing.assert_allclose(out.loc[rows.index], expected, atol=1e-9)
    back = scaler.inverse_transform(out)
    pd.testing.assert_frame_equal(back, test, atol=1e-9)


@pytest.mark.parametrize("method", PEERS)
def test_constant_series_have_scale_one(method):
    X = pd.DataFrame({"x": [0.1] * 7}, index=DAYS[:7])
    scaler = SeriesScaler(method).fit(X)
    assert (scaler.transform(X)["x"] == 0).all()
    assert (scaler.scale_ == 1).all()


def test_key_columns_pass_untouched():
    X = pd.DataFrame({"s": ["a", "a", "b"], "t": DAYS[:3], "x": [1.0, 3.0, 7.0]})
    scaler = SeriesScaler(group="s", time="t").set_output(transform="pandas")
    out = scaler.fit_transform(X)
    pd.testing.assert_frame_equal(out, X.assign(x=[-1.0, 1.0, 0.0]))
    out = SeriesScaler(group="s", time="t").fit_transform(polars_of(X.set_index(["s", "t"])))
    assert out["x"].to_list() == [-1, 1, 0]
    array = SeriesScaler(group=0, time=1).fit_transform([[0, 5, 1.0], [0, 6, 3.0], [1, 5, 7.0]])
    np.testing.assert_array_equal(array, [[0, 5, -1], [0, 6, 1], [1, 5, 0]])


def test_a_column_without_values_stays_missing():
    X = pd.DataFrame({"x": [np.nan, np.nan]}, index=DAYS[:2])
    assert SeriesScaler().fit_transform(X)["x"].isna().all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method": "log"}, "method"),
        ({"columns": "y"}, "unknown column 'y'"),
        ({"group": "s"}, "unknown column 's'"),
        ({"group": []}, "names no column"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        SeriesScaler(**params).fit(pd.DataFrame({"x": range(14)}, index=DAYS))
