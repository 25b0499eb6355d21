"""Private names of scikit-learn that we build on: if one moves, this is the one place to mend."""

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils import _param_validation, _safe_indexing, _set_output, metaestimators
from sklearn.utils.validation import _check_feature_names_in, _num_samples

# Any, as scikit-learn does not annotate its private names.
BaseComposition: Any = metaestimators._BaseComposition
HasMethods: Any = _param_validation.HasMethods
Interval: Any = _param_validation.Interval
Options: Any = _param_validation.Options
StrOptions: Any = _param_validation.StrOptions
check_feature_names_in: Any = _check_feature_names_in
fit_context: Any = _fit_context
get_output_config: Any = _set_output._get_output_config
num_samples: Any = _num_samples
safe_indexing: Any = _safe_indexing
