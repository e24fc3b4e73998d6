"""Reads what tapscope wrote as a warehouse would: with pyarrow, DuckDB, and (where installed) polars.

    tables.py types FOLDER DOCS    every documented column, its type, its values, its statistics
    tables.py lake LAKE ROWS       hive-partitioned days of several runs
    tables.py timesketch FILE      the rules of Timesketch's importer

Prints what is wrong and ends with 1.
"""

import datetime
import glob
import json
import os
import re
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet

wrong = []
ARROW = {"str": "string", "bool": "bool", "u16": "uint16", "u32": "uint32", "u64": "uint64", "i64": "int64", "f64": "double", "time": "timestamp[us, tz=UTC]",
         "list[str]": "list<string>", "list[struct{cause: str, confidence: f64}]": "list<struct<cause: string, confidence: double>>"}
DUCK = {"str": "VARCHAR", "bool": "BOOLEAN", "u16": "USMALLINT", "u32": "UINTEGER", "u64": "UBIGINT", "i64": "BIGINT", "f64": "DOUBLE", "time": "TIMESTAMP WITH TIME ZONE",
        "list[str]": "VARCHAR[]", "list[struct{cause: str, confidence: f64}]": "STRUCT(cause VARCHAR, confidence DOUBLE)[]"}


def equal(found, expected, what):
    if found != expected:
        wrong.append(f"{what}: found {found!r}, expected {expected!r}")


def documented(path):
    """Table name to [(column, type)], from the documentation."""
    tables, rows = {}, None
    for line in open(path, encoding="utf-8"):
        if head := re.match(r"## (\w+)\.parquet", line):
            rows = tables.setdefault(head[1], [("tx_id", "str")] if head[1] == "facts" else [])
        elif line.startswith("## "):
            rows = None
        elif rows is not None and (row := re.match(r"\| `(\w+)` \| ([^|]+) \|", line)):
            rows.append((row[1], row[2].strip()))
    return tables


def plain(arrow_type):
    """An Arrow type without the choice of offsets and of the inner field's name."""
    text = str(arrow_type).replace("large_", "")
    return re.sub(r"list<\w+: (.*)>", r"list<\1>", text)


def types(folder, docs):
    base = duckdb.connect()
    base.execute("SET TimeZone = 'UTC'")
    for table, columns in documented(docs).items():
        path = os.path.join(folder, table + ".parquet")
        file = pyarrow.parquet.ParquetFile(path)
        schema, read = file.schema_arrow, pyarrow.parquet.read_table(path)
        equal([field.name for field in schema], [name for name, _ in columns], f"{table}: columns")
        duck = dict(base.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '{path}')").fetchall())
        equal(base.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0], read.num_rows, f"{table}: rows")
        for name, kind in columns:
            equal(plain(schema.field(name).type), ARROW[kind], f"{table}.{name} in pyarrow")
            equal(duck.get(name), DUCK[kind], f"{table}.{name} in DuckDB")
            if name not in read.column_names:
                continue
            equal(base.execute(f'SELECT count("{name}") FROM \'{path}\'').fetchone()[0], len(read) - read[name].null_count, f"{table}.{name}: values that are not NULL")
            if kind in ("str", "time", "i64") and read.num_rows:
                value, column = (f'epoch_us("{name}")', read[name].cast("int64")) if kind == "time" else (f'"{name}"', read[name])
                low, high = base.execute(f"SELECT min({value}), max({value}) FROM '{path}'").fetchone()
                both = pyarrow.compute.min_max(column).as_py()
                equal((low, high), (both["min"], both["max"]), f"{table}.{name}: smallest and largest")
        stored(table, file, columns)
    starts = pyarrow.parquet.read_table(os.path.join(folder, "transactions.parquet"), columns=["started_at"])["started_at"].to_pylist()
    timed = [at for at in starts if at]
    equal(timed, sorted(timed), "transactions are sorted by their start")
    ids = base.execute(f"SELECT tx_id FROM '{folder}/transactions.parquet'").fetchall()
    for table in ("facts", "events", "evidence"):
        order = base.execute(f"SELECT tx_id FROM '{folder}/{table}.parquet' WHERE tx_id IS NOT NULL").fetchall()
        place = {row: i for i, row in enumerate(ids)}
        places = [place[row] for row in order]
        equal(places, sorted(places), f"{table} follows the order of the transactions")
    # Texts are texts for everyone: they can be compared, filtered, grouped.
    everything = pyarrow.parquet.read_table(os.path.join(folder, "transactions.parquet"))
    for kind in {row["outcome"] for row in everything.select(["outcome"]).to_pylist()}:
        found = pyarrow.parquet.read_table(os.path.join(folder, "transactions.parquet"), filters=[("outcome", "=", kind)]).num_rows
        equal(found, base.execute(f"SELECT count(*) FROM '{folder}/transactions.parquet' WHERE outcome = ?", [kind]).fetchone()[0], f"outcome {kind} filtered")
    # What the types are for: a join, an unnested list, a struct's field, an hour of the day.
    tables = ", ".join(f"'{folder}/{t}.parquet' AS {t[0]}" for t in ("transactions", "evidence"))
    base.execute(f"SELECT hour(t.started_at), unnest(t.owners), t.alternatives[1].cause, e.weight FROM {tables} WHERE t.tx_id = e.tx_id").fetchall()
    try:
        import polars
    except ImportError:
        print("SKIPPED: polars for Python is not here", file=sys.stderr)
        return
    frame = polars.read_parquet(os.path.join(folder, "transactions.parquet"))
    equal(str(frame.schema["started_at"]).replace("time_unit=", "").replace("time_zone=", ""), "Datetime('us', 'UTC')", "polars")


