"""The house keeps its order: imports go one way, and ideas are whole (see CONTRIBUTING.md)."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_tsrec"
TREES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def dotted(path):
    """Return the name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for path in TREES}


def imports(path):
    """Yield the modules of ours that a file imports, and what it takes from each."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_tsrec"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, None) if whole in MODULES else (node.module, alias.name)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name in MODULES)


def floors():
    """Return the floor of each room, as docs/design.md lists them from the ground up."""
    block = re.search(r"```text\n(.*?)```", (ROOT / "docs" / "design.md").read_text(), re.S)[1]
    lines = [re.split(r" {2,}", line, maxsplit=1)[0] for line in block.splitlines()]
    return {name: floor for floor, names in enumerate(lines) for name in names.split()}


FLOORS = floors()


def room(module):
    """Return the room of a module: the longest listed name that it begins with."""
    parts = module.split(".")[1:]
    names = [".".join(parts[:n]) for n in (2, 1) if len(parts) >= n]
    return next((name for name in names if name in FLOORS), names[-1] if names else "")


def is_front(path):
    """Return whether a file only passes on names: the front door of a room."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return not any(isinstance(node, kinds) for node in TREES[path].body)


def test_every_room_has_its_place_in_the_list():
    rooms = {room(module) for module in MODULES if "." in module}
    assert rooms - {"__main__", "_version"} == set(FLOORS)


def test_imports_go_towards_the_ground():
    upwards = [
        f"{dotted(path)} -> {module}"
        for path in TREES
        if room(dotted(path)) in FLOORS and not is_front(path)
        for module, _ in imports(path)
        if room(module) in FLOORS
        and room(module) != room(dotted(path))
        and FLOORS[room(module)] >= FLOORS[room(dotted(path))]
    ]
    assert upwards == []


def test_rooms_ask_each_other_for_names_without_an_underscore():
    asked = [
        f"{dotted(path)}: from {module} import {name}"
        for path in TREES
        for module, name in imports(path)
        if name and name.startswith("_") and not name.startswith("__")
    ]
    assert asked == []


def test_no_room_imports_in_a_circle():
    arrows = defaultdict(set)
    for path in TREES:
        for module, _ in imports(path):
            if path.name != "__init__.py" and module != dotted(path):
                arrows[dotted(path)].add(module)
    done, waiting = set(), []

    def visit(module):
        assert module not in waiting, " -> ".join([*waiting[waiting.index(module) :], module])
        if module not in done:
            waiting.append(module)
            for other in sorted(arrows[module]):
                visit(other)
            done.add(waiting.pop())

    for module in sorted(MODULES):
        visit(module)


def test_few_files_are_cut_off_from_their_only_user():
    users = defaultdict(set)
    for path in TREES:
        for module, _ in imports(path):
            users[module].add(path)
    single = [
        module
        for module, path in MODULES.items()
        if path.name.startswith("_") and path.name != "__init__.py"
        # What a room or the package exports is used by everybody.
        if len(users[module]) == 1 and all(user.name != "__init__.py" for user in users[module])
    ]
    assert len(single) <= 15, single


def test_a_base_class_has_two_children():
    children, home = defaultdict(set), {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                home[node.name] = path
                for base in node.bases:
                    if isinstance(base, ast.Name):
                        children[base.id].add(node.name)
    alone = [name for name in home if len(children[name]) == 1]
    assert alone == []


def test_no_function_reads_the_privates_of_what_it_is_given():
    found = defaultdict(set)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                given = {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
                own = {"self", "cls", "other"}
                for part in ast.walk(node):
                    if (
                        isinstance(part, ast.Attribute)
                        and isinstance(part.value, ast.Name)
                        and part.value.id in given - own
                        and re.match(r"_[^_]", part.attr)
                    ):
                        found[f"{dotted(path)}.{node.name}({part.value.id})"].add(part.attr)
    assert dict(found) == {}
