"""Which driver and lag a column of features stands for, read from its name."""

import re
from dataclasses import dataclass

from sklearn_tsrec.features._calendar import CYCLES, FLAGS, HOLIDAYS

# The grammar of our feature names: what comes after the last "__".
_LAG = re.compile(r"lag(\d+)")
_AHEAD = re.compile(r"ahead(\d+)")
_WINDOW = re.compile(
    r"(mean|sum|std|min|max|count|nonzero_share|slope|skew|median|quantile|q|ewm|recency|time_since"
    r"|expanding)[\w.]*"
)
_CLOCK = re.compile(rf"(sin|cos)[\w.]+_\d+|({'|'.join((*CYCLES, *FLAGS, *HOLIDAYS))})(_sin|_cos)?")


@dataclass(frozen=True)
class Driver:
    """What a column's name says.

    Attributes
    ----------
    name : str
        The driver: the column that the feature was made of, or the name itself.
    lag : int or None
        Steps back, where the name says it; below 0, steps ahead.
    kind : {"plain", "past", "clock"}
        A column as it is, made of the past of a column, or of the time alone.
    """

    name: str
    lag: int | None = None
    kind: str = "plain"


def read_driver(name):
    """Return the driver of a column, without the prefixes of FeatureUnion and ColumnTransformer."""
    *before, last = str(name).split("__")
    if not before:
        return Driver(last)
    lag = _LAG.fullmatch(last)
    if lag:
        return Driver(before[-1], lag=int(lag[1]), kind="past")
    ahead = _AHEAD.fullmatch(last)
    if ahead:
        return Driver(before[-1], lag=-int(ahead[1]))
    if _CLOCK.fullmatch(last):
        return Driver(before[-1], kind="clock")
    if _WINDOW.fullmatch(last):
        return Driver(before[-1], kind="past")
    return Driver(last)


def check_horizon(names, drivers, horizon, known_ahead):
    """Raise for a lag that is not known when the forecast is made."""
    for name, driver in zip(names, drivers):
        known = driver.name in known_ahead or name in known_ahead
        if driver.lag is not None and driver.lag < horizon and not known:
            raise ValueError(
                f"column {name!r} has lag {driver.lag}, below horizon={horizon}: it is not known "
                "when the forecast is made. Use lags from the horizon up, or say "
                f"known_ahead=[{driver.name!r}] if it is."
            )
