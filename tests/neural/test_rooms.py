import ast
from pathlib import Path

import pytest

import sklearn_tsrec.neural

NEURAL = Path(sklearn_tsrec.neural.__file__).parent


def asked(files):
    """Return the rooms and files of neural that some files import from."""
    names = [
        node.module.split(".")[2]
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn_tsrec.neural.")
    ]
    return {name for name in names if name in ("forecasting", "items", "pretraining")}


@pytest.mark.parametrize(
    ("room", "others"),
    [("forecasting", set()), ("items", set()), ("pretraining", {"forecasting"})],
)
def test_rooms_ask_each_other_one_way_only(room, others):
    assert asked((NEURAL / room).rglob("*.py")) - {room} == others


def test_what_rooms_share_asks_none_of_them():
    shared = [file for file in NEURAL.glob("_*.py") if file.name != "__init__.py"]
    assert len(shared) == 3
    assert asked(shared) == set()


def test_no_function_hides_a_module():
    files = [file.relative_to(NEURAL).parts for file in NEURAL.rglob("*.py")]
    modules = {part.removesuffix(".py") for parts in files for part in parts}
    assert not modules & set(sklearn_tsrec.neural.__all__)
