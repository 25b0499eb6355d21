"""Forecast and ranking metrics, scorers and paired tests."""

from sklearn_tsrec.metrics._beyond_accuracy import (
    catalog_coverage,
    gini_index,
    intra_list_diversity,
    mean_popularity_percentile,
    novelty,
)
from sklearn_tsrec.metrics._evaluate_ranker import evaluate_ranker
from sklearn_tsrec.metrics._evaluate_recommender import evaluate_recommender
from sklearn_tsrec.metrics._exposure import exposure_ratio
from sklearn_tsrec.metrics._financial import (
    directional_accuracy,
    rank_information_coefficient,
    rank_information_ratio,
)
from sklearn_tsrec.metrics._forecast import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_absolute_scaled_error,
    root_mean_squared_error,
    root_mean_squared_scaled_error,
    seasonal_naive_scale,
    symmetric_mean_absolute_percentage_error,
    weighted_absolute_percentage_error,
)
from sklearn_tsrec.metrics._forecast_scorers import (
    mase_scorer,
    pinball_scorer,
    rank_ic_scorer,
    rmsse_scorer,
    smape_scorer,
    wape_scorer,
    wql_scorer,
)
from sklearn_tsrec.metrics._outcomes import brier_score, log_loss, ranked_probability_score
from sklearn_tsrec.metrics._paired import PairedTestResult, paired_test
from sklearn_tsrec.metrics._probabilistic import (
    continuous_ranked_probability_score,
    interval_coverage,
    interval_score,
    mean_pinball_loss,
    weighted_quantile_loss,
)
from sklearn_tsrec.metrics._ranking import (
    hit_rate_at_k,
    mean_average_precision_at_k,
    mean_reciprocal_rank_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from sklearn_tsrec.metrics._ranking_scorers import (
    hit_rate_scorer,
    map_scorer,
    mrr_scorer,
    ndcg_scorer,
    precision_scorer,
    recall_scorer,
)
from sklearn_tsrec.metrics._top_k_spread import top_k_spread
from sklearn_tsrec.metrics._uplift import (
    auuc_score,
    policy_value,
    qini_score,
    uplift_interval,
)

__all__ = [
    "PairedTestResult",
    "auuc_score",
    "brier_score",
    "catalog_coverage",
    "continuous_ranked_probability_score",
    "directional_accuracy",
    "evaluate_ranker",
    "evaluate_recommender",
    "exposure_ratio",
    "gini_index",
    "hit_rate_at_k",
    "hit_rate_scorer",
    "interval_coverage",
    "interval_score",
    "intra_list_diversity",
    "log_loss",
    "map_scorer",
    "mase_scorer",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_absolute_scaled_error",
    "mean_average_precision_at_k",
    "mean_pinball_loss",
    "mean_popularity_percentile",
    "mean_reciprocal_rank_at_k",
    "mrr_scorer",
    "ndcg_at_k",
    "ndcg_scorer",
    "novelty",
    "paired_test",
    "pinball_scorer",
    "policy_value",
    "precision_at_k",
    "precision_scorer",
    "qini_score",
    "rank_ic_scorer",
    "rank_information_coefficient",
    "rank_information_ratio",
    "ranked_probability_score",
    "recall_at_k",
    "recall_scorer",
    "rmsse_scorer",
    "root_mean_squared_error",
    "root_mean_squared_scaled_error",
    "seasonal_naive_scale",
    "smape_scorer",
    "symmetric_mean_absolute_percentage_error",
    "top_k_spread",
    "uplift_interval",
    "wape_scorer",
    "weighted_absolute_percentage_error",
    "weighted_quantile_loss",
    "wql_scorer",
]
