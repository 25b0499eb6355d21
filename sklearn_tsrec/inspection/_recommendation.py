import numpy as np
import pandas as pd

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._times import show
from sklearn_tsrec.inspection._style import (
    PALETTE,
    SOFT,
    TEST,
    color_of,
    date_axis,
    ink,
    pyplot,
    quiet,
)
from sklearn_tsrec.metrics import evaluate_recommender

_NAMES = {
    "ndcg": "NDCG",
    "map": "MAP",
    "mrr": "MRR",
    "hit_rate": "hit rate",
    "gini": "Gini index",
    "exposure_ratio": "exposure ratio",
}
# Where a name may stand beside its point, in typographic points.
_SIDES = [
    (7, 7),
    (7, -8),
    (-7, 7),
    (-7, -8),
    (0, 16),
    (0, -17),
    (9, 19),
    (9, -20),
    (-9, 19),
    (7, 0),
]


class RecommendationDisplay:
    """How good recommended lists are, what that costs, and what one user is recommended.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`, which evaluate and draw the
    comparison of metrics; :meth:`plot_tradeoff` and :meth:`plot_series` draw the rest.

    Parameters
    ----------
    evaluation : DataFrame
        What :func:`~sklearn_tsrec.metrics.evaluate_recommender` returned.
    lists : dict of DataFrame
        The lists of each model, as ``recommend`` returns them.
    y_train : Series
        Training items, keyed by an index of (group …, time).
    y_true : Series
        The items that came later, keyed in the same way.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture drawn last.
    axes_ : ndarray of matplotlib Axes
        Its axes.

    See Also
    --------
    sklearn_tsrec.metrics.evaluate_recommender : The table.
    sklearn_tsrec.recommendation.ReRanker : Trades accuracy for other things.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec import SequenceRecommender, as_panel
    >>> from sklearn_tsrec.inspection import RecommendationDisplay
    >>> bought = pd.DataFrame({"user": [1, 1, 2, 2, 1, 2], "day": [1, 2, 1, 2, 8, 9],
    ...                        "item": ["tea", "milk", "tea", "rice", "tea", "tea"]})
    >>> X, y = as_panel(bought, group="user", time="day", target="item")
    >>> late = X.index.get_level_values("day") > 7
    >>> recommender = SequenceRecommender().fit(X[~late], y[~late])
    >>> display = RecommendationDisplay.from_estimator(
    ...     recommender, X[late], y[late], y_train=y[~late], k=2
    ... )
    >>> [ax.get_title(loc="left") for ax in display.axes_]
    ['NDCG@2', 'recall@2', 'coverage@2', 'novelty@2']
    """

    def __init__(self, evaluation, lists, y_train, y_true):
        self.evaluation = evaluation
        self.lists = lists
        self.y_train = y_train
        self.y_true = y_true

    @classmethod
    def from_estimator(cls, recommender, X, y, *, y_train, k=10, metrics=None, **options):
        """Recommend, evaluate the lists and draw the comparison.

        Parameters
        ----------
        recommender : recommender or dict of recommender
            Fitted estimators with ``recommend``, several by name.
        X : table of shape (n_events, n_columns)
            Keyed events that happened next.
        y : array-like of shape (n_events,)
            Their items.
        y_train : Series
            Training items, keyed by an index of (group …, time).
        k : int, default=10
            Length of the lists.
        metrics : list of str, default=None
            As in :meth:`plot`.
        **options : dict
            Other parameters of :func:`~sklearn_tsrec.metrics.evaluate_recommender`.

        Returns
        -------
        display : RecommendationDisplay
            The display, drawn.
        """
        if not isinstance(recommender, dict):
            recommender = {type(recommender).__name__: recommender}
        lists = {name: model.recommend(X, k=k) for name, model in recommender.items()}
        first = next(iter(recommender.values()), None)
        keys, _ = key_frame(X, getattr(first, "group", None), getattr(first, "time", None))
        y_true = pd.Series(np.asarray(y), pd.MultiIndex.from_frame(keys))
        return cls.from_predictions(lists, y_true, y_train=y_train, k=k, metrics=metrics, **options)

    @classmethod
    def from_predictions(cls, lists, y_true, *, y_train, k=10, metrics=None, **options):
        """Evaluate lists that are already there and draw the comparison.

        Parameters
        ----------
        lists : DataFrame or dict of DataFrame
            Lists as ``recommend`` returns them, by the name of the model.
        y_true : Series
            The items that came next, keyed by an index of (group …, time).
        y_train, k, metrics, **options
            As in :meth:`from_estimator`.

        Returns
        -------
        display : RecommendationDisplay
            The display, drawn.
        """
        for name, items in (("y_true", y_true), ("y_train", y_train)):
            if not isinstance(items, pd.Series) or not isinstance(items.index, pd.MultiIndex):
                raise TypeError(
                    f"{name} must be a Series of items with an index of (group …, time), as "
                    f"as_panel returns it; got {type(items).__name__}."
                )
        lists = lists if isinstance(lists, dict) else {"lists": lists}
        evaluation = evaluate_recommender(
            lists, y_true.to_frame(), y_true, y_train=y_train, k=k, **options
        )
        return cls(evaluation, lists, y_train, y_true).plot(metrics=metrics)

    def plot(self, *, metrics=None, axes=None):
        """Compare the models by some metrics, with one standard error to each side.

        A dotted line is the reference, if the models were tested against one.

        Parameters
        ----------
        metrics : list of str, default=None
            Metrics of the table; None shows ``ndcg``, ``recall``, ``coverage`` and ``novelty``.
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each metric. None makes a figure.

        Returns
        -------
        display : RecommendationDisplay
            The display itself.
        """
        plt = pyplot()
        metrics = ["ndcg", "recall", "coverage", "novelty"] if metrics is None else list(metrics)
        tables = [self._metric(metric) for metric in metrics]
        if axes is None:
            size = (1.3 + 2.1 * len(metrics), 0.9 + 0.34 * len(self.lists))
            _, axes = plt.subplots(
                1, len(metrics), sharey=True, squeeze=False, figsize=size, layout="constrained"
            )
        self._keep(axes)
        if len(self.axes_) < len(metrics):
            raise ValueError(f"axes has {len(self.axes_)} axes for {len(metrics)} metrics.")
        for ax, metric, table in zip(self.axes_, metrics, tables):
            place = np.arange(len(table))
            ax.errorbar(
                table["value"], place, xerr=_error(table), fmt="o", color=PALETTE[0], ms=5, lw=1.6
            )
            reference = self.evaluation.attrs["reference"]
            if reference is not None:
                ax.axvline(table.loc[reference, "value"], color=TEST, lw=1, ls=":", zorder=0)
            ax.set_yticks(place, table.index)
            ax.set_ylim(len(table) - 0.5, -0.5)
            ax.margins(x=0.12)
            ax.set_title(self._title(metric), loc="left", fontsize="medium")
            quiet(ax)
            ax.locator_params(axis="x", nbins=4)
            ax.grid(axis="x", color=SOFT, lw=0.5, alpha=0.6)
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
        return self

    def plot_tradeoff(self, x="coverage", y="ndcg", *, curves=None, ax=None):
        """Place the models in the plane of two metrics, such as coverage and accuracy.

        Parameters
        ----------
        x, y : str, default="coverage" and "ndcg"
            Metrics of the table.
        curves : dict of list of str, default=None
            Names of models to connect in this order, such as those of one setting that grows, by
            the name of the curve; where the name of a model begins with that, the rest of it is
            shown. None shows every model by itself.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : RecommendationDisplay
            The display itself. Error bars are one standard error to each side.
        """
        plt = pyplot()
        across, up = self._metric(x), self._metric(y)
        groups = {name: [name] for name in across.index} if curves is None else curves
        unknown = [name for names in groups.values() for name in names if name not in across.index]
        if unknown:
            raise ValueError(f"curves name {unknown[:3]}, but the models are {list(across.index)}.")
        if ax is None:
            _, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
        self._keep(ax)
        for number, (label, names) in enumerate(groups.items()):
            color = color_of(number)
            right, top = across.loc[names], up.loc[names]
            ax.errorbar(
                right["value"], top["value"], xerr=_error(right), yerr=_error(top), fmt="o-",
                color=color, ecolor=(*plt.matplotlib.colors.to_rgb(color), 0.45), ms=5, lw=1.4,
                label=label,
            )  # fmt: skip
        ax.margins(0.14)
        ax.set(xlabel=self._title(x), ylabel=self._title(y))
        if curves is not None:
            ax.legend(frameon=False)
        quiet(ax)
        texts = {}
        for label, names in groups.items():
            for name in names:
                texts.setdefault(name, name.removeprefix(label).strip() or name)
        named = list(texts)
        _label(ax, texts.values(), across.loc[named, "value"], up.loc[named, "value"])
        return self

    def plot_series(self, series, *, model=None, n_history=8, ax=None):
        """Draw the items of one user over time beside the list made for it.

        Parameters
        ----------
        series : label
            The user, a tuple where several levels name it.
        model : str, default=None
            Whose list; None is the first model.
        n_history : int, default=8
            How many other items of the history to show, the most frequent ones.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : RecommendationDisplay
            The display itself: a line for each item, those of the list on top in its order; what
            came later is marked where it is on the list, and where it is not.
        """
        plt = pyplot()
        model = next(iter(self.lists)) if model is None else model
        if model not in self.lists:
            raise ValueError(f"model={model!r} is none of {list(self.lists)}.")
        table = self.lists[model]
        names = list(self.y_train.index.names[:-1])
        label = series if isinstance(series, tuple) else (series,)
        own = (table[names] == label).all(axis=1)
        if not own.any():
            raise ValueError(f"{model} has no list for the series {show(series)}.")
        k = self.evaluation.attrs["k"]
        listed = table[own & (table["rank"] <= k)].sort_values("rank")["item"].tolist()
        past, later = (_events_of(items, label) for items in (self.y_train, self.y_true))
        count = past.value_counts()
        new = [item for item in later.unique() if item not in listed]
        often = [i for i in count.index if i not in listed and i not in new][:n_history]
        rows = [*listed, *new, *often]
        if ax is None:
            _, ax = plt.subplots(figsize=(7.5, 0.9 + 0.24 * len(rows)), layout="constrained")
        self._keep(ax)
        height = {item: place for place, item in enumerate(rows)}
        for events, color, text in ((past, ink(ax), "before"), (later, TEST, "what came later")):
            shown = events[events.isin(rows)]
            ax.scatter(
                _times(shown.index), shown.map(height), s=16, color=color, label=text, zorder=3
            )
        ax.axhspan(-0.5, len(listed) - 0.5, color=PALETTE[0], alpha=0.09, lw=0)
        marks = [f"{place}. {item}" for place, item in enumerate(listed, 1)]
        ax.set_yticks(range(len(rows)), [*marks, *map(str, [*new, *often])])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.grid(axis="y", color=SOFT, lw=0.5, alpha=0.6)
        ax.set_title(f"{series}: list of {model}", loc="left", fontsize="medium")
        ax.legend(
            frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0,
            handletextpad=0.1,
        )  # fmt: skip
        quiet(ax)
        ax.tick_params(axis="y", length=0)
        date_axis(ax, _times(self.y_train.index.get_level_values(-1)))
        return self

    def _metric(self, metric):
        """Return the value and its error of each model."""
        table = self.evaluation
        table = table[(table["metric"] == metric) & (table["model"] != "data")]
        if table.empty:
            known = self.evaluation["metric"][self.evaluation["model"] != "data"].unique()
            raise ValueError(f"{metric!r} is none of the metrics evaluated: {list(known)}.")
        return table.set_index("model")[["value", "std_error"]]

    def _title(self, metric):
        """Return the name of a metric as a person writes it, with the length of the lists."""
        return f"{_NAMES.get(metric, metric)}@{self.evaluation.attrs['k']}"

    def _keep(self, axes):
        """Keep what is drawn on."""
        self.axes_ = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        self.figure_ = self.axes_[0].figure


def _error(table):
    """Return standard errors, 0 where there is none."""
    return np.nan_to_num(table["std_error"])


def _label(ax, texts, x, y):
    """Write texts beside points, each at the first side where it hides no other."""
    ax.figure.draw_without_rendering()
    renderer = ax.figure.canvas.get_renderer()
    points = ax.transData.transform(np.column_stack([x, y]))
    taken = []
    for name, place in zip(texts, zip(x, y)):
        for dx, dy in _SIDES:
            text = ax.annotate(
                name, place, (dx, dy), textcoords="offset points", fontsize="small", color=ink(ax),
                ha="left" if dx > 0 else "right" if dx < 0 else "center", va="center",
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            hides = [box.contains(*point) for point in points]
            if not any(hides) and not any(box.overlaps(other) for other in taken):
                break
            if (dx, dy) != _SIDES[-1]:
                text.remove()
        taken.append(box)


def _events_of(items, label):
    """Return the items of one series, indexed by time."""
    levels = range(items.index.nlevels - 1)
    own = np.logical_and.reduce(
        [items.index.get_level_values(level) == label[level] for level in levels]
    )
    return items[own].droplevel(list(levels))


def _times(index):
    """Return times as matplotlib draws them."""
    return index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
