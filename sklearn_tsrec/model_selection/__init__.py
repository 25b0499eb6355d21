"""Splitters on distinct times, and backtests."""

from sklearn_tsrec.model_selection._backtest import backtest
from sklearn_tsrec.model_selection._leave_last_out import LeaveLastOut
from sklearn_tsrec.model_selection._panel_split import PanelTimeSeriesSplit

__all__ = ["LeaveLastOut", "PanelTimeSeriesSplit", "backtest"]
