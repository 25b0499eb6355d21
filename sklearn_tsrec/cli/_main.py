"""The arguments of the command, and how it ends."""

import argparse
import importlib
import sys
import warnings

from sklearn_tsrec import __version__
from sklearn_tsrec.cli._tables import TableError

_EXIT_CODES = """\
exit codes: 0 done, 1 the data cannot be used as asked, 2 the arguments are wrong.
rows in error messages are counted from 1, without the header."""

_FORECAST = """\
examples:
  sklearn-tsrec forecast sales.csv --group store --time date --target sales --horizon 14
  sklearn-tsrec forecast sales.parquet --group store --group item --time month \\
      --target sales --horizon 12 --season 12 --model linear --out next-year.csv

Each series goes on from its last known value. Rows without a target are left out: where they
leave a hole, that past is unknown."""

_RECOMMEND = """\
examples:
  sklearn-tsrec recommend purchases.csv --user customer --item product --time bought_at --k 10
  sklearn-tsrec recommend plays.parquet --user listener --item album --time started \\
      --exclude-seen --out next-albums.csv
  sklearn-tsrec recommend purchases.csv --user customer --item product --time bought_at \\
      --model personal --evaluate

With --evaluate nothing is recommended: the model learns from the first four fifths of the time, and
how well it predicts the rest is printed beside popularity; --out takes the table."""

_BACKTEST = """\
example:
  sklearn-tsrec backtest sales.csv --group store --time date --target sales \\
      --horizon 14 --folds 3 --out backtest.csv

The last FOLDS x HORIZON steps are forecast as it would have gone, each fold from what was known
before it. The table of errors compares with the naive forecasts; --out takes every forecast."""

_DEMO = """\
example:
  sklearn-tsrec demo --out demo-output

It needs no file and no network. Read what it found in demo-output/index.html."""

_PRETRAIN = """\
examples:
  sklearn-tsrec pretrain --minutes 60 --out my-net
  sklearn-tsrec pretrain --resume --out my-net

It learns from synthetic series alone. Use what it wrote as the checkpoint of a
PatchTransformerRegressor: checkpoint="my-net". The schedule is by windows (recipe.yaml):
a run that was stopped goes on with --resume."""


