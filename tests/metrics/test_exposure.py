import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.metrics import exposure_ratio

rng = np.random.default_rng(0)
LABEL = pd.Series(rng.choice(list("abc"), 12), [f"i{j}" for j in range(12)])
LISTS = pd.DataFrame(
    [
        (u, r, LABEL.index[j])
        for u in range(30)
        for r, j in enumerate(rng.choice(12, rng.integers(1, 6), replace=False), 1)
    ],
    columns=["user", "rank", "item"],
).sample(frac=1, random_state=0)


def test_equals_a_loop_over_rows():
    shown = dict.fromkeys("abc", 0.0)
    for row in LISTS.itertuples():
        if row.rank <= 3:
            shown[LABEL[row.item]] += 1 / np.log2(1 + row.rank) / (LABEL[row.item] == LABEL).sum()
    expected = min(shown.values()) / max(shown.values())
    got = exposure_ratio(LISTS, attribute=LABEL.sample(frac=1, random_state=1), k=3)
    assert got == pytest.approx(expected)


def test_equal_and_missing_groups():
    lists = pd.DataFrame({"user": [1, 2], "rank": [1, 1], "item": ["i0", "i1"]})
    assert exposure_ratio(lists, attribute=pd.Series({"i0": "a", "i1": "b"})) == 1
    assert exposure_ratio(lists, attribute=pd.Series({"i0": "a", "i1": "a", "i2": "b"})) == 0


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (LABEL[:5], "attribute lacks"),
        (LABEL.where(LABEL != "a"), "is missing for"),
        (pd.concat([LABEL, LABEL]), "twice"),
    ],
)
def test_bad_labels_are_named(attribute, message):
    with pytest.raises(ValueError, match=message):
        exposure_ratio(LISTS, attribute=attribute)
