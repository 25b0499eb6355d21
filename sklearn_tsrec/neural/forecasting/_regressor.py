"""A pretrained forecaster as an ordinary regressor on windows."""

from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._sklearn import Interval, StrOptions, fit_context
from sklearn_tsrec.neural._device import find_device
from sklearn_tsrec.neural._finetune import FINETUNE, blend, count_parameters, learned
from sklearn_tsrec.neural.forecasting._augment import AUGMENTATIONS
from sklearn_tsrec.neural.forecasting._continual import ContinualMixin
from sklearn_tsrec.neural.forecasting._covariates import Layout
from sklearn_tsrec.neural.forecasting._export import ExportMixin
from sklearn_tsrec.neural.forecasting._levels import at_levels
from sklearn_tsrec.neural.forecasting._period import candidate_periods
from sklearn_tsrec.neural.forecasting._training import TunedForecaster


class PatchTransformerRegressor(
    MultiOutputMixin, ContinualMixin, ExportMixin, RegressorMixin, BaseEstimator
):
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
    context : int or None, default=None
        How many of the last values of a window are read. None reads as many as the net can.
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
    lr : float or "auto", default="auto"
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
        four times the horizon and at least 64. Fewer follow what the series have lately had in
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
        Windows of the past, a fair sample of all seen, that ``partial_fit`` learns along with the
        new ones, at equal weight.
    consolidation : float, default=0.0
        Strength of the pull, in ``partial_fit``, of each weight towards where it was, in
        proportion to its Fisher information (elastic weight consolidation) [7]_; 1e3 to 1e5 is
        much.
    device : str, default="auto"
        Where the net runs: ``"auto"`` is a GPU if there is one, else the CPU.
    random_state : int, RandomState instance or None, default=None
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
        Length of the windows.

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
        "context": [Interval(Integral, 1, None, closed="left"), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "period": [Interval(Integral, 1, None, closed="left"), list, StrOptions({"auto"}), None],
        "finetune": [StrOptions(set(FINETUNE))],
        "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
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
        checkpoint="tsrec-small",
        *,
        context=None,
        horizon=None,
        period="auto",
        finetune="none",
        lr="auto",
        max_epochs=10,
        batch_size=64,
        validation_fraction=0.25,
        refit=True,
        n_recent=None,
        patience=None,
        dropout=0.0,
        weight_decay=0.01,
        blend=0.5,
        anchor=0.0,
        augment=None,
        adversarial=0.0,
        n_replay=0,
        consolidation=0.0,
        device="auto",
        random_state=None,
        net_params=None,
        verbose=0,
    ):
        self.checkpoint = checkpoint
        self.context = context
        self.horizon = horizon
        self.period = period
        self.finetune = finetune
        self.lr = lr
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
    def fit(self, X, y):
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
        # Later calls of partial_fit go on with it.
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        self._rng = np.random.RandomState(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module_ = TunedForecaster(**self._module_params()).to(device)
        self.n_trainable_, self.n_parameters_ = count_parameters(self.module_)
        if self._layout.n_features:
            self._layout.learn_units(windows, self.horizon_)
        self.periods_ = candidate_periods(self.period, windows[:, : self._layout.n_window])
        self._forget()
        self.net_, self.best_epoch_, self.validation_losses_ = None, 0, []
        if self.finetune != "none":
            start = learned(self.module_)
            share = 1.0 if self.checkpoint is None else self.blend
            self._learn(X, windows, targets, share, refit=self.refit)
            blend(self.module_, start, share)
        return self

    def predict(self, X):
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

    def predict_quantiles(self, X, quantiles=(0.1, 0.5, 0.9)):
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

    def _forecast(self, X):
        """Return the quantiles of the net, (n, horizon_, levels) or (n, levels)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        module = self.module_
        device = next(module.parameters()).device
        context = self._context(X).to(device)
        period = torch.tensor([self.periods_], device=device).expand(len(context), -1)
        shift = None
        if (features := self._features(X)) is not None:
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

    def _context(self, windows):
        """Return what the net reads of windows, as a tensor."""
        windows = windows[:, : self._layout.n_window]
        return torch.from_numpy(windows[:, -self._n_read() :].copy())

    def _features(self, windows):
        """Return what is known of the steps ahead, or None."""
        if not self._layout.n_features:
            return None
        return self._layout.features(windows, self.periods_[0])

    def _n_read(self):
        """Return how many of the last values of a window are read."""
        most = self.module_.net.config.context
        return min(self.context or most, most)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True  # columns are moments of a series, not features
        return tags
