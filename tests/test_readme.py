"""What the README shows must run as it stands."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run(block):
    names = {}
    exec(compile(block, str(README), "exec"), names)
    return names


def test_forecasting_gives_a_number_per_row_and_an_error_per_fold():
    names = run(BLOCKS[0])
    assert len(names["forecast"]) == len(names["test"])
    assert np.isfinite(names["forecast"]).all()
    naive = names["y"].groupby("category").shift(4).iloc[names["test"]]
    assert names["error"] < np.abs(names["y"].iloc[names["test"]] - naive).mean()


def test_recommending_gives_ranked_lists():
    names = run(BLOCKS[1])
    lists, y = names["lists"], names["y"]
    assert lists.columns.tolist() == ["household", "rank", "item", "score", "source"]
    assert set(lists["item"]) <= set(y)
    ranks = lists.groupby("household")["rank"].agg(list)
    assert (ranks.map(lambda r: r == list(range(1, 11)))).all()
    assert 0 < names["ndcg"] < 1


def test_intervals_of_a_stack_hold_what_they_promise():
    names = run(BLOCKS[2])
    truth = names["y"].iloc[names["test"]].to_numpy()
    inside = (truth >= names["low"]) & (truth <= names["high"])
    assert 0.85 < inside.mean() < 0.95
    assert (names["low"] < names["forecast"]).all()


def test_the_causal_selector_keeps_the_drivers_alone():
    names = run(BLOCKS[3])
    role = names["series"].role
    kept = {name.split("__")[1] for name in names["kept"]} - {"y"}
    assert kept == set(role.index[role == "driver"])


@pytest.mark.parametrize("block", BLOCKS[4:])
def test_everything_else_runs(block):
    names = run(block)
    scores = names["search"].cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert isinstance(names["X"].index, pd.MultiIndex)
