"""Random ragged panels for the tests of this room."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

DAYS = pd.date_range("2024-01-01", periods=14)


@st.composite
def panels(draw, values=(np.nan, np.nan, 0.0, 1.0, 2.0, 5.0, 40.0)):
    """Two series with holes, in any order."""
    keys = st.tuples(st.sampled_from("ab"), st.integers(0, 13))
    keys = draw(st.lists(keys, min_size=1, max_size=24, unique=True))
    index = pd.MultiIndex.from_tuples([(s, DAYS[d]) for s, d in keys], names=["s", "t"])
    values = draw(st.lists(st.sampled_from(values), min_size=len(keys), max_size=len(keys)))
    return pd.DataFrame({"x": values}, index=index)


def grid(frame, series):
    """One series on all days: a plain array."""
    x = frame["x"]
    return np.array([x.get((series, day), np.nan) for day in DAYS])


def polars_of(frame):
    """The same table in polars, with keys in columns."""
    import polars

    columns = frame.reset_index()
    return polars.DataFrame({c: columns[c].to_numpy() for c in columns})
