"""Packages that only some rooms need: one way to import them, and to say how to get them."""

import importlib
import importlib.util

# The rooms that are nothing without an extra of the same name, and the modules these need.
NEEDED = {"neural": ("torch", "skorch", "safetensors", "yaml"), "sktime": ("sktime",)}


def is_missing(room):
    """Return whether a room lacks a module that it is nothing without; imports nothing."""
    return any(importlib.util.find_spec(module) is None for module in NEEDED.get(room, ()))


def require_extra(room):
    """Import the modules that a room is nothing without, or say how to install them."""
    for module in NEEDED[room]:
        require(module, room)


def require(module, extra=None):
    """Import a module of an optional package, or say how to install it.

    Parameters
    ----------
    module : str
        The module, such as ``"matplotlib.pyplot"``.
    extra : str, default=None
        The extra of sklearn-tsrec that brings its package. None if no extra does.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it cannot be imported, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        source = f"'sklearn-tsrec[{extra}]'" if extra else package
        raise ImportError(
            f"this needs {package}, which cannot be imported ({error}). Run: pip install {source}"
        ) from error
