"""Features of the past: on keyed tables, and on rows that are windows."""
