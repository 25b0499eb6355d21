"""Clean and normalise series on keyed tables."""
