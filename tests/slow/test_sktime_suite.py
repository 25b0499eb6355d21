"""sktime's whole conformance suite over TsrecForecaster: about 1,800 cases."""

import pytest
from sktime.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_tsrec.sktime import TsrecForecaster

# The data and the helpers of the suite are sktime's own, and so are their warnings.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@parametrize_with_checks(TsrecForecaster)
def test_conforms(obj, test_name):
    check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=0)
