import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.datasets import make_events


def test_popularity_follows_the_stated_law():
    events = make_events(10, 4, 40_000, taste=0.0, skew=1.0, random_state=0)
    share = events["item"].value_counts(normalize=True).sort_index()
    expected = 1 / np.arange(1, 5) / (1 / np.arange(1, 5)).sum()
    np.testing.assert_allclose(share, expected, atol=0.01)


def test_taste_makes_users_differ():
    def spread(taste):
        events = make_events(5, 10, 20_000, taste=taste, skew=0.0, random_state=1)
        return pd.crosstab(events["user"], events["item"], normalize="index").std().mean()

    assert spread(0.0) < 0.04
    assert spread(2.0) > 0.1


def test_drift_moves_popularity_over_time():
    def moved(drift):
        events = make_events(5, 10, 20_000, taste=0.0, skew=0.0, drift=drift, random_state=2)
        early = events["item"][:5_000].value_counts(normalize=True)
        late = events["item"][-5_000:].value_counts(normalize=True)
        return early.sub(late, fill_value=0).abs().sum()

    assert moved(0.0) < 0.1
    assert moved(3.0) > 0.3


def test_repeats_choose_among_the_users_own_earlier_events():
    # Among many equally likely items, a user meets an item again by repeating alone, or nearly so.
    events = make_events(20, 5000, 2_000, taste=0.0, skew=0.0, repeat=0.6, random_state=3)
    again = events.duplicated(["user", "item"])
    assert again.mean() == pytest.approx(0.6, abs=0.05)
    fresh = make_events(20, 5000, 2_000, taste=0.0, skew=0.0, random_state=3)
    assert fresh.duplicated(["user", "item"]).mean() < 0.03


def test_full_repetition_leaves_one_item_a_user():
    events = make_events(7, 50, 500, repeat=0.999999, random_state=4)
    assert (events.groupby("user")["item"].nunique() == 1).all()


def test_every_user_appears_and_time_runs_forward():
    events = make_events(100, 20, 150, start="2023-05-01", duration="10D", random_state=5)
    assert events["user"].nunique() == 100
    assert events["time"].is_monotonic_increasing
    assert events["time"].between("2023-05-01", "2023-05-11").all()
    assert make_events(100, 20, 30, random_state=5)["user"].nunique() == 30


def test_blocks_hold_enough_items_for_any_catalogue(monkeypatch):
    monkeypatch.setattr("sklearn_tsrec.datasets._make_events._CHUNK", 7)
    events = make_events(4, 10, 300, taste=0.0, skew=5.0, random_state=6)
    assert len(events) == 300
    assert events["item"].value_counts().idxmax() == 0


def test_the_seed_decides_everything():
    assert make_events(random_state=7).equals(make_events(random_state=7))
    assert not make_events(random_state=7).equals(make_events(random_state=8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_items": 0}, "n_items == 0, must be >= 1"),
        ({"repeat": 1.0}, "repeat == 1.0, must be < 1"),
        ({"taste": -0.5}, "taste == -0.5, must be >= 0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_events(**options)
