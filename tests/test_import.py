"""Importing the package is light and complete."""

import importlib
import subprocess
import sys

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


def test_unknown_attributes_raise():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        getattr(sklearn_tsrec, "nothing_of_the_kind")  # noqa: B009
