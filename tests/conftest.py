"""What must be set before any test imports scipy."""

import os

# Without it scikit-learn's check of array input skips itself.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
