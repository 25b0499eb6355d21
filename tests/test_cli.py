"""The command, run in process on small files."""

import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.cli import main
from sklearn_tsrec.datasets import load_complete_journey


@pytest.fixture
def sales():
    """Two shops, sixty days, a week that repeats itself exactly."""
    days = pd.date_range(end="2024-01-30", periods=60)
    week = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0])
    shops = [
        pd.DataFrame({"shop": shop, "day": days, "sold": level + week[days.dayofweek]})
        for shop, level in (("007", 0.0), ("b", 100.0))
    ]
    return pd.concat(shops, ignore_index=True)


@pytest.fixture
def sales_csv(sales, tmp_path):
    path = tmp_path / "sales.csv"
    sales.to_csv(path, index=False)
    return path


SERIES = ["--group", "shop", "--time", "day", "--target", "sold", "--horizon", "3"]


def write(path, text):
    path.write_text(text)
    return str(path)


def fails(capsys, code, arguments):
    """Run a command that must fail, and return its one line on stderr."""
    assert main([str(a) for a in arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("sklearn-tsrec: error: ")
    return captured.err


@pytest.mark.parametrize("command", ["demo", "forecast", "recommend", "backtest", "pretrain"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit, match="^0$"):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert f"sklearn-tsrec {command}" in text
    assert "example" in text
    assert "exit codes" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forecast", "x.csv", *SERIES[:-1], "0"], "--horizon: '0' is not a whole number"),
        (["forecast", "x.csv", *SERIES[:-1], "2.5"], "--horizon: '2.5' is not a whole number"),
        (["forecast", "x.csv", *SERIES[:-2]], "required: --horizon"),
        (["recommend", "x.csv", "--user", "u", "--item", "i", "--time", "t", "--k", "-1"], "--k"),
        (["guess"], "invalid choice: 'guess'"),
        ([], "required: COMMAND"),
    ],
)
def test_wrong_arguments_end_with_2(arguments, message, capsys):
    assert message in fails(capsys, 2, arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shop,day,sold\na,2024-01-01,1\na,2024-13-01,2\n", "column 'day', row 2: '2024-13-01'"),
        ("shop,day,sold\na,2024-01-01,1\na,,2\n", "column 'day', row 2: the time is missing"),
        ("shop,day,sold\na,2024-01-01,1\n,2024-01-02,2\n", "column 'shop', row 2: the value is"),
        ("shop,day,sold\na,2024-01-01,x\n", "column 'sold', row 1: 'x' is not a finite number"),
        ("shop,day,sold\na,2024-01-01,inf\n", "column 'sold', row 1: 'inf' is not a finite"),
        (
            "shop,day,sold\na,2024-01-01,1\nb,2024-01-01,1\na,2024-01-01,2\n",
            "column 'shop', 'day', row 3: a, 2024-01-01 00:00:00 was already in row 1",
        ),
        ("shop,day,sales\na,2024-01-01,1\n", "column 'sold' is not in"),
        ("shop,day,sold\n", "has no rows"),
        ("", "cannot be read: No columns to parse"),
        ("shop,day,sold\na,2024-01-01T00:00+01:00,1\na,2024-07-01T00:00+02:00,1\n", "in UTC"),
        ("shop,day,sold\na,2024-01-01T00:00Z,1\na,2024-07-01T00:00,1\n", "column 'day', row 2"),
        ("shop,day,sold\na,2024-01-01,\n", "column 'sold' has no value in any row"),
        ("shop,day,sold\na,2024-01-01,1\n", "freq"),
    ],
)
@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_bad_tables_end_with_1_and_name_the_place(command, text, message, tmp_path, capsys):
    path = write(tmp_path / "bad.csv", text)
    assert message in fails(capsys, 1, [command, path, *SERIES])


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert "there is no such file" in fails(capsys, 1, ["forecast", tmp_path / "no.csv", *SERIES])
    assert "must end in .csv" in fails(capsys, 1, ["forecast", tmp_path / "no.xlsx", *SERIES])


def test_where_it_cannot_write_it_says_so_first(sales_csv, tmp_path, capsys):
    arguments = ["forecast", sales_csv, *SERIES, "--out"]
    assert "must end in .csv" in fails(capsys, 1, [*arguments, tmp_path / "x.txt"])
    assert "there is no folder" in fails(capsys, 1, [*arguments, tmp_path / "no" / "x.csv"])


