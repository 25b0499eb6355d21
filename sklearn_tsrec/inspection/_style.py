"""What all displays share: one palette, quiet axes, and matplotlib only when something is drawn."""

from sklearn_tsrec._extras import require

# Okabe & Ito's palette, which people with colour-blindness can tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
TEST, SOFT = PALETTE[1], "#B8BEC6"


def color_of(number):
    """Return the colour of a model by its number."""
    return PALETTE[number % len(PALETTE)]


def pyplot():
    """Return matplotlib.pyplot, or raise with how to install it."""
    return require("matplotlib.pyplot", "plot")


def ink(ax):
    """Return the colour of what is written, which a dark style makes light."""
    return ax.xaxis.label.get_color()


def quiet(ax):
    """Take away what carries no information."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(length=3, color=SOFT)


def date_axis(ax, times):
    """Write dates as briefly as they can be read."""
    if getattr(times.dtype, "kind", "") != "M":
        return
    import matplotlib.dates as dates

    zone = getattr(times.dtype, "tz", None)  # matplotlib would write UTC
    locator = dates.AutoDateLocator(tz=zone, minticks=3, maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))
