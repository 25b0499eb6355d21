"""Slow and obvious: the features of one row, by looking at every remembered value."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st


@st.composite
def panels(draw, max_series=3, max_time=14, repeats=False, min_size=2):
    """Draw shuffled rows (series, time, value) with holes and missing values."""
    key = st.tuples(st.integers(0, max_series - 1), st.integers(0, max_time))
    rows = draw(st.lists(key, min_size=min_size, max_size=36, unique=not repeats))
    value = st.one_of(st.just(np.nan), st.just(0.0), st.integers(-9, 9).map(float))
    values = draw(st.lists(value, min_size=len(rows), max_size=len(rows)))
    index = pd.MultiIndex.from_arrays(
        [[f"s{g}" for g, _ in rows], [t for _, t in rows]], names=["series", "time"]
    )
    return pd.DataFrame({"v": values}, index=index)


def statistic(name, times, values, now, half_life=None):
    """Return one statistic of values at ascending times."""
    known = ~np.isnan(values)
    times, values = np.asarray(times, dtype=float)[known], np.asarray(values)[known]
    s = pd.Series(values, dtype=float)
    if name == "count":
        return float(len(s))
    if not len(s):
        return np.nan
    if name == "nonzero_share":
        return (s != 0).mean()
    if name == "time_since":
        return now - times[values != 0][-1] if (values != 0).any() else np.nan
    if name == "recency":
        return now - times[-1]
    if name == "ewm":
        return np.average(values, weights=0.5 ** ((times[-1] - times) / half_life))
    if name == "slope":
        return np.polyfit(times, values, 1)[0] if len(s) > 1 else np.nan
    if name == "skew":
        return s.skew() if len(s) > 2 and s.nunique() > 1 else np.nan
    if name.startswith("q"):
        return s.quantile(float(name[1:]) / 100)
    return getattr(s, name)()


NEEDS_NONE = ("count", "time_since", "recency")
