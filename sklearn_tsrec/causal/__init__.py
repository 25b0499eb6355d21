"""Effects with intervals and refutations: what happens to the target if a driver is moved."""

from sklearn_tsrec.causal._causal_forecast import causal_forecast
from sklearn_tsrec.causal._effect import CausalEffect, estimate_effect
from sklearn_tsrec.causal._graph import CausalGraph
from sklearn_tsrec.causal._uplift_recommender import UpliftRecommender

__all__ = [
    "CausalEffect",
    "CausalGraph",
    "UpliftRecommender",
    "causal_forecast",
    "estimate_effect",
]
