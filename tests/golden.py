"""All outputs of every public estimator on fixed data, to see what a change of the code changes.

``python tests/golden.py write DIR`` stores them, ``check DIR`` compares bit for bit and names what
differs and by how much; ``--only PATTERN`` takes the cases whose name a regular expression finds.
Bits only mean something on one machine: ``tests/test_golden.py`` compares a part of them within
tolerances everywhere. The cases are in ``golden_cases.py``; what older outputs spelled otherwise
goes into ``RENAMED``.
"""

import sys

if __name__ == "__main__":
    # Not this folder, in which sktime and typing are folders of tests.
    sys.path[0] = __file__.rpartition("/tests/")[0] or "."

import argparse
import os
import re
import time
import traceback
import warnings
from pathlib import Path

if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd

from tests.golden_cases import CASES

RENAMED = {  # labels of tables, old to new
    "difference_se": "difference_std_error",
    "p_value": "pvalue",
    "se": "std_error",
}


def flatten(outputs):
    """Return outputs as arrays by name: floats, integers or texts, without any object."""
    flat = {}
    for name, value in outputs.items():
        if isinstance(value, pd.Series):
            value = value.to_frame()
        if isinstance(value, pd.DataFrame):
            flat[f"{name} columns"] = _texts([RENAMED.get(str(c), str(c)) for c in value.columns])
            flat[f"{name} index"] = _texts(value.index)
            for j in range(value.shape[1]):
                flat[f"{name} {j}"] = _array(value.iloc[:, j])
        elif isinstance(value, (list, tuple)) and len({np.shape(one) for one in value}) > 1:
            flat |= flatten({f"{name} {j}": one for j, one in enumerate(value)})
        else:
            flat[name] = _array(value)
    return flat


def _array(value):
    if isinstance(value, pd.MultiIndex):
        return _texts(value)
    if isinstance(value, (pd.Index, pd.Series)) and not pd.api.types.is_numeric_dtype(value.dtype):
        return _texts(value)
    array = np.asarray(value)
    return array if array.dtype.kind in "fiub" else _texts(array.ravel())


def _texts(values):
    return np.array([str(value) for value in values], dtype=np.str_)


def run(name):
    """Return the flat outputs of a case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return flatten(CASES[name]())


def differences(old, new):
    """Return what differs in bits between two dicts of arrays, one line each."""
    found = [f"{name}: gone" for name in old if name not in new]
    found += [f"{name}: new" for name in new if name not in old]
    for name in old:
        if name in new and (said := _difference(old[name], new[name])):
            found.append(f"{name}: {said}")
    return found


def _difference(old, new):
    if old.dtype.kind == "U":
        old = np.array([RENAMED.get(text, text) for text in old.tolist()], dtype=np.str_)
    if old.shape != new.shape:
        return f"shape {old.shape} became {new.shape}"
    if old.dtype != new.dtype and "U" not in (old.dtype.kind, new.dtype.kind):
        return f"dtype {old.dtype} became {new.dtype}"
    if old.dtype.kind != "f":
        n = int((old != new).sum())
        where = np.flatnonzero((old != new).ravel())[:3]
        shown = ", ".join(f"{old.ravel()[i]} became {new.ravel()[i]}" for i in where)
        return f"{n} of {old.size} differ: {shown}" if n else ""
    same = (old == new) & (np.signbit(old) == np.signbit(new)) | np.isnan(old) & np.isnan(new)
    if same.all():
        return ""
    if (np.isnan(old) != np.isnan(new)).any():
        return f"NaN in {np.isnan(old).sum()} places became {np.isnan(new).sum()}"
    by = np.abs(np.where(same, 0, old - new)).max()
    size = np.abs(old[np.isfinite(old)]).max(initial=0)
    return f"{(~same).sum()} of {old.size} differ, by up to {by:.3g} (values up to {size:.3g})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["write", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="regular expression of names of cases")
    parser.add_argument("--times", action="store_true", help="print the CPU seconds of each case")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in CASES if re.search(options.only, name)]
    bad = 0
    for name in names:
        began = time.process_time()
        path = options.folder / f"{name}.npz"
        try:
            outputs = run(name)
            if options.command == "write":
                np.savez_compressed(path, **outputs)
                said = []
            else:
                with np.load(path) as old:
                    said = differences(dict(old), outputs)
        except Exception:
            said = traceback.format_exc().splitlines()
        bad += bool(said)
        if said:
            print(f"{name}:", *said[:60], sep="\n    ", flush=True)
        if options.times:
            print(f"{time.process_time() - began:6.1f} s  {name}", flush=True)
    done = "written" if options.command == "write" else "equal"
    print(f"{len(names) - bad} of {len(names)} cases {done}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
