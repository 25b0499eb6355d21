import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sklearn_tsrec.causal import CausalGraph, estimate_effect
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.inspection import CausalEffectsDisplay, CausalGraphDisplay


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["price", "rain"])
    return X, -X["price"] + rng.normal(size=300)


def test_effects_of_a_selector(table):
    selector = CausalFeatureSelector().fit(*table)
    display = CausalEffectsDisplay.from_estimator(selector)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["price"]
    dot = np.asarray(display.lines_[0].lines[0].get_xdata(), dtype=float)
    assert_allclose(dot, selector.effects_["effect"])
    with pytest.raises(ValueError, match="fit it with effects=True"):
        CausalEffectsDisplay.from_estimator(CausalFeatureSelector(effects=False).fit(*table))


def test_one_effect_and_its_regimes(table):
    found = estimate_effect(*table, "price", n_placebos=0)
    display = CausalEffectsDisplay.from_predictions(found)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["price", "in regime 0", "in regime 1", "in regime 2"]
    ends = display.lines_[0].lines[2][0].get_segments()[0][:, 0]
    assert_allclose(ends, [found.lower, found.upper])


def test_effects_without_rows_or_ends_raise():
    with pytest.raises(ValueError, match="no column lower, upper"):
        CausalEffectsDisplay.from_predictions(pd.DataFrame({"effect": [1.0]}))
    with pytest.raises(ValueError, match="nothing to draw"):
        CausalEffectsDisplay.from_predictions(pd.DataFrame(columns=["effect", "lower", "upper"]))


def test_a_graph_has_an_arrow_for_each_pair():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    b = np.r_[0, a[:-1]] + 0.5 * rng.normal(size=400)
    graph = CausalGraph(fdr=0.001).fit(np.column_stack([a, b]))
    display = CausalGraphDisplay.from_estimator(graph)
    assert list(display.arrows_) == [("x0", "x1")]
    texts = {text.get_text() for text in display.ax_.texts}
    assert {"x0", "x1", "1"} <= texts
    edges = pd.DataFrame({"source": ["a"], "target": ["b"], "lag": [1], "strength": [0.1]})
    with pytest.raises(ValueError, match="'b', which is no node"):
        CausalGraphDisplay.from_predictions(["a"], edges)
