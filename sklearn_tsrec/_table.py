"""Tables: columns of pandas, polars and arrow frames and of arrays, read one way."""

from numbers import Integral

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_tsrec._times import show


def is_frame(X):
    """Return whether X is a table with named columns (pandas, polars, arrow) and not an array."""
    return hasattr(X, "columns") or hasattr(X, "__dataframe__") or hasattr(X, "column_names")


def as_list(key):
    """Return a key parameter as a list of keys."""
    if key is None:
        return []
    return list(key) if isinstance(key, (list, tuple)) else [key]


def frame_columns(X):
    """Return the column names of a frame."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    return nw.from_native(X, eager_only=True).columns


def column_position(X, key, name="column"):
    """Return the position of a column given by name or position; raise if there is none."""
    columns = frame_columns(X) if is_frame(X) else None
    if columns is not None and key in columns:
        return columns.index(key)
    n_columns = X.shape[1]
    if isinstance(key, Integral) and not isinstance(key, bool):
        if -n_columns <= key < n_columns:
            return int(key) % n_columns
        raise ValueError(f"{name} {key} is out of range: the table has {n_columns} columns.")
    if columns is None:
        raise ValueError(
            f"{name} {key!r} is a name, but X is an array: give the column's position instead."
        )
    known = ", ".join(show(c) for c in columns[:20])
    index = [n for n in getattr(getattr(X, "index", None), "names", []) if n is not None]
    hint = f" It is a level of the index: leave {name}=None to read it." if key in index else ""
    raise ValueError(f"unknown column {key!r}. The columns are {known}.{hint}")


def column_values(X, position):
    """Return one column of a table as an index, a series or an array."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, position]
    if not is_frame(X):
        return np.asarray(X)[:, position]
    frame = nw.from_native(X, eager_only=True)
    series = frame[frame.columns[position]]
    dtype = series.dtype
    if dtype.is_temporal() and getattr(dtype, "time_zone", None):
        naive = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return pd.DatetimeIndex(naive.to_numpy()).tz_localize("UTC").tz_convert(dtype.time_zone)
    if dtype in (nw.Categorical, nw.Enum):
        series = series.cast(nw.String)
    return series.to_numpy()


def number_labels(X, position):
    """Return the number of each row's label in a column (-1: missing), and the distinct labels.

    Rows of one series mostly stand together: only the first row of each run is looked up.
    """
    if not isinstance(X, pd.DataFrame) and is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        series = frame[frame.columns[position]]
        if series.dtype in (nw.Categorical, nw.Enum):
            series = series.cast(nw.String)
        if series.dtype == nw.String and not series.null_count():
            return _number_text(series)
    labels = pd.Index(column_values(X, position))
    if labels.dtype == object:  # to compare objects costs more than to look them up
        codes, labels = pd.factorize(labels)
        return codes.astype(np.int64, copy=False), labels
    starts = np.ones(len(labels), dtype=bool)
    changes = pd.array(labels[1:] != labels[:-1], dtype="boolean")
    starts[1:] = changes.to_numpy(dtype=bool, na_value=True)
    first = np.flatnonzero(starts)
    codes, distinct = pd.factorize(labels[first])
    if isinstance(distinct, pd.CategoricalIndex):
        distinct = pd.Index(distinct.to_numpy())
    return _along_runs(codes, first, len(labels)), distinct


def _number_text(series):
    """Return what ``number_labels`` does for text in polars or arrow, without Python strings."""
    starts = (series != series.shift(1)).fill_null(True)
    first = series.filter(starts)
    labels = first.unique().sort().to_list()
    codes = first.replace_strict(labels, range(len(labels)), return_dtype=nw.Int64).to_numpy()
    return _along_runs(codes, np.flatnonzero(starts.to_numpy()), len(series)), pd.Index(labels)


def _along_runs(codes, first, n_rows):
    """Return the code of each row from those of runs and the rows where these begin."""
    return np.repeat(codes.astype(np.int64, copy=False), np.diff(first, append=n_rows))


def select_columns(X, columns, *, skip=(), parameter="columns"):
    """Return chosen columns of a table as numbers, with their names.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        The table.
    columns : str, int, list of these, or None
        The columns to read; None takes all but those to skip.
    skip : iterable of int
        Positions of columns that are keys.
    parameter : str
        The name of the parameter that gave ``columns``, for errors.

    Returns
    -------
    values : float array of shape (n, len(names)), in column order
    names : list of str
    """
    names = frame_columns(X) if is_frame(X) else [f"x{j}" for j in range(X.shape[1])]
    if columns is None:
        positions = [j for j in range(len(names)) if j not in set(skip)]
    else:
        positions = [column_position(X, c, parameter) for c in as_list(columns)]
    if not is_frame(X):
        return np.asfortranarray(X[:, positions]), [names[j] for j in positions]
    parts = [_numeric_column(X, j, names[j]) for j in positions]
    small = all(p.dtype == np.float32 for p in parts) and parts
    values = np.empty((X.shape[0], len(parts)), dtype=np.float32 if small else float, order="F")
    for j, part in enumerate(parts):
        values[:, j] = part
    return values, [str(names[j]) for j in positions]


def _numeric_column(X, position, name):
    """Return a column as floats, or raise and name it."""
    values = column_values(X, position)
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    if not numeric:
        raise ValueError(
            f"column {name!r} has dtype {values.dtype}, but numbers are needed: encode it first "
            "(for example with OrdinalEncoder), or name the columns to use with columns=."
        )
    if values.dtype == np.float32:
        values = np.asarray(values)
    else:
        values = (
            values.to_numpy(dtype=np.float64, na_value=np.nan)
            if hasattr(values, "to_numpy")
            else np.asarray(values, dtype=np.float64)
        )
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise ValueError(
            f"Input X contains infinity or a value too large for {values.dtype!r}: column "
            f"{name!r}, row {row}. Replace it by a finite number or NaN."
        )
    return values


def check_target(y, n_rows, *, estimator, allow_nan=True) -> np.ndarray:
    """Return y as floats of shape (n_rows,); NaN marks a missing target.

    Raises
    ------
    ValueError
        If y is missing, not numeric, infinite or of another length.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None. It uses the past of the "
            "target."
        )
    if hasattr(y, "to_numpy") and not isinstance(y, (pd.Series, pd.DataFrame)):
        y = np.array(y)  # check_array does not see that a polars or arrow column is float32
    try:
        y = check_array(
            y,
            ensure_2d=False,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan" if allow_nan else True,
            input_name="y",
            estimator=name,
        )
    except ValueError as error:
        if "could not convert" not in str(error):
            raise
        raise ValueError(
            f"y must hold numbers for {name}, but {error}. To predict which item comes next, use "
            "SequenceRecommender."
        ) from error
    y = column_or_1d(y, warn=True)
    if len(y) != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{n_rows}, {len(y)}]"
        )
    return y
