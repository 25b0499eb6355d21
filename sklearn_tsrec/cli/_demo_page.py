"""The page of the demo: what was asked, what was found, and how far to trust it."""

import base64
from html import escape

import pandas as pd

from sklearn_tsrec.cli._demo_models import ENOUGH, HORIZON, MONTH


def with_errors(accuracy):
    """Write each mean together with its standard error."""
    return pd.DataFrame(
        {
            name: [
                f"{mean:.3f} ± {error:.3f}"
                for mean, error in zip(accuracy[name], accuracy[f"{name} SE"])
            ]
            for name in accuracy.columns
            if not name.endswith(" SE")
        },
        index=accuracy.index,
    )


def write_page(path, demand, choices, pictures, seconds):
    """Write everything onto one page."""
    body = "\n".join(
        [
            "<header><h1>One year of receipts, two questions</h1>",
            '<p class="lead">What will the shop sell in the next eight weeks, and what will each '
            "household buy? Both are answered from one table of receipt lines, with ordinary "
            "scikit-learn estimators: <code>WindowForecaster</code> and "
            "<code>SequenceRecommender</code>, tuned by <code>GridSearchCV</code>.</p>",
            f'<p class="soft">Computed in {seconds:.0f} seconds. The data are a sample of about '
            "one receipt line in twenty from 2,377 households in 2017.</p></header>",
            _forecasting(demand, pictures),
            _recommending(choices, pictures),
            _files(),
        ]
    )
    path.write_text(page("sklearn-tsrec: the demo", body), encoding="utf-8")


def _forecasting(demand, pictures):
    """Return the half about demand."""
    naive, best = demand.accuracy.loc["seasonal naive"], demand.accuracy.loc["tuned"]
    saved = 1 - best["WAPE"] / naive["WAPE"]
    n_categories = demand.history.shape[1]
    chosen = ", ".join(
        f"{name.removeprefix('estimator__')} = {value}" for name, value in demand.chosen.items()
    )
    return f"""
<section>
<h2>What will be sold</h2>
<p>Weekly demand of {n_categories} categories, {HORIZON} weeks ahead, with price and discount as
known ahead. The tuned model is off by {best["WAPE"]:.0%} of what was sold, the seasonal naive
forecast by {naive["WAPE"]:.0%}: {saved:.0%} less. {_versus_mean(demand)}</p>
{
        figure(
            *pictures["forecasts"],
            "Weekly demand of six categories with two forecasts",
            "The six biggest categories, and two forecasts of the weeks that no model had seen.",
        )
    }
{
        table(
            with_errors(demand.accuracy),
            f"Errors on the last {HORIZON} weeks, mean ± standard error "
            "over categories. MASE: 1 is the error of the naive forecast in training; WAPE: share "
            "of the units sold. Lower is better.",
            "tuned",
        )
    }
{
        figure(
            *pictures["forecast-errors"],
            "Error of each model as a bar",
            "The same errors as a picture.",
        )
    }
<p class="soft">How it was done: {demand.n_searched} candidates were compared by three forward
folds of {HORIZON} weeks inside the first {len(demand.history)} weeks, and the last {
        HORIZON
    } weeks were forecast
once. Chosen: {escape(chosen)}. One year of data shows no yearly season, so the seasonal naive
forecast repeats the last {MONTH} weeks and knows no Christmas. Only categories with at
least {ENOUGH} units a week in training take part ({
        demand.share:.0%} of all units): below that, a sample of
one line in twenty is mostly chance. Prices and discounts are measured on the lines of the very week
they belong to, as a stand-in for what the shop had planned: compare the row without them.</p>
</section>"""


def _versus_mean(demand):
    """Say whether the tuned model beats the harder baseline."""
    gain = demand.gain
    low, high = gain.interval
    verdict = (
        "beats it clearly" if high < 0 else "is worse" if low > 0 else "cannot be told from it"
    )
    return (
        f"The plain mean of the last eight weeks is a harder rival; the tuned model {verdict}: "
        f"MASE {gain.mean_a:.3f} against {gain.mean_b:.3f}, difference {gain.difference:+.3f} ± "
        f"{gain.std_error:.3f}."
    )


