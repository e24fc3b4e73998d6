"""Reads every table of FOLDER with pyarrow, DuckDB and (where they are there) polars and Spark, and compares the rows with TABLE.json of WRITTEN, as the
program itself reads them. Then Timesketch's rules for timesketch.jsonl.

    rows.py FOLDER WRITTEN
"""

import datetime
import json
import math
import os
import sys
import time

import duckdb
import pyarrow.parquet

folder, written = sys.argv[1:]
wrong, rows = [], 0


def plain(value):
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        delta = value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return ("t", (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def same(a, b):
    """Ours are JSON: a time is text there."""
    if isinstance(a, tuple) and a[0] == "t" and isinstance(b, str):
        return a == plain(datetime.datetime.fromisoformat(b.replace("Z", "+00:00")))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float) or isinstance(b, float):
        return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12))
    return a == b


readers = ["tapscope", "pyarrow", "DuckDB"]
try:
    import polars
    readers.append("polars")
except ImportError:
    print("SKIPPED: polars for Python is not here", file=sys.stderr)
spark = None
try:
    from pyspark.sql import SparkSession

    os.environ["TZ"] = "UTC"
    time.tzset()
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    readers.append("Spark")
except Exception as error:  # No Java, no package: a reader fewer.
    print(f"SKIPPED: Spark is not here ({type(error).__name__})", file=sys.stderr)
base = duckdb.connect()
base.execute("SET TimeZone = 'UTC'")
for table in ("transactions", "events", "evidence", "incidents", "sources", "issues", "facts"):
    path = os.path.join(folder, table + ".parquet")
    arrow = [plain(row) for row in pyarrow.parquet.read_table(path).to_pylist()]
    # Times as numbers: DuckDB hands them to Python only with yet another package.
    kinds = base.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    columns, timed = [k[0] for k in kinds], {k[0] for k in kinds if k[1].startswith("TIMESTAMP")}
    asked = ", ".join(f'epoch_us("{c}")' if c in timed else f'"{c}"' for c in columns)
    duck = [
        {c: ("t", v) if c in timed and v is not None else plain(v) for c, v in zip(columns, row)}
        for row in base.execute(f"SELECT {asked} FROM '{path}'").fetchall()
    ]
    text = open(os.path.join(written, table + ".json"), encoding="utf-8").read()
    try:
        ours = json.loads(text)
    except ValueError:
        ours = [json.loads(line) for line in text.splitlines() if line]
    others = [("DuckDB", duck), ("tapscope", ours)]
    if "polars" in readers:
        others.append(("polars", [plain(row) for row in polars.read_parquet(path).to_dicts()]))
    if spark:
        # One file, one task, so that the rows come in its order.
        found = spark.read.parquet(path).coalesce(1).collect()
        others.append(("Spark", [plain(row.asDict(recursive=True)) for row in found]))
    for name, other in others:
        if len(other) != len(arrow):
            wrong.append(f"{table}: {len(other)} rows in {name}, {len(arrow)} in pyarrow")
        for n, (a, b) in enumerate(zip(arrow, other)):
            for key in a:
                if not same(a[key], b.get(key)):
                    wrong.append(f"{table} row {n} {key}: {a[key]!r} in pyarrow, {b.get(key)!r} in {name}")
    rows += len(arrow)
lines = 0
for line in open(os.path.join(folder, "timesketch.jsonl"), encoding="utf-8"):
    row = json.loads(line)
    lines += 1
    for key in ("message", "datetime", "timestamp_desc"):
        if not isinstance(row.get(key), str) or not row[key]:
            wrong.append(f"timesketch line {lines}: {key} is {row.get(key)!r}")
    datetime.datetime.fromisoformat(row["datetime"].replace("Z", "+00:00"))
    for key, value in row.items():
        if isinstance(value, str) and len(value.encode()) > 32_766:
            wrong.append(f"timesketch line {lines}: {key} has {len(value.encode())} bytes")
for line in wrong[:30]:
    print(line)
print(f"{rows} rows of 7 tables equal in {', '.join(readers)}; {lines} lines for Timesketch")
sys.exit(bool(wrong))
