from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import row_order
from sklearn_tsrec._sklearn import Interval, check_feature_names_in, fit_context
from sklearn_tsrec._typing import Table
from sklearn_tsrec.feature_selection._basis import Basis
from sklearn_tsrec.feature_selection._driver_tests import driver_tests
from sklearn_tsrec.feature_selection._partialling_out import benjamini_hochberg
from sklearn_tsrec.feature_selection._robust import default_cov_type
from sklearn_tsrec.feature_selection._waves import SlowWaves


class CausalGraph(BaseEstimator):
    """A graph of which column moves which other, and how many steps later.

    Each column in turn is the target. Every lag of every other column is tested given all other
    lags and the target's own past, by the partialling-out Wald test of
    :class:`~sklearn_tsrec.feature_selection.CausalFeatureSelector`; the false discovery rate is
    over all edges of the graph. Effects within a step are not looked for: no order of time
    indicates which way they go.

    Parameters
    ----------
    max_lag : int, default=2
        Most steps between cause and effect.
    fdr : float, default=0.05
        False discovery rate over all edges.
    nonlinear : bool, default=True
        Whether effects may be squared or one-sided.
    screen : bool, default=True
        Whether a lasso leaves out lags before the test.

    Attributes
    ----------
    edges_ : DataFrame
        One edge for each row: ``source``, ``target``, ``lag``, ``pvalue`` and ``strength``, the
        share of the target's variance that leaves with the source. The strongest come first.
    pvalues_ : DataFrame
        ``pvalue`` and ``strength`` of every edge tested, indexed by source, target and lag.
    n_rows_ : int
        Number of rows with all their lags.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    See Also
    --------
    sklearn_tsrec.inspection.CausalGraphDisplay : Draws the graph.

    Notes
    -----
    Rows that follow each other are one step apart: give a table without holes (see
    :class:`~sklearn_tsrec.preprocessing.SeriesImputer`). Hidden common causes make edges where
    nothing is caused.

    References
    ----------
    .. [1] C. Granger (1969), "Investigating causal relations by econometric models and
       cross-spectral methods", Econometrica 37(3).
    .. [2] J. Runge et al. (2019), "Detecting and quantifying causal associations in large nonlinear
       time series datasets", Science Advances 5(11).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_tsrec.causal import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.normal(size=500)
    >>> river = 0.8 * np.r_[0, rain[:-1]] + 0.5 * rng.normal(size=500)
    >>> flood = 0.7 * np.r_[0, river[:-1]] + 0.5 * rng.normal(size=500)
    >>> graph = CausalGraph().fit(pd.DataFrame({"rain": rain, "river": river, "flood": flood}))
    >>> graph.edges_[["source", "target", "lag"]]
      source target  lag
    0   rain  river    1
    1  river  flood    1
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_lag": [Interval(Integral, 1, None, closed="left")],
        "fdr": [Interval(Real, 0, 1, closed="neither")],
        "nonlinear": ["boolean"],
        "screen": ["boolean"],
    }

    def __init__(
        self, max_lag: int = 2, *, fdr: float = 0.05, nonlinear: bool = True, screen: bool = True
    ):
        self.max_lag = max_lag
        self.fdr = fdr
        self.nonlinear = nonlinear
        self.screen = screen

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Test every lag of every column against every other column.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Variables, one row for each step, with keys in the index where there are any.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        keyed = X
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        names = check_feature_names_in(self)
        series, order = row_order(keyed, len(X))
        lagged, now, series = self._lags(X[order], series[order])
        d = now.shape[1]
        cov_type = default_cov_type(series)
        source = np.tile(np.arange(d), self.max_lag)
        lag = np.repeat(np.arange(1, self.max_lag + 1), d)
        basis = Basis(lagged, now, series, SlowWaves(series), curved=self.nonlinear)
        columns = [np.flatnonzero(basis.source == j) for j in range(lagged.shape[1])]
        parts = []
        for target in range(d if d > 1 else 0):
            own = source == target
            groups = [columns[j] for j in np.flatnonzero(~own)]
            controls = np.concatenate([columns[j] for j in np.flatnonzero(own)])
            pvalues, strength, _ = driver_tests(
                basis, groups, controls, cov_type, self.screen, target=target
            )
            parts.append(
                pd.DataFrame(
                    {
                        "source": names[source[~own]],
                        "target": names[target],
                        "lag": lag[~own],
                        "pvalue": pvalues,
                        "strength": strength,
                    }
                )
            )
        columns = ["source", "target", "lag", "pvalue", "strength"]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
        found = benjamini_hochberg(table["pvalue"].to_numpy(dtype=float), self.fdr)
        self.edges_ = table[found].sort_values(
            ["strength", "source", "target"], ascending=[False, True, True], ignore_index=True
        )
        self.pvalues_ = table.set_index(["source", "target", "lag"])
        return self

    def _lags(self, X, series):
        """Return all lags of the rows that have them, lag by lag, and the rows."""
        n, d = X.shape
        lagged = np.full((n, self.max_lag * d), np.nan)
        for k in range(1, min(self.max_lag, n - 1) + 1):
            same = series[k:] == series[:-k]
            lagged[k:, (k - 1) * d : k * d][same] = X[:-k][same]
        complete = ~(np.isnan(lagged).any(axis=1) | np.isnan(X).any(axis=1))
        self.n_rows_ = int(complete.sum())
        least = self.max_lag + 6
        if self.n_rows_ < least:
            raise ValueError(
                f"{self.n_rows_} row(s) of {n} (n_samples={n}) have all of their {self.max_lag} "
                f"lag(s): at least {least} are needed. Fill holes, or use a smaller max_lag."
            )
        codes = np.unique(series[complete], return_inverse=True)[1]
        return lagged[complete], X[complete], codes

    def cross_check(self, X: Table):
        """Ask PCMCI the same of the same table.

        PCMCI, with partial correlations, first looks for the parents of each column and then tests
        each lag given the parents of both. It sees straight effects only. It is that of the package
        tigramite (the extra ``pcmci``), whose licence is GPL-3.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            The table that the graph was fitted to.

        Returns
        -------
        DataFrame
            ``pvalue`` and ``found`` of each edge here, and ``pcmci_pvalue`` and ``pcmci_found``
            there, indexed by source, target and lag, both at the false discovery rate ``fdr``.

        Raises
        ------
        ImportError
            If tigramite is not installed.
        """
        check_is_fitted(self)
        pcmci = require("tigramite.pcmci", "pcmci")
        processing = require("tigramite.data_processing", "pcmci")
        parcorr = require("tigramite.independence_tests.parcorr", "pcmci")
        keyed = X
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        names = check_feature_names_in(self)
        series, order = row_order(keyed, len(X))
        hole = 2 * np.nanmax(np.abs(X)) + 1  # tigramite wants a number for what is missing
        X = np.where(np.isnan(X), hole, X)
        own = [order[series[order] == code] for code in np.unique(series)]
        options = {"missing_flag": hole}
        if len(own) == 1:
            table = processing.DataFrame(X[own[0]], **options)
        else:
            data = {i: X[rows] for i, rows in enumerate(own)}
            table = processing.DataFrame(data, analysis_mode="multiple", **options)
        search = pcmci.PCMCI(dataframe=table, cond_ind_test=parcorr.ParCorr(), verbosity=0)
        found = search.run_pcmci(tau_min=1, tau_max=self.max_lag)["p_matrix"]
        place = {name: j for j, name in enumerate(names)}
        out = self.pvalues_[["pvalue"]].copy()
        out["found"] = benjamini_hochberg(out["pvalue"].to_numpy(dtype=float), self.fdr)
        out["pcmci_pvalue"] = [found[place[s], place[t], lag] for s, t, lag in out.index]
        theirs = out["pcmci_pvalue"].to_numpy(dtype=float)
        out["pcmci_found"] = benjamini_hochberg(theirs, self.fdr)
        return out

    def to_networkx(self) -> Any:
        """Return the graph for networkx.

        Returns
        -------
        graph : networkx.MultiDiGraph
            Nodes are columns; edges have ``lag``, ``pvalue`` and ``strength``.

        Raises
        ------
        ImportError
            If networkx is not installed.
        """
        check_is_fitted(self)
        graph = require("networkx").MultiDiGraph()
        graph.add_nodes_from(check_feature_names_in(self))
        for edge in self.edges_.to_dict("records"):
            graph.add_edge(edge.pop("source"), edge.pop("target"), **edge)
        return graph

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
