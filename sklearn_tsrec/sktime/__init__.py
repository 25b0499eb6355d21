"""Our forecasters inside sktime, and sktime's forecasters inside scikit-learn.

Needs the extra ``sktime``.
"""

from sklearn_tsrec._extras import require_extra

require_extra("sktime")

from sklearn_tsrec.sktime._darts import from_darts, to_darts  # noqa: E402
from sklearn_tsrec.sktime._forecaster import TsrecForecaster  # noqa: E402
from sklearn_tsrec.sktime._nixtla import from_nixtla, to_nixtla  # noqa: E402
from sklearn_tsrec.sktime._regressor import SktimeRegressor  # noqa: E402
from sklearn_tsrec.sktime._split import SktimeSplit  # noqa: E402
from sklearn_tsrec.sktime._splitter import TsrecSplitter  # noqa: E402
from sklearn_tsrec.sktime._transformer import SktimeTransformer  # noqa: E402

__all__ = [
    "SktimeRegressor",
    "SktimeSplit",
    "SktimeTransformer",
    "TsrecForecaster",
    "TsrecSplitter",
    "from_darts",
    "from_nixtla",
    "to_darts",
    "to_nixtla",
]
