"""Moments on the clock of a recommender: how long ago events were, and when a list is made."""

import pandas as pd

from sklearn_tsrec._times import parse_duration, read_times, show

DAY = 86_400_000_000  # microseconds


def read_half_life(recommender):
    """Return the half-life in the unit of the times that a recommender remembers."""
    half_life, frequency = recommender.half_life, recommender.frequency_
    if frequency is not None:
        return frequency.steps(half_life, "half_life") if isinstance(half_life, str) else half_life
    kind = recommender._clock[0]
    half_life = read_length(half_life, kind, "half_life")
    return half_life / DAY if kind == "datetime" else half_life


def read_length(length, kind, name):
    """Return a length of time, such as ``"30D"``, in the unit of the clock."""
    if isinstance(length, str) != (kind == "datetime"):
        raise ValueError(
            f"{name}={show(length)} does not fit times that are {kind}s: give a duration such as "
            "'30D' for datetimes, and a number in their unit for all others."
        )
    return parse_duration(length, name) if isinstance(length, str) else length


def read_time(recommender, at):
    """Return one time as :class:`Times`, read as training times were."""
    kind = recommender._clock[0]
    at = pd.Timestamp(at) if isinstance(at, str) and kind == "datetime" else at
    return read_times(pd.Index([at]), "at").like(*recommender._clock, name="at")


def read_moment(recommender, at):
    """Return one time as a tick."""
    times = read_time(recommender, at)
    if recommender.frequency_ is None:
        return times.sortable(recommender._whole_clock)[0]
    return recommender.frequency_.ticks(times, "at")[0]
