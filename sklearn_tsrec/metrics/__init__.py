"""Forecast and ranking metrics, scorers and paired tests."""
