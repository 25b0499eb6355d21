"""Splitters on distinct times, and backtests."""
