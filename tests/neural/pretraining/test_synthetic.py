"""Families make what their names promise; no test looks at the numbers of one seed."""

import numpy as np
import pytest

from sklearn_tsrec.neural import synthetic
from sklearn_tsrec.neural.pretraining._synthetic._mixture import FAMILIES, WEIGHTS
from sklearn_tsrec.neural.synthetic import SyntheticMixture, add_effects


def draw(family, n=200, length=240, seed=0):
    return family.draw(np.random.default_rng(seed), n, length)


def standard(values):
    return (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)


def explained_by_phase(values, period):
    """Return the share of each row's variance around a running line that a table of phases has."""
    shares = []
    for row, season in zip(values, period):
        row = row - np.polyval(np.polyfit(np.arange(len(row)), row, 2), np.arange(len(row)))
        phase = np.arange(len(row)) % season
        means = np.bincount(phase, row) / np.bincount(phase)
        shares.append(means[phase].var() / row.var())
    return np.array(shares)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_is_finite_varied_and_reproducible(name):
    values, period = draw(FAMILIES[name], 60)
    again, _ = draw(FAMILIES[name], 60)
    other, _ = draw(FAMILIES[name], 60, seed=1)
    assert values.shape == (60, 240)
    assert np.isfinite(values).all()
    assert np.array_equal(values, again)
    assert not np.array_equal(values, other)
    assert (values.std(1) > 0).mean() > 0.9
    assert period.min() >= 1
    assert len(np.unique(period)) > 2


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("calendar", "mixup")])
def test_a_family_has_the_seasons_that_it_is_given(name):
    family = type(FAMILIES[name])(seasons={7: 1, 12: 1})
    values, period = draw(family, 300)
    # The rest has unusual seasons, or, as a Gaussian process without a periodic kernel, none.
    assert np.isin(period, [7, 12]).mean() > 0.4
    assert period.max() < 100
    usual = np.isin(period, [7, 12])
    wrong = np.where(period == 7, 12, 7)
    right = explained_by_phase(values[usual], period[usual])
    assert np.median(right - explained_by_phase(values[usual], wrong[usual])) > 0.003


def test_trends_are_seen_in_short_windows():
    def drift(values):
        steps = np.diff(standard(values[:, -40:]), axis=1)
        return np.abs(steps.mean(1)) / steps.std(1)

    trend, _ = draw(synthetic.TrendSeries({1: 1}), 400)
    structural, _ = draw(synthetic.StructuralSeries({1: 1}), 400)
    assert np.median(drift(trend)) > 1.5 * np.median(drift(structural))
    # Growth is likelier than decline.
    assert (trend[:, -1] > trend[:, 0]).mean() > 0.58


def test_state_space_series_are_half_multiplicative():
    values, _ = draw(synthetic.StateSpaceSeries(), 400)
    assert 0.45 < (values > 0).all(1).mean() < 0.75


def test_sarima_is_stationary_or_integrated_once():
    values, _ = draw(synthetic.SarimaSeries({1: 1}), 400, 600)
    halves = standard(values)[:, :300].std(1) / standard(values)[:, 300:].std(1)
    assert np.abs(np.log(np.median(halves))) < 0.2
    lag = [np.corrcoef(row[1:], row[:-1])[0, 1] for row in values]
    assert 0.25 < (np.array(lag) > 0.97).mean() < 0.7
    assert np.min(lag) < -0.3


def test_draws_of_one_gaussian_process_share_a_kernel():
    family = synthetic.GaussianProcessSeries({12: 1}, n_shared=20)
    values, period = draw(family, 40)
    assert len(np.unique(period[:20])) == len(np.unique(period[20:])) == 1
    rough = np.abs(np.diff(standard(values), axis=1)).mean(1)
    assert rough[:20].std() < rough.std() or rough[20:].std() < rough.std()


def test_counts_are_counts_and_many_are_zero():
    values, _ = draw(synthetic.CountSeries(), 400)
    assert (values >= 0).all()
    assert np.array_equal(values, np.round(values))
    zeros = (values == 0).mean(1)
    assert (zeros > 0.5).mean() > 0.15
    assert (zeros < 0.05).mean() > 0.1


