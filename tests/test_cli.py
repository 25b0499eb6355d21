"""The command, run in process on small files."""

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec.cli import main


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


@pytest.mark.parametrize("command", ["recommend"])
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
        (["recommend", "x.csv", "--user", "u", "--item", "i", "--time", "t", "--k", "-1"], "--k"),
        (["guess"], "invalid choice: 'guess'"),
        ([], "required: COMMAND"),
    ],
)
def test_wrong_arguments_end_with_2(arguments, message, capsys):
    assert message in fails(capsys, 2, arguments)


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
    assert lists.columns.tolist() == ["who", "rank", "item", "score"]
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


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert "there is no such file" in fails(capsys, 1, ["recommend", tmp_path / "no.csv", *CHOICES])
    assert "must end in .csv" in fails(capsys, 1, ["recommend", tmp_path / "no.xlsx", *CHOICES])


def test_where_it_cannot_write_it_says_so_first(tmp_path, capsys):
    arguments = ["recommend", write(tmp_path / "events.csv", EVENTS), *CHOICES, "--out"]
    assert "must end in .csv" in fails(capsys, 1, [*arguments, tmp_path / "x.txt"])
    assert "there is no folder" in fails(capsys, 1, [*arguments, tmp_path / "no" / "x.csv"])
