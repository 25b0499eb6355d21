"""One HTML page that needs nothing but itself: style and pictures are written into it."""

import base64
from html import escape

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
