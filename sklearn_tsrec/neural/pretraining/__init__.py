"""Pretraining of forecasting nets, and the synthetic series they learn from."""
