"""Optional packages are imported when they are needed, and a missing one says how to get it."""

import sys

import pytest

from sklearn_tsrec._extras import require


def test_a_module_that_is_there_is_returned():
    assert require("json.decoder", "plot") is sys.modules["json.decoder"]


@pytest.mark.parametrize(
    ("extra", "command"),
    [("plot", r"pip install 'sklearn-tsrec\[plot\]'$"), (None, "pip install no_such_package$")],
)
def test_a_missing_one_says_how_to_install_it(extra, command):
    with pytest.raises(ImportError, match=f"needs no_such_package.*{command}"):
        require("no_such_package.part", extra)
