"""Tables of every kind come in, and go out as ``set_output`` says."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from sklearn_tsrec.preprocessing import OutlierClipper, SeriesImputer, SeriesScaler

KEYS = {"group": "shop", "time": "day"}
TRANSFORMERS = [SeriesImputer(**KEYS), OutlierClipper(**KEYS), SeriesScaler("minmax", **KEYS)]
READ = {
    "pandas": lambda table: table.to_pandas(),
    "polars": lambda table: table,
    "arrow": lambda table: table.to_arrow(),
}


@pytest.fixture
def table():
    """Two shops with a missing price, and whole numbers that become floats."""
    days = pd.date_range("2024-01-01", periods=2).repeat(2).to_numpy()
    columns = {"shop": ["a", "b"] * 2, "day": days, "price": [1.0, 2, 3, None], "sold": range(4)}
    return pl.DataFrame(columns)


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
def test_output_is_typed_whatever_comes_in(transformer, kind, table):
    X = READ[kind](table)
    expected = clone(transformer).fit(table).transform(table)
    pandas = clone(transformer).set_output(transform="pandas").fit(X).transform(X)
    assert isinstance(pandas, pd.DataFrame)
    assert pandas["day"].dtype.kind == "M"
    assert (pandas[["price", "sold"]].dtypes == np.float64).all()
    assert pandas["shop"].tolist() == ["a", "b"] * 2
    polars = clone(transformer).set_output(transform="polars").fit(X).transform(X)
    assert isinstance(polars, pl.DataFrame)
    for out in (pandas, polars):
        np.testing.assert_array_equal(
            out[["price", "sold"]].to_numpy(), expected[["price", "sold"]].to_numpy()
        )
    assert type(clone(transformer).fit_transform(X)) is type(X)
