"""The one list of public estimators that every common test runs over.

A new estimator is added here and nowhere else. Estimators that read keys are built to read an
array without a calendar: ``time=0, freq=None``. What needs a package that is not installed is left
out, and its name is in ``LEFT_OUT``.
"""

import importlib.util
from pathlib import Path

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_tsrec._extras import is_missing
from sklearn_tsrec.causal import CausalGraph, UpliftRecommender
from sklearn_tsrec.ensemble import TemporalStackingClassifier, TemporalStackingRegressor
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.features import (
    AutoregressiveFeatures,
    CalendarFeatures,
    FourierFeatures,
    LagFeatures,
    SpectralFeatures,
    WindowFeatures,
    WindowStatistics,
)
from sklearn_tsrec.forecasting import (
    ConformalForecaster,
    CrostonRegressor,
    DriftRegressor,
    ReconciledForecaster,
    SeasonalNaiveRegressor,
    WindowForecaster,
)
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.monitoring import DriftMonitor
from sklearn_tsrec.preprocessing import OutlierClipper, SeriesImputer, SeriesScaler
from sklearn_tsrec.recommendation import (
    ALSClassifier,
    EASEClassifier,
    ForecastRanker,
    ItemKNNClassifier,
    KnowledgeGraphFeatures,
    MarkovClassifier,
    PersonalFrequencyClassifier,
    ReRanker,
    SequenceRecommender,
    TwoStageRecommender,
)

MEMBERS = [
    ("one", WindowForecaster(Ridge(), window=1)),
    ("two", WindowForecaster(Ridge(), window=2)),
]
CLASSIFIERS = [
    ("any", DummyClassifier()),
    ("next", SequenceRecommender(DummyClassifier(), window=1)),
]

ESTIMATORS = [
    CausalGraph(),
    UpliftRecommender(),
    ConformalForecaster(WindowForecaster(window=1), cv=PanelTimeSeriesSplit(1), time=0, freq=None),
    ConformalForecaster(
        WindowForecaster(window=1), method="split", cv=PanelTimeSeriesSplit(1), time=0, freq=None
    ),
    EASEClassifier(),
    EASEClassifier(target="next"),
    ItemKNNClassifier(),
    KnowledgeGraphFeatures([(0, "is", "a"), (1, "is", "a"), (1, "has", "b")]),
    MarkovClassifier(),
    MarkovClassifier(order=2),
    DriftMonitor(),
    ReconciledForecaster(WindowForecaster(window=1), time=0, freq=None),
    LagFeatures(time=0, freq=None),
    LagFeatures([1, 2], target=True, time=0, freq=None),
    PersonalFrequencyClassifier(),
    ForecastRanker(WindowForecaster(Ridge(), window=2, time=0, freq=None)),
    ReRanker(SequenceRecommender(time=0)),
    SequenceRecommender(time=0),
    TemporalStackingClassifier(CLASSIFIERS, cv=1, time=0, freq=None),
    TemporalStackingClassifier(
        CLASSIFIERS,
        DecisionTreeClassifier(random_state=0),
        cv=1,
        passthrough=True,
        time=0,
        freq=None,
    ),
    TemporalStackingRegressor(MEMBERS, cv=1, per="group", time=0, freq=None),
    TemporalStackingRegressor(MEMBERS, cv=1, weights="online", time=0, freq=None),
    TemporalStackingRegressor(MEMBERS, Ridge(), cv=1, passthrough=True, time=0, freq=None),
    TwoStageRecommender(time=0),
    CrostonRegressor(time=0, freq=None),
    DriftRegressor(time=0, freq=None),
    SeasonalNaiveRegressor(2, time=0, freq=None),
    WindowForecaster(Ridge(), window=2, time=0, freq=None),
    WindowForecaster(Ridge(), window=1, horizon=2, time=0, freq=None),
    WindowForecaster(
        DecisionTreeRegressor(random_state=0),
        window=2,
        target_transform=["last", "scale"],
        time=0,
        freq=None,
    ),
    WindowFeatures([2, "expanding"], min_samples=1, time=0, freq=None),
    WindowFeatures(3, ["median", "max"], target=True, min_samples=2, time=0, freq=None),
    AutoregressiveFeatures(order=1),
    CalendarFeatures(time=0),
    FourierFeatures([7, 2.5], time=0, freq=None),
    SpectralFeatures(),
    WindowStatistics(),
    OutlierClipper(time=0, freq=None),
    SeriesImputer(time=0, freq=None),
    SeriesImputer("seasonal", period=2, time=0, freq=None),
    SeriesImputer("linear", time=0, freq=None),
    SeriesScaler(time=0),
]

LEFT_OUT = set()

if importlib.util.find_spec("econml"):
    ESTIMATORS += [CausalFeatureSelector()]
else:
    LEFT_OUT |= {"CausalFeatureSelector"}

if importlib.util.find_spec("implicit"):
    ESTIMATORS += [
        ALSClassifier(n_components=2),
    ]
else:
    LEFT_OUT |= {"ALSClassifier"}

if is_missing("sktime"):
    LEFT_OUT |= {"SktimeRegressor", "SktimeTransformer"}
else:
    from sklearn_tsrec.sktime import SktimeRegressor, SktimeTransformer

    ESTIMATORS += [
        SktimeRegressor(time=0, freq=None),
        SktimeTransformer(time=0, freq=None),
    ]

if is_missing("neural"):
    NETS = {"GRUClassifier", "PatchTransformerRegressor", "SASRecClassifier"}
    LEFT_OUT |= NETS | {"ChronosRegressor"}
else:
    import torch

    from sklearn_tsrec.neural import (
        ChronosRegressor,
        GRUClassifier,
        PatchTransformerRegressor,
        SASRecClassifier,
    )

    torch.set_num_threads(1)  # nets this small only wait for each other

    SMALL_NET = {
        "module__sizes": {
            "context": 8,
            "patch": 4,
            "block": 4,
            "width": 8,
            "depth": 1,
            "heads": 1,
            "feedforward": 8,
        },
        "iterator_train__n_batches": 2,
    }
    ESTIMATORS += [
        PatchTransformerRegressor(None),
        PatchTransformerRegressor(None, finetune="lora", max_epochs=2, net_params=SMALL_NET),
        GRUClassifier(width=4, max_epochs=2),
        SASRecClassifier(width=4, depth=1, max_epochs=2),
        SASRecClassifier(
            width=4, depth=1, pretrain="masked", pretrain_epochs=1, finetune="lora", max_epochs=1
        ),
    ]
    if importlib.util.find_spec("chronos"):
        # Random weights, as tests/neural/test_chronos.py saves them.
        TINY_BOLT = str(Path(__file__).parent / "neural" / "tiny_bolt")
        ESTIMATORS += [ChronosRegressor(TINY_BOLT, verbose=0)]
    else:
        LEFT_OUT |= {"ChronosRegressor"}
