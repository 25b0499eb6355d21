"""One function for each idea of the package: what it gives on fixed data, for ``golden.py``."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_tsrec import as_panel, metrics
from sklearn_tsrec.datasets import make_causal_series, make_events, make_panel

CASES = {}


def case(function):
    """Add a case: a function without arguments that returns a dict of outputs by name."""
    CASES[function.__name__] = function
    return function


# Data ---------------------------------------------------------------------------------------------


def panel(n_series=5, n_times=70, ahead=6, **options):
    """Return training rows and targets, and rows and targets of the steps after them."""
    options = {"effects": (1.0, 0.5), "noise": 0.3, "random_state": 0} | options
    X, y = make_panel(n_series, n_times, **options)
    times = X.index.get_level_values("time")
    late = times > times.unique().sort_values()[-ahead - 1]
    return X[~late], y[~late], X[late], y[late]


def log(n_users=60, n_items=20, n_events=900, **options):
    """Return the first four fifths of a log of events, as keyed table and items, and the rest."""
    options = {"repeat": 0.5, "random_state": 0} | options
    events = make_events(n_users, n_items, n_events, **options)
    events["item"] = "i" + events["item"].astype(str).str.zfill(2)
    events["price"] = (events.index * 7 % 13) / 2
    X, y = as_panel(events, group="user", time="time", target="item")
    late = X.index.get_level_values("time") > events["time"].quantile(0.8)
    return X[~late], y[~late], X[late], y[late]


def kinds():
    """Return what is known of the items of a log."""
    names = [f"i{j:02}" for j in range(20)]
    return pd.DataFrame(
        {"kind": [f"k{j % 4}" for j in range(20)], "size": np.arange(20) % 7 * 1.5}, names
    )


def item_windows(n=300, n_items=9, width=5):
    """Return windows of items, NaN first, and the items that follow."""
    rng = np.random.default_rng(1)
    walk = rng.integers(0, n_items, n + width)
    walk[1::2] = (walk[:-1:2] + 1) % n_items  # half of the steps can be predicted
    windows = np.lib.stride_tricks.sliding_window_view(walk[:-1].astype(float), width)[:n].copy()
    windows[::4, :3] = np.nan
    windows[::9] = np.nan
    return windows, walk[width : n + width]


def value_windows(n_series=6, n_times=60, width=30, horizon=6):
    """Return windows of values and those that follow."""
    _, y = make_panel(n_series, n_times, period=6, effects=(), noise=0.3, random_state=2)
    values = y.to_numpy().reshape(n_series, n_times)
    cut = np.lib.stride_tricks.sliding_window_view(values, width + horizon, axis=1)
    cut = cut[:, ::4].reshape(-1, width + horizon)
    return cut[:, :width].copy(), cut[:, width:].copy()


# Features -----------------------------------------------------------------------------------------


def _transformed(transformer, **data):
    X, y, X_new, _ = panel(3, 40, missing=0.05, ragged=0.3, **data)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    transformer = transformer.set_output(transform="pandas")
    first = transformer.fit_transform(X, y)
    return {"train": first, "new": transformer.transform(X_new)}


@case
def lag_features():
    from sklearn_tsrec.features import LagFeatures

    out = _transformed(LagFeatures([1, 2, 7]))
    out |= named("pooled", _transformed(LagFeatures([0, 1], columns=["x0"], pool="all")))
    return out | named("target", _transformed(LagFeatures([3, 7], target=True, horizon=3)))


@case
def window_features():
    from sklearn_tsrec.features import WindowFeatures

    out = _transformed(WindowFeatures([3, 7, "expanding"], min_samples=1))
    every = ["mean", "std", "min", "max", "median", "sum", "count"]
    out |= named("all", _transformed(WindowFeatures([4], every, columns=["x1"], min_samples=2)))
    target = WindowFeatures([5, "expanding"], ["mean", "max"], target=True, horizon=2)
    return out | named("target", _transformed(target))


@case
def window_statistics():
    from sklearn_tsrec.features import WindowStatistics

    windows, _ = value_windows()
    windows[::5, :9] = np.nan
    statistics = ["mean", "std", "min", "max", "slope", "time_since"]
    return {"t": WindowStatistics(statistics, sizes=[4, 12]).fit_transform(windows)}


@case
def autoregressive_features():
    from sklearn_tsrec.features import AutoregressiveFeatures

    windows, _ = value_windows()
    return {
        method: AutoregressiveFeatures(3, method=method).fit_transform(windows)
        for method in ("burg", "ols")
    }


@case
def spectral_features():
    from sklearn_tsrec.features import SpectralFeatures

    windows, _ = value_windows()
    return {
        detrend: SpectralFeatures(n_periods=2, detrend=detrend).fit_transform(windows)
        for detrend in ("constant", "linear")
    }


@case
def calendar_features():
    from sklearn_tsrec.features import CalendarFeatures

    names = ["dayofweek", "month", "is_month_end"]
    out = named("whole", _transformed(CalendarFeatures(names)))
    return out | named("cyclical", _transformed(CalendarFeatures("dayofweek", cyclical=True)))


@case
def fourier_features():
    from sklearn_tsrec.features import FourierFeatures

    return _transformed(FourierFeatures([7, "30D"], order=2))


@case
def outlier_clipper():
    from sklearn_tsrec.preprocessing import OutlierClipper

    out = {}
    for method in ("hampel", "iqr"):
        clip = OutlierClipper(method, window=14, threshold=1.0)
        out |= named(method, _transformed(clip))
    mark = OutlierClipper(window=9, threshold=1.5, action="mark")
    return out | named("mark", _transformed(mark))


@case
def series_imputer():
    from sklearn_tsrec.preprocessing import SeriesImputer

    out = {}
    for method, period in (("forward", None), ("seasonal", 7), ("linear", None)):
        out |= named(method, _transformed(SeriesImputer(method, period=period)))
    return out


@case
def series_scaler():
    from sklearn_tsrec.preprocessing import SeriesScaler

    out = {}
    for method in ("standard", "robust", "minmax"):
        scaler = SeriesScaler(method)
        out |= named(method, _transformed(scaler))
        out[f"{method} back"] = scaler.inverse_transform(out[f"{method} new"])
    return out


# Causes -------------------------------------------------------------------------------------------


def _causal_table(n=300, **options):
    from sklearn_tsrec.features import LagFeatures

    options = {"n_drivers": 2, "n_proxies": 2, "n_children": 1, "random_state": 0} | options
    series = make_causal_series(n, 8, **options)
    lags = make_union(
        LagFeatures([1, 2]), LagFeatures([1, 2], target=True), verbose_feature_names_out=False
    ).set_output(transform="pandas")
    return lags.fit_transform(series.data, series.target), series.target


def _selected(selector, X, y):
    selector = selector.fit(X, y)
    return {
        "kept": selector.get_support().astype(int),
        "pvalues": selector.pvalues_,
        "effects": selector.effects_,
        "covariance": selector.effects_covariance_,
    }


@case
def causal_feature_selector():
    from sklearn_tsrec.feature_selection import CausalFeatureSelector

    X, y = _causal_table()
    return _selected(CausalFeatureSelector(), X, y)


@case
def causal_feature_selector_shapes():
    from sklearn_tsrec.feature_selection import CausalFeatureSelector

    X, y = _causal_table(shapes=("square", "relu"), n_regimes=2)
    out = _selected(CausalFeatureSelector(invariance="drop", cov_type="hac"), X, y)
    linear = CausalFeatureSelector(nonlinear=False, screen=False, max_features=6)
    return out | named("linear", _selected(linear, X, y))


@case
def causal_feature_selector_econml():
    from sklearn_tsrec.feature_selection import CausalFeatureSelector

    X, y = _causal_table(200)
    return _selected(CausalFeatureSelector(engine="econml", nuisance=Ridge()), X, y)


@case
def causal_graph():
    from sklearn_tsrec.causal import CausalGraph

    table = make_causal_series(300, 5, n_drivers=2, n_proxies=1, n_children=1, random_state=1)
    X = table.data.assign(y=table.target)
    graph = CausalGraph().fit(X)
    return {"edges": graph.edges_, "pcmci": graph.cross_check(X)}


@case
def causal_forecast():
    from sklearn_tsrec.causal import causal_forecast
    from sklearn_tsrec.feature_selection import CausalFeatureSelector
    from sklearn_tsrec.features import LagFeatures

    X, y, X_new, _ = panel(2, 120, ahead=3)
    trees = HistGradientBoostingRegressor(max_iter=10, random_state=0)
    model = make_pipeline(LagFeatures([0, 1]), CausalFeatureSelector(), trees)
    model = model.set_output(transform="pandas").fit(X, y)
    return {"table": causal_forecast(model, X_new, {"x0": 0.5})}


def _effect(found):
    names = ["effect", "std_error", "pvalue", "lower", "upper", "n_rows", "robustness"]
    out = {name: getattr(found, name) for name in names}
    out["heterogeneity"] = found.heterogeneity_pvalue
    out |= {"by": found.by, "placebo": list(found.placebo_lead.values())}
    out["random"] = list(found.random_treatment.values())
    return out if found.by_row is None else out | {"by_row": found.by_row}


@case
def estimate_effect():
    from sklearn_tsrec.causal import estimate_effect

    X, y = _causal_table()
    return _effect(estimate_effect(X, y, X.columns[0], n_placebos=20, random_state=0))


@case
def estimate_effect_by_row():
    from sklearn_tsrec.causal import estimate_effect

    X, y = _causal_table(150)
    names = list(X.columns)
    found = estimate_effect(
        X[names[:4]], y, names[0], modifiers=[names[1]], n_placebos=5, random_state=0
    )
    return _effect(found)


def _offers(dose=False):
    rng = np.random.default_rng(0)
    n = 400
    X = pd.DataFrame({"user": np.arange(n) % 90, "age": rng.uniform(20, 60, n)})
    X["offer"] = rng.integers(0, 5 if dose else 2, n)
    return X, 5 + X["offer"] * (X["age"] - 40) / 10 + rng.normal(size=n)


def _uplift(recommender, X, y):
    recommender = recommender.fit(X, y)
    who = pd.DataFrame({"user": [1, 2, 3, 4], "age": [25, 35, 45, 55], "offer": 0})
    out = {"predict": recommender.predict(who), "lists": recommender.recommend(who, k=2)}
    out["average"] = [recommender.average_effect_, recommender.average_effect_error_]
    if hasattr(recommender, "predict_interval"):
        out["interval"] = recommender.predict_interval(who)
    return out


@case
def uplift_recommender():
    from sklearn_tsrec.causal import UpliftRecommender

    out = _uplift(UpliftRecommender(treatment="offer", group="user"), *_offers())
    return out | named("dose", _uplift(UpliftRecommender(treatment="offer"), *_offers(True)))


@case
def uplift_recommender_engines():
    from sklearn_tsrec.causal import UpliftRecommender

    out = {}
    for engine in ("linear-dr", "forest"):
        model = UpliftRecommender(
            treatment="offer", propensity=LogisticRegression(), engine=engine, group="user"
        )
        out |= named(engine, _uplift(model, *_offers()))
    return out


# Splits and backtests -----------------------------------------------------------------------------


@case
def splitters():
    from sklearn_tsrec.model_selection import LeaveLastOut, PanelTimeSeriesSplit

    X, y, _, _ = panel(3, 40, ragged=0.4)
    out = {}
    for i, (train, test) in enumerate(PanelTimeSeriesSplit(3, horizon=4, gap=1).split(X, y)):
        out |= {f"panel train {i}": train, f"panel test {i}": test}
    for train, test in LeaveLastOut(2).split(X, y):
        out |= {"last train": train, "last test": test}
    return out


@case
def backtest():
    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest

    X, y, _, _ = panel(3, 50)
    cv = PanelTimeSeriesSplit(3, horizon=3, gap=1)
    models = {"ridge": WindowForecaster(Ridge(), window=5, horizon=3), "last": WindowForecaster()}
    out = {name: backtest(m, X, y, cv=cv, verbose=0) for name, m in models.items()}
    out["updated"] = backtest(models["ridge"], X, y, cv=cv, refit=False, verbose=0)
    return out


@case
def drift_monitor():
    from sklearn_tsrec.monitoring import DriftMonitor

    rng = np.random.default_rng(0)
    monitor = DriftMonitor(n_recent=40).fit(rng.normal(size=(200, 2)), rng.normal(size=100))
    monitor.update(rng.normal(size=(40, 2)), rng.normal(size=40), covered=rng.random(40) < 0.9)
    before = monitor.report_.copy()
    monitor.update(rng.normal(1, 1, (40, 2)), rng.normal(2, 1, 40), covered=rng.random(40) < 0.4)
    return {"before": before, "report": monitor.report_, "refit": bool(monitor.should_refit_)}


# Forecasters --------------------------------------------------------------------------------------


def _forecast(model, *, interval=False, quantiles=False, update=False, paths=False, **data):
    X, y, X_new, y_new = panel(**data)
    model = model.fit(X, y)
    out = {"predict": model.predict(X_new)}
    if interval:
        out["interval"] = model.predict_interval(X_new, coverage=0.8)
    if quantiles:
        out["quantiles"] = model.predict_quantiles(X_new, [0.1, 0.5, 0.9])
    if paths:
        out["paths"] = model.predict_paths(X_new, n_paths=5, random_state=0)
    if update:
        times = X_new.index.get_level_values("time")
        first = times < times.unique().sort_values()[3]
        model.update(X_new[first], y_new[first])
        out["updated"] = model.predict(X_new[~first])
        if interval:
            out["updated interval"] = model.predict_interval(X_new[~first], coverage=0.8)
    return out


@case
def window_forecaster():
    from sklearn_tsrec.forecasting import WindowForecaster

    out = _forecast(WindowForecaster(Ridge(), window=7), update=True, missing=0.03, ragged=0.3)
    last = WindowForecaster(window=[1, 7], target_transform="last")
    return out | named("recursive", _forecast(last))


@case
def window_forecaster_many_steps():
    from sklearn_tsrec.forecasting import WindowForecaster

    transforms = ["seasonal", "scale"]
    model = WindowForecaster(
        Ridge(), window=14, horizon=3, target_transform=transforms, period=7, columns=["x0"]
    )
    out = _forecast(model, update=True)
    tree = WindowForecaster(
        DecisionTreeRegressor(max_depth=5, random_state=0), window=4, past_columns=["x1"],
        columns=["x0"], target_transform=["last", "scale"], horizon=2,
    )  # fmt: skip
    return out | named("tree", _forecast(tree, ragged=0.2))


@case
def window_forecaster_statics():
    from sklearn_tsrec.forecasting import WindowForecaster

    X, y, X_new, _ = panel()
    size = lambda X: X.assign(size=X.index.get_level_values(0).astype(float))  # noqa: E731
    model = WindowForecaster(
        HistGradientBoostingRegressor(max_iter=10, random_state=0), window=5,
        static_columns=["size"], columns=["x0"],
    )  # fmt: skip
    model.fit(size(X), y)
    return {"predict": model.predict(size(X_new))}


@case
def window_forecaster_partial_fit():
    from sklearn.linear_model import SGDRegressor

    from sklearn_tsrec.forecasting import WindowForecaster

    X, y, X_new, y_new = panel()
    model = WindowForecaster(SGDRegressor(random_state=0), window=3, target_transform="last")
    model.partial_fit(X, y)
    times = X_new.index.get_level_values("time")
    first = times < times.unique().sort_values()[3]
    model.partial_fit(X_new[first], y_new[first])
    return {"predict": model.predict(X_new[~first])}


@case
def make_windows():
    from sklearn_tsrec.forecasting import make_windows

    X, y, _, _ = panel(3, 30, missing=0.05)
    return dict(zip(["windows", "targets", "rows"], make_windows(X, y, window=5, horizon=2)))


@case
def series_regressors():
    from sklearn_tsrec.forecasting import CrostonRegressor, DriftRegressor, SeasonalNaiveRegressor

    out = {}
    models = {
        "naive": SeasonalNaiveRegressor(7),
        "drift": DriftRegressor(),
        "sba": CrostonRegressor(),
        "tsb": CrostonRegressor("tsb"),
    }
    for name, model in models.items():
        out |= named(name, _forecast(model, update=True, missing=0.05, ragged=0.2))
    return out


@case
def conformal_forecaster():
    from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    model = ConformalForecaster(
        WindowForecaster(Ridge(), window=7, horizon=3),
        cv=PanelTimeSeriesSplit(10, horizon=6, step=3),
    )
    return _forecast(model, interval=True, quantiles=True, update=True, paths=True)


@case
def conformal_forecaster_methods():
    from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    out = {}
    cv = PanelTimeSeriesSplit(4, horizon=6)
    for name, options in {
        "split": {"method": "split", "cv": PanelTimeSeriesSplit(1, horizon=6), "per": None},
        "adaptive": {"method": "adaptive", "cv": cv},
        "group": {"per": "group", "scale": "difference", "symmetric": False, "cv": cv},
        "plain": {"scale": None, "cv": cv},
    }.items():
        model = ConformalForecaster(WindowForecaster(Ridge(), window=7), **options)
        out |= named(name, _forecast(model, interval=True, update=True))
    return out


@case
def conformal_forecaster_quantiles():
    from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    from sklearn_tsrec.neural import PatchTransformerRegressor

    net = PatchTransformerRegressor(None, period=7, **_small_net())
    model = ConformalForecaster(
        WindowForecaster(net, window=16, horizon=3, columns=[]), per=None,
        cv=PanelTimeSeriesSplit(2, horizon=6),
    )  # fmt: skip
    return _forecast(model, interval=True, quantiles=True, n_series=2, n_times=50)


@case
def reconciled_forecaster():
    from sklearn_tsrec.forecasting import ReconciledForecaster, WindowForecaster

    out = {}
    X, y, X_new, _ = panel()
    for reconcile in ("mint", "ols", "bottom-up"):
        model = ReconciledForecaster(WindowForecaster(Ridge(), window=7), reconcile=reconcile)
        model.fit(X, y)
        out[f"{reconcile} predict"] = model.predict(X_new)
        out[f"{reconcile} sums"] = model.predict_sums(X_new)
    return out


# Ensembles ----------------------------------------------------------------------------------------


def _members():
    from sklearn_tsrec.forecasting import WindowForecaster

    return [
        ("ridge", WindowForecaster(Ridge(), window=7)),
        ("season", WindowForecaster(window=[7], target_transform="last")),
    ]


@case
def stacking_regressor():
    from sklearn_tsrec.ensemble import TemporalStackingRegressor
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    out = {}
    cv = PanelTimeSeriesSplit(2, horizon=3)
    for name, options in {
        "nnls": {"weights": "nnls"},
        "ridge": {"weights": "ridge", "per": "group"},
        "greedy": {"weights": "greedy", "per": "horizon"},
        "median": {"weights": "median"},
        "online": {"weights": "online"},
        "final": {"final_estimator": Ridge(), "passthrough": True},
    }.items():
        stack = TemporalStackingRegressor(_members(), cv=cv, **options)
        out |= named(name, _forecast(stack, update=name == "online", n_times=50))
        if getattr(stack, "weights_", None) is not None:
            out[f"{name} weights"] = stack.weights_
    return out


@case
def stacking_classifier():
    from sklearn_tsrec.ensemble import TemporalStackingClassifier
    from sklearn_tsrec.recommendation import ItemKNNClassifier, SequenceRecommender

    X, y, X_new, _ = log()
    members = [
        ("any", SequenceRecommender(DummyClassifier(strategy="prior"))),
        ("knn", SequenceRecommender(ItemKNNClassifier())),
    ]
    out = {}
    for name, options in {
        "logloss": {"weights": "logloss"},
        "greedy": {"weights": "greedy"},
        "tree": {"final_estimator": DecisionTreeClassifier(max_depth=3, random_state=0)},
    }.items():
        stack = TemporalStackingClassifier(members, cv=2, freq=None, **options).fit(X, y)
        out[f"{name} proba"] = stack.predict_proba(X_new[:40])
        out[f"{name} predict"] = stack.predict(X_new[:40])
        out[f"{name} lists"] = stack.recommend(X_new[:40], k=4)
    return out


# Recommenders -------------------------------------------------------------------------------------


def _window_classifier(classifier):
    windows, items = item_windows()
    first = slice(0, 250)
    model = clone(classifier).fit(windows[first], items[first])
    out = {"predict": model.predict(windows[200:])}
    for name in ("predict_proba", "decision_function"):
        if hasattr(model, name):
            out[name] = getattr(model, name)(windows[200:])
    if hasattr(model, "partial_fit"):
        model = clone(classifier)
        model.partial_fit(windows[:150], items[:150], classes=np.unique(items))
        model.partial_fit(windows[150:250], items[150:250])
        out["partial"] = model.predict(windows[200:])
    return out


def _recommended(recommender):
    X, y, X_new, _ = log()
    recommender = recommender.fit(X, y)
    out = {
        "all": recommender.recommend(k=5),
        "at": recommender.recommend(X_new[:30], k=4),
        "proba": recommender.predict_proba(X_new[:20]),
        "predict": recommender.predict(X_new[:50]),
    }
    return out


@case
def als_classifier():
    from sklearn_tsrec.recommendation import ALSClassifier

    return _window_classifier(ALSClassifier(4, confidence=20.0, max_iter=4, random_state=0))


@case
def ease_classifier():
    from sklearn_tsrec.recommendation import EASEClassifier

    out = _window_classifier(EASEClassifier(10.0))
    return out | named("next", _window_classifier(EASEClassifier(10.0, target="next", decay=0.8)))


@case
def item_knn_classifier():
    from sklearn_tsrec.recommendation import ItemKNNClassifier

    out = _window_classifier(ItemKNNClassifier())
    few = ItemKNNClassifier(3, decay=0.7, shrinkage=5.0, self_similarity=0.5)
    return out | named("few", _window_classifier(few))


@case
def markov_classifier():
    from sklearn_tsrec.recommendation import MarkovClassifier

    out = _window_classifier(MarkovClassifier())
    return out | named("two", _window_classifier(MarkovClassifier(order=2, smoothing=2.0)))


@case
def personal_frequency_classifier():
    from sklearn_tsrec.recommendation import PersonalFrequencyClassifier

    out = _window_classifier(PersonalFrequencyClassifier())
    return out | named("smooth", _window_classifier(PersonalFrequencyClassifier(5.0)))


def _triples():
    rng = np.random.default_rng(3)
    items = [f"i{j:02}" for j in range(20)]
    triples = [(item, "is", f"k{j % 4}") for j, item in enumerate(items)]
    triples += [(items[rng.integers(20)], "from", f"m{rng.integers(5)}") for _ in range(30)]
    return triples + [(f"m{j}", "near", f"t{j % 2}") for j in range(5)]


@case
def knowledge_graph_features():
    from sklearn_tsrec.recommendation import KnowledgeGraphFeatures

    X = pd.DataFrame({"item": [f"i{j:02}" for j in range(20)] + ["none"], "price": 1.0})
    graph = KnowledgeGraphFeatures(_triples(), item="item", n_components=4)
    table = graph.set_output(transform="pandas").fit_transform(X)
    inner = table.iloc[:, :4].to_numpy(dtype=float)
    return {"t": table, "inner": inner @ inner.T}


@case
def sequence_recommender():
    from sklearn_tsrec.recommendation import SequenceRecommender

    out = _recommended(SequenceRecommender(random_state=0))
    X, y, X_new, y_new = log()
    model = SequenceRecommender(DummyClassifier(strategy="prior"), exclude_seen=True).fit(X, y)
    out["unseen"] = model.recommend(X_new[:40], k=5)
    out["candidates"] = model.recommend(k=3, candidates=["i03", "i05", "i11", "i19"])
    out["later"] = model.recommend([1, 2, 99], k=3, at=X_new.index.get_level_values(1).max())
    model = SequenceRecommender(random_state=0).partial_fit(X, y, classes=np.unique(y))
    model.partial_fit(X_new[:60], y_new[:60])
    out["partial"] = model.recommend(k=5)
    return out


@case
def sequence_recommender_personal():
    from sklearn_tsrec.recommendation import PersonalFrequencyClassifier, SequenceRecommender

    model = SequenceRecommender(PersonalFrequencyClassifier(), window=20, half_life="20D")
    aged = SequenceRecommender(PersonalFrequencyClassifier(half_life=10.0), window=20, gaps=True)
    return _recommended(model) | named("aged", _recommended(aged))


@case
def sequence_recommender_rows():
    from sklearn_tsrec.recommendation import SequenceRecommender

    X, y, X_new, _ = log(30, 8, 300)
    model = SequenceRecommender(
        DecisionTreeClassifier(max_depth=5, random_state=0), window=4, gaps=True, columns=["price"]
    ).fit(X.fillna(0), y)
    return {"lists": model.recommend(X_new[:15], k=3), "proba": model.predict_proba(X_new[:15])}


@case
def sequence_recommender_als():
    from sklearn_tsrec.recommendation import ALSClassifier, EASEClassifier, SequenceRecommender

    X, y, X_new, _ = log()
    out = {}
    als = ALSClassifier(4, max_iter=4, random_state=0)
    for name, estimator in {"als": als, "ease": EASEClassifier(20.0)}.items():
        model = SequenceRecommender(estimator).fit(X, y)
        out[name] = model.recommend(k=5)
        out[f"{name} top"] = list(model.top_items(X_new[:9], k=3))
        out[f"{name} scores"] = model.score_items(X_new[:9], np.arange(27).reshape(9, 3) % 20)
    return out


@case
def two_stage_recommender():
    from sklearn_tsrec.recommendation import TwoStageRecommender

    X, y, X_new, _ = log(n_events=1500)
    model = TwoStageRecommender(n_candidates=8, random_state=0).fit(X, y)
    return {
        "inner": list(model.inner_scores_.values()),
        "fallback": str(model.fallback_),
        "features": list(model.feature_names_),
        "all": model.recommend(k=5),
        "at": model.recommend(X_new[:30], k=4, exclude_seen=True),
        "predict": model.predict(X_new[:30]),
    }


@case
def two_stage_recommender_features():
    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.recommendation import (
        ItemKNNClassifier,
        PersonalFrequencyClassifier,
        SequenceRecommender,
        TwoStageRecommender,
    )

    X, y, _, _ = log(n_events=1200)
    features = ["scores", "personal", "item", "trend", "context", "attributes", "columns", "demand"]
    model = TwoStageRecommender(
        [
            ("own", SequenceRecommender(PersonalFrequencyClassifier())),
            ("knn", SequenceRecommender(ItemKNNClassifier())),
        ],
        DecisionTreeClassifier(max_depth=6, random_state=0),
        horizon="10D", n_origins=2, n_candidates=[6, 6], n_negatives=5, features=features,
        item_features=kinds(), columns=["price"], demand=WindowForecaster(Ridge(), window=2),
        fallback=False, random_state=0,
    ).fit(X, y)  # fmt: skip
    return {
        "features": list(model.feature_names_),
        "importance": model.ranker_.feature_importances_,
        "all": model.recommend(k=5),
    }


@case
def reranker():
    from sklearn_tsrec.recommendation import ReRanker, SequenceRecommender

    X, y, X_new, _ = log()
    out = {}
    for name, options in {
        "diverse": {"diversity": 0.4, "item_features": kinds()},
        "capped": {"attribute": "kind", "item_features": kinds(), "max_per_attribute": 1},
        "fair": {"attribute": "kind", "item_features": kinds(), "min_exposure_ratio": 0.8},
        "rare": {"popularity_penalty": 0.5},
    }.items():
        model = ReRanker(SequenceRecommender(), n_candidates=12, random_state=0, **options)
        model.fit(X, y)
        out[name] = model.recommend(X_new[:60], k=4)
    return out


@case
def forecast_ranker():
    from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    from sklearn_tsrec.recommendation import ForecastRanker

    X, y, X_new, y_new = panel()
    safe = ConformalForecaster(
        WindowForecaster(Ridge(), window=7), cv=PanelTimeSeriesSplit(3, horizon=6)
    )
    out = {}
    for name, model in {
        "high": ForecastRanker(WindowForecaster(Ridge(), window=7)),
        "safe": ForecastRanker(safe, direction="low", risk_aversion=0.5),
    }.items():
        model.fit(X, y)
        out[name] = model.recommend(X_new, k=3)
        out[f"{name} predict"] = model.predict(X_new)
        models = {"model": model, "zero": np.arange(len(X_new)) % 3}
        table = metrics.evaluate_ranker(models, X_new, y_new, k=2, cost_bps=5, reference="zero")
        out[f"{name} evaluation"] = table
    return out


# Nets ---------------------------------------------------------------------------------------------


def _small_net():
    sizes = {
        "context": 32, "patch": 4, "block": 8, "width": 8, "depth": 1, "heads": 2, "feedforward": 8,
    }  # fmt: skip
    return {
        "max_epochs": 2,
        "learning_rate": 0.01,
        "random_state": 0,
        "net_params": {"module__sizes": sizes, "iterator_train__n_batches": 3},
    }


def _net(**options):
    from sklearn_tsrec.neural import PatchTransformerRegressor

    windows, targets = value_windows()
    net = PatchTransformerRegressor(None, **(_small_net() | options)).fit(windows, targets)
    return net, windows, targets


@case
def patch_transformer_regressor():
    net, windows, _ = _net()
    return {
        "periods": list(net.periods_),
        "predict": net.predict(windows[:8]),
        "quantiles": net.predict_quantiles(windows[:4], [0.1, 0.5, 0.9]),
    }


@case
def patch_transformer_regressor_finetune():
    from sklearn_tsrec.neural import (
        PatchTransformer,
        PatchTransformerConfig,
        PatchTransformerRegressor,
        save_checkpoint,
    )

    windows, targets = value_windows()
    sizes = _small_net()["net_params"]["module__sizes"]
    import torch

    torch.manual_seed(0)
    start = PatchTransformer(PatchTransformerConfig(**sizes))
    for layer in (start.head.out, start.head.skip):
        torch.nn.init.normal_(layer.weight, std=0.1)
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(start, folder)
        options = {"max_epochs": 2, "learning_rate": 0.01, "random_state": 0, "period": 6}
        for finetune in ("none", "head", "last", "lora", "adalora", "adapter", "prefix", "full"):
            net = PatchTransformerRegressor(path, finetune=finetune, **options)
            net.set_params(net_params={"iterator_train__n_batches": 2})
            out[finetune] = net.fit(windows, targets).predict(windows[:4])
    return out


@case
def patch_transformer_regressor_continual():
    net, windows, targets = _net(
        period=6, finetune="full", consolidation=0.1, n_replay=5, blend=0.5
    )
    out = {"before": net.predict(windows[:4]), "query": net.active_query(windows, 3)}
    net.partial_fit(windows[:20] + 1, targets[:20] + 1)
    out["after"] = net.predict(windows[:4])
    net.pretrain_on(windows)
    return out | {"on": net.predict(windows[:4])}


@case
def patch_transformer_regressor_extras():
    net, windows, _ = _net(
        period=[3, 6], augment=["jitter"], adversarial=0.1, anchor=0.1, dropout=0.1, n_recent=20
    )
    return {"predict": net.predict(windows[:4])}


@case
def shipped_checkpoint():
    from sklearn_tsrec.neural import PatchTransformerRegressor

    windows, targets = value_windows()
    net = PatchTransformerRegressor().fit(windows, targets)
    return {
        "predict": net.predict(windows[:6]),
        "quantiles": net.predict_quantiles(windows[:3], [0.05, 0.5, 0.95]),
    }


@case
def chronos_regressor():
    from sklearn_tsrec.neural import ChronosRegressor

    windows, targets = value_windows()
    bolt = str(Path(__file__).parent / "neural" / "tiny_bolt")
    model = ChronosRegressor(bolt, random_state=0, verbose=0).fit(windows, targets)
    out = {"predict": model.predict(windows[:4])}
    return out | {"quantiles": model.predict_quantiles(windows[:4], [0.1, 0.5, 0.9])}


@case
def item_nets():
    from sklearn_tsrec.neural import GRUClassifier, SASRecClassifier

    windows, items = item_windows(120)
    options = {"max_epochs": 2, "learning_rate": 0.01, "random_state": 0}
    out = {}
    for name, model in {
        "gru": GRUClassifier(width=8, **options),
        "gru sampled": GRUClassifier(width=8, loss="sampled", n_negatives=4, **options),
        "sasrec": SASRecClassifier(width=8, depth=1, **options),
        "sasrec gbce": SASRecClassifier(width=8, depth=1, loss="gbce", n_negatives=4, **options),
        "sasrec lora": SASRecClassifier(
            width=8, depth=1, pretrain="masked", pretrain_epochs=1, finetune="lora", **options
        ),
    }.items():
        model.fit(windows, items)
        out[f"{name} proba"] = model.predict_proba(windows[:20])
        out[f"{name} predict"] = model.predict(windows[:20])
    return out


@case
def item_net_in_a_recommender():
    from sklearn_tsrec.neural import SASRecClassifier
    from sklearn_tsrec.recommendation import SequenceRecommender

    X, y, X_new, _ = log(30, 8, 300)
    net = SASRecClassifier(width=8, depth=1, max_epochs=2, learning_rate=0.01, random_state=0)
    model = SequenceRecommender(net, window=6, gaps=True).fit(X, y)
    return {"lists": model.recommend(X_new[:20], k=3), "all": model.recommend(k=3)}


@case
def pretrain():
    from sklearn_tsrec.neural import PatchTransformerConfig, PretrainRecipe, calibrate, pretrain

    config = PatchTransformerConfig(
        context=32, patch=8, block=8, width=8, depth=1, heads=1, feedforward=8
    )
    recipe = PretrainRecipe(
        config, {"trend": 1},
        n_windows=64, batch_size=16, lengths={32: 1}, n_series=20, series_length=48,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        net = pretrain(recipe, folder, n_processes=1, verbose=0)
    windows, targets = value_windows(40, 45)
    calibrated = calibrate(net, windows, targets, [6] * len(windows))
    weights = np.concatenate([w.detach().numpy().ravel() for w in net.parameters()])
    return {"weights": weights, "calibration": list(_numbers(calibrated.calibration))}


def _numbers(nested):
    for value in nested.values() if isinstance(nested, dict) else nested:
        if np.ndim(value) or isinstance(value, dict):
            yield from _numbers(value)
        else:
            yield float(value)


# sktime -------------------------------------------------------------------------------------------


@case
def tsrec_forecaster():
    from sklearn_tsrec.sktime import TsrecForecaster

    y = panel(1, 60, ahead=1, effects=())[1].droplevel(0)
    y.index = y.index.to_period("D")
    model = TsrecForecaster(
        LinearRegression(), window=14, target_transform=["seasonal", "scale"], period=7
    )
    return {"predict": model.fit(y).predict(fh=[1, 2, 3]), "later": model.predict(fh=[5, 8])}


@case
def sktime_regressor():
    from sktime.forecasting.trend import TrendForecaster
    from sktime.transformations.difference import Differencer

    from sklearn_tsrec.sktime import SktimeRegressor, SktimeTransformer, from_nixtla, to_nixtla

    X, y, X_new, _ = panel(2, 40)
    model = SktimeRegressor(TrendForecaster()).fit(X, y)
    change = SktimeTransformer(Differencer()).set_output(transform="pandas")
    long = to_nixtla(X, y)
    back = from_nixtla(long)
    return {
        "predict": model.predict(X_new),
        "change": change.fit_transform(X),
        "long": long,
        "back": back[0],
        "back y": back[1],
    }


# Metrics and inspection ---------------------------------------------------------------------------


@case
def evaluate_recommender():
    from sklearn_tsrec.recommendation import ItemKNNClassifier, SequenceRecommender

    X, y, X_new, y_new = log()
    models = {
        "popular": SequenceRecommender(DummyClassifier(strategy="prior")).fit(X, y),
        "knn": SequenceRecommender(ItemKNNClassifier()).fit(X, y),
    }
    options = {"y_train": y, "k": 5, "item_features": kinds(), "attribute": "kind"}
    table = metrics.evaluate_recommender(models, X_new, y_new, reference="popular", **options)
    drawn = metrics.evaluate_recommender(
        models, X_new, y_new, ties="random", random_state=0, **options
    )
    return {"table": table, "drawn": drawn}


@case
def forecast_metrics():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(5), 20)
    y, pred = rng.normal(5, 1, 100), rng.normal(5, 1, 100)
    levels = [0.1, 0.5, 0.9]
    table = np.sort(rng.normal(5, 1, (100, 3)), axis=1)
    scale = metrics.seasonal_naive_scale(y, groups=groups, period=3)
    out = {"scale": scale}
    for name in (
        "mean_absolute_error", "root_mean_squared_error", "mean_absolute_percentage_error",
        "weighted_absolute_percentage_error", "symmetric_mean_absolute_percentage_error",
        "directional_accuracy", "mean_pinball_loss",
    ):  # fmt: skip
        metric = getattr(metrics, name)
        out[name] = [metric(y, pred), metric(y, pred, groups=groups, average="series")]
    out["mase"] = metrics.mean_absolute_scaled_error(y, pred, groups=groups, scale=scale)
    out["interval"] = metrics.interval_score(y, table[:, [0, 2]], coverage=0.8)
    out["coverage"] = metrics.interval_coverage(y, table[:, [0, 2]])
    for name in ("continuous_ranked_probability_score", "weighted_quantile_loss"):
        out[name] = getattr(metrics, name)(y, table, quantiles=levels)
    return out


@case
def uplift_metrics():
    X, y = _offers()
    treatment, uplift = X["offer"].to_numpy(), (X["age"] - 40).to_numpy()
    policy = (uplift > 0).astype(float)
    value = metrics.policy_value(y, policy, treatment, 0.5, n_bootstraps=50, random_state=0)
    interval = metrics.uplift_interval(
        metrics.qini_score, y, uplift, treatment, n_bootstraps=20, random_state=0
    )
    return {
        "qini": metrics.qini_score(y, uplift, treatment),
        "auuc": metrics.auuc_score(y, uplift, treatment),
        "policy": _plain(value),
        "interval": _plain(interval),
    }


@case
def paired_test():
    rng = np.random.default_rng(0)
    a, b = rng.random(60), rng.random(60)
    found = metrics.paired_test(a, b, groups=np.arange(60) // 3, random_state=0)
    return {"found": _plain(found)}


def _plain(value):
    """Return the numbers of a dict, a dataclass, a named tuple or a sequence of numbers."""
    if hasattr(value, "__dataclass_fields__"):
        value = [getattr(value, name) for name in value.__dataclass_fields__]
    value = value.values() if isinstance(value, dict) else value
    return [float(part) for one in value for part in np.atleast_1d(one)]


@case
def explain():
    from sklearn_tsrec.features import LagFeatures
    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.inspection import explain

    X, y, X_new, _ = panel(2, 40, ahead=3)
    trees = HistGradientBoostingRegressor(max_iter=5, random_state=0)
    models = {
        "linear": WindowForecaster(Ridge(), window=4, target_transform=["last", "scale"]),
        "steps": WindowForecaster(Ridge(), window=4, horizon=3),
        "trees": WindowForecaster(trees, window=4, columns=["x0"]),
        "features": make_pipeline(LagFeatures([0, 1]), DecisionTreeRegressor(max_depth=3)),
    }
    out = {}
    for name, model in models.items():
        if name == "features":
            model[-1].set_params(random_state=0)
            model.set_output(transform="pandas")
        found = explain(model.fit(X, y), X_new, random_state=0)
        out |= {f"{name} values": found.values, f"{name} base": found.base}
        out[f"{name} drivers"] = found.by_driver()
    return out


@case
def ensemble_of_everything():
    """A stack of interval forecasters in a pipeline with features, as the README shows."""
    from sklearn_tsrec.ensemble import TemporalStackingRegressor
    from sklearn_tsrec.features import LagFeatures, WindowFeatures
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    features = make_union(
        LagFeatures([0, 1]), LagFeatures([7], target=True, horizon=7),
        WindowFeatures(7, "mean", target=True, horizon=7), verbose_feature_names_out=False,
    )  # fmt: skip
    boosted = make_pipeline(features, HistGradientBoostingRegressor(max_iter=10, random_state=0))
    stack = TemporalStackingRegressor(
        [*_members(), ("boosted", boosted)], cv=PanelTimeSeriesSplit(2, horizon=6), weights="nnls"
    )
    return _forecast(stack, n_times=60) | {"weights": stack.weights_}


def named(prefix, outputs):
    """Return outputs with a prefix in front of their names."""
    return {f"{prefix} {name}": value for name, value in outputs.items()}
