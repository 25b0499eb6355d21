"""What every public estimator gives is what it gave, on any machine.

``golden.json`` holds a part of all outputs of ``golden_cases.py``: of numbers the mean and a dozen
places, of labels and integers a checksum of all. ``python -m tests.test_golden`` writes it anew.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import sklearn

from tests import estimators
from tests.golden import run
from tests.golden_cases import CASES

STORED = Path(__file__).parent / "golden.json"
N_PLACES = 12
# Single precision, in shares of the largest value: nets round to 6e-8, and training goes on from
# there.
SINGLE = {
    "patch_transformer_regressor": 1e-5,
    "shipped_checkpoint": 1e-5,
    "chronos_regressor": 1e-5,
    "item_net": 1e-5,
    "conformal_forecaster_quantiles": 1e-5,
    "pretrain": 1e-3,
}
DOUBLE = 1e-8
# Trees of scikit-learn's gradient boosting are not the same in all of its versions. What is built
# on them is compared in full under the version that wrote the file, else in names and shapes.
ON_TREES = {
    "ensemble_of_everything",
    "two_stage_recommender",
    "two_stage_recommender_features",
    "uplift_recommender",
    "uplift_recommender_engines",
    "window_forecaster_statics",
}
WRITER = "scikit-learn"  # the key of the version that wrote the file


def part(values):
    """Return the part of an output that is stored."""
    if values.dtype.kind != "f":
        text = "\n".join(values.astype(str).ravel().tolist())
        return f"{values.shape}: {zlib.crc32(text.encode()):08x}"
    flat = values.ravel()
    places = flat[np.linspace(0, flat.size - 1, min(flat.size, N_PLACES)).astype(int)]
    finite = flat[np.isfinite(flat)]
    size = np.abs(finite).mean() if finite.size else 0.0
    return [list(values.shape), int(np.isnan(flat).sum()), float(size), *places.tolist()]


def shape(stored_part):
    """Return the shape of an output, as it is stored."""
    return stored_part.partition(":")[0] if isinstance(stored_part, str) else stored_part[0]


def tolerance(name):
    return next((most for start, most in SINGLE.items() if name.startswith(start)), DOUBLE)


def minor_version():
    return ".".join(sklearn.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_what_they_were(stored, name):
    try:
        outputs = {key: part(values) for key, values in run(name).items()}
    except ImportError as error:
        pytest.skip(str(error))  # an extra that is not installed
    assert list(outputs) == list(stored[name])
    same_trees = name not in ON_TREES or minor_version() == stored[WRITER]
    for key, found in outputs.items():
        expected = stored[name][key]
        if not same_trees:
            assert shape(found) == shape(expected), key
        elif isinstance(expected, str):
            assert found == expected, key
        else:
            assert found[:2] == expected[:2], key
            found, expected = np.array(found[2:]), np.array(expected[2:])
            finite = np.abs(expected[np.isfinite(expected)]).max(initial=0)
            np.testing.assert_allclose(
                found, expected, rtol=0, atol=tolerance(name) * finite, err_msg=key
            )


def test_every_estimator_has_a_case():
    source = (Path(__file__).parent / "golden_cases.py").read_text()
    names = {type(estimator).__name__ for estimator in estimators.ESTIMATORS}
    assert [name for name in sorted(names) if f"{name}(" not in source] == []


def main():
    written = {
        name: {
            key: value if isinstance(value := part(values), str) else
            value[:2] + [float(f"{one:.10g}") for one in value[2:]]
            for key, values in run(name).items()
        }
        for name in CASES
    }  # fmt: skip
    lines = [
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in outputs.items())
        + "\n }"
        for name, outputs in written.items()
    ]
    lines.insert(0, f" {json.dumps(WRITER)}: {json.dumps(minor_version())}")
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
