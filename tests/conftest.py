"""What must be set before any test imports scipy, and how hypothesis draws its examples."""

import os

from hypothesis import settings

# Without it scikit-learn's check of array input skips itself.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The same examples every time, so that a test decides about the change and not about luck.
# HYPOTHESIS_PROFILE=explore draws fresh ones: run it on a room when you change it.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
