import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec.inspection._style import PALETTE, SOFT, ink, pyplot


class CausalGraphDisplay:
    """A lagged causal graph: columns on a circle, and an arrow with its lag for each edge.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`. Arrows are the wider the more
    of the target's variance leaves with the source. Several lags of one pair share an arrow.

    Parameters
    ----------
    nodes : list of str
        All columns, clockwise from the top.
    edges : DataFrame
        ``source``, ``target``, ``lag`` and ``strength``.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes.
    arrows_ : dict of (str, str) to Annotation
        The arrow of each pair of source and target.

    See Also
    --------
    sklearn_tsrec.causal.CausalGraph : Finds the graph.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec.inspection import CausalGraphDisplay
    >>> edges = pd.DataFrame({"source": ["rain"], "target": ["river"], "lag": [1],
    ...                       "strength": [0.6]})
    >>> display = CausalGraphDisplay.from_predictions(["rain", "river", "moon"], edges)
    >>> list(display.arrows_)
    [('rain', 'river')]
    """

    def __init__(self, nodes, edges):
        self.nodes = nodes
        self.edges = edges

    @classmethod
    def from_estimator(cls, graph, *, ax=None):
        """Draw a fitted graph.

        Parameters
        ----------
        graph : CausalGraph
            The fitted graph.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalGraphDisplay
            The display, drawn.
        """
        check_is_fitted(graph)
        names = getattr(graph, "feature_names_in_", None)
        nodes = [f"x{j}" for j in range(graph.n_features_in_)] if names is None else list(names)
        return cls.from_predictions(nodes, graph.edges_, ax=ax)

    @classmethod
    def from_predictions(cls, nodes, edges, *, ax=None):
        """Draw nodes and edges.

        Parameters
        ----------
        nodes : list of str
            All columns.
        edges : DataFrame
            ``source``, ``target``, ``lag`` and ``strength``.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalGraphDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If an edge has an end that is no node.
        """
        unknown = {*edges["source"], *edges["target"]} - set(nodes)
        if unknown:
            raise ValueError(f"edges name {sorted(unknown)[0]!r}, which is no node.")
        return cls(list(nodes), edges).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalGraphDisplay
            The display itself.
        """
        plt = pyplot()
        if ax is None:
            _, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        angle = np.pi / 2 - 2 * np.pi * np.arange(len(self.nodes)) / len(self.nodes)
        place = dict(zip(self.nodes, np.column_stack([np.cos(angle), np.sin(angle)])))
        linked = {*self.edges["source"], *self.edges["target"]}
        pairs = self.edges.groupby(["source", "target"], sort=False)
        self.arrows_ = {}
        for (source, target), rows in pairs:
            start, end = place[source], place[target]
            width = 0.8 + 5 * float(np.sqrt(rows["strength"].sum()))
            self.arrows_[source, target] = ax.annotate(
                "", xy=end, xytext=start, zorder=1,
                arrowprops={
                    "arrowstyle": "-|>", "lw": width, "color": PALETTE[0], "alpha": 0.75,
                    "shrinkA": 26, "shrinkB": 26, "connectionstyle": "arc3,rad=0.12",
                    "mutation_scale": 12 + width,
                },
            )  # fmt: skip
            across = np.array([end[1] - start[1], start[0] - end[0]])
            middle = (start + end) / 2 + 0.06 * across
            lags = ", ".join(str(lag) for lag in sorted(rows["lag"]))
            box = {"boxstyle": "round,pad=0.15", "fc": ax.get_facecolor(), "ec": "none"}
            ax.text(*middle, lags, ha="center", va="center", fontsize=8, color=ink(ax), bbox=box)
        for name, (x, y) in place.items():
            edge = PALETTE[0] if name in linked else SOFT
            box = {"boxstyle": "round,pad=0.45", "fc": ax.get_facecolor(), "ec": edge, "lw": 1.5}
            color = ink(ax)
            ax.text(x, y, name, ha="center", va="center", color=color, bbox=box, zorder=3)
        ax.set(xlim=(-1.35, 1.35), ylim=(-1.25, 1.25), aspect="equal")
        ax.set_axis_off()
        return self
