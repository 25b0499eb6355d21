"""Chronos models as ordinary regressors on windows."""

import tempfile
import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._extras import require
from sklearn_tsrec._sklearn import Interval, StrOptions, fit_context
from sklearn_tsrec._typing import ArrayLike, Seed, Table
from sklearn_tsrec.neural._device import find_device
from sklearn_tsrec.neural.forecasting._levels import at_levels

_BATCH = 256  # windows in one pass
_GROUP = 8  # rows whose sums are taken in the same order
_RATES = {"full": 1e-6, "lora": 1e-5}  # what the makers of Chronos-2 advise
_NON_COMMERCIAL = ("-nc", "noncommercial", "non-commercial", "research")


class ChronosRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Forecast windows with Chronos-2 or Chronos-Bolt, as they are or fine-tuned.

    A row of X is a window of the last values of a series, the oldest first, NaN where a value is
    missing or before the series begins; y holds the next value or the next H values. Needs the
    extra ``chronos``. The weights are not part of this package: they lie in a folder of yours, or
    are fetched from the Hugging Face hub.

    Parameters
    ----------
    checkpoint : str or Path, default="amazon/chronos-bolt-small"
        A folder with the model, or else its name on the hub, such as ``"amazon/chronos-2"``.
    window : int or None, default=None
        How many of the last values of a window are read. None reads as many as the model can.
    horizon : int or None, default=None
        Steps to forecast. None is the number of columns of y. Any other number needs
        ``finetune="none"``.
    finetune : {"none", "lora", "full"}, default="none"
        What learns in ``fit``: nothing, changes of low rank, or all weights. Chronos-Bolt cannot be
        fine-tuned.
    learning_rate : float or "auto", default="auto"
        Learning rate, falling to zero along a line. ``"auto"`` is 1e-5 for ``"lora"`` and 1e-6 for
        ``"full"``.
    max_steps : int, default=200
        Batches that are learned from.
    batch_size : int, default=64
        Windows in a batch.
    device : str, default="auto"
        Where the model runs: ``"auto"`` is a GPU if there is one, else the CPU.
    random_state : int, RandomState instance or None, default=0
        Source of the batches and of new weights.
    verbose : int, default=0
        Whether to print the licence of the weights and show the progress of training.

    Attributes
    ----------
    pipeline_ : chronos.BaseChronosPipeline
        The model.
    licence_ : str
        Licence of the weights, as their model card states it; ``"not stated"`` without one.
    horizon_ : int
        Steps forecast.
    n_trainable_, n_parameters_ : int
        How many weights learned, and how many there are.
    level_ : array of shape (n_steps,)
        Mean training targets: the forecast of a window without any value.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features,)
        Names of the columns, if X of ``fit`` has names.

    See Also
    --------
    PatchTransformerRegressor : The model of this package, small, and with more ways to fine-tune.

    References
    ----------
    .. [1] Ansari et al. (2024), "Chronos: learning the language of time series".
    .. [2] Ansari et al. (2025), "Chronos-2: from univariate to universal forecasting".

    Examples
    --------
    >>> from sklearn_tsrec import WindowForecaster
    >>> from sklearn_tsrec.neural import ChronosRegressor
    >>> forecaster = WindowForecaster(ChronosRegressor("amazon/chronos-2"), window=512, horizon=24)
    >>> forecaster.estimator.finetune  # forecaster.fit(X, y) fetches the model
    'none'
    """

    _parameter_constraints: ClassVar[dict] = {
        "checkpoint": [str, Path],
        "window": [Interval(Integral, 1, None, closed="left"), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "finetune": [StrOptions({"none", "lora", "full"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        checkpoint: str | Path = "amazon/chronos-bolt-small",
        *,
        window: int | None = None,
        horizon: int | None = None,
        finetune: str = "none",
        learning_rate: float | str = "auto",
        max_steps: int = 200,
        batch_size: int = 64,
        device: str = "auto",
        random_state: Seed = 0,
        verbose: int = 0,
    ):
        self.checkpoint = checkpoint
        self.window = window
        self.horizon = horizon
        self.finetune = finetune
        self.learning_rate = learning_rate
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Load the model and, unless ``finetune="none"``, fine-tune it.

        Parameters
        ----------
        X : array of shape (n, L)
            Windows, the oldest value first. NaN marks a missing value.
        y : array of shape (n,) or (n, H)
            The values after each window.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If the extra ``chronos`` is not installed.
        OSError
            If the checkpoint is no folder and cannot be fetched.
        ValueError
            If the checkpoint is another kind of model or cannot be fine-tuned, no window has a
            value, or y has another number of columns than ``horizon``.

        Warns
        -----
        UserWarning
            If the licence of the weights forbids commercial use.
        """
        windows, targets = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", multi_output=True,
            y_numeric=True,
        )  # fmt: skip
        if np.isnan(windows).all():
            raise ValueError(
                "X has no value, all windows are NaN: there is nothing to forecast from."
            )
        self._flat = targets.ndim == 1
        targets = targets.reshape(len(windows), -1)
        self.horizon_ = self.horizon or targets.shape[1]
        if self.horizon_ != targets.shape[1] and self.finetune != "none":
            raise ValueError(
                f"horizon={self.horizon} is not the number of columns of y, {targets.shape[1]}: "
                "give y as many steps, or use finetune='none'."
            )
        self.level_ = np.resize(targets.mean(axis=0), self.horizon_)
        self.pipeline_ = _load(self.checkpoint, find_device(self.device))
        self.licence_ = _read_licence(self.checkpoint)
        if self.verbose:
            print(f"{self.checkpoint}: licence {self.licence_}")
        if any(word in self.licence_.lower() for word in _NON_COMMERCIAL):
            warnings.warn(
                f"the weights of {str(self.checkpoint)!r} are under the licence {self.licence_}, "
                "which forbids commercial use.",
                UserWarning,
                stacklevel=2,
            )
        if self.finetune != "none":
            self._tune(windows, targets)
        learned = 0
        if self.finetune != "none":
            learned = sum(w.numel() for w in self.pipeline_.model.parameters() if w.requires_grad)
        self.n_trainable_ = learned
        self.n_parameters_ = sum(w.numel() for w in self.pipeline_.model.parameters())
        return self

    def predict(self, X: Table) -> np.ndarray:
        """Return the median forecast of the steps after each window.

        Parameters
        ----------
        X : array of shape (n, L)
            Windows, the oldest value first.

        Returns
        -------
        array of shape (n,) or (n, n_steps)
            One number for each row if y was one column.
        """
        return self.predict_quantiles(X, [0.5])[..., 0]

    def predict_quantiles(self, X: Table, quantiles: ArrayLike = (0.1, 0.5, 0.9)) -> np.ndarray:
        """Return quantiles of the steps after each window.

        Parameters
        ----------
        X : array of shape (n, L)
            Windows, the oldest value first.
        quantiles : array-like of shape (q,), default=(0.1, 0.5, 0.9)
            Levels between 0 and 1.

        Returns
        -------
        array of shape (n, q) or (n, n_steps, q)
        """
        check_is_fitted(self)
        windows = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        levels = self.pipeline_.quantiles
        found = np.empty((len(windows), self.horizon_, len(levels)))
        found[:] = self.level_[:, np.newaxis]
        rows = np.flatnonzero(
            ~np.isnan(windows[:, -(self.window or windows.shape[1]) :]).all(axis=1)
        )
        for some in np.array_split(rows, -(-len(rows) // _BATCH)) if len(rows) else ():
            with warnings.catch_warnings():
                # Longer than what it was trained for: the roll-out is documented.
                warnings.filterwarnings("ignore", message="We recommend keeping prediction length")
                # Full groups of rows: a forecast must not depend on how many others there are.
                padded = np.resize(some, -(-len(some) // _GROUP) * _GROUP)
                blocks = self.pipeline_.predict(
                    self._series(windows[padded]), prediction_length=self.horizon_
                )
            for row, block in zip(some, blocks):
                block = block.reshape(len(levels), self.horizon_)
                found[row] = np.sort(block.double().cpu().numpy().T, axis=-1)
        found = at_levels(found, levels, quantiles)
        return found[:, 0] if self._flat and self.horizon_ == 1 else found

    def _series(self, windows, targets=None):
        """Return windows, without what lies before their first value, and their targets."""
        windows = windows[:, -(self.window or windows.shape[1]) :]
        first = (~np.isnan(windows)).argmax(axis=1)
        if targets is not None:
            windows = np.hstack([windows, targets])
        return [torch.from_numpy(row[begin:]).float() for row, begin in zip(windows, first)]

    def _tune(self, windows, targets):
        """Fine-tune the model through its own ``fit``."""
        if not hasattr(self.pipeline_, "fit"):
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r} is a {type(self.pipeline_).__name__}, which "
                "cannot be fine-tuned: use finetune='none', or a Chronos-2 model."
            )
        if self.finetune == "lora":
            require("peft", "chronos")  # without it Chronos falls back on training all weights
        usable = ~np.isnan(windows[:, -(self.window or windows.shape[1]) :]).all(axis=1)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        automatic = self.learning_rate == "auto"
        rate = _RATES[self.finetune] if automatic else self.learning_rate
        state = np.random.get_state()  # noqa: NPY002  Chronos draws windows from the global one
        with (
            tempfile.TemporaryDirectory() as folder,
            torch.random.fork_rng(devices=[]),
            warnings.catch_warnings(),
        ):
            # transformers about itself
            warnings.filterwarnings(
                "ignore", category=FutureWarning, message=".*is_gradient_checkpointing"
            )
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            try:
                self.pipeline_ = self.pipeline_.fit(
                    self._series(windows[usable], targets[usable]),
                    prediction_length=self.horizon_,
                    finetune_mode=self.finetune,
                    learning_rate=rate,
                    num_steps=self.max_steps,
                    batch_size=self.batch_size,
                    min_past=1,
                    output_dir=folder,
                    remove_printer_callback=True,
                    disable_tqdm=not self.verbose,
                    seed=seed,
                )
            finally:
                np.random.set_state(state)  # noqa: NPY002
        self.pipeline_.model.eval()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True  # columns are times of a series, not features
        return tags


def _load(checkpoint, device):
    """Return the pipeline of a folder, or else of a name on the hub."""
    chronos = require("chronos", "chronos")
    local = Path(checkpoint).is_dir()
    try:
        pipeline = chronos.BaseChronosPipeline.from_pretrained(
            str(checkpoint), device_map=device, dtype=torch.float32, local_files_only=local
        )
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        if local:
            raise OSError(
                f"checkpoint={str(checkpoint)!r} is a folder without a Chronos model: {reason}"
            ) from error
        raise OSError(
            f"checkpoint={str(checkpoint)!r} is no folder, and no Chronos model can be fetched "
            f"under this name from the Hugging Face hub: {reason} Without a network, fetch it "
            "elsewhere with `hf download NAME --local-dir FOLDER` and give the folder."
        ) from error
    if not hasattr(pipeline, "quantiles"):
        raise ValueError(
            f"checkpoint={str(checkpoint)!r} is a {type(pipeline).__name__}, which draws samples: "
            "use a Chronos-2 or Chronos-Bolt model, which give quantiles."
        )
    return pipeline


def _read_licence(checkpoint):
    """Return the licence that the card of a model states."""
    hub = require("huggingface_hub", "chronos")
    card = Path(checkpoint) / "README.md"
    if Path(checkpoint).is_dir() and not card.is_file():
        return "not stated"
    try:
        data = hub.ModelCard.load(str(card) if card.is_file() else str(checkpoint)).data
    except (OSError, ValueError):
        return "not stated"
    return str(data.license or "not stated")
