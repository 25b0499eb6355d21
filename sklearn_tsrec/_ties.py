"""Near ties: what only rounding tells apart is equal, so that no choice depends on the machine.

Sums come out a little differently in other orders, and libraries of linear algebra add up in an
order that the processor decides. Wherever scores decide what is chosen or comes first, they are
compared by one of the two functions here, and what is equal then keeps the order it had.
"""

from math import frexp, ldexp

import numpy as np
from numba import njit

# Bits of each number, and of the largest one beside it, that count. Rounding reaches 2**-53 of a
# sum's largest part, and a few hundred times as much after sums of many parts.
_OWN, _OF_LARGEST = 32, 42


def settle(values):
    """Return numbers without the digits that rounding decides.

    Parameters
    ----------
    values : float array of shape (..., n)
        Numbers to be compared along the last axis. NaN and infinities stay what they are.

    Returns
    -------
    float array of shape (..., n)
        Rounded to 32 bits, and to 42 bits below the largest one of the last axis. What differed by
        rounding alone is equal.
    """
    values = np.asarray(values, dtype=np.float64)
    if not values.size:
        return values
    finite = np.where(np.isfinite(values), values, 0.0)
    own = np.frexp(finite)[1] - _OWN
    largest = np.frexp(np.abs(finite).max(axis=-1, keepdims=True))[1] - _OF_LARGEST
    step = np.maximum(own, largest)
    return np.ldexp(np.rint(np.ldexp(values, -step)), step)


@njit(cache=True)
def margin(largest):
    """Return how far below one another scores must be to be different, for :func:`exceeds`.

    Parameters
    ----------
    largest : float
        The largest absolute value of the scores that are compared.
    """
    return ldexp(1.0, frexp(largest)[1] - _OF_LARGEST) if np.isfinite(largest) else 0.0


@njit(cache=True)
def exceeds(one, other, least):
    """Return whether a score is larger than another one by more than rounding; not if one is NaN.

    Parameters
    ----------
    one, other : float
    least : float
        The :func:`margin` of all that are compared.
    """
    return one - other > max(least, abs(one) * 2.0**-_OWN)
