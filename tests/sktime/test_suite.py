"""The quick part of sktime's conformance suite; tests/slow runs all of it over all instances."""

import pytest
from sktime.utils.estimator_checks import check_estimator

from sklearn_tsrec.sktime import TsrecForecaster

MANY_CASES = [
    "test_predict_time_index",
    "test_predict_time_index_with_X",
    "test_predict_interval",
    "test_predict_quantiles",
    "test_update_predict_predicted_index",
    "test_update_predict_single",
    "test_predict_residuals",
]


# The data and the helpers of the suite are sktime's own, and so are their warnings.
@pytest.mark.filterwarnings("ignore")
def test_an_instance_conforms():
    forecaster = TsrecForecaster(window=3)
    results = check_estimator(
        forecaster, tests_to_exclude=MANY_CASES, raise_exceptions=True, verbose=0
    )
    assert len(results) > 200
    assert set(results.values()) == {"PASSED"}