def stored(table, file, columns):
    """Statistics everywhere, dictionaries where values repeat, row groups of bounded size."""
    meta = file.metadata
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group)
        if rows.num_rows > 65_536:
            wrong.append(f"{table}: a row group of {rows.num_rows} rows")
        for column in range(rows.num_columns):
            part = rows.column(column)
            if part.statistics is None or not part.statistics.has_null_count:
                wrong.append(f"{table}.{part.path_in_schema}: no statistics")
            equal(part.compression, "ZSTD", f"{table}.{part.path_in_schema}: compression")
    kinds = dict(columns)
    if meta.num_rows >= 100 and table != "facts":
        rows = meta.row_group(0)
        for column in range(rows.num_columns):
            part, read = rows.column(column), None
            if kinds.get(part.path_in_schema) == "str":
                read = file.read_row_group(0, columns=[part.path_in_schema])[0]
                if len(read.unique()) * 20 < len(read) and not part.has_dictionary_page:
                    wrong.append(f"{table}.{part.path_in_schema}: {len(read.unique())} values and no dictionary")


def lake(folder, expected):
    """What `expected` says of each day and run, read by all."""
    expected = json.loads(expected)
    base = duckdb.connect()
    for table in ("transactions", "facts", "events", "evidence", "incidents"):
        files = f"read_parquet('{folder}/{table}/**/*.parquet', hive_partitioning = true)"
        total = base.execute(f"SELECT count(*) FROM {files}").fetchone()[0]
        equal(total, expected["rows"][table], f"{table}: rows of all runs in DuckDB")
        part = pyarrow.dataset.dataset(os.path.join(folder, table), partitioning="hive")
        equal(part.count_rows(), total, f"{table}: rows in pyarrow")
        equal({"day", "run"} <= set(part.schema.names), True, f"{table}: day and run are columns")
    files = f"read_parquet('{folder}/transactions/**/*.parquet', hive_partitioning = true)"
    days = base.execute(f"SELECT CAST(day AS VARCHAR), count(*) FROM {files} GROUP BY 1 ORDER BY 1 NULLS FIRST").fetchall()
    equal([list(row) for row in days], expected["days"], "attempts by day")
    torn = base.execute(f"SELECT count(*) FROM {files} WHERE day IS NOT NULL AND CAST(started_at AT TIME ZONE 'UTC' AS DATE) <> CAST(day AS DATE)").fetchone()[0]
    equal(torn, 0, "attempts in another day's folder")
    events = f"read_parquet('{folder}/events/**/*.parquet', hive_partitioning = true)"
    strangers = base.execute(f"SELECT count(*) FROM {events} e LEFT JOIN {files} t ON e.tx_id = t.tx_id AND e.run = t.run AND e.day IS NOT DISTINCT FROM t.day WHERE e.tx_id IS NOT NULL AND t.tx_id IS NULL").fetchone()[0]
    equal(strangers, 0, "events that are not in their attempt's day")
    sources = f"read_parquet('{folder}/sources/**/*.parquet', hive_partitioning = true)"
    lost = base.execute(f"SELECT count(*) FROM {events} e LEFT JOIN {sources} s ON e.run = s.run AND e.source_id = s.source_id WHERE s.path IS NULL").fetchone()[0]
    equal(lost, 0, "events without their source")


def timesketch(path):
    """What its importer demands (message, datetime, timestamp_desc; times that parse), and what OpenSearch does."""
    attempts, events = set(), set()
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            for field in ("message", "datetime", "timestamp_desc", "data_type"):
                if not isinstance(row.get(field), str) or not row[field]:
                    wrong.append(f"line {number}: no {field}")
            at = datetime.datetime.fromisoformat(row["datetime"].replace("Z", "+00:00"))
            equal(at.tzinfo is not None, True, f"line {number}: zone")
            equal(row["timestamp"], (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1), f"line {number}: timestamp")
            for key, value in row.items():
                if key.startswith("_") or "." in key:
                    wrong.append(f"line {number}: field {key}")
                if value is None or isinstance(value, str) and len(value.encode()) > 32_766:
                    wrong.append(f"line {number}: {key} is empty or too long")
            if "tag" in row and not all(isinstance(tag, str) for tag in row["tag"]):
                wrong.append(f"line {number}: tags")
            if row["data_type"] == "tapscope:attempt":
                attempts.add(row["tx_id"])
            elif row["data_type"].startswith("tapscope:event:"):
                events.add(row["tx_id"])
    if not attempts or not events:
        wrong.append(f"{len(attempts)} attempts, events of {len(events)}")
    print(json.dumps({"attempts": sorted(attempts), "with_events": len(events)}))


{"types": types, "lake": lake, "timesketch": timesketch}[sys.argv[1]](*sys.argv[2:])
for line in wrong[:40]:
    print("WRONG:", line, file=sys.stderr)
sys.exit(1 if wrong else 0)
