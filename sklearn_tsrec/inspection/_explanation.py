import numpy as np

from sklearn_tsrec.inspection._explain import Explanation, explain
from sklearn_tsrec.inspection._style import pyplot


class ExplanationDisplay:
    """How much each driver moves the predictions of a model, and by which of its lags.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`. A cell is the mean absolute
    Shapley value of a feature; behind the name of a driver stands that of all its features
    together, which may be less than their sum: lags of opposite sign make up for each other.

    Parameters
    ----------
    explanation : Explanation
        What :func:`explain` returned.
    max_drivers : int, default=12
        How many drivers to show, the most important first.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes.
    image_ : AxesImage
        The cells: a row for each driver, a column for each lag or other term.

    See Also
    --------
    explain : Computes the values.
    CausalEffectsDisplay : Effects: what happens if a driver is moved.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_tsrec.inspection import ExplanationDisplay
    >>> X = pd.DataFrame({"price__lag0": [1.0, 2, 3], "price__lag1": [0.0, 1, 1], "rain": 0.0})
    >>> display = ExplanationDisplay.from_estimator(LinearRegression().fit(X, [2.0, 5, 7]), X)
    >>> display.image_.get_array().shape
    (2, 3)
    """

    def __init__(self, explanation, *, max_drivers=12):
        self.explanation = explanation
        self.max_drivers = max_drivers

    @classmethod
    def from_estimator(cls, model, X, *, background=None, random_state=0, max_drivers=12, ax=None):
        """Explain the predictions of a model and draw the result.

        Parameters
        ----------
        model, X, background, random_state
            As in :func:`explain`.
        max_drivers : int, default=12
            As in the class.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ExplanationDisplay
            The display, drawn.
        """
        explanation = explain(model, X, background=background, random_state=random_state)
        return cls.from_predictions(explanation, max_drivers=max_drivers, ax=ax)

    @classmethod
    def from_predictions(cls, explanation, *, max_drivers=12, ax=None):
        """Draw an explanation that is already there.

        Parameters
        ----------
        explanation, max_drivers
            As in the class.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ExplanationDisplay
            The display, drawn.
        """
        if not isinstance(explanation, Explanation):
            raise TypeError(
                f"explanation must come from explain, got {type(explanation).__name__}."
            )
        if max_drivers < 1:
            raise ValueError(f"max_drivers must be at least 1, got {max_drivers!r}.")
        return cls(explanation, max_drivers=max_drivers).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ExplanationDisplay
            The display itself.
        """
        plt = pyplot()
        table = self.explanation.importance().iloc[: self.max_drivers].dropna(axis=1, how="all")
        whole = self.explanation.by_driver().abs().mean()[table.index]
        rows, columns = table.shape
        if ax is None:
            size = (2.6 + max(0.42 * columns, 2.4), 1.1 + 0.34 * rows)
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        cells = np.ma.masked_invalid(table.to_numpy(dtype=float))
        self.image_ = ax.imshow(cells, cmap="Blues", vmin=0, aspect="auto")
        ax.set_xticks(range(columns), table.columns, rotation=90 if columns > 8 else 0)
        names = [f"{name}  {value:.3g}" for name, value in whole.items()]
        ax.set_yticks(range(rows), names)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        self.figure_.colorbar(self.image_, ax=ax, label="mean |Shapley value|")
        return self
