"""Nets that forecast windows: what they are, where they lie, and how they are fine-tuned."""