def test_parquet_without_pyarrow(sales_csv, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    path = tmp_path / "sales.parquet"
    path.write_bytes(b"PAR1")
    message = "needs pyarrow, which cannot be imported"
    assert message in fails(capsys, 1, ["forecast", path, *SERIES])
    out = ["--out", tmp_path / "out.parquet"]
    assert message in fails(capsys, 1, ["forecast", sales_csv, *SERIES, *out])


def test_seasonal_naive_goes_on_with_the_week(sales_csv, tmp_path, capsys):
    out = tmp_path / "out.csv"
    arguments = ["forecast", str(sales_csv), *SERIES, "--model", "seasonal-naive"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert out.read_text().splitlines() == [
        "shop,day,forecast",
        "007,2024-01-31,30.0",
        "007,2024-02-01,40.0",
        "007,2024-02-02,50.0",
        "b,2024-01-31,130.0",
        "b,2024-02-01,140.0",
        "b,2024-02-02,150.0",
    ]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "season 7" in captured.err
    assert main(arguments) == 0
    assert capsys.readouterr().out == out.read_text()


@pytest.mark.parametrize("model", ["auto", "linear", "boosting"])
def test_models_learn_the_week(model, sales_csv, tmp_path):
    out = tmp_path / "out.csv"
    assert main(["forecast", str(sales_csv), *SERIES, "--model", model, "--out", str(out)]) == 0
    table = pd.read_csv(out, dtype={"shop": str})
    exact = np.array([30.0, 40.0, 50.0, 130.0, 140.0, 150.0])
    assert np.abs(table["forecast"] - exact).max() < 15
    assert table["shop"].tolist() == ["007"] * 3 + ["b"] * 3


def test_parquet_in_and_out_keeps_types(sales, tmp_path):
    path, out = tmp_path / "sales.parquet", tmp_path / "out.parquet"
    sales.to_parquet(path)
    arguments = ["forecast", str(path), *SERIES, "--model", "seasonal-naive", "--out", str(out)]
    assert main(arguments) == 0
    table = pd.read_parquet(out)
    assert table["day"].dtype.kind == "M"
    assert table["forecast"].tolist() == [30.0, 40.0, 50.0, 130.0, 140.0, 150.0]


def test_a_series_goes_on_from_its_last_known_value(sales, tmp_path):
    path, out = tmp_path / "sales.csv.gz", tmp_path / "out.csv"
    sales.loc[sales["shop"].eq("b") & sales["day"].gt("2024-01-28"), "sold"] = np.nan
    sales.sample(frac=1, random_state=0).to_csv(path, index=False)
    arguments = ["forecast", str(path), *SERIES, "--model", "seasonal-naive", "--out", str(out)]
    assert main(arguments) == 0
    table = pd.read_csv(out).set_index(["shop", "day"])["forecast"]
    assert table["b"].to_dict() == {"2024-01-29": 110.0, "2024-01-30": 120.0, "2024-01-31": 130.0}
    assert table["007"].index[0] == "2024-01-31"


def test_one_series_with_numbers_as_time(tmp_path, capsys):
    path = write(tmp_path / "steps.csv", "t,v\n" + "".join(f"{t},{t % 4}\n" for t in range(24)))
    arguments = ["--time", "t", "--target", "v", "--horizon", "5", "--season", "4"]
    assert main(["forecast", path, *arguments, "--model", "seasonal-naive"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["t,forecast", "24,0.0", "25,1.0", "26,2.0", "27,3.0", "28,0.0"]


def test_other_ways_to_write_a_time(sales, tmp_path, capsys):
    path = tmp_path / "sales.csv"
    sales.to_csv(path, index=False, date_format="%d.%m.%Y")
    arguments = ["forecast", str(path), *SERIES, "--model", "seasonal-naive"]
    assert "'02.12.2023' is not a time of the form ISO 8601" in fails(capsys, 1, arguments)
    assert main([*arguments, "--time-format", "%d.%m.%Y"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "007,31.01.2024,30.0"
    assert "of the form '%Y'" in fails(capsys, 1, [*arguments, "--time-format", "%Y"])


def test_backtest_measures_against_the_naive_forecast(sales_csv, tmp_path, capsys):
    out = tmp_path / "backtest.csv"
    arguments = ["backtest", str(sales_csv), *SERIES, "--model", "linear", "--folds", "2"]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["MAE", "WAPE", "forecasts"]
    assert [line.split()[0] for line in printed[1:]] == ["linear", "seasonal-naive"]
    assert printed[2].split()[1:] == ["0", "0", "12"]
    table = pd.read_csv(out)
    assert len(table) == 12
    assert sorted(table["fold"].unique()) == [0, 1]
    assert table["day"].min() == "2024-01-25"
    error = (table["y_true"] - table["y_pred"]).abs().mean()
    assert float(printed[1].split()[1]) == pytest.approx(error, rel=1e-3)


EVENTS = """who,what,at
ann,tea,2024-01-01T08:00
ann,tea,2024-01-02T08:00
ann,milk,2024-01-03T08:00
bob,milk,2024-01-01T09:00
bob,rice,2024-01-02T09:00
cem,milk,2024-01-04T10:00
"""
CHOICES = ["--user", "who", "--item", "what", "--time", "at"]


def recommend(tmp_path, *options):
    path, out = write(tmp_path / "events.csv", EVENTS), tmp_path / "lists.csv"
    assert main(["recommend", path, *CHOICES, *options, "--out", str(out)]) == 0
    return pd.read_csv(out)


def test_recommend_by_popularity(tmp_path):
    lists = recommend(tmp_path, "--model", "popularity", "--k", "2")
    assert lists.columns.tolist() == ["who", "rank", "item", "score", "source"]
    assert lists["who"].tolist() == ["ann", "ann", "bob", "bob", "cem", "cem"]
    assert lists["rank"].tolist() == [1, 2] * 3
    assert lists["item"].tolist() == ["milk", "tea"] * 3
    np.testing.assert_allclose(lists["score"], [1 / 2, 1 / 3] * 3)


def test_recommend_what_has_been_popular_lately(tmp_path):
    lists = recommend(tmp_path, "--model", "popularity", "--k", "1", "--half-life", "1h")
    assert set(lists["item"]) == {"milk"}
    assert lists["score"].min() > 0.99


def test_half_life_of_times_that_are_numbers(tmp_path, capsys):
    path = write(tmp_path / "steps.csv", "who,what,at\na,old,1\na,old,2\na,new,9\n")
    arguments = ["recommend", path, *CHOICES, "--k", "1", "--model", "popularity"]
    assert main([*arguments, "--half-life", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("a,1,new,0.98")
    assert "half_life=1D does not fit" in fails(capsys, 1, [*arguments, "--half-life", "1D"])


def test_recommend_what_a_user_has_not_seen(tmp_path):
    lists = recommend(tmp_path, "--model", "popularity", "--k", "1", "--exclude-seen")
    assert lists.set_index("who")["item"].to_dict() == {"ann": "rice", "bob": "tea", "cem": "tea"}


def test_recommend_by_own_habits(tmp_path):
    lists = recommend(tmp_path, "--model", "personal", "--k", "1")
    assert lists.set_index("who")["item"]["ann"] == "tea"


def test_recommend_by_similar_items(tmp_path):
    lists = recommend(tmp_path, "--k", "2", "--exclude-seen")
    assert set(lists.loc[lists["who"] == "cem", "item"]) == {"tea", "rice"}


@pytest.mark.parametrize(
    "model", ["popularity", "decayed", "personal", "knn", "ease", "als", "markov", "ranker"]
)
def test_every_model_recommends(model, tmp_path):
    lists = recommend(tmp_path, "--model", model, "--k", "2")
    assert lists.groupby("who")["rank"].agg(list).tolist() == [[1, 2]] * 3
    assert set(lists["item"]) <= {"tea", "milk", "rice"}


@pytest.fixture
def habits(tmp_path):
    """Ten users who each take an item of their own every day, and fashions that pass."""
    rows = [(f"u{u}", f"own{u}", day) for u in range(10) for day in range(1, 21)]
    rows += [(f"u{u}", "old", day) for u in range(10) for day in range(1, 7)]
    rows += [(f"u{u}", "fashion", day) for u in range(10) for day in range(10, 21, 2)]
    rows += [("new", "fashion", 20), ("u0", "unseen", 20)]
    table = pd.DataFrame(rows, columns=["who", "what", "day"])
    table["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(table.pop("day"), "D")
    path = tmp_path / "habits.csv"
    table.to_csv(path, index=False)
    return path


def test_evaluate_prints_figures_with_errors_beside_popularity(habits, capsys):
    arguments = ["recommend", str(habits), *CHOICES, "--k", "2", "--model", "personal"]
    assert main([*arguments, "--evaluate"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split() == ["personal", "popularity", "difference", "p"]
    figures = {line.split()[0]: line.split()[1:] for line in lines[1:] if "@" in line}
    assert list(figures) == [
        f"{metric}@2"
        for metric in (
            "ndcg", "recall", "precision", "map", "mrr", "hit_rate", "coverage", "gini", "novelty",
            "popularity",
        )
    ]  # fmt: skip
    # All but the new user find their own item; the eleven users share a hit rate of 10/11 or 1.
    assert float(figures["mrr@2"][0]) > 0.85
    assert figures["hit_rate@2"][1] == "±"
    personal, popular = (float(figures["mrr@2"][at]) for at in (0, 3))
    assert float(figures["mrr@2"][6]) == pytest.approx(personal - popular, abs=2e-4)
    assert "users 11, of them without any event before 1; items 12, and 1 without any" in lines[-1]
    assert "one standard error over users" in captured.err
    assert "from 2024-01-18" in captured.err


def test_evaluate_writes_the_tidy_table(habits, tmp_path):
    out = tmp_path / "figures.csv"
    arguments = ["recommend", str(habits), *CHOICES, "--k", "1", "--model", "decayed", "--evaluate"]
    assert main([*arguments, "--out", str(out)]) == 0
    table = pd.read_csv(out).set_index(["model", "metric"])
    assert table.columns.tolist() == [
        "value",
        "std_error",
        "n",
        "difference",
        "difference_std_error",
        "pvalue",
    ]
    # The old fashion was more popular than the new one, which lasts.
    assert table.loc[("popularity", "ndcg"), "value"] == 0
    assert table.loc[("decayed", "ndcg"), "difference"] > 0.9


def test_evaluate_asks_only_for_what_is_new_where_seen_is_left_out(habits, capsys):
    arguments = ["recommend", str(habits), *CHOICES, "--exclude-seen", "--evaluate", "--k", "12"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "users 2, of them without any event before 1" in out
    # One of the two users has the fashion, and the other an item without any event before.
    [hit_rate] = [line for line in out.splitlines() if line.startswith("hit_rate")]
    assert hit_rate.split()[1] == "0.5000"


def test_a_ranker_is_told_when_it_is_of_no_use(habits, tmp_path, capsys):
    arguments = ["recommend", str(habits), *CHOICES, "--model", "ranker", "--evaluate"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.split()[:2] == ["ranker", "popularity"]
    assert "half-life has no meaning" in fails(capsys, 1, [*arguments, "--half-life", "3D"])
    recommend(tmp_path, "--model", "ranker")
    assert "the ranker is no better than 'popular' alone" in capsys.readouterr().err


def test_evaluate_needs_more_than_one_time(tmp_path, capsys):
    path = write(tmp_path / "once.csv", "who,what,at\na,x,1\nb,y,1\n")
    for options in (["--evaluate"], ["--model", "decayed"]):
        message = fails(capsys, 1, ["recommend", path, *CHOICES, *options])
        assert "all events have one time" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EVENTS.replace("rice", ""), "column 'what', row 5: the value is missing"),
        (EVENTS.replace("2024-01-04T10:00", "soon"), "column 'at', row 6: 'soon' is not a time"),
        (EVENTS.replace("who,", "customer,"), "column 'who' is not in"),
    ],
)
def test_bad_events_end_with_1(text, message, tmp_path, capsys):
    path = write(tmp_path / "bad.csv", text)
    assert message in fails(capsys, 1, ["recommend", path, *CHOICES])


def test_one_column_has_one_use(tmp_path, capsys):
    path = write(tmp_path / "events.csv", EVENTS)
    arguments = ["recommend", path, "--user", "who", "--item", "who", "--time", "at"]
    assert "column 'who' is asked for twice" in fails(capsys, 1, arguments)


def test_demo_writes_everything_onto_one_page(tmp_path, monkeypatch, capsys):
    journey = load_complete_journey()
    names = ["EGGS", "CHEESE", "SOUP", "BEEF", "ICE CREAM/MILK/SHERBTS"]
    journey.demand = journey.demand[journey.demand["category"].isin(names)]
    lines = journey.transactions
    journey.transactions = lines[lines["household"] < 100]
    monkeypatch.setattr("sklearn_tsrec.cli._demo.load_complete_journey", lambda: journey)

    out = tmp_path / "new" / "demo"
    assert main(["demo", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    for name in ("seasonal naive", "tuned", "decayed popularity", "item-kNN", "MASE", "NDCG@10"):
        assert name in printed

    forecasts = pd.read_csv(out / "forecasts.csv")
    assert len(forecasts) == 5 * 8
    assert forecasts["week"].min() == "2017-11-06"
    last = journey.demand[journey.demand["week"] == "2017-10-30"].set_index("category")["demand"]
    assert (forecasts["naive"] == forecasts["category"].map(last)).all()
    lists = pd.read_csv(out / "recommendations.csv")
    assert (lists.groupby("household").size() == 10).all()
    assert not lists.duplicated(["household", "item"]).any()

    html = (out / "index.html").read_text(encoding="utf-8")
    assert html.count("<img") == 3
    assert html.count("data:image/png;base64,") == 6
    for outside in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert outside not in html
    assert {f.name for f in out.glob("*.png")} == {
        "forecasts.png",
        "forecast-errors.png",
        "recommendation-scores.png",
    }


def test_demo_cannot_write_into_a_file(tmp_path, capsys):
    path = write(tmp_path / "taken", "")
    assert "taken" in fails(capsys, 1, ["demo", "--out", path])


def test_demo_without_matplotlib(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    error = fails(capsys, 1, ["demo", "--out", tmp_path / "demo"])
    assert "pip install 'sklearn-tsrec[plot]'" in error
    assert not (tmp_path / "demo").exists()
