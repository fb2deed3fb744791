//! What is written is read back as it was.

use std::fs;

use trialrun_plan::{Table, Values};

use super::{Folder, assert_same, column, text};
use crate::{csv_string, extensions, read, write};

fn awkward() -> Table {
    let numbers = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        1e-308,
        5e-324,
        f64::MAX,
        0.1 + 0.2,
        1.0 / 3.0,
        9_007_199_254_740_993.0,
        1_152_921_504_606_846_976.0,
        1e22,
    ];
    let labels = [
        None,
        Some(""),
        Some("NA"),
        Some("NaN"),
        Some("a,b"),
        Some("a\tb;c"),
        Some("\"quoted\" and \"\""),
        Some("two\nlines\r\nand\rmore"),
        Some(" blanks "),
        Some("Zoë 学校 🎲"),
        Some("007"),
        Some("\u{FEFF}mark"),
    ];
    let whole =
        [Some(i64::MAX), None, Some(i64::MIN), Some(0), Some(-1), Some(9_007_199_254_740_993)];
    let n = numbers.len();
    Table {
        columns: vec![
            column("\u{FEFF}first", text(&labels)),
            column("number", Values::Number(numbers)),
            column("two words, \"quoted\"", Values::Number((0..n).map(|i| i as f64).collect())),
            column("2026", Values::Integer(whole.into_iter().cycle().take(n).collect())),
            column("missing", Values::Number(vec![f64::NAN; n])),
        ],
    }
}

#[test]
fn every_format_gives_awkward_values_back() {
    let folder = Folder::new("awkward");
    let table = awkward();
    for extension in extensions() {
        for name in [format!("t.{extension}"), format!("T.{}", extension.to_uppercase())] {
            let path = folder.file(&name);
            write(&path, &table).expect("the table is sound");
            let (back, _) = read(&path).expect("what was written can be read");
            assert_same(&table, &back);
        }
    }
    let files = fs::read_dir(&folder.0).expect("the folder is there").count();
    assert_eq!(files, 2 * extensions().len(), "no other file is left");
}

#[test]
fn one_column_keeps_its_missing_and_empty_rows() {
    let folder = Folder::new("one-column");
    for extension in extensions() {
        for values in [
            text(&[None, Some("a"), Some(""), None]),
            Values::Number(vec![f64::NAN, 1.0, f64::NAN]),
        ] {
            let table = Table { columns: vec![column("x", values)] };
            let path = folder.file(&format!("t.{extension}"));
            write(&path, &table).expect("the table is sound");
            assert_same(&table, &read(&path).expect("what was written can be read").0);
        }
    }
}

#[test]
fn integers_come_back_as_numbers_where_doubles_hold_them() {
    let folder = Folder::new("integers");
    let written = Values::Integer(vec![Some(1 << 53), None, Some(-3)]);
    let expected = Values::Number(vec![9_007_199_254_740_992.0, f64::NAN, -3.0]);
    for extension in extensions() {
        let path = folder.file(&format!("t.{extension}"));
        write(&path, &Table { columns: vec![column("x", written.clone())] }).expect("sound");
        let (back, notes) = read(&path).expect("what was written can be read");
        assert_same(&Table { columns: vec![column("x", expected.clone())] }, &back);
        assert!(notes.is_empty());
    }
}

#[test]
fn csv_text_is_what_a_reader_expects() {
    let table = Table {
        columns: vec![
            column("id", Values::Integer(vec![Some(1), None, Some(3)])),
            column("score, raw", Values::Number(vec![0.5, f64::NAN, -2.0])),
            column("class", text(&[Some("NA"), None, Some("a \"b\"")])),
        ],
    };
    let expected = "id,\"score, raw\",class\n1,0.5,\"NA\"\nNA,NA,NA\n3,-2,\"a \"\"b\"\"\"\n";
    assert_eq!(csv_string(&table).expect("sound"), expected);

    let folder = Folder::new("csv-text");
    write(&folder.file("t.csv"), &table).expect("sound");
    assert_eq!(fs::read_to_string(folder.file("t.csv")).expect("there"), expected);
    write(&folder.file("t.tsv"), &table).expect("sound");
    let tabs = "id\t\"score, raw\"\tclass\n1\t0.5\t\"NA\"\nNA\tNA\tNA\n3\t-2\t\"a \"\"b\"\"\"\n";
    assert_eq!(fs::read_to_string(folder.file("t.tsv")).expect("there"), tabs);
}

#[test]
fn many_rows_are_written_in_pieces() {
    let n = 20_000;
    let x: Vec<f64> = (0..n).map(|i| 1.0 / (f64::from(i) + 3.0)).collect();
    let labels: Vec<String> = (0..n).map(|i| format!("label {}", i % 300)).collect();
    let cells: Vec<Option<&str>> = labels.iter().map(|l| Some(l.as_str())).collect();
    let table = Table { columns: vec![column("x", Values::Number(x)), column("l", text(&cells))] };
    let folder = Folder::new("many-rows");
    for extension in extensions() {
        let path = folder.file(&format!("t.{extension}"));
        write(&path, &table).expect("the table is sound");
        assert_same(&table, &read(&path).expect("what was written can be read").0);
    }
    let csv = fs::read_to_string(folder.file("t.csv")).expect("there");
    assert_eq!(csv, csv_string(&table).expect("sound"));
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let folder = Folder::new("same-bytes");
    for extension in extensions() {
        let bytes = ["a", "b"].map(|name| {
            let path = folder.file(&format!("{name}.{extension}"));
            write(&path, &awkward()).expect("the table is sound");
            fs::read(path).expect("the file is there")
        });
        assert!(bytes[0] == bytes[1], "{extension}");
    }
}

#[test]
fn labels_of_all_sorts_of_characters_come_back() {
    let folder = Folder::new("characters");
    let alphabet = [',', '"', '\n', '\r', '\t', ' ', ';', 'N', 'A', 'a', '0', '.', 'é', '\u{FEFF}'];
    let mut state = 1_u64;
    let mut next = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    // The first label is no number, so that the column is text whatever the others are.
    let mut labels = vec!["text".to_owned()];
    for _ in 0..5000 {
        labels.push((0..next(6)).map(|_| alphabet[next(alphabet.len())]).collect());
    }
    let cells: Vec<Option<&str>> = labels.iter().map(|l| Some(l.as_str())).collect();
    let (values, reversed) = (text(&cells), text(&cells.iter().rev().copied().collect::<Vec<_>>()));
    let both = Table { columns: vec![column("x", values.clone()), column("y", reversed)] };
    let one = Table { columns: vec![column("x", values)] };
    for extension in extensions() {
        let path = folder.file(&format!("t.{extension}"));
        for table in [&both, &one] {
            write(&path, table).expect("the table is sound");
            assert_same(table, &read(&path).expect("what was written can be read").0);
        }
    }
}
