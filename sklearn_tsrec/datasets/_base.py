"""Reading the files that ship with the package."""

from importlib import resources

import pandas as pd
from sklearn.utils import Bunch

_DATA = resources.files("sklearn_tsrec.datasets") / "data"


def read_table(name, **options):
    """Read one compressed table."""
    with (_DATA / f"{name}.csv.gz").open("rb") as file:
        return pd.read_csv(file, compression="gzip", **options)


def read_description(name):
    """Read the description of a data set."""
    return (_DATA / f"{name}.rst").read_text(encoding="utf-8")


def make_bunch(name, frame, target, **more):
    """Return one table as scikit-learn's loaders do: whole, and split into data and target."""
    data = frame.drop(columns=target)
    return Bunch(
        frame=frame,
        data=data,
        target=frame[target],
        feature_names=list(data.columns),
        target_names=[target],
        DESCR=read_description(name),
        **more,
    )
