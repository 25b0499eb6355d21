"""``python -m sklearn_tsrec`` is the command ``sklearn-tsrec``."""

import sys

from sklearn_tsrec.cli import main

sys.exit(main())
