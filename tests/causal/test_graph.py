import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sklearn_tsrec.causal import CausalGraph


def _chain(n=800, seed=0):
    """a → b one step later, b → c two steps later, and d by itself."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(n, 4))
    a, b, c, d = np.zeros((4, n))
    for t in range(2, n):
        a[t] = 0.6 * a[t - 1] + e[t, 0]
        b[t] = 0.4 * b[t - 1] + 0.7 * a[t - 1] + e[t, 1]
        c[t] = 0.8 * b[t - 2] + e[t, 2]
        d[t] = 0.7 * d[t - 1] + e[t, 3]
    index = pd.date_range("2024-01-01", periods=n, name="day")
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": d}, index=index)


def _edges(graph):
    return set(graph.edges_[["source", "target", "lag"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("seed", range(3))
def test_a_chain_is_found_with_its_lags_and_no_shortcut(seed):
    graph = CausalGraph(fdr=0.01).fit(_chain(seed=seed))
    assert _edges(graph) == {("a", "b", 1), ("b", "c", 2)}
    assert len(graph.pvalues_) == 4 * 3 * 2
    assert graph.n_rows_ == 798


def test_row_order_does_not_matter_and_series_do_not_mix():
    X = _chain(200)
    panel = pd.concat({s: _chain(60, seed=s) for s in range(25)}, names=["shop"])
    for table in (X, panel):
        graph = CausalGraph(fdr=0.01).fit(table)
        shuffled = CausalGraph(fdr=0.01).fit(table.sample(frac=1, random_state=0))
        assert_allclose(shuffled.pvalues_["pvalue"], graph.pvalues_["pvalue"], rtol=1e-6)
    assert graph.n_rows_ == 25 * 58
    assert ("b", "c", 2) in set(
        graph.edges_[["source", "target", "lag"]].itertuples(index=False, name=None)
    )


def test_pcmci_finds_the_same_chain():
    X = _chain(600)
    for table in (X, pd.concat({0: X[:250], 1: X[250:]}, names=["shop"])):
        table = table.sample(frac=1, random_state=0)
        checked = CausalGraph(fdr=0.01).fit(table).cross_check(table)
        assert len(checked) == 24
        both = checked[checked["found"] & checked["pcmci_found"]]
        assert set(both.index) == {("a", "b", 1), ("b", "c", 2)}
        assert checked.loc[("d", "a", 1), "pcmci_pvalue"] > 0.01
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.01)
    checked = CausalGraph(fdr=0.01).fit(holes).cross_check(holes)
    assert checked.loc[[("a", "b", 1), ("b", "c", 2)], "pcmci_found"].all()


def test_networkx_has_the_same_edges():
    graph = CausalGraph(fdr=0.01).fit(_chain())
    net = graph.to_networkx()
    assert set(net.nodes) == {"a", "b", "c", "d"}
    assert net["b"]["c"][0]["lag"] == 2
    assert net["a"]["b"][0]["strength"] > 0.1


def test_one_column_has_no_edges_and_few_rows_raise():
    X = _chain(40)
    assert CausalGraph().fit(X[["a"]]).edges_.empty
    with pytest.raises(ValueError, match=r"5 row\(s\) of 7 .* smaller max_lag"):
        CausalGraph().fit(X.iloc[:7])
