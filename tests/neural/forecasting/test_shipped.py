"""The checkpoints in the package: small, documented, and better than seasonal naive."""

import numpy as np
import pytest
import torch

from sklearn_tsrec.neural import PretrainRecipe, load_card, load_checkpoint
from sklearn_tsrec.neural.forecasting._checkpoint import WEIGHTS

NAMES = sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))


def test_the_default_checkpoint_ships():
    assert "tsrec-small" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_is_small_and_says_what_it_is(name):
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size <= 4_000_000
    assert (WEIGHTS / f"{name}.md").is_file()
    card = load_card(name)
    assert card["licence"] == "BSD-3-Clause"
    assert card["annealed"]
    assert PretrainRecipe.from_dict(card["recipe"]).config == load_checkpoint(name).config


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("period", [1, 4, 12])
def test_a_checkpoint_beats_seasonal_naive_on_trends_and_noisy_seasons(name, period):
    rng = np.random.default_rng(0)
    time = np.arange(10 * period + 30)
    season = 5 * np.sin(2 * np.pi * time / max(period, 2) + rng.uniform(0, 6, (60, 1)))
    line = rng.normal(0, 1, (60, 1)) * time
    series = 100 + line + season * (period > 1) + rng.normal(0, 1, (60, len(time)))
    past, future = torch.from_numpy(series[:, :-12]), series[:, -12:]
    quantiles = load_checkpoint(name).forecast(past, torch.full((60,), period), 12).numpy()
    naive = np.resize(past[:, -period:].numpy().T, (12, 60)).T
    error = np.abs(quantiles[..., 4] - future).mean(1)
    assert np.mean(error < np.abs(naive - future).mean(1)) > 0.75
    inside = (future >= quantiles[..., 0]) & (future <= quantiles[..., -1])
    assert 0.65 < inside.mean() < 0.99
