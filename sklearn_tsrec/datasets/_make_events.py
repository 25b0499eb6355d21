from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, check_scalar

from sklearn_tsrec._typing import Seed

_CHUNK = 2_000_000  # choices of items are drawn in blocks of about this many cells


def make_events(
    n_users: int = 100,
    n_items: int = 50,
    n_events: int = 2000,
    *,
    n_tastes: int = 4,
    taste: float = 1.0,
    skew: float = 1.0,
    drift: float = 0.0,
    repeat: float = 0.0,
    start: str = "2024-01-01",
    duration: str = "90D",
    random_state: Seed = None,
) -> pd.DataFrame:
    """Make a log of events of users with tastes, items with trends, and repeated choices.

    With probability ``repeat`` an event repeats one of the user's earlier events, each equally
    likely. Otherwise user u chooses item i, at the share s of the duration (0 to 1), with a
    probability in proportion to ::

        exp(-skew * log(i + 1) + taste * a[u] @ b[i] / sqrt(n_tastes) + drift * s * d[i])

    where the tastes a, the features b of items and their trends d are drawn from N(0, 1).

    Parameters
    ----------
    n_users : int, default=100
        Number of users. Each has an event if there are as many events as users; some users are
        several times as active as others.
    n_items : int, default=50
        Number of items; item 0 is the most popular one to begin with.
    n_events : int, default=2000
        Number of events.
    n_tastes : int, default=4
        Number of dimensions in which users and items differ.
    taste : float, default=1.0
        Strength of personal taste; with 0 all users choose alike.
    skew : float, default=1.0
        How popularity falls with the rank of an item; 0 makes all items equally popular.
    drift : float, default=0.0
        Strength of the trends in the popularity of items over the duration.
    repeat : float, default=0.0
        Probability that an event repeats an earlier one of its user.
    start : str, default="2024-01-01"
        When the log begins.
    duration : str, default="90D"
        How long it lasts. Events are spread uniformly, to the second.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws.

    Returns
    -------
    events : pandas.DataFrame of shape (n_events, 3)
        Columns ``user``, ``item`` and ``time``, in order of time.

    Raises
    ------
    ValueError
        If a number is out of its range.

    See Also
    --------
    make_panel : Series with known effects.

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import make_events
    >>> events = make_events(3, 5, 4, random_state=0)
    >>> events
       user  item                time
    0     0     2 2024-01-10 04:25:00
    1     1     2 2024-01-15 12:25:42
    2     1     0 2024-01-19 19:10:25
    3     2     3 2024-02-28 18:42:50
    >>> X, y = as_panel(events, group="user", time="time", target="item")
    """
    for name, count in (
        ("n_users", n_users),
        ("n_items", n_items),
        ("n_events", n_events),
        ("n_tastes", n_tastes),
    ):
        check_scalar(count, name, Integral, min_val=1)
    for name, strength in (("taste", taste), ("skew", skew), ("drift", drift)):
        check_scalar(strength, name, Real, min_val=0)
    check_scalar(repeat, "repeat", Real, min_val=0, max_val=1, include_boundaries="left")
    rng = check_random_state(random_state)
    tastes = rng.standard_normal((n_users, n_tastes))
    features = rng.standard_normal((n_tastes, n_items))
    trends = rng.standard_normal(n_items)
    popularity = -skew * np.log(np.arange(1, n_items + 1))

    activity = rng.standard_gamma(1.0, n_users)
    more = max(n_events - n_users, 0)
    extra = rng.choice(n_users, size=more, p=activity / activity.sum())
    user = rng.permutation(np.concatenate([rng.permutation(n_users)[:n_events], extra]))
    share = np.sort(rng.random_sample(n_events))

    item = np.empty(n_events, dtype=np.int64)
    rows = max(_CHUNK // n_items, 1)
    for first in range(0, n_events, rows):
        part = slice(first, first + rows)
        utility = popularity + taste / np.sqrt(n_tastes) * (tastes[user[part]] @ features)
        utility += drift * share[part, None] * trends
        # The largest of utilities with Gumbel noise is a draw from their softmax.
        item[part] = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)

    item = item[_copied_events(user, repeat, rng)]
    seconds = (share * pd.Timedelta(duration).total_seconds()).astype("m8[s]")
    return pd.DataFrame({"user": user, "item": item, "time": pd.Timestamp(start) + seconds})


def _copied_events(user, repeat, rng):
    """Return, for each event, the event whose item it takes: itself, or an earlier one."""
    order = np.argsort(user, kind="stable")
    first = np.searchsorted(user[order], user[order])
    place = np.arange(len(user)) - first  # how many events of the user came before
    earlier = first + (rng.random_sample(len(user)) * place).astype(np.int64)
    source = np.arange(len(user))
    copies = (rng.random_sample(len(user)) < repeat) & (place > 0)
    source[copies] = earlier[copies]
    # An earlier event may be a copy itself: follow all chains at once, doubling their length.
    while (source != (further := source[source])).any():
        source = further
    copied = np.empty_like(source)
    copied[order] = order[source]
    return copied
