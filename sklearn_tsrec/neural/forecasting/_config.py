"""The sizes of a patch transformer."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class PatchTransformerConfig:
    """The sizes of a :class:`~sklearn_tsrec.neural.PatchTransformer`.

    Parameters
    ----------
    context : int, default=512
        Most values of a window that the net reads, the context length of a transformer; a
        multiple of ``patch``.
    patch : int, default=16
        Values in one token.
    block : int, default=64
        Longest horizon of one pass; a multiple of ``patch``. Longer horizons are rolled out.
    width : int, default=128
        Size of a token inside the net; a multiple of ``2 * heads``.
    depth : int, default=4
        Number of transformer blocks.
    heads : int, default=4
        Attention heads of each block.
    feedforward : int, default=384
        Hidden size of the feed-forward part of each block.
    n_lags : int, default=4
        Values of the same phase, one for each of the last seasons, that a future step sees.
    quantiles : tuple of float, default=(0.1, 0.2, ..., 0.9)
        Levels that are forecast, ascending, in (0, 1); 0.5 must be among them.
    dropout : float, default=0.0
        Share of activations dropped in training, in [0, 1).

    Raises
    ------
    ValueError
        If sizes do not fit together.

    Examples
    --------
    >>> from sklearn_tsrec.neural import PatchTransformerConfig
    >>> config = PatchTransformerConfig(width=32, depth=2)
    >>> PatchTransformerConfig.from_dict(config.to_dict()) == config
    True
    """

    context: int = 512
    patch: int = 16
    block: int = 64
    width: int = 128
    depth: int = 4
    heads: int = 4
    feedforward: int = 384
    n_lags: int = 4
    quantiles: tuple[float, ...] = QUANTILES
    dropout: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "quantiles", tuple(float(level) for level in self.quantiles))
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{field.name} must be an integer of 1 or more, got {value!r}.")
        for name in ("context", "block"):
            if getattr(self, name) % self.patch:
                raise ValueError(
                    f"{name} must be a multiple of patch={self.patch}, got {getattr(self, name)}."
                )
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 * heads = {2 * self.heads}, got {self.width}."
            )
        levels = self.quantiles
        if sorted(set(levels)) != list(levels) or not levels[0] > 0 or not levels[-1] < 1:
            raise ValueError(f"quantiles must ascend inside (0, 1), got {levels}.")
        if 0.5 not in levels:
            raise ValueError(f"quantiles must contain 0.5, the point forecast, got {levels}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}.")

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that JSON can hold.

        Returns
        -------
        config : dict
            Name of each size → value.
        """
        return asdict(self) | {"quantiles": list(self.quantiles)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the config that :meth:`to_dict` gave.

        Parameters
        ----------
        values : dict
            Name of each size → value; what is left out has its default.

        Returns
        -------
        config : PatchTransformerConfig
            The sizes.

        Raises
        ------
        ValueError
            If a name is unknown: the dict is of another kind of net, or of a later version.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"values has sizes that a patch transformer does not know: {unknown}.")
        return cls(**values)
