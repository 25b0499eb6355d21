"""A few of sktime's conformance tests; tests/slow runs all of them over all instances."""

import pytest
from sktime.utils.estimator_checks import check_estimator

from sklearn_tsrec.sktime import TsrecForecaster

TESTS = [
    "test_clone",
    "test_constructor",
    "test_fit_does_not_overwrite_hyper_params",
    "test_fit_idempotent",
    "test_fit_updates_state",
    "test_persistence_via_pickle",
    "test_predict_time_index_in_sample_full",
    "test_raises_not_fitted_error",
    "test_score",
    "test_set_params",
    "test_update_predict_single",
]


# The data and the helpers of the suite are sktime's own, and so are their warnings.
@pytest.mark.filterwarnings("ignore")
def test_an_instance_conforms():
    forecaster = TsrecForecaster(window=3)
    results = check_estimator(forecaster, tests_to_run=TESTS, raise_exceptions=True, verbose=0)
    assert {name.split("[")[0] for name in results} == set(TESTS)
    assert set(results.values()) == {"PASSED"}
