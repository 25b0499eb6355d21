from importlib import resources

import pandas as pd
import pytest

from sklearn_tsrec import as_panel
from sklearn_tsrec.datasets import (
    load_bike_sharing,
    load_fx_monthly,
    load_international_football,
)

LOADERS = [load_bike_sharing, load_fx_monthly, load_international_football]


@pytest.mark.parametrize("load", LOADERS)
def test_bunches_have_the_parts_of_scikit_learn(load):
    bunch = load()
    target = bunch.target_names[0]
    assert [*bunch.feature_names, target] == bunch.frame.columns.tolist()
    pd.testing.assert_frame_equal(bunch.data, bunch.frame[bunch.feature_names])
    pd.testing.assert_series_equal(bunch.target, bunch.frame[target])
    assert not bunch.frame.isna().any().any()
    assert "Licence" in bunch.DESCR
    for column in bunch.frame.columns:
        assert column in bunch.DESCR


def test_bike_sharing_values():
    frame = load_bike_sharing().frame
    assert frame.shape == (17544, 9)
    assert frame["hires"].sum() == 3_294_677
    assert (frame["time"].diff().dropna() == pd.Timedelta("1h")).all()
    assert set(frame["weather"]) == {"clear", "mist", "rain"}


def test_fx_values():
    frame = load_fx_monthly().frame
    assert frame.shape == (8240, 3)
    assert (frame["rate"] > 0).all()
    X, y = as_panel(frame, group="country", time="month", target="rate")
    assert y[("Brazil", pd.Timestamp("2026-06-01"))] == 5.1241
    ends = frame.groupby("country")["month"].max()
    assert (ends == pd.Timestamp("2026-06-01")).all()
    months = frame["month"].dt.year * 12 + frame["month"].dt.month
    assert (months.groupby(frame["country"]).diff().dropna() == 1).all()
    assert X.shape[1] == 0


def test_football_shows_each_match_from_both_sides():
    football = load_international_football()
    frame, matches = football.frame, football.matches
    assert frame.shape == (99040, 8)
    home, away = frame.iloc[::2].reset_index(), frame.iloc[1::2].reset_index()
    for mine, theirs in ((home, away), (away, home)):
        assert (mine["team"] == theirs["opponent"]).all()
        assert (mine["goals"] == theirs["opponent_goals"]).all()
        assert (mine["date"] == theirs["date"]).all()
    assert (home["team"] == matches["home_team"]).all()
    assert (away["goals"] == matches["away_score"]).all()
    assert (home["venue"].eq("neutral") == matches["neutral"]).all()
    assert away["venue"].isin(["away", "neutral"]).all()
    final = frame[(frame["date"] == "1966-07-30") & (frame["team"] == "England")].squeeze()
    assert (final["goals"], final["opponent"], final["opponent_goals"]) == (4, "Germany", 2)


def test_the_files_fit_into_a_wheel_and_name_their_licences():
    folder = resources.files("sklearn_tsrec.datasets") / "data"
    sizes = {f.name: len(f.read_bytes()) for f in folder.iterdir()}
    assert sum(sizes.values()) < 4_000_000
    licences = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    for name in sizes:
        if name.endswith(".csv.gz"):
            stem = name.removesuffix(".csv.gz")
            shared = "complete_journey_*" if stem.startswith("complete_journey") else stem
            assert shared in licences
