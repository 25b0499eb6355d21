"""Settings of the documentation (make docs)."""

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from sklearn_tsrec import __version__  # noqa: E402

project = "sklearn-tsrec"
author = copyright = "The sklearn-tsrec developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "templates", "examples"]
templates_path = ["templates"]
default_role = None
nitpicky = False  # docstrings name classes of scikit-learn, and the build reads no other site

# Pages of the API follow the ``__all__`` of each room, so that none can be forgotten.
autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-tsrec"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "download_all_examples": False,
    "plot_gallery": "True",
}
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")

show_warning = warnings.showwarning


def show_other_warnings(message, *where):
    """Leave out what sktime 1.2 says at every new forecaster; it undoes filters of warnings."""
    if "remember_data" not in str(message):
        show_warning(message, *where)


warnings.showwarning = show_other_warnings


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what every estimator or network has: its text refers to pages we do not build."""
    module = str(getattr(obj, "__module__", ""))
    return True if module.startswith(("sklearn.", "skbase.", "sktime.", "torch.")) else None


def setup(app):
    app.connect("autodoc-skip-member", skip_inherited)
