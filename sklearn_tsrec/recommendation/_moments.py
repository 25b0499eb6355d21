"""Moments on the clock of a recommender: how long ago events were, and when a list is made."""

import pandas as pd

from sklearn_tsrec._keys import _read_clock
from sklearn_tsrec._times import parse_duration, read_times, show


def half_lives(recommender, X, ticks):
    """Return the age of each event, in half-lives, at the latest training time."""
    half_life, frequency = recommender.half_life, recommender.frequency_
    if frequency is not None:
        if isinstance(half_life, str):
            half_life = frequency.steps(half_life, "half_life")
        return (ticks.max() - ticks) / half_life
    times, inverse = _read_clock(X, recommender.time)
    if isinstance(half_life, str) != (times.kind == "datetime"):
        raise ValueError(
            f"half_life={show(half_life)} does not fit times that are {times.kind}s: give a "
            "duration such as '30D' for datetimes, and a number in their unit for all others."
        )
    if isinstance(half_life, str):
        half_life = parse_duration(half_life, "half_life")
    return ((times.values.max() - times.values) / half_life)[inverse]


def read_moment(recommender, at):
    """Return one time as a tick."""
    kind = recommender._clock[0]
    at = pd.Timestamp(at) if isinstance(at, str) and kind == "datetime" else at
    times = read_times(pd.Index([at]), "at").like(*recommender._clock, name="at")
    if recommender.frequency_ is None:
        return times.sortable(recommender._whole_clock)[0]
    return recommender.frequency_.ticks(times, "at")[0]
