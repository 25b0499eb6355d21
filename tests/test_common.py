"""Every public estimator keeps scikit-learn's contract and ours."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.estimators import ESTIMATORS


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
