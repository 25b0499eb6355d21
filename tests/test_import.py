"""Importing the package is light and complete."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_tsrec


def test_import_loads_no_heavy_package():
    code = (
        "import sys, sklearn_tsrec; dir(sklearn_tsrec); "
        "print([m for m in ('torch', 'econml', 'sktime', 'matplotlib', 'numba', 'polars')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves():
    for name in sklearn_tsrec.__all__:
        assert getattr(sklearn_tsrec, name) is not None
    for room in sklearn_tsrec._ROOMS:
        module = importlib.import_module(f"sklearn_tsrec.{room}")
        assert module is getattr(sklearn_tsrec, room)
        for name in getattr(module, "__all__", []):
            assert hasattr(module, name)


BLOCKED = """
import sys

class Without:  # as if torch and sktime were not installed
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        missing = name.partition(".")[0] in ("torch", "sktime")
        return None if missing else self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
import sklearn_tsrec
"""


def run_without_extras(code):
    """Run code where neither torch nor sktime can be imported, and return what it prints."""
    command = [sys.executable, "-c", BLOCKED + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_names_of_missing_extras_are_no_attributes():
    code = """
import inspect, pydoc
found = [hasattr(sklearn_tsrec, n) for n in ("SASRecClassifier", "neural", "TsrecForecaster")]
names = dict(inspect.getmembers(sklearn_tsrec))
namespace = {}
exec("from sklearn_tsrec import *", namespace)
print(found, "SASRecClassifier" in dir(sklearn_tsrec), "WindowForecaster" in names,
      "SASRecClassifier" in namespace, "WindowForecaster" in namespace,
      "WindowForecaster" in pydoc.render_doc(sklearn_tsrec))
"""
    assert run_without_extras(code) == "[False, False, False] False True False True True"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("from sklearn_tsrec import SASRecClassifier", "ImportError"),
        ("from sklearn_tsrec.neural import SASRecClassifier", "ImportError"),
        ("sklearn_tsrec.SASRecClassifier", "AttributeError"),
    ],
)
def test_a_missing_extra_is_named_with_what_installs_it(statement, error):
    code = f"""
try:
    {statement}
except {error} as error:
    print(error)
"""
    assert "pip install 'sklearn-tsrec[neural]'" in run_without_extras(code)


def test_static_names_are_those_that_resolve():
    tree = ast.parse(Path(sklearn_tsrec.__file__).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If) and len(node.body) > 2]
    static = {alias.name for node in block.body for alias in node.names}
    assert static == {*sklearn_tsrec._ROOM_OF, *sklearn_tsrec._ROOMS}


def test_unknown_attributes_raise():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        getattr(sklearn_tsrec, "nothing_of_the_kind")  # noqa: B009
