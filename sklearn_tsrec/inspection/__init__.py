"""Displays: look at forecasts, splits and backtests."""
