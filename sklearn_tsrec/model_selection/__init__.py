"""Splitters on distinct times, backtests, and a monitor of drift."""

from sklearn_tsrec.model_selection._backtest import backtest
from sklearn_tsrec.model_selection._drift_monitor import DriftMonitor
from sklearn_tsrec.model_selection._leave_last_out import LeaveLastOut
from sklearn_tsrec.model_selection._panel_split import PanelTimeSeriesSplit

__all__ = ["DriftMonitor", "LeaveLastOut", "PanelTimeSeriesSplit", "backtest"]
