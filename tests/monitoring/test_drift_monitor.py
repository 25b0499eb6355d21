"""Alarms come when things change, and seldom when they do not."""

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.monitoring import DriftMonitor
from sklearn_tsrec.monitoring._drift_monitor import compare_samples, cusum, rate_gain


def test_numbers_that_can_be_checked_by_hand():
    np.testing.assert_allclose(cusum(np.array([1.0, -2, 3, -1])), [1, 0, 3, 2])
    gain = rate_gain(np.array([True, False]), 0.1, 0.2)
    np.testing.assert_allclose(gain, [np.log(2), np.log(0.8 / 0.9)])
    reference = np.arange(100.0)
    pvalue, stability, outside = compare_samples(reference, reference[:50])
    assert stability > 0.5
    assert outside == 0
    assert pvalue < 1e-6
    assert compare_samples(reference, reference)[:2] == (1.0, 0.0)
    assert compare_samples(reference, np.array([-1.0, 5, 200, 6]))[2] == 0.5


@pytest.mark.parametrize("heavy", [False, True])
def test_false_alarms_are_as_rare_as_said(heavy):
    rng = np.random.default_rng(0)
    draw = (lambda n: rng.standard_t(2, n)) if heavy else rng.normal
    alarms, n_runs, length = 0, 40, 200
    for _ in range(n_runs):
        reference = draw(size=1000) if not heavy else draw(1000)
        new = draw(size=length) if not heavy else draw(length)
        monitor = DriftMonitor(run_length=1000).fit([[0.0]], reference)
        covered = rng.random(length) < 0.9
        alarms += monitor.update(y=new, covered=covered).should_refit_
    # 8,000 observations may hold 8 alarms in the mean; the bound is not tight
    assert alarms <= 8


def test_inputs_raise_no_false_alarm_in_many_updates():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(10):
        monitor = DriftMonitor(min_stability=0).fit(rng.normal(size=(300, 4)))
        for _ in range(10):
            monitor.update(rng.normal(size=(60, 4)))
        alarms += monitor.should_refit_
    assert alarms <= 1  # one of a hundred is expected at most


@pytest.mark.parametrize(
    ("change", "chart", "longest"),
    [
        (lambda e: e + 1.5, "errors up", 20),
        (lambda e: e - 1.5, "errors down", 20),
        (lambda e: e * 4, "errors larger", 30),
    ],
)
def test_changes_of_errors_are_found_soon(change, chart, longest):
    delays = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        monitor = DriftMonitor().fit([[0.0]], rng.normal(size=300))
        monitor.update(y=rng.normal(size=50))
        assert not monitor.should_refit_
        step = 0
        while not monitor.report_.loc[chart, "drifted"]:
            step += 1
            monitor.update(y=change(rng.normal(size=1)))
        delays.append(step)
        assert monitor.report_.loc[chart, "since"] == step + 1
    assert np.mean(delays) < longest


@pytest.mark.parametrize(("rate", "chart"), [(0.5, "coverage low"), (1.0, "coverage high")])
def test_changes_of_coverage_are_found(rate, chart):
    rng = np.random.default_rng(0)
    monitor = DriftMonitor(coverage=0.8).fit([[0.0]])
    monitor.update(covered=rng.random(60) < 0.8)
    assert not monitor.should_refit_
    monitor.update(covered=rng.random(120) < rate)
    assert monitor.report_.index[monitor.report_["drifted"]].tolist() == [chart]


def test_changes_of_inputs_are_named():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"price": rng.normal(size=300), "stock": rng.normal(size=300)})
    new = X[:100].assign(price=X["price"] + 2)
    monitor = DriftMonitor().fit(X).update(new)
    report = monitor.report_
    assert report.index[report["drifted"]].tolist() == ["price"]
    assert report.loc["price", "outside"] > 0.1
    assert monitor.should_refit_
    assert not DriftMonitor(columns="stock").fit(X).update(new).should_refit_
    assert not DriftMonitor(watch=["errors"]).fit(X).update(new).should_refit_
    assert monitor.history_["chart"].tolist() == ["price", "stock"]


def test_changes_that_come_in_few_rows_at_a_time_are_found():
    rng = np.random.default_rng(0)
    found = {}
    for n_recent in (1, 100):
        monitor = DriftMonitor(n_recent=n_recent).fit(rng.normal(size=(300, 1)))
        for _ in range(25):
            monitor.update(rng.normal(size=(4, 1)))
        assert not monitor.should_refit_
        for _ in range(25):
            monitor.update(rng.normal(1, size=(4, 1)))
        found[n_recent] = monitor.should_refit_
    assert found == {1: False, 100: True}


def test_the_newest_rows_are_compared():
    monitor = DriftMonitor(n_recent=3).fit(np.arange(100.0).reshape(-1, 1))
    monitor.update([[-1.0], [-1.0]]).update([[1.0], [1.0]])
    assert monitor.report_["outside"].iloc[0] == pytest.approx(1 / 3)
    monitor.update(np.ones((5, 1)))
    assert monitor.report_["outside"].iloc[0] == 0


def test_the_first_errors_say_what_is_usual():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=60)
    monitor = DriftMonitor(n_reference=40).fit([[0.0]]).update(y=errors)
    np.testing.assert_array_equal(monitor.reference_errors_, errors[:40])
    assert (monitor.history_["chart"] == "errors up").sum() == 20


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="watch="):
        DriftMonitor(watch=["weather"]).fit([[0.0]])
    with pytest.raises(ValueError, match="unknown column 'price'"):
        DriftMonitor(columns="price").fit(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(ValueError, match="0 sample"):
        DriftMonitor().fit(pd.DataFrame({"a": []}))
    with pytest.raises(ValueError, match="not fitted yet"):
        DriftMonitor().update(y=[1.0])