def test_regimes_change_level_and_events_repeat():
    values, period = draw(synthetic.RegimeSeries({1: 1}), 400)
    assert (period == 2).mean() > 0.3
    plain = standard(values[period == 1])
    blocks = plain.reshape(len(plain), 8, -1)
    assert np.median(blocks.mean(2).std(1) / blocks.std(2).mean(1)) > 0.8


def test_a_calendar_has_weekends_and_a_day_that_depends_on_them():
    values, period = draw(synthetic.CalendarSeries({24: 1}), 200, 672)
    assert (period == 24).all()
    # The hour of the week matters more than the hour of the day.
    more = explained_by_phase(values, np.full(200, 168)) - explained_by_phase(values, period)
    assert 0.1 < np.median(more) < 0.6


def test_mixup_lies_between_its_parts():
    class Ones:
        def draw(self, rng, n, length):
            return np.tile([1.0, -1.0], (n, length // 2)), np.full(n, 2)

    values, period = draw(synthetic.MixupSeries(Ones(), Ones()), 20)
    np.testing.assert_allclose(values, np.tile([1.0, -1.0], (20, 120)))
    assert (period == 2).all()


def test_effects_befall_their_share():
    clean = np.random.default_rng(1).normal(size=(2000, 100)).cumsum(1)
    changed = add_effects(np.random.default_rng(0), clean, flip=0, reverse=0)
    same = (changed == clean).all(1).mean()
    assert 0.6 < same < 0.78
    turned = add_effects(np.random.default_rng(0), clean, flip=1, reverse=0)
    np.testing.assert_array_equal(turned, -changed)
    back = add_effects(np.random.default_rng(0), clean, flip=0, reverse=1)
    np.testing.assert_array_equal(back, changed[:, ::-1])
    lowest = (np.isclose(changed, changed.min(1, keepdims=True))).mean(1)
    assert 0.02 < (lowest > 0.25).mean() < 0.08


def test_a_mixture_is_standardised_and_reproducible():
    mixture = SyntheticMixture()
    values, period = mixture.sample(400, 128, random_state=3)
    again, _ = mixture.sample(400, 128, random_state=3)
    assert values.dtype == np.float32
    assert period.dtype == np.int64
    np.testing.assert_array_equal(values, again)
    varies = values.std(1) > 0
    assert varies.mean() > 0.98
    np.testing.assert_allclose(values[varies].mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(values[varies].std(1), 1, rtol=1e-4)


def test_weights_are_shares_and_families_can_be_added():
    class Steps:
        def draw(self, rng, n, length):
            return np.tile(np.arange(length) // 10.0, (n, 1)), np.full(n, 99)

    mixture = SyntheticMixture(
        {"trend": 3, "steps": 1}, families={"steps": Steps()}, effects=False, wrong_period=0
    )
    values, period = mixture.sample(2000, 40, random_state=0)
    steps = (np.diff(values[:, :10], axis=1) == 0).all(1)
    assert 0.21 < steps.mean() < 0.29
    assert (period[steps] == 99).all()


def test_some_series_tell_a_wrong_period():
    given = [
        SyntheticMixture({"calendar": 1}, wrong_period=share).sample(2000, 40, random_state=0)[1]
        for share in (0, 0.3)
    ]
    calendars = [7, 24, 168, 12, 52]
    assert np.isin(given[0], calendars).all()
    # A third of wrong periods are calendars by chance.
    assert 0.08 < 1 - np.isin(given[1], calendars).mean() < 0.2


def test_bad_weights_are_named():
    with pytest.raises(ValueError, match=r"do not exist: \['waves'\]"):
        SyntheticMixture({"waves": 1})
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        SyntheticMixture({"trend": 0})
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        SyntheticMixture(WEIGHTS | {"trend": -1})


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_draws_few_and_short_series(name):
    for n, length in ((1, 40), (2, 24)):
        for seed in range(5):
            values, period = draw(FAMILIES[name], n, length, seed)
            assert values.shape == (n, length)
            assert period.shape == (n,)
            assert np.isfinite(values).all()
