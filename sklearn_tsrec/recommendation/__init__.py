"""Recommendation: the next items of a series, by any classifier on windows of items."""

from sklearn_tsrec.recommendation._als import ALSClassifier
from sklearn_tsrec.recommendation._ease import EASEClassifier
from sklearn_tsrec.recommendation._forecast_ranker import ForecastRanker
from sklearn_tsrec.recommendation._item_knn import ItemKNNClassifier
from sklearn_tsrec.recommendation._knowledge_graph import KnowledgeGraphFeatures
from sklearn_tsrec.recommendation._markov import MarkovClassifier
from sklearn_tsrec.recommendation._personal_frequency import PersonalFrequencyClassifier
from sklearn_tsrec.recommendation._reranker import ReRanker
from sklearn_tsrec.recommendation._sequence_recommender import SequenceRecommender
from sklearn_tsrec.recommendation.two_stage._recommender import TwoStageRecommender

__all__ = [
    "ALSClassifier",
    "EASEClassifier",
    "ForecastRanker",
    "ItemKNNClassifier",
    "KnowledgeGraphFeatures",
    "MarkovClassifier",
    "PersonalFrequencyClassifier",
    "ReRanker",
    "SequenceRecommender",
    "TwoStageRecommender",
]
