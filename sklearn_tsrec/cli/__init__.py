"""The command ``sklearn-tsrec``: forecast and recommend from tables, without writing Python."""

from sklearn_tsrec.cli._main import main

__all__ = ["main"]
