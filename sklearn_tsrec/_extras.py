"""Packages that only some rooms need: one way to import them, and to say how to get them."""

import importlib


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
