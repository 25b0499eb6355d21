"""Our forecasters inside sktime, and sktime's forecasters inside scikit-learn.

Needs the extra ``sktime``.
"""

from sklearn_tsrec._extras import require

require("sktime", "sktime")

from sklearn_tsrec.sktime._forecaster import TsrecForecaster  # noqa: E402
from sklearn_tsrec.sktime._regressor import SktimeRegressor  # noqa: E402
from sklearn_tsrec.sktime._transformer import SktimeTransformer  # noqa: E402

__all__ = ["SktimeRegressor", "SktimeTransformer", "TsrecForecaster"]
