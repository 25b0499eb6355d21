"""One spelling for one idea, in every public class and function, before anything is released."""

import importlib
import inspect
import re
import warnings

import pytest

import sklearn_tsrec
from sklearn_tsrec.utils.estimator_checks import _data_for
from tests.estimators import ESTIMATORS

# A name that is not used -> what is, and the callables in which it means something else.
SYNONYMS = {
    "lr": "learning_rate",
    "alpha": "coverage, fdr, level, smoothing_level or confidence",
    "beta": "smoothing_probability",
    "confidence_level": "coverage",
    "confidence": "coverage",
    "context": "window",
    "date_column": "time",
    "factors": "n_components",
    "groups": "group or drivers",
    "id_column": "group",
    "iterations": "max_iter",
    "l2": "regularization",
    "levels": "quantiles",
    "max_epoch": "max_epochs",
    "metric_names": "metrics",
    "n_bootstrap": "n_bootstraps",
    "n_epochs": "max_epochs",
    "n_factors": "n_components",
    "n_folds": "cv",
    "n_iter": "max_iter",
    "n_moments": "n_origins",
    "p_value": "pvalue",
    "seed": "random_state",
    "significance": "level",
    "standard_error": "std_error",
    "top_k": "k",
    "window_size": "window",
}
METRICS = "sklearn_tsrec.metrics."
ALLOWED = {
    "alpha": {"mean_pinball_loss", "pinball_scorer"},  # as scikit-learn's mean_pinball_loss
    "confidence": {"ALSClassifier"},  # how much an event weighs, as its paper calls it
    "context": {"PatchTransformer", "PatchTransformerConfig"},  # of the net, not of the estimator
    "groups": {"LeaveLastOut", "PanelTimeSeriesSplit", "SktimeSplit"},  # as every splitter has it
}


def public():
    """Yield the qualified name and the object of everything public."""
    rooms = [room for room in sklearn_tsrec._ROOMS if hasattr(sklearn_tsrec, room)]
    modules = [importlib.import_module(f"sklearn_tsrec.{room}") for room in rooms]
    modules.append(importlib.import_module("sklearn_tsrec.utils.estimator_checks"))
    if hasattr(sklearn_tsrec, "neural"):
        modules.append(importlib.import_module("sklearn_tsrec.neural.synthetic"))
    for module in modules:
        for name in getattr(module, "__all__", []):
            if not inspect.ismodule(member := getattr(module, name)):
                yield f"{module.__name__}.{name}", member
    yield "sklearn_tsrec.as_panel", sklearn_tsrec.as_panel


def callables():
    """Yield the name, the owner and the signature of every public function and method of ours."""
    for name, member in public():
        yield name, name.rpartition(".")[2], inspect.signature(member)
        for method, function in inspect.getmembers(member, inspect.isroutine):
            ours = str(getattr(function, "__module__", "")).startswith("sklearn_tsrec.")
            if inspect.isclass(member) and not method.startswith("_") and ours:
                yield f"{name}.{method}", name.rpartition(".")[2], inspect.signature(function)


CALLABLES = {name: (owner, signature) for name, owner, signature in callables()}


def parameters():
    """Yield the callable, its owner and every parameter."""
    for name, (owner, signature) in CALLABLES.items():
        for parameter in signature.parameters.values():
            yield name, owner, parameter


def test_no_parameter_is_a_synonym():
    wrong = [
        f"{name}({parameter.name}=): write {SYNONYMS[parameter.name]}"
        for name, owner, parameter in parameters()
        if parameter.name in SYNONYMS
        and owner not in ALLOWED.get(parameter.name, ())
        and not (parameter.name == "groups" and name.startswith(METRICS))
    ]
    assert wrong == []


def test_the_same_data_give_the_same_numbers_unless_data_are_made():
    wrong = [
        f"{name}(random_state={parameter.default})"
        for name, owner, parameter in parameters()
        if parameter.name == "random_state"
        and parameter.default != (None if re.match("make_|Synthetic", owner) else 0)
    ]
    assert wrong == []


def test_only_functions_that_run_for_minutes_show_progress_unasked():
    shown = {
        name.rpartition(".")[2]
        for name, _, parameter in parameters()
        if parameter.name == "verbose" and parameter.default != 0
    }
    assert shown <= {"backtest", "pretrain"}


def test_recommend_is_called_one_way():
    for name, (_, signature) in CALLABLES.items():
        if name.endswith(".recommend"):
            first, second, *others = list(signature.parameters.values())[1:]
            assert (first.name, first.default) == ("X", None), name
            assert (second.name, second.default) == ("k", 10), name
            kinds = {parameter.kind for parameter in others}
            assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}, name


def test_nothing_fitted_is_spelled_two_ways():
    text = "\n".join(inspect.getdoc(member) or "" for _, member in public())
    assert not re.findall(r"\b(?:p_values?_?|standard_error_?|stderr_?)\b", text)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_every_fitted_attribute_is_documented(estimator):
    doc = inspect.getdoc(type(estimator))
    described = doc.partition("Attributes\n----------")[2].partition("\n\n\n")[0]
    described = re.split(r"\n\n[A-Z][A-Za-z ]+\n---", described)[0]
    model, X, y = _data_for(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the panel is small
        model.fit(X, y)
    learned = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    named = {
        name.strip(" `*")
        for line in described.splitlines()
        if line and not line.startswith(" ")
        for name in line.partition(" : ")[0].split(",")
    }
    everywhere = {"n_features_in_", "feature_names_in_"}  # scikit-learn's own
    assert learned - named - everywhere == set()
