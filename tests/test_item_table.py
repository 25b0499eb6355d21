"""A table of items is read as numbers and as labels."""

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec._item_table import item_labels, item_matrix

TABLE = pd.DataFrame(
    {"kind": ["x", None, "y"], "size": [1.5, 0.0, -2.0], "own": [True, False, True]},
    index=["c", "a", "b"],
)


def test_labels_become_columns_and_numbers_stay():
    got = item_matrix(TABLE, ["a", "b", "c", "b"]).toarray()
    kind = [[0, 0], [1, 0], [0, 1], [1, 0]]  # labels in order of appearance among these items
    expected = np.column_stack([kind, [0, -2, 1.5, -2], [0, 1, 1, 1]])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["category", "string", "object"])
def test_any_kind_of_text(dtype):
    got = item_matrix(TABLE[["kind"]].astype(dtype), ["b", "a"]).toarray()
    np.testing.assert_array_equal(got, [[1], [0]])


def test_nullable_numbers():
    table = pd.DataFrame({"size": pd.array([1, 2], dtype="Int64")}, index=["a", "b"])
    np.testing.assert_array_equal(item_matrix(table, ["b", "a"]).toarray(), [[2], [1]])
    table.loc["a", "size"] = pd.NA
    with pytest.raises(ValueError, match="column 'size' of item_features is missing .* for a"):
        item_matrix(table, ["b", "a"])


def test_labels_are_sorted():
    codes, labels = item_labels(TABLE, ["b", "c"], "kind")
    assert codes.tolist() == [1, 0]
    assert labels.tolist() == ["x", "y"]
    with pytest.raises(ValueError, match=r"kind is missing for a and 1 item\(s\)"):
        item_labels(TABLE, ["b", "a"], "kind")
