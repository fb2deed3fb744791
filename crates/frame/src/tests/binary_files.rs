//! Parquet and Arrow files that other programs wrote.

use trialrun_plan::{Table, Values};

use super::{assert_same, column, data, text};
use crate::read;

const NAN: f64 = f64::NAN;

fn readable_columns() -> Table {
    let single = f64::from(0.1_f32);
    Table {
        columns: vec![
            column("int8", Values::Number(vec![1.0, NAN, -128.0])),
            column("uint16", Values::Number(vec![1.0, NAN, 65535.0])),
            column("int32", Values::Number(vec![1.0, NAN, -7.0])),
            column("int64", Values::Integer(vec![Some(1), None, Some(9_007_199_254_740_993)])),
            column("uint64", Values::Number(vec![1.0, NAN, 18_446_744_073_709_551_616.0])),
            column("float32", Values::Number(vec![single, NAN, NAN])),
            column("float64", Values::Number(vec![0.1, NAN, NAN])),
            column("bool", Values::Number(vec![1.0, NAN, 0.0])),
            column("string", text(&[Some("b"), None, Some("a")])),
            column("factor", text(&[Some("NA"), None, Some("")])),
            column("nothing", Values::Number(vec![NAN; 3])),
        ],
    }
}

#[test]
fn many_types_of_columns() {
    let left_out = |name: &str, holds: &str| {
        format!("column `{name}` is left out: {holds} cannot be read (write numbers or text)")
    };
    let lost =
        "column `uint64` loses digits: it has `18446744073709551615`, more than a number holds";
    let parquet = [
        left_out("date", "dates"),
        left_out("time", "times"),
        left_out("money", "decimal numbers"),
        left_out("list", "lists"),
        left_out("structure", "structures"),
        left_out("bytes", "bytes"),
        lost.to_owned(),
    ];
    let (table, notes) = read(&data("many_types.parquet")).expect("the file is sound");
    assert_same(&table, &readable_columns());
    assert_eq!(notes, parquet);

    let (table, notes) = read(&data("many_types.feather")).expect("the file is sound");
    assert_same(&table, &readable_columns());
    assert_eq!(notes[..6], parquet[..6]);
    assert_eq!(notes[6], left_out("codes", "dictionaries of other than text"));
    assert_eq!(notes[7], left_out("half", "values of this type"));
    assert_eq!(notes[8], lost);
}

#[test]
fn every_compression() {
    let expected = Table {
        columns: vec![
            column("int8", Values::Number(vec![1.0, NAN, -128.0])),
            column("string", text(&[Some("b"), None, Some("a")])),
        ],
    };
    for codec in ["snappy", "zstd", "gzip", "brotli", "lz4"] {
        let (table, notes) = read(&data(&format!("{codec}.parquet"))).expect("the file is sound");
        assert_same(&table, &expected);
        assert!(notes.is_empty());
    }
}

#[test]
fn several_row_groups_and_batches() {
    let expected = Table {
        columns: vec![
            column("label", text(&[Some("b"), Some("a"), Some("c"), Some("a")])),
            column("x", Values::Number(vec![1.0, 2.0, 3.0, 4.0])),
        ],
    };
    for name in ["row_groups.parquet", "batches.feather"] {
        assert_same(&read(&data(name)).expect("the file is sound").0, &expected);
    }
}
