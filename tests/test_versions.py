"""The oldest versions that pyproject.toml allows are those that `make test-oldest` installs."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import sklearn_tsrec

ROOT = Path(__file__).parents[1]
INSTALLED = (
    "neural",
    "causal",
    "sktime",
    "plot",
    "als",
    "pcmci",
    "polars",
    "chronos",
    "onnx",
    "accelerate",
    "test",
)  # by make test-oldest


def pins(name):
    """Return the version of each package that a file of constraints pins."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_floors_are_tested_and_below_what_is_tested_today():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for name in INSTALLED for r in project["optional-dependencies"][name]]
    requirements = [Requirement(r) for r in project["dependencies"] + extras]
    floors = {
        r.name: Version(next(s.version for s in r.specifier if s.operator == ">="))
        for r in requirements
        if r.name != project["name"]
    }
    oldest = {name: Version(version) for name, version in pins("constraints-oldest.txt").items()}
    assert floors == oldest
    today = pins("constraints.txt")
    assert all(Version(today[name]) >= floors[name] for name in floors)


def test_the_citation_names_this_version():
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {sklearn_tsrec.__version__}" in lines
