"""Families of synthetic series, and their mixture; public in ``sklearn_tsrec.neural.synthetic``."""
