import numpy as np
import pytest
import torch

from sklearn_tsrec.neural import PatchTransformerRegressor
from sklearn_tsrec.neural.forecasting._seasons import candidate_periods, find_period, season_weights

DAY = np.array([0.0, 4, 9, 2, 7, 1])


def seasons_of(periods, n):
    return torch.tensor(periods).expand(n, -1)


def weeks(n=1, length=64):
    """Weeks of six days: the values of each day are alike, those of the sixth are not."""
    days = np.concatenate([DAY] * 5 + [-DAY])
    rng = np.random.default_rng(0)
    values = np.tile(days, 3)[:length]
    return torch.from_numpy(np.stack([values * rng.uniform(1, 5) for _ in range(n)]))


def test_the_season_that_forecast_the_past_has_the_weight(untrained):
    # An untrained net repeats the last season.
    window = torch.from_numpy(np.tile(DAY, 11)[:64])[None]
    weights = season_weights(untrained, window, seasons_of([4, 6], 1), 8)
    assert weights[0, 1] > 0.99
    found = untrained.forecast(window, seasons_of([4, 6], 1), 8)[0, :, 4]
    np.testing.assert_allclose(found, np.resize(DAY[[4, 5, 0, 1, 2, 3]], 8), atol=1e-2)


def test_weights_fall_with_the_cube_of_the_loss(net):
    rng = np.random.default_rng(0)
    window = torch.from_numpy(rng.normal(0, 1, (3, 64)).cumsum(1))
    alone = [season_weights(net, window, seasons_of([4, p], 3), 8)[:, 1] for p in (6, 8)]
    ratio = [share / (1 - share) for share in alone]  # (loss of 4 / loss of p) ** 3
    weights = season_weights(net, window, seasons_of([4, 6, 8], 3), 8)
    np.testing.assert_allclose(weights.sum(1), 1)
    np.testing.assert_allclose(weights[:, 1] / weights[:, 0], ratio[0], rtol=1e-4)
    np.testing.assert_allclose(weights[:, 2] / weights[:, 0], ratio[1], rtol=1e-4)


def test_quantiles_are_averaged_and_do_not_depend_on_other_windows(net):
    window = weeks(4)
    window[1, :30] = torch.nan
    window[2, 20:24] = torch.nan
    window[3] = torch.nan
    both = seasons_of([6, 15], 4)
    found = net.forecast(window, both, 20)
    assert torch.isnan(found[3]).all()
    for row in range(3):
        one = slice(row, row + 1)
        torch.testing.assert_close(
            net.forecast(window[one], both[one], 20), found[one], rtol=1e-5, atol=1e-5
        )
    weights = season_weights(net, window[:1], both[:1], 20)[0]
    parts = [net.forecast(window[:1], both[:1, c], 20) for c in (0, 1)]
    mean = weights[0] * parts[0] + weights[1] * parts[1]
    torch.testing.assert_close(found[:1], mean, rtol=1e-5, atol=1e-5)
    assert (found[:3].diff(dim=-1) >= 0).all()


@pytest.mark.parametrize(
    ("window", "why"),
    [
        (np.r_[np.full(50, np.nan), np.arange(14.0)], "the season is longer than what is known"),
        (np.r_[np.arange(40.0), np.full(24, np.nan)], "nothing is known of the last third"),
        (np.arange(8.0), "the window is too short to be judged"),
    ],
)
def test_the_first_season_is_used_where_nothing_can_be_judged(net, window, why):
    window = torch.from_numpy(window)[None]
    weights = season_weights(net, window, seasons_of([2, 13], 1), 8)
    assert weights.tolist() == [[1.0, 0.0]], why


def test_a_day_of_hours_may_have_a_week():
    hours = np.tile(np.sin(np.arange(24) * np.pi / 12) + np.arange(24) % 5, 10)[None]
    assert candidate_periods("auto", hours) == (24, 168)
    assert candidate_periods("auto", hours[:, :168]) == (24,)
    assert candidate_periods("auto", np.tile(DAY, (2, 9))) == (6,)
    assert candidate_periods(24, hours) == (24,)
    assert candidate_periods(None, hours) == (1,)
    assert candidate_periods([7, 24], hours) == (7, 24)


@pytest.mark.parametrize("period", [[], [0, 7], [7.5]])
def test_candidates_are_positive_integers(period):
    with pytest.raises(ValueError, match="must hold integers of at least 1"):
        PatchTransformerRegressor(None, period=period).fit(np.ones((3, 20)), np.ones(3))


def test_a_regressor_finds_the_week_and_learns_with_both():
    values = weeks(6, 72).numpy() + np.random.default_rng(0).normal(0, 0.01, (6, 72))
    X, y = values[:, :66], values[:, 66:]
    sizes = {"context": 64, "patch": 4, "block": 8, "width": 16, "depth": 1, "heads": 2}
    params = {"random_state": 0, "net_params": {"module__sizes": sizes}, "max_epochs": 1}
    one, both = (
        PatchTransformerRegressor(None, period=period, finetune="full", **params).fit(X, y)
        for period in (6, [6, 36])
    )
    assert both.periods_ == (6, 36)
    # The sixth day is not like the day before, but like the week before.
    assert np.abs(both.predict(X) - y).mean() < 0.5 * np.abs(one.predict(X) - y).mean()


@pytest.mark.parametrize("period", [4, 7, 12, 24])
def test_the_period_is_found(period):
    rng = np.random.default_rng(0)
    t = np.arange(7 * period)
    shape = rng.normal(size=period)
    rows = shape[(t + rng.integers(0, period, (20, 1))) % period]
    rows = rows + rng.normal(0, 0.2, rows.shape) + rng.normal(size=(20, 1)) * t / 10
    rows[::3, : period // 2] = np.nan
    assert find_period(rows) == period
    assert find_period(rng.normal(size=rows.shape).cumsum(axis=1)) == 1
    assert find_period(rows[:, :3]) == 1
