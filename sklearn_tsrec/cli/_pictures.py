"""The pictures of the demo, for light and for dark screens."""

import io

import pandas as pd

from sklearn_tsrec.inspection import ForecastDisplay
from sklearn_tsrec.inspection._style import color_of, ink, pyplot

_GREY = "#8a93a0"  # is seen on light and on dark screens
_SHOWN = ["tuned", "seasonal naive"]
_SCREENS = {
    "light": {"ink": "#1d2430", "soft": "#5a6473", "line": "#dfe3e9", "paper": "#ffffff"},
    "dark": {"ink": "#e6e8ec", "soft": "#9aa4b2", "line": "#313844", "paper": "#1b2027"},
}


def both_screens(draw, *arguments):
    """Return the PNGs of a picture for a light and for a dark screen."""
    return tuple(_png(draw, colors, *arguments) for colors in _SCREENS.values())


def draw_forecasts(history, forecasts):
    """Draw several series: what was sold, and what two models had foreseen."""
    models = forecasts.set_index(["category", "week"])
    sold = history.unstack()[models.index.unique("category")]
    display = ForecastDisplay.from_predictions(
        pd.concat([sold, models["demand"]]),
        {name: models[name] for name in _SHOWN},
        n_history=26,
    )
    for ax in display.axes_:
        ax.set_ylim(bottom=0)
    display.figure_.supylabel("units a week")
    return display.figure_


def draw_scores(scores, errors, label, best):
    """Draw one bar for each model with its standard error."""
    figure, ax = pyplot().subplots(figsize=(11, 0.9 + 0.45 * len(scores)), layout="constrained")
    colors = [color_of(0) if name == best else _GREY for name in scores.index]
    ax.barh(
        scores.index,
        scores,
        xerr=errors,
        color=colors,
        height=0.62,
        error_kw={"ecolor": ink(ax), "capsize": 3, "lw": 1},
    )
    ax.invert_yaxis()
    ax.set_xlabel(label)
    ax.tick_params(axis="y", length=0)
    return figure


def _png(draw, colors, *arguments):
    """Draw on a new figure in the colours of one screen."""
    plt = pyplot()
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
    }
    with plt.rc_context(style):
        figure = draw(*arguments)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=150)
        plt.close(figure)
    return file.getvalue()
