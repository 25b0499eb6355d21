"""Tables in and out, with errors that name the column and the row."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_tsrec._extras import require

_MISSING = ("", "na", "n/a", "nan", "null", "none")
_FORMATS = ".csv, .csv.gz or .parquet"


class TableError(Exception):
    """A mistake in what the user gave, described in one line."""


def read_table(path, *, labels, time, numbers=(), time_format=None):
    """Read the named columns of a CSV or parquet file, and nothing else.

    Rows are numbered from 1, without the header, in all errors. Labels stay as they are written,
    so that a store "007" keeps its zeros.
    """
    columns = [*labels, time, *numbers]
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise TableError(f"column {twice!r} is asked for twice: each has one use.")
    table = _read(Path(path), columns)
    if table.empty:
        raise TableError(f"{path} has no rows.")
    for name in labels:
        missing = table[name].isna() | table[name].astype(str).str.strip().eq("")
        if missing.any():
            raise TableError(f"column {name!r}, row {missing.argmax() + 1}: the value is missing.")
    table[time] = _read_time(table[time], time, time_format)
    for name in numbers:
        table[name] = _read_numbers(table[name], name)
    return table


def check_unique(table, keys):
    """Raise if two rows have the same keys."""
    twice = table.duplicated(keys)
    if twice.any():
        row = int(twice.argmax())
        first = int((table[keys] == table[keys].iloc[row]).all(axis=1).argmax())
        names = ", ".join(repr(key) for key in keys)
        what = ", ".join(str(value) for value in table[keys].iloc[row])
        raise TableError(
            f"column {names}, row {row + 1}: {what} was already in row {first + 1}. A series has "
            "one row for each time: name all columns that tell series apart with --group, or "
            "aggregate the rows."
        )


def check_output(path):
    """Raise before any work if a table cannot be written to a path."""
    if path is None:
        return
    path = Path(path)
    if _format_of(path) is None:
        raise TableError(f"--out {path}: the name must end in {_FORMATS}.")
    if not path.parent.is_dir():
        raise TableError(f"--out {path}: there is no folder {path.parent}.")
    if path.suffix == ".parquet":
        require("pyarrow.parquet", "polars")


def write_table(table, path, time_format=None):
    """Write a table to a file, or (``path=None``) as CSV to the standard output."""
    if path is None:
        table.to_csv(sys.stdout, index=False, date_format=time_format)
    elif _format_of(Path(path)) == "parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, date_format=time_format)


def say(message):
    """Report progress, apart from the results on the standard output."""
    print(f"sklearn-tsrec: {message}", file=sys.stderr)


def _read(path, columns):
    """Return some columns of a file: text where it is CSV, what is stored where it is parquet."""
    kind = _format_of(path)
    if kind is None:
        raise TableError(f"{path}: the name must end in {_FORMATS}.")
    if not path.is_file():
        raise TableError(f"{path}: there is no such file.")
    try:
        if kind == "parquet":
            require("pyarrow.parquet", "polars")
            table = pd.read_parquet(path).reset_index(drop=True)
            _check_columns(path, table.columns, columns)
            return table[columns]
        _check_columns(path, pd.read_csv(path, nrows=0).columns, columns)
        options = {"dtype": str, "keep_default_na": False, "usecols": columns}
        return pd.read_csv(path, **options)[columns]
    except (ValueError, OSError, EOFError) as error:  # pandas' parser errors are ValueErrors
        raise TableError(f"{path} cannot be read: {error}") from error


def _format_of(path):
    """Return "csv", "parquet" or None by the name of a file."""
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return "csv"
    return "parquet" if name.endswith(".parquet") else None


def _check_columns(path, have, wanted):
    """Raise for the first column that a file lacks."""
    for name in wanted:
        if name not in have:
            listed = ", ".join(repr(str(c)) for c in have[:12]) + (", …" if len(have) > 12 else "")
            raise TableError(f"column {name!r} is not in {path}, which has {listed}.")


def _read_time(values, name, time_format):
    """Return times as datetimes or numbers."""
    missing = values.isna()
    text = pd.api.types.is_string_dtype(values.dtype) or values.dtype == object
    if text:
        missing |= values.astype(str).str.strip().str.lower().isin(_MISSING)
    if missing.any():
        raise TableError(f"column {name!r}, row {missing.argmax() + 1}: the time is missing.")
    if not text:
        return values
    if time_format is None:
        numbers = pd.to_numeric(values, errors="coerce")
        if numbers.notna().all():
            return numbers
    return _parse_times(values, name, time_format)


def _parse_times(values, name, time_format):
    """Return text as datetimes with one offset from UTC, or without any."""
    text, form = values.astype(str).str.strip(), time_format or "ISO8601"
    try:
        bad = pd.to_datetime(text, format=form, errors="coerce", utc=True).isna()
    except ValueError as error:
        raise TableError(f"--time-format {time_format!r}: {error}") from error
    if bad.any():
        form = repr(time_format) if time_format else "ISO 8601 (other forms: --time-format)"
        raise TableError(
            f"{_place(values, name, int(bad.argmax()))} is not a time of the form {form}."
        )
    # Read from the text: pandas 2 and 3 differ in which mixtures they refuse.
    offset = text.str.extract(r"[T ]\d.*(Z|[+-]\d\d(?::?\d\d)?)$", expand=False)
    offset = offset.str.replace("Z", "+").str.replace(":", "").str.ljust(5, "0").fillna("none")
    other = offset != offset.iloc[0]
    if other.any():
        raise TableError(
            f"{_place(values, name, int(other.argmax()))} has another offset from UTC than row 1: "
            "write all times in UTC, or without offset."
        )
    return pd.to_datetime(text, format=form)


def _read_numbers(values, name):
    """Return numbers, NaN where a value is missing."""
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.astype(float)
        bad = np.isinf(numbers)
    else:
        missing = values.isna() | values.astype(str).str.strip().str.lower().isin(_MISSING)
        numbers = pd.to_numeric(values.where(~missing), errors="coerce").astype(float)
        bad = (numbers.isna() & ~missing) | np.isinf(numbers)
    if bad.any():
        row = int(bad.argmax())
        raise TableError(f"{_place(values, name, row)} is not a finite number.")
    return numbers


def _place(values, name, row):
    """Say where a bad value stands, and what it is."""
    return f"column {name!r}, row {row + 1}: {str(values.iloc[row])[:50]!r}"
