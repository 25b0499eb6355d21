"""The one list of public estimators that every common test runs over.

A new estimator is added here and nowhere else. Estimators that read keys are built to read an
array without a calendar: ``time=0, freq=None``.
"""

ESTIMATORS = []
