import numpy as np
import pandas as pd

from sklearn_tsrec.datasets._base import make_bunch, read_table

_OTHER_SIDE = {
    "home_team": "away_team",
    "away_team": "home_team",
    "home_score": "away_score",
    "away_score": "home_score",
}


def load_international_football():
    """Load results of football matches between national teams since 1872.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with

        frame : pandas.DataFrame of shape (99040, 8)
            One row for each team and match: ``date``, ``team``, ``opponent``, ``venue``,
            ``tournament``, ``country``, ``opponent_goals`` and ``goals``.
        data, target : pandas.DataFrame, pandas.Series
            The frame without ``goals``, and ``goals``.
        feature_names, target_names : list of str
            The columns of ``data``, and ``["goals"]``.
        matches : pandas.DataFrame of shape (49520, 8)
            One row for each match.
        DESCR : str
            Full description, with its licence (CC0 1.0) and its source.

    See Also
    --------
    sklearn_tsrec.as_panel : Moves team and date into the index.

    Notes
    -----
    Matches are events: build estimators with ``freq=None``.

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import load_international_football
    >>> football = load_international_football()
    >>> X, y = as_panel(football.frame, group="team", time="date", target="goals")
    >>> X.loc["Scotland", ["opponent", "venue"]].head(2)
               opponent venue
    date
    1872-11-30  England  home
    1873-03-08  England  away
    >>> y.loc["Scotland"].head(2).tolist()
    [0, 2]
    """
    matches = read_table("international_football", parse_dates=["date"])
    matches["neutral"] = matches["neutral"].astype(bool)
    home = np.where(matches["neutral"], "neutral", "home")
    away = np.where(matches["neutral"], "neutral", "away")
    sides = [
        matches.assign(venue=home),
        matches.rename(columns=_OTHER_SIDE).assign(venue=away),
    ]
    # Sorting by the number of the match keeps its two rows together, the home side first.
    frame = pd.concat(sides).sort_index(kind="stable").reset_index(drop=True)
    frame = frame.rename(
        columns={
            "home_team": "team",
            "away_team": "opponent",
            "home_score": "goals",
            "away_score": "opponent_goals",
        }
    )
    columns = ["date", "team", "opponent", "venue", "tournament", "country"]
    frame = frame[[*columns, "opponent_goals", "goals"]]
    return make_bunch("international_football", frame, "goals", matches=matches)
