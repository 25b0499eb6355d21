import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec.inspection._style import PALETTE, SOFT, pyplot, quiet


class CausalEffectsDisplay:
    """A forest plot of effects: a dot and an interval for each, and a line where there is none.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    effects : DataFrame of shape (n_effects, n_columns)
        ``effect``, ``lower`` and ``upper``, one row for each effect; the index names them.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes, the first effect on top.
    lines_ : list of ErrorbarContainer
        Dot and interval of each effect; grey where the interval holds 0.

    See Also
    --------
    sklearn_tsrec.feature_selection.CausalFeatureSelector : Effects of what it keeps.
    sklearn_tsrec.causal.estimate_effect : The effect of one column, by regime.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec.inspection import CausalEffectsDisplay
    >>> effects = pd.DataFrame(
    ...     {"effect": [-2.0, 0.1], "lower": [-2.3, -0.2], "upper": [-1.7, 0.4]},
    ...     index=["price", "weather"])
    >>> display = CausalEffectsDisplay.from_predictions(effects)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['price', 'weather']
    """

    def __init__(self, effects):
        self.effects = effects

    @classmethod
    def from_estimator(cls, selector, *, ax=None):
        """Draw the effects that a selector estimated.

        Parameters
        ----------
        selector : CausalFeatureSelector
            Fitted with ``effects=True``.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalEffectsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the selector estimated no effects.
        """
        check_is_fitted(selector)
        if not hasattr(selector, "effects_"):
            raise ValueError(f"{selector!r} estimated no effects: fit it with effects=True.")
        table = selector.effects_[["effect"]].join(selector.conf_int_)
        return cls.from_predictions(table, ax=ax)

    @classmethod
    def from_predictions(cls, effects, *, ax=None):
        """Draw effects.

        Parameters
        ----------
        effects : DataFrame or CausalEffect
            ``effect``, ``lower`` and ``upper`` in rows; or what
            :func:`~sklearn_tsrec.causal.estimate_effect` returned, drawn as a whole and by regime.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalEffectsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If a column is missing, or there is no row.
        """
        if hasattr(effects, "by"):
            whole = pd.DataFrame(
                {k: getattr(effects, k) for k in ("effect", "lower", "upper")},
                index=[effects.treatment],
            )
            by = effects.by.rename(index=lambda regime: f"in regime {regime}")
            effects = pd.concat([whole, by[whole.columns]])
        missing = {"effect", "lower", "upper"} - set(effects.columns)
        if missing:
            raise ValueError(f"effects has no column {', '.join(sorted(missing))}.")
        if not len(effects):
            raise ValueError("effects has no rows: there is nothing to draw.")
        return cls(effects).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CausalEffectsDisplay
            The display itself.
        """
        plt = pyplot()
        if ax is None:
            size = (6.5, 0.9 + 0.34 * len(self.effects))
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        ax.axvline(0, color=SOFT, lw=1, zorder=0)
        self.lines_ = []
        rows = self.effects[["effect", "lower", "upper"]].to_numpy(dtype=float)
        for place, (effect, lower, upper) in enumerate(rows):
            color = SOFT if lower <= 0 <= upper else PALETTE[0]
            ends = [[effect - lower], [upper - effect]]
            bar = ax.errorbar([effect], [place], xerr=ends, fmt="o", color=color, capsize=3, ms=5)
            self.lines_.append(bar)
        ax.set_yticks(range(len(rows)), [str(name) for name in self.effects.index])
        ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel="effect of one unit on the target")
        quiet(ax)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        return self
