"""The fitted estimators inside scikit-learn's containers."""

import numpy as np

from sklearn_tsrec._history import History

_INNER = ("best_estimator_", "estimator_", "forecaster_", "recommender_")


def fitted_parts(estimator):
    """Yield an estimator and all that it is made of, outermost first.

    Yields
    ------
    part : object
        An estimator.
    to_unit_of_y : callable
        Takes an array of targets as this part sees them, of shape (n,), back to the unit that the
        target has outside, past every ``TransformedTargetRegressor`` in between.
    """
    waiting = [(estimator, _unchanged)]
    while waiting:
        part, to_unit_of_y = waiting.pop(0)
        yield part, to_unit_of_y
        inner = [getattr(part, name) for name in _INNER if hasattr(part, name)]
        inner += getattr(part, "named_estimators_", {}).values()
        for name in ("steps", "transformer_list", "transformers_"):
            inner += [step[1] for step in getattr(part, name, [])]
        waiting[:0] = [(child, to_unit_of_y) for child in inner]
        if hasattr(part, "regressor_"):
            waiting.insert(0, (part.regressor_, _undo(part.transformer_, to_unit_of_y)))


def has_memory(estimator):
    """Return whether a fitted estimator, or a part of it, remembers its training table."""
    for part, _ in fitted_parts(estimator):
        for value in getattr(part, "__dict__", {}).values():
            held = value if isinstance(value, list) else [value]
            if any(isinstance(item, History) for item in held):
                return True
    return False


def walks_ahead(estimator):
    """Return whether a fitted estimator, or a part of it, forecasts step after step.

    It then needs what is known ahead at every step from the last target up to the one asked for.
    """
    return any(hasattr(part, "target_history_") for part, _ in fitted_parts(estimator))


def _unchanged(values):
    """Return targets as they are."""
    return values


def _undo(transformer, outer):
    """Return a function that also undoes the transform of a TransformedTargetRegressor."""

    def undo(values):
        return outer(np.asarray(transformer.inverse_transform(values[:, np.newaxis])).ravel())

    return undo
