"""The memory of windows alone, without a regressor."""

import numpy as np
import pytest

from sklearn_tsrec._keys import Keys
from sklearn_tsrec.forecasting._design import WindowDesign
from sklearn_tsrec.forecasting._window_memory import WindowMemory

NAN = np.nan


def _memory(codes, ticks, values, *, lags=(2, 1), horizon=1, known=(), past=(), static=(), **kind):
    design = WindowDesign(np.array(lags), horizon, None, None, [*known], [*past], [*static])
    values = np.asarray(values, dtype=float).reshape(len(codes), -1)
    return WindowMemory(
        design, _keys(codes, ticks), values, **{"calendar": True, "allow_nan": False, **kind}
    )


def _keys(codes, ticks, n_series=2):
    return Keys(np.array(codes), np.array(ticks), n_series, n_series)


def test_training_windows_hold_what_was_before_and_what_follows():
    memory = _memory([0, 0, 0, 0, 1], [0, 1, 2, 3, 0], [1, 2, 3, 4, 9])
    table, targets, learned, n_holes = memory.training_windows()
    np.testing.assert_array_equal(table, [[1, 2], [2, 3]])
    np.testing.assert_array_equal(targets, [[3], [4]])
    np.testing.assert_array_equal(learned, [True, False])
    assert n_holes == 0
    assert memory.level == 19 / 5


def test_windows_with_holes_are_left_out_or_kept():
    rows = [0, 0, 0, 0, 0], [0, 1, 2, 3, 4], [1, NAN, 3, 4, 5]
    table, _, _, n_holes = _memory(*rows).training_windows()
    np.testing.assert_array_equal(table, [[3, 4]])
    assert n_holes == 2
    table, targets, _, n_holes = _memory(*rows, allow_nan=True).training_windows()
    np.testing.assert_array_equal(table, [[NAN, NAN], [1, NAN], [NAN, 3], [3, 4]])
    np.testing.assert_array_equal(targets[:, 0], [1, 3, 4, 5])
    assert n_holes == 0


def test_roles_have_their_columns():
    values = np.column_stack([[1, 2, 3, 4], [10, 20, 30, 40], [5, 6, 7, 8], [9, 9, 9, 9]])
    names = {"known": ["price"], "past": ["rain"], "static": ["size"]}
    memory = _memory([0] * 4, range(4), values, lags=[1], horizon=2, **names)
    table, targets, _, _ = memory.training_windows()
    assert memory.design.names == ["y__lag1", "rain__lag1", "price__lag0", "price__ahead1", "size"]
    np.testing.assert_array_equal(table, [[1, 5, 20, 30, 9], [2, 6, 30, 40, 9]])
    np.testing.assert_array_equal(targets, [[2, 3], [3, 4]])


def test_windows_with_a_new_target_alone():
    memory = _memory([0] * 6, range(6), range(6), lags=[1], horizon=2)
    _, targets, _, _ = memory.training_windows(_keys([0], [3]))
    np.testing.assert_array_equal(targets, [[2, 3], [3, 4]])


def test_appended_rows_replace_those_of_their_keys_in_a_new_memory():
    memory = _memory([0, 0, 0], [0, 1, 2], [1, 2, 3])
    more = memory.append(_keys([0, 1], [2, 7]), np.array([[30.0], [70.0]]))
    np.testing.assert_array_equal(more.targets.values[:, 0], [1, 2, 30, 70])
    np.testing.assert_array_equal(memory.targets.values[:, 0], [1, 2, 3])
    assert more.level == memory.level == 2
    np.testing.assert_array_equal(more.last_steps(3), [2, 7, np.iinfo(np.int64).min])


def test_static_columns_that_change_are_found():
    memory = _memory([0, 0, 1, 1], [0, 1, 0, 1], [[1, 5], [1, NAN], [1, 5], [1, 6]], static=["a"])
    assert memory.changing_static() == ("a", 1)
    same = _memory([0, 0, 1], [0, 1, 0], [[1, 5], [1, 5], [1, 6]], static=["a"])
    assert same.changing_static() is None


def test_events_of_one_time_do_not_see_each_other():
    memory = _memory([0] * 4, [0, 5, 5, 9], [1, 2, 3, 4], lags=[1], calendar=False)
    table, targets, _, _ = memory.training_windows()
    np.testing.assert_array_equal(np.column_stack([table, targets]), [[1, 2], [1, 3], [3, 4]])


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_forecasts_walk_from_the_end_of_a_series_and_see_truth_before_it(horizon):
    memory = _memory([0, 0, 0], [0, 1, 2], [1, 2, 4], lags=[1], horizon=horizon)
    questions = memory.ask(_keys([0, 0, 0, 1], [6, 1, 3, 9]), np.empty((4, 0)))
    np.testing.assert_array_equal(questions.unknown, [False, False, False, True])
    (fitted, origins, slot, ahead), (future, ends, at, steps) = questions.parts()

    def count_on(table, states):  # the value h steps ahead is h larger
        return table[:, -1:] + np.arange(1, horizon + 1), None

    assert (fitted.tolist(), slot.tolist(), ahead.tolist()) == ([1], [0], [1])
    assert origins.forecast(count_on)[0][0, 0] == 2
    assert (future.tolist(), at.tolist(), steps.tolist()) == ([0, 2], [0, 0], [4, 1])
    np.testing.assert_array_equal(ends.forecast(count_on)[0][0, :4], [5, 6, 7, 8])


def test_series_without_a_target_are_asked_of_a_regressor_that_takes_nan():
    memory = _memory([0], [0], [1], lags=[1], allow_nan=True)
    ((rows, origins, _, ahead),) = memory.ask(_keys([1, 1], [5, 6]), np.empty((2, 0))).parts()
    np.testing.assert_array_equal(rows, [0, 1])
    np.testing.assert_array_equal(ahead, [1, 2])
    assert np.isnan(origins.target).all()


def test_what_is_known_ahead_but_missing_is_named_up_to_the_step_asked_for():
    memory = _memory([0], [0], [[1, 7]], lags=[1], horizon=2, known=["price"])
    ((_, origins, _, _),) = memory.ask(_keys([0], [1]), np.array([[3.0]])).parts()
    np.testing.assert_array_equal(origins.known, [[[3, NAN]]])
    assert origins.missing_known() is None  # nobody asked for the second step
    ((_, origins, _, _),) = memory.ask(_keys([0], [2]), np.array([[3.0]])).parts()
    assert origins.missing_known() == (0, 0, 0)


def test_given_columns_go_over_remembered_ones():
    memory = _memory([0, 0], [0, 1], [[1, 10], [NAN, 20]], lags=[1], known=["price"])
    ((_, origins, _, _),) = memory.ask(_keys([0], [2]), np.array([[30.0]])).parts()
    np.testing.assert_array_equal(origins.known, [[[20, 30]]])


def test_past_columns_go_on_as_known_or_stay_at_their_last_value():
    values = [[1, 3, 3, 8], [2, 4, 4, NAN]]
    memory = _memory([0, 0], [0, 1], values, lags=[1], known=["a"], past=["a", "b"])
    keys, seen = _keys([0, 0], [2, 3]), []

    def regress(table, states):
        seen.append(table[0].tolist())
        return np.zeros((len(table), 1)), None

    rows = np.array([[5, NAN, NAN], [6, NAN, NAN]], dtype=float)
    ((_, origins, _, _),) = memory.ask(keys, rows).parts()
    origins.forecast(regress)
    assert memory.design.names == ["y__lag1", "a__lag1", "b__lag1", "a__lag0"]
    assert seen == [[2, 4, 8, 5], [0, 5, 8, 6]]
