"""The command ``demo``: one table of receipts, two questions, one page of answers."""

import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from sklearn_tsrec._extras import require
from sklearn_tsrec.cli._demo_forecast import forecast_demand
from sklearn_tsrec.cli._demo_page import with_errors, write_page
from sklearn_tsrec.cli._demo_recommend import recommend_categories
from sklearn_tsrec.cli._pictures import both_screens, draw_forecasts, draw_scores
from sklearn_tsrec.cli._tables import say
from sklearn_tsrec.datasets import load_complete_journey


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
