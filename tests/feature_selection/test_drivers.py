import pytest

from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.feature_selection._drivers import Driver, read_driver
from sklearn_tsrec.features import CalendarFeatures, FourierFeatures, WindowFeatures


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("price", Driver("price")),
        ("price__lag3", Driver("price", lag=3, kind="past")),
        ("lagfeatures__price__lag0", Driver("price", lag=0, kind="past")),
        ("union__lagfeatures__y__lag12", Driver("y", lag=12, kind="past")),
        ("price__mean28", Driver("price", kind="past")),
        ("price__expanding_mean", Driver("price", kind="past")),
        ("remainder__price", Driver("price")),
        ("onehot__color_red", Driver("color_red")),
        ("date__dayofweek", Driver("date", kind="clock")),
        ("date__month_sin", Driver("date", kind="clock")),
        ("date__sin365.25D_1", Driver("date", kind="clock")),
        ("unit__price__unit", Driver("unit")),
    ],
)
def test_names_of_columns(name, driver):
    assert read_driver(name) == driver


def test_every_name_that_our_transformers_make_is_read():
    X, _ = make_panel(2, 60, random_state=0)
    statistics = ["mean", "std", "min", "max", "median", "sum", "count", "slope", "skew"]
    statistics += ["q0.9", "nonzero_share", "time_since"]
    windows = WindowFeatures([7, "expanding"], statistics).fit(X)
    for name in windows.get_feature_names_out():
        assert read_driver(name) == Driver("x0", kind="past"), name
    clock = [FourierFeatures([7, "365.25D"], order=2), CalendarFeatures(cyclical=True)]
    for transformer in clock:
        for name in transformer.fit(X).get_feature_names_out():
            assert read_driver(name).kind == "clock", name
