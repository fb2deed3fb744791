//! Parquet and Arrow files through polars, and its data frames to tables and back.

use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::prelude::{
    ArrowDataType, ArrowSchema, Column, CompatLevel, DataFrame, DataType, IpcReader, IpcWriter,
    NamedFrom, ParquetCompression, ParquetReader, ParquetWriter, PolarsResult, SerReader,
    SerWriter, Series,
};
use trialrun_plan::{Table, TableColumn, Values};

use crate::error::Problem;
use crate::labels::Labels;
use crate::{names, numbers};

/// The table in the bytes of a Parquet file, and notes.
pub(crate) fn read_parquet(bytes: Vec<u8>) -> Result<(Table, Vec<String>), Problem> {
    let work = || {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let schema = reader.schema()?;
        let (projection, notes) = usable_columns(&schema);
        if projection.is_empty() {
            return Ok(None);
        }
        let frame = reader.with_projection(Some(projection)).finish()?;
        table_from(&frame, notes).map(Some)
    };
    guarded("read", "Parquet", work).and_then(check)
}

/// The table in the bytes of an Arrow file, and notes.
pub(crate) fn read_arrow(bytes: Vec<u8>) -> Result<(Table, Vec<String>), Problem> {
    let work = || {
        let mut reader = IpcReader::new(Cursor::new(bytes));
        let schema = reader.schema()?;
        let (projection, notes) = usable_columns(&schema);
        if projection.is_empty() {
            return Ok(None);
        }
        let frame = reader.with_projection(Some(projection)).finish()?;
        table_from(&frame, notes).map(Some)
    };
    guarded("read", "Arrow", work).and_then(check)
}

/// Writes the table to a Parquet file, with the compression that every reader knows.
pub(crate) fn write_parquet(file: &mut File, table: &Table) -> Result<(), Problem> {
    guarded("write", "Parquet", || {
        let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Snappy);
        writer.finish(&mut frame_from(table)?).map(drop)
    })
}

/// Writes the table to an Arrow file, with the types that every reader knows.
pub(crate) fn write_arrow(file: &mut File, table: &Table) -> Result<(), Problem> {
    guarded("write", "Arrow", || {
        let mut out = BufWriter::new(file);
        let mut writer = IpcWriter::new(&mut out).with_compat_level(CompatLevel::oldest());
        writer.finish(&mut frame_from(table)?)?;
        Ok(out.flush()?)
    })
}

/// Does work in polars, and turns what it returns or panics with into a problem.
///
/// polars panics on some damaged files, and on Arrow files with two columns of one name. Against
/// a damaged size, for which it asks the system for more memory than there is, nothing helps.
fn guarded<T>(
    action: &'static str,
    format: &'static str,
    work: impl FnOnce() -> PolarsResult<T>,
) -> Result<T, Problem> {
    // Nothing that the work touches is looked at again after a panic.
    let message = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(e)) => e.to_string(),
        Err(_) => "it stopped at something that it did not expect".to_owned(),
    };
    Err(Problem::Polars { action, format, message })
}

/// The positions of the columns that a table can hold, and a note for each other one.
///
/// polars panics on some types that it is not built for, so they must not reach it.
fn usable_columns(schema: &ArrowSchema) -> (Vec<usize>, Vec<String>) {
    let mut projection = Vec::new();
    let mut notes = Vec::new();
    for (position, (name, field)) in schema.iter().enumerate() {
        match unusable(&field.dtype) {
            Some(holds) => notes.push(format!(
                "column `{name}` is left out: {holds} cannot be read (write numbers or text)"
            )),
            None if name.is_empty() => {
                notes.push(format!("column {} has no name and is left out", position + 1));
            }
            None => projection.push(position),
        }
    }
    (projection, notes)
}

