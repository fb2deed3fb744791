//! Data sets and simulations to and from files: CSV, Parquet and Arrow, through polars.
