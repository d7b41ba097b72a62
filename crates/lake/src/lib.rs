//! Files in and out: CSV, JSON, Parquet.
