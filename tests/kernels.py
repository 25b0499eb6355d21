"""Run numeric tests under the kernels of other processors, as far as this one can play them.

``python -m tests.kernels`` runs all of them one after another, ``--short`` two that differ much.
Libraries of linear algebra, numpy and torch choose their kernels by variables of the
environment, which are set here for a pytest of its own.
"""

import argparse
import os
import subprocess
import sys
import time

NUMERIC = [
    "tests/test_golden.py",
    "tests/test_ties.py",
    "tests/test_common.py",
    *(
        f"tests/{room}"
        for room in (
            "recommendation", "feature_selection", "causal", "features", "forecasting", "ensemble",
            "neural",
        )
    ),
    "sklearn_tsrec",
]  # fmt: skip
SHORT = [
    "tests/test_golden.py",
    "tests/test_ties.py",
    "tests/recommendation",
    "tests/feature_selection",
    "sklearn_tsrec/recommendation",
    "sklearn_tsrec/feature_selection",
    "sklearn_tsrec/neural",
]


def kernels():
    """Return the environments of all kernels that this processor has, by name."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    # numpy knows the names X86_V3 and X86_V4 from 2.4 on, and AVX2, FMA3, AVX512F … before.
    # Those of its baseline, and those that the processor lacks, cannot be turned off.
    fast = " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name])
    plain = {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": fast}
    blas = ["Nehalem", "Sandybridge"]
    blas += ["Haswell"] if __cpu_features__.get("AVX2") else []
    blas += ["SkylakeX"] if __cpu_features__.get("AVX512F") else []
    found = {f"OpenBLAS for {name}": {"OPENBLAS_CORETYPE": name} for name in blas}
    found["torch without AVX"] = {"ATEN_CPU_CAPABILITY": "default"}
    found[f"numpy without {fast}"] = {"NPY_DISABLE_CPU_FEATURES": fast}
    found["two threads of OpenBLAS"] = {"OPENBLAS_NUM_THREADS": "2"}
    return found, {
        "the oldest kernels of all": {"OPENBLAS_CORETYPE": "Nehalem", **plain},
        f"OpenBLAS for {blas[-1]}, two threads": {
            "OPENBLAS_CORETYPE": blas[-1],
            "OPENBLAS_NUM_THREADS": "2",
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="two kernels, fewer tests")
    parser.add_argument("paths", nargs="*", help="what to test; all numeric rooms and doctests")
    options = parser.parse_args()
    every, few = kernels()
    paths = options.paths or (SHORT if options.short else NUMERIC)
    red = []
    for name, variables in (few if options.short else every).items():
        began = time.perf_counter()
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "auto", *paths],
            env=os.environ | variables,
            check=False,
        ).returncode
        red += [name] if code else []
        print(f"{name}: {'red' if code else 'green'}, {time.perf_counter() - began:.0f} s\n")
    if red:
        sys.exit(f"red under {'; '.join(red)}")


if __name__ == "__main__":
    main()
