"""Real data that ships with the package, and generators."""

from sklearn_tsrec.datasets._bike_sharing import load_bike_sharing
from sklearn_tsrec.datasets._complete_journey import load_complete_journey
from sklearn_tsrec.datasets._fx_monthly import load_fx_monthly
from sklearn_tsrec.datasets._international_football import load_international_football
from sklearn_tsrec.datasets._make_causal_series import make_causal_series
from sklearn_tsrec.datasets._make_events import make_events
from sklearn_tsrec.datasets._make_panel import make_panel

__all__ = [
    "load_bike_sharing",
    "load_complete_journey",
    "load_fx_monthly",
    "load_international_football",
    "make_causal_series",
    "make_events",
    "make_panel",
]
