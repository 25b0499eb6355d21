"""Remake the compressed files in sklearn_tsrec/datasets/data from the sources in ../shared/data.

Run from the root of the repository: ``python benchmarks/make_datasets.py [SOURCE]``. It needs
pyarrow to read the sources; the files that it writes need pandas alone. The same sources give the
same bytes.
"""

import sys
from pathlib import Path

import pandas as pd

SOURCE = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
TARGET = Path("sklearn_tsrec/datasets/data")


def write(name, frame):
    """Write one table and report its size."""
    path = TARGET / f"{name}.csv.gz"
    # mtime=0: the bytes depend on the data alone, so a rerun leaves git clean.
    frame.to_csv(path, index=False, compression={"method": "gzip", "compresslevel": 9, "mtime": 0})
    print(f"{path.name:42} {len(frame):7} rows {path.stat().st_size / 1e6:6.3f} MB")


def complete_journey():
    """Receipt lines, products and households of the Complete Journey sample."""
    folder = SOURCE / "recommend" / "completejourney"
    lines = pd.read_csv(folder / "interactions.csv.gz")
    # The source counts seconds of UTC; the shops live on New York's clock, and so must weeks.
    clock = pd.to_datetime(lines["timestamp"], unit="s", utc=True)
    lines["time"] = clock.dt.tz_convert("America/New_York").dt.tz_localize(None)
    lines = lines.rename(
        columns={
            "user_id": "household",
            "store_id": "store",
            "item_id": "product",
            "sales_value": "sales",
            "retail_disc": "retail_discount",
            "coupon_disc": "coupon_discount",
        }
    ).astype({"quantity": int})
    columns = ["household", "time", "store", "product", "quantity", "sales"]
    columns += ["retail_discount", "coupon_discount"]
    lines = lines.sort_values(["time", "household", "product"], kind="stable")[columns]
    write("complete_journey_transactions", lines)

    products = pd.read_csv(folder / "items.csv.gz").rename(
        columns={"item_id": "product", "product_category": "category", "product_type": "type"}
    )
    columns = ["product", "department", "category", "type", "brand", "package_size"]
    products = products.loc[products["product"].isin(lines["product"]), columns]
    write("complete_journey_products", products.sort_values("product"))

    households = pd.read_csv(folder / "users.csv.gz").rename(columns={"user_id": "household"})
    columns = ["household", "age", "income", "home_ownership", "marital_status"]
    columns += ["household_size", "kids_count"]
    write("complete_journey_households", households[columns].sort_values("household"))


def international_football():
    """One row for each match between two national teams."""
    games = pd.read_parquet(SOURCE / "forecast" / "football_international_games.parquet")
    games = games.rename(columns={"home": "home_team", "away": "away_team"})
    columns = ["date", "home_team", "away_team", "home_score", "away_score", "neutral"]
    columns += ["tournament", "country"]
    games = games.sort_values(["date", "home_team", "away_team"], kind="stable")[columns]
    write("international_football", games)


def bike_sharing():
    """Hourly hires of Capital Bikeshare with weather and calendar."""
    hours = pd.read_parquet(SOURCE / "forecast" / "bike_sharing.parquet")
    hours = hours.rename(
        columns={
            "ds": "time",
            "y": "hires",
            "temp": "temperature",
            "atemp": "feels_like",
            "hum": "humidity",
        }
    ).astype({"hires": int, "holiday": int, "workingday": int})
    columns = ["time", "holiday", "workingday", "weather", "temperature", "feels_like", "humidity"]
    write("bike_sharing", hours[[*columns, "windspeed", "hires"]])


def fx_monthly():
    """Monthly exchange rates against the US dollar."""
    rates = pd.read_parquet(SOURCE / "forecast" / "fx_monthly.parquet")
    rates = rates.rename(columns={"unique_id": "country", "ds": "month", "y": "rate"})
    write("fx_monthly", rates.sort_values(["country", "month"])[["country", "month", "rate"]])


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    complete_journey()
    international_football()
    bike_sharing()
    fx_monthly()
