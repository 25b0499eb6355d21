"""Every public estimator keeps scikit-learn's contract and ours."""

import importlib
import inspect

from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_tsrec
from sklearn_tsrec.utils.estimator_checks import parametrize_with_contract_checks
from tests.estimators import ESTIMATORS, LEFT_OUT


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@parametrize_with_contract_checks(ESTIMATORS)
def test_our_contract(estimator, check):
    check()


def test_every_public_estimator_is_in_the_list():
    public = set()
    for room in sklearn_tsrec._ROOMS:
        if not hasattr(sklearn_tsrec, room):
            continue
        module = importlib.import_module(f"sklearn_tsrec.{room}")
        for name in getattr(module, "__all__", []):
            member = getattr(module, name)
            if inspect.isclass(member) and issubclass(member, BaseEstimator):
                public.add(name)
    tested = {type(estimator).__name__ for estimator in ESTIMATORS}
    assert not tested & LEFT_OUT
    assert public - LEFT_OUT == tested
