"""Known-ahead covariates: where they stand in a table of windows, and what is learned from them."""

import re
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sklearn_tsrec.neural._layers import ResidualMLP

_NAME = re.compile(r"(?P<column>.+)__(?P<kind>lag|ahead)(?P<step>\d+)")
_WIDTH = 16  # of the hidden layer of the adapter


class Unit(NamedTuple):
    """Mean and standard deviation of a covariate."""

    mean: float
    size: float


class Layout:
    """What the columns of a table of windows hold, as their names indicate.

    ``y__lag3`` is the target three steps before the first forecast, ``price__lag3`` a covariate
    there, ``price__lag0`` and ``price__ahead2`` the covariate at the first step and two steps after
    it; any other name is a column that never changes. Without such names all columns are the window
    of the target.

    Parameters
    ----------
    names : sequence of str or None
        Names of the columns.
    n_columns : int
        Their number.
    finetune : str
        What learns. If nothing does, covariates have no use.

    Attributes
    ----------
    n_window : int
        Length of the window, which is the first of the columns.
    ahead : dict of str to list of int
        Columns of each known-ahead covariate, one for each step.
    past : dict of str to list of int
        Columns of the window of each covariate that has one, oldest first.
    static : list of int
        Columns that never change.
    """

    def __init__(self, names, n_columns, finetune):
        self.n_window, self.ahead, self.past, self.static = n_columns, {}, {}, []
        names = [] if names is None else list(names)
        parts = [_NAME.fullmatch(name) for name in names] or [None]
        if parts[0] is None or parts[0]["column"] != "y":
            return
        lags = [int(part["step"]) for part in parts if part and part["column"] == "y"]
        if lags != list(range(len(lags), 0, -1)):
            raise ValueError(
                f"the window has the lags {lags}: a patch transformer reads consecutive values, so "
                "give WindowForecaster the number of them, such as window=64."
            )
        self.n_window = len(lags)
        for column, part in list(enumerate(parts))[len(lags) :]:
            if part is None:
                self.static.append(column)
            elif part["kind"] == "lag" and int(part["step"]):
                self.past.setdefault(part["column"], []).append(column)
            else:
                self.ahead.setdefault(part["column"], []).append(column)
        if self.n_features and finetune == "none":
            found = list(dict.fromkeys([*self.ahead, *self.past, *(names[p] for p in self.static)]))
            raise ValueError(
                f"X has the covariates {found}, "
                "of which a checkpoint knows nothing: with finetune='none' leave them out "
                "(columns=[] of WindowForecaster), or choose a finetune that learns their effect, "
                "such as 'head'."
            )
        alone = sorted(set(self.past) - set(self.ahead))
        if alone:
            raise ValueError(
                f"past_columns has {alone}, of which nothing is known ahead: a patch transformer "
                "learns from known-ahead columns and, where columns= and past_columns= both name "
                "one, from its past too."
            )

    @property
    def n_features(self):
        """How many numbers describe the covariates of a step ahead."""
        return len(self.ahead) + 2 * len(self.past) + len(self.static)

    def learn_units(self, table, n_steps):
        """Learn means and standard deviations of the covariates.

        Parameters
        ----------
        table : array of shape (n, n_columns)
            Rows to learn from.
        n_steps : int
            Steps forecast.
        """
        self.n_steps = n_steps
        self.units_ = []
        for columns in [*self.ahead.values(), *([column] for column in self.static)]:
            known = table[:, columns][~np.isnan(table[:, columns])]
            if len(known):
                self.units_.append(Unit(known.mean(), known.std() or 1.0))
            else:
                self.units_.append(Unit(0.0, 1.0))

    def features(self, table, period):
        """Return what is known of the steps ahead, 0 where it is missing.

        Of each covariate its standardised value; where its past is given, also how far this is
        from the value of the same phase in the last season, and from the mean of the window.

        Parameters
        ----------
        table : array of shape (n, n_columns)
            Rows.
        period : int
            Steps in a season.

        Returns
        -------
        tensor of shape (n, horizon, n_features)
        """
        out = []
        for (name, columns), unit in zip(self.ahead.items(), self.units_):
            value = (table[:, columns] - unit.mean) / unit.size
            out.append(value)
            if name in self.past:
                window = (table[:, self.past[name]] - unit.mean) / unit.size
                length, season = window.shape[1], max(period, 1)
                if season > length:
                    season = 1
                phase = window[:, length - season + np.arange(len(columns)) % season]
                count = (~np.isnan(window)).sum(axis=1, keepdims=True)
                level = np.nansum(window, axis=1, keepdims=True) / count.clip(1)
                out += [value - phase, value - np.where(count, level, np.nan)]
        for column, unit in zip(self.static, self.units_[len(self.ahead) :]):
            value = (table[:, [column]] - unit.mean) / unit.size
            out.append(np.repeat(value, self.n_steps, axis=1))
        return torch.from_numpy(np.nan_to_num(np.stack(out, axis=-1))).float()


class CovariateAdapter(nn.Module):
    """What covariates add to a forecast, in units of the season's size; at first nothing.

    Parameters
    ----------
    n_features : int
        Numbers that describe the covariates of a step.
    """

    def __init__(self, n_features):
        super().__init__()
        self.layer = ResidualMLP(n_features, _WIDTH, 1)
        for part in (self.layer.out, self.layer.skip):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def forward(self, features):
        """Return what is added (B, H) to the quantiles of each step, given (B, H, n_features)."""
        return self.layer(features).squeeze(-1)
