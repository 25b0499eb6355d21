"""Nets that read sequences of items, and the classifiers of the next item that train them."""