def _recommending(choices, pictures):
    """Return the half about recommendations."""
    gain = choices.gain
    return f"""
<section>
<h2>What a household will buy</h2>
<p>Ten categories for each household, drawn up on {choices.cut:%d %B} and compared with what was
bought after it. Repeated purchases count, as they do in a shop. {escape(choices.best.capitalize())}
was the best model before the cut; against popularity its NDCG@10 is {gain.difference:+.3f} ±
{gain.std_error:.3f} (p = {gain.pvalue:.2g}).</p>
{
        table(
            with_errors(choices.accuracy),
            f"Quality for the {choices.n_households:,} households that "
            "bought something after the cut, mean ± standard error. Higher is better.",
            choices.best,
        )
    }
{
        figure(
            *pictures["recommendation-scores"],
            "Quality of each recommender as a bar",
            "The same as a picture.",
        )
    }
<p class="soft">Every category of the shop can be recommended, and every category bought after the
cut counts, whether or not it was known before. {
        choices.n_new
    } households were new after the cut and were
recommended what is popular. All parameters were chosen on an inner cut of the same length.</p>
<h3>Three households</h3>
<div class="cards">{"".join(_household(choices, name) for name in _examples(choices))}</div>
<p class="soft">Fitted on the whole year. A coloured number marks a category that the household has
bought before.</p>
</section>"""


def _examples(choices):
    """Return three households: at the quartiles of how much was bought."""
    sizes = choices.events.groupby(level="household").size().sort_values(kind="stable")
    return [sizes.index[int(len(sizes) * share)] for share in (0.25, 0.5, 0.75)]


def _household(choices, household):
    """Return what one household bought last, and what it is recommended."""
    bought = choices.events.loc[household]
    last = [name.capitalize() for name in dict.fromkeys(bought.iloc[::-1])][:5]
    lists = choices.lists[choices.lists["household"] == household].sort_values("rank")
    items = "".join(
        f'<li class="had">{escape(item.capitalize())}</li>'
        if item in set(bought)
        else f"<li>{escape(item.capitalize())}</li>"
        for item in lists["item"]
    )
    return (
        f'<div class="card"><h3>Household {household}</h3>'
        f"<p>{len(bought)} lines in the sample. Bought last: {escape('; '.join(last))}.</p>"
        f"<ol>{items}</ol></div>"
    )


def _files():
    """Return what else there is, and where the data come from."""
    return """
<section>
<h2>Go on</h2>
<p>Beside this page lie <code>forecasts.csv</code>, <code>recommendations.csv</code> and the
pictures. With tables of your own:</p>
<pre>sklearn-tsrec forecast sales.csv --group store --time date --target sales --horizon 14
sklearn-tsrec recommend purchases.csv --user customer --item product --time bought_at</pre>
</section>
<footer>Data: 84.51°, The Complete Journey 2.0, as sampled in the R package completejourney by
B. Boehmke and S. M. Mortimer (CC0). The dates were moved onto 2017 by the publisher.</footer>"""


_STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1d2430; --soft: #5a6473; --line: #dfe3e9; --paper: #fbfbfa; --card: #ffffff;
  --mark: #0b66c3; --best: #e8f1fb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e8ec; --soft: #9aa4b2; --line: #313844; --paper: #14171c; --card: #1b2027;
    --mark: #6db3f8; --best: #1d3148;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0 0 1rem; }
h2 { font-size: 1.4rem; line-height: 1.3; margin: 3rem 0 0.75rem; }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
p { max-width: 42rem; margin: 0.75rem 0; }
.lead { font-size: 1.15rem; }
.soft, figcaption, footer { color: var(--soft); font-size: 0.9rem; }
.wide { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: 0.9rem; padding-bottom: 0.5rem; }
th, td { text-align: right; padding: 0.45rem 0.75rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0.5rem; }
thead th { color: var(--soft); font-size: 0.85rem; border-bottom-width: 2px; }
tr.best td { background: var(--best); font-weight: 600; }
figure { margin: 1.5rem 0; }
figure img { display: block; width: 100%; height: auto; border-radius: 8px; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem;
}
.card p { font-size: 0.9rem; line-height: 1.5; margin: 0.4rem 0; }
.card ol { margin: 0.5rem 0 0; padding-left: 1.5rem; font-size: 0.9rem; line-height: 1.5; }
.card li.had::marker { color: var(--mark); font-weight: 700; }
code { font: 0.88em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.9rem 1.1rem; overflow-x: auto; line-height: 1.5;
}
footer { border-top: 1px solid var(--line); margin-top: 3.5rem; padding-top: 1rem; }
"""


def page(title, body):
    """Return the whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(frame, caption, best=None):
    """Return a table of text; ``best`` is the label of the row to bring out."""
    names = [frame.index.name or "", *frame.columns]
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in names)
    rows = []
    for label, row in zip(frame.index, frame.itertuples(index=False)):
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in (label, *row))
        rows.append(f'<tr class="best">{cells}</tr>' if label == best else f"<tr>{cells}</tr>")
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def figure(light, dark, text, caption):
    """Return a picture, in two versions for light and dark screens."""
    light, dark = (
        "data:image/png;base64," + base64.b64encode(png).decode("ascii") for png in (light, dark)
    )
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{escape(text, quote=True)}"></picture>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
