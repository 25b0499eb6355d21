"""The command ``demo``: one table of receipts, two questions, one page of answers."""

import io
import time
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from sklearn_tsrec._extras import require
from sklearn_tsrec.cli._demo_models import forecast_demand, recommend_categories
from sklearn_tsrec.cli._demo_page import with_errors, write_page
from sklearn_tsrec.cli._tables import say
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.inspection import ForecastDisplay
from sklearn_tsrec.inspection._style import color_of, ink, pyplot


def run(arguments):
    """Forecast weekly demand, recommend categories, and show both."""
    require("matplotlib", "plot").use("Agg")  # pictures go into files
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    journey = load_complete_journey()
    say("forecasting weekly demand by category")
    # The table is small: threads of OpenMP gain nothing here, and stall where cores are shared.
    with threadpool_limits(limits=1):
        demand = forecast_demand(journey.demand, verbose=1)
    print(_text(demand.accuracy, "Weekly demand, last 8 weeks"))
    say("recommending categories to households")
    choices = recommend_categories(journey.transactions, verbose=1)
    print(_text(choices.accuracy, "Ten categories a household, last fifth of the time"))

    pictures = _draw(demand, choices)
    for name, (light, _) in pictures.items():
        (out / f"{name}.png").write_bytes(light)
    demand.forecasts.to_csv(out / "forecasts.csv", index=False, float_format="%.3f")
    choices.lists.to_csv(out / "recommendations.csv", index=False, float_format="%.6g")
    seconds = time.perf_counter() - began
    write_page(out / "index.html", demand, choices, pictures, seconds)
    say(f"done in {seconds:.0f} s: open {out / 'index.html'}")


def _draw(demand, choices):
    """Return all pictures, each for light and for dark screens."""
    biggest = demand.history.sum().nlargest(6).index
    shown = demand.forecasts[demand.forecasts["category"].isin(biggest)]
    errors, ranking = demand.accuracy, choices.accuracy
    return {
        "forecasts": both_screens(draw_forecasts, demand.history, shown),
        "forecast-errors": both_screens(
            draw_scores,
            errors["MASE"],
            errors["MASE SE"],
            "MASE on the last 8 weeks, ± standard error (lower is better)",
            "tuned",
        ),
        "recommendation-scores": both_screens(
            draw_scores,
            ranking["NDCG@10"],
            ranking["NDCG@10 SE"],
            "NDCG@10 on the last fifth of the time, ± standard error (higher is better)",
            choices.best,
        ),
    }


def _text(accuracy, title):
    """Return a table of means ± standard errors for a terminal."""
    return f"\n{title}\n{with_errors(accuracy).to_string()}\n"


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
    """Draw several series: what was sold, and what two models had forecast."""
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
