"""Everything that decides what a pretrained net becomes."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml

from sklearn_tsrec.neural.forecasting._config import PatchTransformerConfig
from sklearn_tsrec.neural.pretraining._synthetic._mixture import WEIGHTS

_LENGTHS: dict[int, float] = {48: 28, 96: 20, 160: 20, 256: 22, 512: 10}


@dataclass(frozen=True)
class PretrainRecipe:
    """How a net is pretrained: its sizes, the series, the schedule.

    Parameters
    ----------
    config : PatchTransformerConfig, default=PatchTransformerConfig()
        Sizes of the net.
    weights : dict of str to float, default={"structural": 18, ...}
        Mixture of series, as in :class:`~sklearn_tsrec.neural.synthetic.SyntheticMixture`.
    n_windows : int, default=6_000_000
        Windows until the learning rate is zero, over all processes and sessions.
    batch_size : int, default=256
        Windows in a step of one process.
    n_origins : int, default=4
        Forecasts learned from each window.
    lengths : dict of int to float, default={48: 28, 96: 20, ...}
        Length of the context → how often it is drawn.
    learning_rate : float, default=3e-3
        Highest rate of AdamW. It rises over the first ``warm_up`` windows, then falls as a cosine.
    warm_up : int, default=100_000
        Windows until the rate is highest.
    weight_decay : float, default=0.05
        Decay of AdamW.
    averaging : int, default=20
        Steps after which processes average their weights.
    smoothing : float, default=0.95
        Share that the running mean of the weights keeps at each averaging.
    n_series : int, default=12_000
        Series that a process holds at a time, of ``series_length`` values.
    series_length : int, default=640
        Values of a synthetic series; at least the longest context and the block.
    refill : int, default=80
        Series that are replaced by fresh ones in each step.
    holes, unknown : float, default=0.1, 0.1
        Share of windows with missing values, and of windows whose period is hidden.
    random_state : int, default=0
        Seed of weights and series.

    Examples
    --------
    >>> from sklearn_tsrec.neural import PretrainRecipe
    >>> recipe = PretrainRecipe(n_windows=100_000)
    >>> PretrainRecipe.from_dict(recipe.to_dict()) == recipe
    True
    """

    config: PatchTransformerConfig = field(default_factory=PatchTransformerConfig)
    weights: dict[str, float] = field(default_factory=WEIGHTS.copy)
    n_windows: int = 6_000_000
    batch_size: int = 256
    n_origins: int = 4
    lengths: dict[int, float] = field(default_factory=_LENGTHS.copy)
    learning_rate: float = 3e-3
    warm_up: int = 100_000
    weight_decay: float = 0.05
    averaging: int = 20
    smoothing: float = 0.95
    n_series: int = 12_000
    series_length: int = 640
    refill: int = 80
    holes: float = 0.1
    unknown: float = 0.1
    random_state: int = 0

    def __post_init__(self):
        longest = max(self.lengths) + self.config.block
        if self.series_length < longest:
            raise ValueError(
                f"series_length={self.series_length} must be {longest} or more: the longest of "
                f"lengths and a block of {self.config.block}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that YAML and JSON can hold.

        Returns
        -------
        recipe : dict
            Name → value.
        """
        lengths = {str(length): weight for length, weight in self.lengths.items()}
        return asdict(self) | {"config": self.config.to_dict(), "lengths": lengths}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the recipe that :meth:`to_dict` gave.

        Parameters
        ----------
        values : dict
            Name → value; what is left out has its default.

        Returns
        -------
        recipe : PretrainRecipe
            The recipe.

        Raises
        ------
        ValueError
            If a name is unknown.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"values has names that a recipe does not know: {unknown}.")
        values = dict(values)
        for name in {known.name for known in fields(cls) if known.type is float} & set(values):
            values[name] = float(values[name])  # to YAML, 3e-3 without a point is text
        if "config" in values:
            values["config"] = PatchTransformerConfig.from_dict(values["config"])
        if "lengths" in values:
            values["lengths"] = {int(key): weight for key, weight in values["lengths"].items()}
        return cls(**values)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the recipe in a YAML file, which JSON is too.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        recipe : PretrainRecipe
            The recipe; what the file leaves out has its default.

        Raises
        ------
        ValueError
            If the file is no YAML of names and values, or a name is unknown.
        """
        with open(path) as file:
            try:
                values = yaml.safe_load(file)
            except yaml.YAMLError as error:
                raise ValueError(f"path={str(path)!r} is no YAML: {error}.") from error
        if not isinstance(values, dict):
            raise ValueError(f"path={str(path)!r} must hold names and values, got {values!r}.")
        return cls.from_dict(values)

    def write(self, path: str | Path) -> None:
        """Write the recipe to a YAML file.

        Parameters
        ----------
        path : str or Path
            The file.
        """
        with open(path, "w") as file:
            yaml.safe_dump(self.to_dict(), file, sort_keys=False, default_flow_style=None)