/// What a column of this type holds, where a table cannot hold it.
fn unusable(dtype: &ArrowDataType) -> Option<&'static str> {
    use ArrowDataType as T;
    match dtype {
        T::Null | T::Boolean | T::Float32 | T::Float64 => None,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 => None,
        T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => None,
        T::Utf8 | T::LargeUtf8 | T::Utf8View => None,
        T::Dictionary(_, values, _) if matches!(**values, T::Utf8 | T::LargeUtf8 | T::Utf8View) => {
            None
        }
        T::Date32 | T::Date64 => Some("dates"),
        T::Timestamp(..) | T::Time32(_) | T::Time64(_) | T::Duration(_) => Some("times"),
        T::Decimal(..) | T::Decimal32(..) | T::Decimal64(..) | T::Decimal256(..) => {
            Some("decimal numbers")
        }
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => Some("lists"),
        T::Struct(_) | T::Map(..) | T::Union(_) => Some("structures"),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => Some("bytes"),
        T::Dictionary(..) => Some("dictionaries of other than text"),
        _ => Some("values of this type"),
    }
}

fn table_from(frame: &DataFrame, mut notes: Vec<String>) -> PolarsResult<(Table, Vec<String>)> {
    let mut columns = Vec::new();
    for column in frame.columns() {
        let name = column.name().to_string();
        let values = values_from(column.as_materialized_series(), &name, &mut notes)?;
        columns.push(TableColumn { name, values });
    }
    Ok((Table { columns }, notes))
}

/// Checks what a file holds; `None` where it has no column that can be read.
fn check(read: Option<(Table, Vec<String>)>) -> Result<(Table, Vec<String>), Problem> {
    let (table, notes) = read.ok_or(Problem::NoColumns)?;
    names::distinct(table.columns.iter().map(|c| Some(&*c.name)))?;
    match table.n_rows() {
        0 => Err(Problem::NoRows),
        rows if u32::try_from(rows).is_err() => Err(Problem::TooManyRows { rows }),
        _ => Ok((table, notes)),
    }
}

fn values_from(series: &Series, name: &str, notes: &mut Vec<String>) -> PolarsResult<Values> {
    let number = |x: Option<f64>| x.unwrap_or(f64::NAN);
    Ok(match series.dtype() {
        DataType::Null => Values::Number(vec![f64::NAN; series.len()]),
        DataType::Boolean => {
            let truth = series.bool()?.iter();
            Values::Number(truth.map(|b| number(b.map(|b| f64::from(u8::from(b))))).collect())
        }
        DataType::Float32 | DataType::Float64 => {
            let series = series.cast(&DataType::Float64)?;
            Values::Number(series.f64()?.iter().map(number).collect())
        }
        DataType::UInt64 => {
            let whole = series.u64()?.iter().map(|x| x.map(i128::from)).collect();
            whole_values(whole, name, notes)
        }
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => {
            let series = series.cast(&DataType::String)?;
            let mut labels = Labels::with_capacity(series.len());
            series.str()?.iter().for_each(|label| labels.push(label));
            labels.into_values()
        }
        _ => {
            let series = series.cast(&DataType::Int64)?;
            let whole = series.i64()?.iter().map(|x| x.map(i128::from)).collect();
            whole_values(whole, name, notes)
        }
    })
}

/// Whole numbers as doubles, or as integers where a double would lose digits.
fn whole_values(whole: Vec<Option<i128>>, name: &str, notes: &mut Vec<String>) -> Values {
    if let Some(inexact) = whole.iter().flatten().find(|&&x| !numbers::is_exact(x)) {
        let fits = |x: &Option<i128>| x.map(i64::try_from).transpose();
        if let Ok(integers) = whole.iter().map(fits).collect() {
            return Values::Integer(integers);
        }
        notes.push(format!(
            "column `{name}` loses digits: it has `{inexact}`, more than a number holds"
        ));
    }
    Values::Number(whole.into_iter().map(|x| x.map_or(f64::NAN, |x| x as f64)).collect())
}

fn frame_from(table: &Table) -> PolarsResult<DataFrame> {
    let columns = table.columns.iter().map(|column| {
        let name = column.name.as_str().into();
        Column::from(match &column.values {
            Values::Number(v) => {
                let present: Vec<Option<f64>> =
                    v.iter().map(|&x| (!x.is_nan()).then_some(x)).collect();
                Series::new(name, present)
            }
            Values::Integer(v) => Series::new(name, v.as_slice()),
            Values::Category { codes, labels } => {
                let label = |code: &Option<u32>| code.map(|c| labels[c as usize].as_str());
                Series::new(name, codes.iter().map(label).collect::<Vec<_>>())
            }
        })
    });
    DataFrame::new(table.n_rows(), columns.collect())
}
