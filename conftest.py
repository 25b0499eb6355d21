"""Tests and doctests of what is not installed are left out, and the head of a run says so."""

import ast
import importlib.util
from functools import cache
from pathlib import Path

from sklearn_tsrec import _ROOM_OF
from sklearn_tsrec._extras import NEEDED, is_missing

OPTIONAL = (
    *sorted({module for modules in NEEDED.values() for module in modules}),
    *("accelerate", "chronos", "econml", "holidays", "implicit", "lightgbm", "matplotlib"),
    *("onnx", "onnxruntime", "polars", "pyarrow", "shap", "statsmodels", "tigramite"),
)


@cache
def lacks(module):
    """Return whether an import would fail for want of an optional package."""
    package, *rest = module.split(".")
    if package == "sklearn_tsrec" and rest:
        return is_missing(_ROOM_OF.get(rest[0], rest[0]))
    if package == "tests":
        path = Path(__file__).parent.joinpath(package, *rest).with_suffix(".py")
        return path.exists() and needs_what_is_missing(path)
    return package in OPTIONAL and importlib.util.find_spec(package) is None


def needs_what_is_missing(path):
    """Return whether a file imports, at its top, what is not installed."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Import) and any(lacks(a.name) for a in statement.names):
            return True
        if isinstance(statement, ast.ImportFrom) and statement.module:
            names = [f"{statement.module}.{alias.name}" for alias in statement.names]
            if lacks(statement.module) or any(map(lacks, names)):
                return True
    return False


def pytest_ignore_collect(collection_path, config):
    if collection_path.is_dir():
        paths = [collection_path / name for name in ("__init__.py", "conftest.py")]
    else:
        paths = [collection_path] if collection_path.suffix == ".py" else []
    return any(path.exists() and needs_what_is_missing(path) for path in paths) or None


def pytest_report_header(config):
    missing = [module for module in OPTIONAL if lacks(module)]
    return f"not installed, so left out: {', '.join(missing) or 'nothing'}"
