"""Writes the Parquet and Arrow files of this folder, as pyarrow 26.0.1 writes them."""

import datetime
import decimal

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

many_types = pa.table({
    "int8": pa.array([1, None, -128], pa.int8()),
    "uint16": pa.array([1, None, 65535], pa.uint16()),
    "int32": pa.array([1, None, -7], pa.int32()),
    "int64": pa.array([1, None, 9007199254740993], pa.int64()),
    "uint64": pa.array([1, None, 18446744073709551615], pa.uint64()),
    "float32": pa.array([0.1, None, float("nan")], pa.float32()),
    "float64": pa.array([0.1, None, float("nan")], pa.float64()),
    "bool": pa.array([True, None, False]),
    "string": pa.array(["b", None, "a"]),
    "factor": pa.array(["NA", None, ""]).dictionary_encode(),
    "nothing": pa.nulls(3),
    "date": pa.array([datetime.date(2026, 1, 1)] * 3),
    "time": pa.array([datetime.datetime(2026, 1, 1)] * 3),
    "money": pa.array([decimal.Decimal("1.50")] * 3),
    "list": pa.array([[1], [], [2]]),
    "structure": pa.array([{"x": 1}] * 3),
    "bytes": pa.array([b"a"] * 3),
})
for codec in ["snappy", "zstd", "gzip", "brotli", "lz4"]:
    pa.parquet.write_table(many_types.select(["int8", "string"]), f"{codec}.parquet", compression=codec)
pa.parquet.write_table(many_types, "many_types.parquet")
many_types = many_types.append_column("codes", pa.array([5, 6, 5]).dictionary_encode())
many_types = many_types.append_column("half", pa.array([1.0, 2.0, 3.0], pa.float16()))
pa.feather.write_feather(many_types, "many_types.feather", compression="lz4")

twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
pa.parquet.write_table(twice, "twice.parquet")
with pa.ipc.new_file("twice.arrow", twice.schema) as out:
    out.write_table(twice)
with pa.ipc.new_stream("stream.arrow", twice.schema) as out:
    out.write_table(twice)
pa.feather.write_feather(pa.table({"x": [1.0]}), "version1.feather", version=1)
dates = pa.table({"date": pa.array([datetime.date(2026, 1, 1)])})
pa.parquet.write_table(dates, "dates.parquet")
pa.parquet.write_table(dates.select([]), "no_columns.parquet")
pa.parquet.write_table(pa.table({"x": pa.array([], pa.float64())}), "no_rows.parquet")
batches = pa.table({"label": pa.chunked_array([["b", "a"], ["c", "a"]]), "x": pa.chunked_array([[1, 2], [3, 4]])})
batches = batches.set_column(0, "label", batches["label"].dictionary_encode())
pa.parquet.write_table(batches, "row_groups.parquet", row_group_size=2)
pa.feather.write_feather(batches, "batches.feather", compression="zstd", chunksize=2)
