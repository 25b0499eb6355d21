"""Names of scikit-learn that need a place of their own.

Private ones that we build on: if one moves, this is the one place to mend. And validation without
annotations, whose parameters a static checker would take for what their defaults are.
"""

from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils._testing import ignore_warnings
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _num_samples as num_samples
from sklearn.utils.validation import check_array as _check_array
from sklearn.utils.validation import validate_data as _validate_data

check_array: Any = _check_array
validate_data: Any = _validate_data

__all__ = [
    "BaseComposition",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_array",
    "check_feature_names_in",
    "fit_context",
    "get_output_config",
    "ignore_warnings",
    "num_samples",
    "safe_indexing",
    "validate_data",
]
