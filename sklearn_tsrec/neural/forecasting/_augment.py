"""Changes of windows and their targets that leave their kind what it is."""

import torch

AUGMENTATIONS = ("jitter", "scale", "warp", "mixup")
_N_KNOTS = 4


class Augment:
    """Apply one of several augmentations, drawn for each batch, to half of the rows.

    Parameters
    ----------
    names : list of str
        ``"jitter"`` adds noise to the window; ``"scale"`` lets the size of the values drift;
        ``"warp"`` multiplies deviations by a smooth curve; ``"mixup"`` mixes pairs of windows, both
        standardised.

    References
    ----------
    Um et al. (2017), "Data augmentation of wearable sensor data for Parkinson's disease monitoring
    using convolutional neural networks"; Zhang et al. (2018), "mixup: beyond empirical risk
    minimization".
    """

    def __init__(self, names):
        self.names = names

    def __call__(self, inputs, target):
        """Return changed inputs and targets."""
        name = self.names[int(torch.randint(len(self.names), ()))]
        context = inputs["context"]
        values = torch.cat([context, target], 1)
        seen = torch.isfinite(context)
        count = seen.sum(1, keepdim=True).clamp(min=1)
        mean = context.nan_to_num().sum(1, keepdim=True) / count
        size = ((context - mean).nan_to_num().square().sum(1, keepdim=True) / count).sqrt()
        size = torch.where(size > 0, size, 1)
        scaled = (values - mean) / size
        changed, period = getattr(self, f"_{name}")(scaled, context.shape[1], inputs["period"])
        keep = torch.rand(len(values), 1) < 0.5
        changed = torch.where(keep, scaled, changed) * size + mean
        inputs = {
            **inputs,
            "context": changed[:, : context.shape[1]],
            "period": torch.where(keep[:, 0], inputs["period"], period),
        }
        return inputs, changed[:, context.shape[1] :]

    @staticmethod
    def _jitter(scaled, length, period):
        """Add noise to the window, not to the target."""
        noise = 0.1 * torch.randn_like(scaled)
        noise[:, length:] = 0
        return scaled + noise, period

    @staticmethod
    def _scale(scaled, length, period):
        """Let the size drift, exponentially from the oldest value to the last."""
        time = torch.linspace(-1, 1, scaled.shape[1], dtype=scaled.dtype)
        return scaled * torch.exp(0.2 * torch.randn(len(scaled), 1, dtype=scaled.dtype) * time), (
            period
        )

    @staticmethod
    def _warp(scaled, length, period):
        """Multiply by a smooth curve around 1."""
        knots = 1 + 0.2 * torch.randn(len(scaled), 1, _N_KNOTS, dtype=scaled.dtype)
        curve = torch.nn.functional.interpolate(
            knots, size=scaled.shape[1], mode="linear", align_corners=True
        )
        return scaled * curve[:, 0], period

    @staticmethod
    def _mixup(scaled, length, period):
        """Mix each row with another; the season is that of the heavier of the two."""
        other = torch.randperm(len(scaled))
        share = torch.distributions.Beta(0.4, 0.4).sample((len(scaled), 1)).to(scaled.dtype)
        mixed = share * scaled + (1 - share) * scaled[other]
        # A value that one of the two lacks is that of the other.
        mixed = torch.where(torch.isfinite(mixed), mixed, scaled)
        return mixed, torch.where(share[:, 0] >= 0.5, period, period[other])
