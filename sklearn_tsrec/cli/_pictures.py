"""The pictures of the demo, for light and for dark screens."""

import io

import pandas as pd

_BLUE, _GREY = "#1f77d0", "#8a93a0"
_SCREENS = {
    "light": {"ink": "#1d2430", "soft": "#5a6473", "line": "#dfe3e9", "paper": "#ffffff"},
    "dark": {"ink": "#e6e8ec", "soft": "#9aa4b2", "line": "#313844", "paper": "#1b2027"},
}


def check_matplotlib():
    """Raise before any work if nothing is installed that draws."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "the demo draws with matplotlib. Run: pip install 'sklearn-tsrec[plot]'."
        ) from error


def both_screens(draw, *arguments):
    """Return the PNGs of a picture for a light and for a dark screen."""
    return tuple(_png(draw, colors, *arguments) for colors in _SCREENS.values())


def draw_forecasts(figure, history, forecasts):
    """Draw several series: what was sold, and what two models had foreseen."""
    names = list(dict.fromkeys(forecasts["category"]))
    axes = figure.subplots(2, -(-len(names) // 2), sharex=True, squeeze=False)
    figure.set_size_inches(11, 5.4)
    for ax, name in zip(axes.flat, names):
        ahead = forecasts[forecasts["category"] == name].set_index("week")
        sold = pd.concat([history[name], ahead["demand"]])
        ink = ax.xaxis.label.get_color()
        ax.plot(sold.index, sold, color=ink, lw=1.1, label="sold")
        ax.plot(ahead.index, ahead["seasonal naive"], color=_GREY, lw=1.6, label="seasonal naive")
        ax.plot(ahead.index, ahead["tuned"], color=_BLUE, lw=2.2, label="tuned")
        ax.axvspan(ahead.index[0], ahead.index[-1], color=_BLUE, alpha=0.07, lw=0)
        ax.set_title(name.capitalize(), loc="left", fontsize=10)
        ax.set_ylim(bottom=0)
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("units a week")
    figure.autofmt_xdate(rotation=0, ha="center")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)


def draw_scores(figure, scores, errors, label, best):
    """Draw one bar for each model with its standard error."""
    figure.set_size_inches(11, 0.9 + 0.45 * len(scores))
    ax = figure.subplots()
    colors = [_BLUE if name == best else _GREY for name in scores.index]
    ink = ax.xaxis.label.get_color()
    ax.barh(
        scores.index,
        scores,
        xerr=errors,
        color=colors,
        height=0.62,
        error_kw={"ecolor": ink, "capsize": 3, "lw": 1},
    )
    ax.invert_yaxis()
    ax.set_xlabel(label)
    ax.tick_params(axis="y", length=0)


def _png(draw, colors, *arguments):
    """Draw on a new figure in the colours of one screen."""
    # Imported here: matplotlib is an extra, and only the demo draws.
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "font.size": 10,
        "text.color": colors["ink"],
        "axes.labelcolor": colors["ink"],
        "axes.edgecolor": colors["line"],
        "axes.facecolor": colors["paper"],
        "figure.facecolor": colors["paper"],
        "savefig.facecolor": colors["paper"],
        "xtick.color": colors["soft"],
        "ytick.color": colors["ink"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "date.autoformatter.month": "%b",
    }
    with mpl.rc_context(style):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, *arguments)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=150)
    return file.getvalue()