def main(argv=None):
    """Run the command ``sklearn-tsrec``.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        0 if all went well, 1 if the data cannot be used as asked, 2 if the arguments are wrong.
    """
    try:
        arguments = _parser().parse_args(argv)
        command = importlib.import_module(f"sklearn_tsrec.cli._{arguments.command}")
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = _show_warning
            command.run(arguments)
    except _UsageError as error:
        return _fail(error, 2)
    except (TableError, ValueError, TypeError, OSError, ImportError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return 0


class _UsageError(Exception):
    """Arguments that do not fit together."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        raise _UsageError(f"{message} (see {self.prog} --help)")


def _parser():
    """Return the parser of all commands."""
    parser = _Parser(
        prog="sklearn-tsrec",
        description="Forecast time series and recommend items from a table.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", "forecast and recommend from bundled grocery data", _DEMO)
    demo.add_argument(
        "--out", default="demo-output", metavar="FOLDER", help="where to write (%(default)s)"
    )

    forecast = _command(commands, "forecast", "forecast every series of a table", _FORECAST)
    _add_series(forecast)
    _add_out(forecast)

    recommend = _command(commands, "recommend", "recommend items to every user", _RECOMMEND)
    recommend.add_argument("file", metavar="FILE", help="events, as .csv, .csv.gz or .parquet")
    recommend.add_argument("--user", required=True, metavar="COLUMN", help="who chose")
    recommend.add_argument("--item", required=True, metavar="COLUMN", help="what was chosen")
    _add_time(recommend)
    recommend.add_argument(
        "--k", type=_positive, default=10, help="items for each user (%(default)s)"
    )
    recommend.add_argument(
        "--model",
        choices=["popularity", "decayed", "personal", "knn", "ease", "als", "markov", "ranker"],
        default="knn",
        help="what is popular, has been so lately, or is bought by the user most often; item-kNN, "
        "EASE, ALS (pip install sklearn-tsrec[als]) or a Markov chain; or a ranker of what several "
        "of them propose (%(default)s)",
    )
    recommend.add_argument(
        "--half-life",
        type=_duration,
        metavar="AGE",
        help="at which an event counts half: 30D, or a number if times are numbers (no ageing; "
        "with decayed the best of three)",
    )
    recommend.add_argument(
        "--exclude-seen", action="store_true", help="leave out what a user has chosen before"
    )
    recommend.add_argument(
        "--evaluate", action="store_true", help="measure the model on the last fifth of the time"
    )
    _add_out(recommend)

    backtest = _command(commands, "backtest", "measure forecasts on the past", _BACKTEST)
    _add_series(backtest)
    backtest.add_argument(
        "--folds", type=_positive, default=3, help="how many times to forecast (%(default)s)"
    )
    _add_out(backtest)

    pretrain = _command(commands, "pretrain", "train a neural forecaster for any series", _PRETRAIN)
    pretrain.add_argument(
        "--out", default="pretrained", metavar="FOLDER", help="where to write (%(default)s)"
    )
    pretrain.add_argument(
        "--minutes", type=float, help="when to stop and save (when the recipe is done)"
    )
    pretrain.add_argument("--recipe", metavar="FILE", help="YAML of a PretrainRecipe (the default)")
    pretrain.add_argument("--resume", action="store_true", help="go on with what is in FOLDER")
    pretrain.add_argument(
        "--anneal",
        action="store_true",
        help="bring the learning rate to zero within --minutes: makes a good net of a copy of an "
        "unfinished run",
    )
    pretrain.add_argument(
        "--device",
        default="auto",
        help="cpu, cuda, auto: a GPU where there is one; accelerate: what `accelerate launch` says",
    )
    pretrain.add_argument(
        "--processes", type=_positive, metavar="N", help="that train (one a GPU, or one a core)"
    )
    pretrain.add_argument(
        "--workers", type=int, default=0, metavar="N", help="that make series, for each of them"
    )
    return parser


def _command(commands, name, summary, epilog):
    """Add one command."""
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"{epilog}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_series(parser):
    """Add what says where the series are and how to forecast them."""
    parser.add_argument("file", metavar="FILE", help="table, as .csv, .csv.gz or .parquet")
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="COLUMN",
        help="names the series; repeat it for several columns, leave it out for one series",
    )
    _add_time(parser)
    parser.add_argument("--target", required=True, metavar="COLUMN", help="what to forecast")
    parser.add_argument(
        "--horizon", required=True, type=_positive, metavar="STEPS", help="how far ahead"
    )
    parser.add_argument(
        "--freq",
        default="infer",
        help="step of the calendar, such as D, W-MON, MS or 15min (inferred)",
    )
    parser.add_argument(
        "--season",
        type=_positive,
        metavar="STEPS",
        help="length of the season, 1 for none (24 for hours, 7 for days, 5 for working days, "
        "12 for months, 4 for quarters, otherwise 1)",
    )
    parser.add_argument(
        "--model",
        choices=["auto", "linear", "boosting", "seasonal-naive"],
        default="auto",
        help="auto chooses by cross-validation on the table (%(default)s)",
    )


def _add_time(parser):
    """Add what says where and how the time is written."""
    parser.add_argument("--time", required=True, metavar="COLUMN", help="when it was")
    parser.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="how times are written, such as %%d.%%m.%%Y (ISO 8601, or plain numbers)",
    )


def _add_out(parser):
    """Add where to write the table."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        help=".csv, .csv.gz or .parquet to write (CSV on the standard output)",
    )


def _positive(text):
    """Read a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _duration(text):
    """Read a number, or leave a duration such as "30D" to the recommender."""
    try:
        return float(text)
    except ValueError:
        return text


def _fail(message, code):
    """Say what went wrong in one line, and return the exit code."""
    print(f"sklearn-tsrec: error: {' '.join(str(message).split())}", file=sys.stderr)
    return code


def _show_warning(message, category, filename, lineno, file=None, line=None):
    """Write a warning as one line; those for developers stay silent."""
    if not issubclass(category, (DeprecationWarning, FutureWarning)):
        print(f"sklearn-tsrec: warning: {' '.join(str(message).split())}", file=sys.stderr)
