"""Types of the public API, for editors and static checkers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Table: TypeAlias = Any
"""A table of pandas, polars or arrow, or an array of two dimensions."""

ArrayLike: TypeAlias = npt.ArrayLike
"""What numpy makes an array of: arrays, lists, columns of a table."""

Key: TypeAlias = str | int
"""A column, by name or by position."""

Columns: TypeAlias = Key | Sequence[Key] | None
"""A column or several; None reads the index, or takes all columns."""

Freq: TypeAlias = str | float | None
"""The step of a calendar; None counts events."""

Seed: TypeAlias = int | np.random.RandomState | None
"""What scikit-learn takes as ``random_state``."""

Estimator: TypeAlias = Any
"""An estimator of scikit-learn, ours or one that quacks like them."""
