"""A pretrained forecaster as an ordinary regressor on windows."""

from dataclasses import fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._sklearn import Interval, StrOptions, fit_context
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Seed, Table
from sklearn_tsrec.neural._device import find_device
from sklearn_tsrec.neural._finetune import FINETUNE, count_parameters
from sklearn_tsrec.neural.forecasting._augment import AUGMENTATIONS
from sklearn_tsrec.neural.forecasting._covariates import Layout
from sklearn_tsrec.neural.forecasting._export import write_onnx
from sklearn_tsrec.neural.forecasting._levels import at_levels
from sklearn_tsrec.neural.forecasting._seasons import candidate_periods
from sklearn_tsrec.neural.forecasting._training import TunedForecaster, WindowReader
from sklearn_tsrec.neural.forecasting._tuner import Tuner, Tuning

# Rates that suit each way: the more weights learn, the smaller.
_RATES = {"full": 2e-4}
_RATE = 1e-3  # of all others


class PatchTransformerRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Forecast windows with a pretrained patch transformer, as it is or fine-tuned.

    A row of X is a window of the last values of a series, the oldest first, NaN where a value is
    missing or before the series begins; y holds the next value or the next H values. Without
    fine-tuning ``fit`` learns nothing from y: the net was trained beforehand, on other series.

    Parameters
    ----------
    checkpoint : str, Path or None, default="tsrec-small"
        Name of a checkpoint in the package, or a file or folder of
        :func:`~sklearn_tsrec.neural.save_checkpoint`. None is a new net, which forecasts the last
        season until it is trained with ``finetune="full"``.
    window : int or None, default=None
        How many of the last values in X are read. None reads as many as the net can: the
        ``context`` of its :class:`PatchTransformerConfig`.
    horizon : int or None, default=None
        Steps to forecast. None is the number of columns of y. Any other number needs
        ``finetune="none"``.
    period : int, list of int, "auto" or None, default="auto"
        Steps in a season; None for no season. With several the net forecasts with each, and these
        forecasts are averaged, window by window, the better the more they would have been right on
        the last third of the window. ``"auto"`` takes the period of the training windows, a peak
        of their mean autocorrelation, and if that is a day, of hours or half-hours, also a week.
    finetune : str, default="none"
        What learns in ``fit``:

        - ``"none"``: nothing;
        - ``"head"``: the last layer, as in all ways that follow;
        - ``"last"``: the top block;
        - ``"lora"``, ``"adalora"``: changes of low rank in every block [1]_ [2]_;
        - ``"adapter"``: narrow layers in every block [3]_;
        - ``"prefix"``: tokens that all others look at [4]_;
        - ``"full"``: all weights.
    learning_rate : float or "auto", default="auto"
        Highest learning rate; it is warmed up, and falls along a cosine. ``"auto"`` is 2e-4 for
        ``"full"``, and 1e-3 for all others and for a new net.
    max_epochs : int, default=10
        Epochs of 10 batches of random windows.
    batch_size : int, default=64
        Windows in a batch.
    validation_fraction : float, default=0.25
        Share of the windows, the latest of each series, on which epochs, as blended, and the
        checkpoint are compared, series by series. The latest of those that are no more than a
        standard error worse than the best is kept. 0 keeps the last epoch.
    refit : bool, default=True
        Whether ``fit``, if it keeps an epoch, goes back and learns from all windows, those of the
        validation too, up to that epoch. The latest windows are most like those to come.
    n_recent : int, "auto" or None, default=None
        How many windows of each series, the latest ones, are used at all: None uses all, ``"auto"``
        four times the horizon and at least 64. Fewer follow what the series recently have in
        common, for better and for worse.
    patience : int or None, default=None
        Epochs after the one to keep at which training ends. None trains all epochs.
    dropout : float, default=0.0
        Share of activations dropped in training.
    weight_decay : float, default=0.01
        Decoupled weight decay.
    blend : float, default=0.5
        How far ``fit`` goes from the weights of the checkpoint to those of an epoch, in (0, 1]
        [8]_. Less loses less where the latest windows mislead. A new net is not blended.
    anchor : float, default=0.0
        Strength of the pull towards the weights of the checkpoint (L2-SP) [5]_.
    augment : str, list of str or None, default=None
        Changes of training windows: ``"jitter"``, ``"scale"``, ``"warp"``, ``"mixup"``.
    adversarial : float, default=0.0
        Size, in standard deviations of a window, of the perturbation towards a higher loss under
        which it is learned (FGSM) [6]_.
    n_replay : int, default=0
        Earlier windows, a fair sample of all, on which ``partial_fit`` trains along with the new
        ones, at equal weight.
    consolidation : float, default=0.0
        Strength of the pull, in ``partial_fit``, of each weight towards where it was, in
        proportion to its Fisher information (elastic weight consolidation) [7]_; 1e3 to 1e5 is
        much.
    device : str, default="auto"
        Where the net runs: ``"auto"`` is a GPU if there is one, else the CPU.
    random_state : int, RandomState instance or None, default=0
        Source of the batches, dropout and new weights.
    net_params : dict or None, default=None
        More parameters of the skorch net, such as ``{"module__rank": 4, "optimizer__betas": …,
        "callbacks": […]}``. Of the module: ``rank``, ``n_blocks`` (of ``"last"``),
        ``adapter_size``, ``n_prefix``, and ``sizes``, the fields of
        :class:`PatchTransformerConfig` of a new net.
    verbose : int, default=0
        Whether to show the progress of training.

    Attributes
    ----------
    module_ : TunedForecaster
        The net, in ``module_.net``.
    net_ : skorch.NeuralNet or None
        What trained it, with its ``history``; None if nothing did.
    periods_ : tuple of int
        Steps in the candidate seasons; 1 if there is none.
    horizon_ : int
        Steps forecast.
    best_epoch_ : int
        The epoch whose weights are used; 0 for those of the checkpoint.
    validation_losses_ : list of float
        Quantile loss of the validation windows before training and after each epoch.
    n_trainable_, n_parameters_ : int
        How many weights learn, and how many there are.
    level_ : array of shape (n_steps,)
        Mean training targets: the forecast of a window without any value.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features,)
        Names of the columns, if X of ``fit`` has names.

    See Also
    --------
    sklearn_tsrec.WindowForecaster : Makes windows out of a panel, and forecasts of windows.
    save_checkpoint : Keeps ``module_.net``.

    Notes
    -----
    The latest windows are known from the index of X (series and time) or else from the windows
    themselves: one that is the window above it, moved on by its target, is of the same series.
    Where neither is so, the rows are in time order.

    References
    ----------
    .. [1] Hu et al. (2021), "LoRA: low-rank adaptation of large language models".
    .. [2] Zhang et al. (2023), "AdaLoRA: adaptive budget allocation for parameter-efficient
       fine-tuning".
    .. [3] Houlsby et al. (2019), "Parameter-efficient transfer learning for NLP".
    .. [4] Li & Liang (2021), "Prefix-tuning: optimizing continuous prompts for generation".
    .. [5] Li, Grandvalet & Davoine (2018), "Explicit inductive bias for transfer learning with
       convolutional networks".
    .. [6] Goodfellow, Shlens & Szegedy (2015), "Explaining and harnessing adversarial examples".
    .. [7] Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks".
    .. [8] Wortsman et al. (2022), "Robust fine-tuning of zero-shot models".

    Examples
    --------
    A new net repeats the last season:

    >>> import numpy as np
    >>> from sklearn_tsrec.neural import PatchTransformerRegressor
    >>> weeks = np.tile([1.0, 2, 3, 4, 5, 6, 0], 6)
    >>> windows = np.lib.stride_tricks.sliding_window_view(weeks, 31)
    >>> regressor = PatchTransformerRegressor(None, random_state=0)
    >>> regressor = regressor.fit(windows[:, :28], windows[:, 28:])
    >>> regressor.periods_, regressor.predict(windows[:1, :28]).round(3)
    ((7,), array([[1., 2., 3.]]))
    """

    reads_window_names = True  # asks WindowForecaster for a table with names

    _parameter_constraints: ClassVar[dict] = {
        "checkpoint": [str, Path, None],
        "window": [Interval(Integral, 1, None, closed="left"), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "period": [Interval(Integral, 1, None, closed="left"), list, StrOptions({"auto"}), None],
        "finetune": [StrOptions(set(FINETUNE))],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "refit": ["boolean"],
        "n_recent": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "blend": [Interval(Real, 0, 1, closed="right")],
        "anchor": [Interval(Real, 0, None, closed="left")],
        "augment": [StrOptions(set(AUGMENTATIONS)), list, tuple, None],
        "adversarial": [Interval(Real, 0, None, closed="left")],
        "n_replay": [Interval(Integral, 0, None, closed="left")],
        "consolidation": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "random_state": ["random_state"],
        "net_params": [dict, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        checkpoint: str | Path | None = "tsrec-small",
        *,
        window: int | None = None,
        horizon: int | None = None,
        period: int | list[int] | str | None = "auto",
        finetune: str = "none",
        learning_rate: float | str = "auto",
        max_epochs: int = 10,
        batch_size: int = 64,
        validation_fraction: float = 0.25,
        refit: bool = True,
        n_recent: int | str | None = None,
        patience: int | None = None,
        dropout: float = 0.0,
        weight_decay: float = 0.01,
        blend: float = 0.5,
        anchor: float = 0.0,
        augment: str | list[str] | tuple[str, ...] | None = None,
        adversarial: float = 0.0,
        n_replay: int = 0,
        consolidation: float = 0.0,
        device: str = "auto",
        random_state: Seed = 0,
        net_params: dict[str, Any] | None = None,
        verbose: int = 0,
    ):
        self.checkpoint = checkpoint
        self.window = window
        self.horizon = horizon
        self.period = period
        self.finetune = finetune
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.n_recent = n_recent
        self.patience = patience
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.blend = blend
        self.anchor = anchor
        self.augment = augment
        self.adversarial = adversarial
        self.n_replay = n_replay
        self.consolidation = consolidation
        self.device = device
        self.random_state = random_state
        self.net_params = net_params
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Load the net and, unless ``finetune="none"``, fine-tune it.

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
        ValueError
            If no window has a value, values are infinite, the checkpoint cannot be read, the device
            is not there, or y has another number of columns than ``horizon``.
        """
        windows, targets = self._read_training(X, y, reset=True)
        device = find_device(self.device)
        self.horizon_ = self.horizon or targets.shape[1]
        if self.horizon_ != targets.shape[1] and self.finetune != "none":
            raise ValueError(
                f"horizon={self.horizon} is not the number of columns of y, {targets.shape[1]}: "
                "give y as many steps, or use finetune='none'."
            )
        self.level_ = np.resize(targets.mean(axis=0), self.horizon_)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module_ = TunedForecaster(**self._module_params()).to(device)
        self.n_trainable_, self.n_parameters_ = count_parameters(self.module_)
        if self._layout.n_features:
            self._layout.learn_units(windows, self.horizon_)
        self.periods_ = candidate_periods(self.period, windows[:, : self._layout.n_window])
        config = self.module_.net.config
        n_read = min(self.window or config.context, config.context)
        self._reader = WindowReader(self._layout, self.periods_, n_read, config)
        rng = np.random.RandomState(seed)  # calls of partial_fit go on with it
        self._tuner = Tuner(self.module_, self._reader, rng, anchored=self.anchor > 0)
        self.net_, self.best_epoch_, self.validation_losses_ = None, 0, []
        if self.finetune != "none":
            share = 1.0 if self.checkpoint is None else self.blend
            self._tune(X, windows, targets, blend=share, refit=self.refit)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Table, y: ArrayLike) -> Self:
        """Continue training on new windows.

        With ``n_replay`` a fair sample of all earlier windows is learned along with the new ones,
        and with ``consolidation`` weights that mattered stay near where they were; with neither,
        what was learned before is slowly forgotten.

        Parameters
        ----------
        X : array of shape (n, L)
            New windows.
        y : array of shape (n,) or (n, H)
            The values after each window.

        Returns
        -------
        self
            The first call is ``fit``.
        """
        if not hasattr(self, "module_"):
            return self.fit(X, y)
        windows, targets = self._read_training(X, y, reset=False)
        if targets.shape[1] != self.horizon_:
            raise ValueError(
                f"y has {targets.shape[1]} columns, but fit was given {self.horizon_} steps."
            )
        if self.finetune != "none":
            self._tune(X, windows, targets, blend=1.0, refit=False)
        return self

    def pretrain_on(self, X: Table) -> Self:
        """Continue training on series without labels: a window's own last steps are its target.

        Parameters
        ----------
        X : array of shape (n, L)
            Windows. Those whose last ``horizon`` values are not all known are left out.

        Returns
        -------
        self
            Go on with ``partial_fit``: ``fit`` begins with the checkpoint again.

        Raises
        ------
        ValueError
            If nothing learns, the horizon is not known, or no window is long enough.
        """
        horizon = getattr(self, "horizon_", self.horizon)
        if horizon is None:
            raise ValueError("pretrain_on needs horizon=, or fit before it.")
        if self.finetune == "none":
            raise ValueError("finetune='none' learns nothing: pretrain_on needs another way.")
        if getattr(self, "_layout", None) is not None and self._layout.n_features:
            raise ValueError(
                "pretrain_on reads windows alone, and this regressor has covariates: give it "
                "labelled windows in partial_fit."
            )
        whole = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        targets = whole[:, -horizon:]
        usable = np.isfinite(targets).all(axis=1) & ~np.isnan(whole[:, :-horizon]).all(axis=1)
        if not usable.any():
            raise ValueError(
                f"X has no window with a value before its last horizon={horizon} known values."
            )
        # The window is as long as those to come: what it lacks is missing in front.
        windows = np.full_like(whole, np.nan)
        windows[:, horizon:] = whole[:, :-horizon]
        windows, targets = windows[usable], targets[usable]
        flat = getattr(self, "_flat", horizon == 1)
        return self.partial_fit(windows, targets[:, 0] if flat else targets)

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
        quantiles = self._forecast(X)
        return quantiles[..., self.module_.net.config.quantiles.index(0.5)].copy()

    def predict_quantiles(self, X: Table, quantiles: ArrayLike = (0.1, 0.5, 0.9)) -> np.ndarray:
        """Return quantiles of the steps after each window.

        Between the levels of the net they are interpolated, and beyond them continued, as those of
        a normal would be.

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
        return at_levels(self._forecast(X), self.module_.net.config.quantiles, quantiles)

    def active_query(self, X: Table, n: int) -> np.ndarray:
        """Return the windows whose true values would teach most: those with the widest intervals.

        Parameters
        ----------
        X : array of shape (m, L)
            Windows of series whose next values could be found out.
        n : int
            How many to choose.

        Returns
        -------
        rows : int array of shape (min(n, m),)
            The widest 80 % intervals, relative to the standard deviation of their window, first.
            Windows without any value come last.

        References
        ----------
        Lewis & Gale (1994), "A sequential algorithm for training text classifiers": query what is
        least certain.
        """
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n={n!r} must be an integer of at least 1.")
        low, high = np.moveaxis(self.predict_quantiles(X, [0.1, 0.9]), -1, 0)
        width = (high - low).reshape(len(low), -1).mean(axis=1)
        table = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        windows = table[:, : self._layout.n_window]
        known = ~np.isnan(windows)
        count = known.sum(axis=1).clip(1)
        mean = np.where(known, windows, 0).sum(axis=1) / count
        size = np.sqrt((np.where(known, windows - mean[:, np.newaxis], 0) ** 2).sum(axis=1) / count)
        share = np.where(size > 0, width / np.where(size > 0, size, 1), 0)
        share[~known.any(axis=1)] = -1
        return np.argsort(-settle(share), kind="stable")[:n]

    def export_onnx(self, path: str | Path, *, int8: bool = False) -> Path:
        """Write the fitted net to an ONNX file.

        Its input ``windows`` (n, L), double, is what ``predict`` takes, NaN where missing; its
        output ``quantiles`` (n, horizon, n_levels), double, are the levels of the net, 0.1 … 0.9
        for the checkpoints that ship. Period and horizon are those of the fit.

        Parameters
        ----------
        path : str or Path
            The file, such as ``"forecaster.onnx"``.
        int8 : bool, default=False
            Whether weights of linear layers are stored, and multiplied, as 8-bit integers, with
            a scale for each output. The file is then about a third as large (1.5 for 3.8 MB);
            quantiles move, in the mean, by less than a hundredth of the width of the 80 % interval.

        Returns
        -------
        path : Path
            The file.

        Raises
        ------
        ValueError
            If the horizon is longer than one block of the net, for a roll-out is no single graph,
            or ``fit`` was given covariates.
        """
        check_is_fitted(self)
        return write_onnx(self.module_.net, self._reader, self.level_, path, int8=int8)

    def _tune(self, X, windows, targets, **how):
        """Train the module; ``how`` is what a first and a later fit do not share."""
        own = {f.name: getattr(self, f.name) for f in fields(Tuning)}
        tuning: dict[str, Any] = own | {"learning_rate": self._rate()} | how
        self.net_, self.best_epoch_, self.validation_losses_ = self._tuner.learn(
            X, windows, targets, Tuning(**tuning)
        )

    def _rate(self):
        """Return the learning rate."""
        if self.learning_rate != "auto":
            return self.learning_rate
        return _RATE if self.checkpoint is None else _RATES.get(self.finetune, _RATE)

    def _module_params(self) -> dict[str, Any]:
        """Return the parameters of the module."""
        given = {
            name.removeprefix("module__"): value
            for name, value in (self.net_params or {}).items()
            if name.startswith("module__")
        }
        names = ("checkpoint", "finetune", "dropout")
        params = {name: getattr(self, name) for name in names}
        return params | {"n_features": self._layout.n_features} | given

    def _forecast(self, X):
        """Return the quantiles of the net, (n, horizon_, levels) or (n, levels)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        module = self.module_
        device = next(module.parameters()).device
        context = self._reader.context(X).to(device)
        period = torch.tensor([self.periods_], device=device).expand(len(context), -1)
        shift = None
        if (features := self._reader.features(X)) is not None:
            with torch.no_grad():
                shift = module.covariates(features.to(device))
        found = module.net.forecast(context, period, self.horizon_, shift=shift)
        found = found.double().cpu().numpy()
        empty = np.isnan(found[:, 0, 0])
        found[empty] = self.level_[:, np.newaxis]
        return found[:, 0] if self._flat and self.horizon_ == 1 else found

    def _read_training(self, X, y, *, reset):
        """Return validated windows, and targets of shape (n, H)."""
        windows, targets = validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            multi_output=True,
            y_numeric=True,
        )
        if reset:
            self._flat = targets.ndim == 1
            names = getattr(self, "feature_names_in_", None)
            self._layout = Layout(names, windows.shape[1], self.finetune)
        if np.isnan(windows[:, : self._layout.n_window]).all():
            raise ValueError(
                "X has no value, all windows are NaN: there is nothing to forecast from."
            )
        return windows, np.asarray(targets, dtype=np.float64).reshape(len(windows), -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True  # columns are times of a series, not features
        return tags
