//! Writes what was found: Parquet, CSV, JSON, HTML. All together or not at all.
