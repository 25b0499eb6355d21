"""SktimeTransformer: what sktime makes of each series, on keyed tables with all rows kept."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sktime.transformations.bootstrap import STLBootstrapTransformer
from sktime.transformations.difference import Differencer
from sktime.transformations.impute import Imputer
from sktime.transformations.lag import Lag
from sktime.transformations.summarize import SummaryTransformer, WindowSummarizer

from sklearn_tsrec import LagFeatures, PanelTimeSeriesSplit
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.sktime import SktimeTransformer


def table(**options):
    """Return a panel, rows in no order."""
    X, y = make_panel(3, 20, random_state=0, effects=(1.0, 0.5), **options)
    keep = np.random.default_rng(0).permutation(len(X))
    return X.iloc[keep], y.iloc[keep]


@pytest.mark.parametrize("freq", ["D", "MS", "B", "15min"])
def test_features_are_those_of_sktime_series_by_series(freq):
    X, _ = table(freq=freq)
    summarizer = WindowSummarizer(lag_feature={"lag": [1], "mean": [[1, 3]]}, target_cols=["x0"])
    transformer = SktimeTransformer(summarizer).set_output(transform="pandas")
    features = transformer.fit_transform(X)
    assert features.index.equals(X.index)
    assert list(features) == ["x0_lag_1", "x0_mean_1_3", "x1"]
    for series in range(3):
        one = X.xs(series).sort_index().reset_index(drop=True)
        want = summarizer.clone().fit_transform(one)
        np.testing.assert_allclose(features.xs(series).sort_index(), want, rtol=1e-12)


def test_it_sees_the_end_of_training():
    X, _ = table()
    old = X.index.get_level_values(-1) < pd.Timestamp("2024-01-15")
    transformer = SktimeTransformer(Lag(3)).fit(X[old])
    want = LagFeatures([3]).fit(X[old]).transform(X[~old])
    np.testing.assert_array_equal(transformer.transform(X[~old]), want)


def test_features_of_a_whole_series_stand_in_each_of_its_rows():
    X, _ = table()
    transformer = SktimeTransformer(SummaryTransformer("mean", quantiles=None))
    transformer.set_output(transform="pandas")
    means = transformer.fit_transform(X)
    np.testing.assert_allclose(means.to_numpy(), X.groupby(level=0).transform("mean"))


def test_what_the_fit_learns_comes_from_training_alone():
    X, _ = table(missing=0)
    X = X.sort_index()
    old = X.index.get_level_values(-1) < pd.Timestamp("2024-01-15")
    X.loc[X[old].index[2], "x0"] = np.nan
    X.loc[X[~old].index[2], "x0"] = np.nan
    imputed = SktimeTransformer(Imputer("mean")).fit(X[old]).transform(X[~old])
    assert imputed[2, 0] == pytest.approx(X[old].loc[0, "x0"].mean())


def test_it_works_in_pipelines_unions_and_searches():
    X, _ = table()
    y = X["x0"].rename("y")
    pipe = make_pipeline(
        make_union(SktimeTransformer(Lag(1)), SktimeTransformer(Differencer())),
        SktimeTransformer(Imputer("constant", value=0.0)),
        LinearRegression(),
    ).set_output(transform="pandas")
    name = "featureunion__sktimetransformer-1__transformer__lags"
    search = GridSearchCV(
        pipe, {name: [0, 1]}, cv=PanelTimeSeriesSplit(2, horizon=3), error_score="raise"
    )
    assert search.fit(X, y).best_params_ == {name: 0}
    assert clone(pipe).get_params()[name] == 1


def test_holes_and_unknown_series():
    X, _ = table()
    gone = X.drop([(0, pd.Timestamp("2024-01-05"))])
    with pytest.raises(ValueError, match="column 'x0' is missing in series 0 at 2024-01-05"):
        SktimeTransformer(Differencer()).fit(gone)
    lagged = SktimeTransformer(Lag(1)).set_output(transform="pandas").fit(gone).transform(gone)
    assert np.isnan(lagged.loc[(0, pd.Timestamp("2024-01-06"))]).all()
    new = X.rename(index={2: 9})
    features = SktimeTransformer(Lag(0)).fit(X).transform(new)
    assert np.isnan(features[new.index.get_level_values(0) == 9]).all()
    known = new.index.get_level_values(0) != 9
    np.testing.assert_array_equal(features[known], X[known])


def test_events_are_counted():
    X = pd.DataFrame({"t": [0.1, 5.0, 7.0], "value": [1.0, 2.0, 4.0]})
    transformer = SktimeTransformer(Lag(1), time="t", freq=None).fit(X)
    np.testing.assert_array_equal(transformer.transform(X).ravel(), [np.nan, 1, 2])
    later = pd.DataFrame({"t": [9.0], "value": [0.0]})
    np.testing.assert_array_equal(transformer.transform(later), [[4.0]])


def test_what_belongs_to_no_row_is_refused():
    X, _ = table()
    with pytest.raises(ValueError, match="STLBootstrapTransformer makes several series"):
        SktimeTransformer(STLBootstrapTransformer(sp=7)).fit(X)
    with pytest.raises(ValueError, match="no column to transform"):
        SktimeTransformer().fit(X[[]])
