//! What the cells of text files are read as, and the notes about it.

use trialrun_plan::{Table, Values};

use super::{Folder, assert_same, column, text};

/// Reads one column `x` with these cells.
fn cells(folder: &Folder, cells: &[&str]) -> (Values, Vec<String>) {
    let lines: Vec<String> = cells.iter().map(|c| format!("{c},.\n")).collect();
    let file = format!("x,y\n{}", lines.concat());
    let (table, notes) = folder.read("cells.csv", file).expect("the file is sound");
    (table.columns[0].values.clone(), notes)
}

fn numbers(v: &[f64]) -> Table {
    Table { columns: vec![column("x", Values::Number(v.to_vec()))] }
}

#[test]
fn numbers_are_read_with_every_digit() {
    let folder = Folder::new("digits");
    let written = [
        "0.1",
        "3.141592653589793",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "9007199254740993.0",
        "0.30000000000000004",
        "8.5e-1",
        "123456789.12345679",
        "-.5",
        "+7.",
        "6.02214076e23",
        "0.000030517578125",
        "1.00000000000000011102230246251565404",
    ];
    let expected: Vec<f64> = written.iter().map(|t| t.parse().expect("a number")).collect();
    let (values, notes) = cells(&folder, &written);
    assert_same(&numbers(&expected), &Table { columns: vec![column("x", values)] });
    assert!(notes.is_empty());
}

#[test]
fn missing_values_blanks_and_quotes_in_a_column_of_numbers() {
    let folder = Folder::new("missing");
    let written = ["1", "", "NA", "NaN", "nan", "\"\"", "\"NA\"", " 2 ", "\" 3 \"", "  ", "\"4\""];
    let nan = f64::NAN;
    let expected = [1.0, nan, nan, nan, nan, nan, nan, 2.0, 3.0, nan, 4.0];
    let (values, notes) = cells(&folder, &written);
    assert_same(&numbers(&expected), &Table { columns: vec![column("x", values)] });
    assert!(notes.is_empty());
}

#[test]
fn text_is_sorted_as_bytes_and_keeps_quoted_blanks() {
    let folder = Folder::new("text");
    let (values, notes) = cells(&folder, &["b", "É", "B", " a ", "\" a \"", "a", "NA", ""]);
    let expected = [Some("b"), Some("É"), Some("B"), Some("a"), Some(" a "), Some("a"), None, None];
    assert_eq!(values, text(&expected));
    let Values::Category { labels, .. } = values else { panic!("text was read") };
    assert_eq!(labels, [" a ", "B", "a", "b", "É"]);
    assert!(notes.is_empty());
}

#[test]
fn true_and_false_are_numbers() {
    let folder = Folder::new("true");
    let (values, notes) =
        cells(&folder, &["TRUE", "FALSE", "true", "false", "True", "False", "NA"]);
    let expected = numbers(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, f64::NAN]);
    assert_same(&expected, &Table { columns: vec![column("x", values)] });
    assert!(notes.is_empty());
}

#[test]
fn a_column_of_numbers_but_for_a_few_cells_earns_a_note() {
    let folder = Folder::new("notes");
    // The odd cell stands last: all rows are looked at.
    let mut written = vec!["41"; 2000];
    written.push("12o");
    let (values, notes) = cells(&folder, &written);
    assert!(matches!(values, Values::Category { .. }));
    assert_eq!(
        notes,
        ["column `x` is read as text, though 2000 of 2001 cells are numbers: \
             row 2001 (line 2002) \
          has `12o` (a missing value is an empty cell or NA)"]
    );

    let (values, notes) = cells(&folder, &["TRUE", "FALSE", "1"]);
    assert_eq!(values, text(&[Some("TRUE"), Some("FALSE"), Some("1")]));
    assert_eq!(
        notes,
        ["column `x` is read as text, though 2 of 3 cells are true or false: \
             row 3 (line 4) has `1` \
          (a missing value is an empty cell or NA)"]
    );

    let (values, notes) = cells(&folder, &["007", "12"]);
    assert_eq!(values, text(&[Some("007"), Some("12")]));
    assert_eq!(
        notes,
        ["column `x` is read as text, though 1 of 2 cells are numbers: row 1 (line 2) has `007` \
          (a missing value is an empty cell or NA)"]
    );

    // Mostly labels: a number among them is a label too.
    assert!(cells(&folder, &["a", "b", "3"]).1.is_empty());
}

#[test]
fn quoted_missing_values_among_text_earn_a_note() {
    let folder = Folder::new("quoted-missing");
    let (values, notes) = cells(&folder, &["DE", "\"NA\"", "NA", "\"NA\""]);
    assert_eq!(values, text(&[Some("DE"), Some("NA"), None, Some("NA")]));
    assert_eq!(
        notes,
        ["column `x` has 2 cells such as row 2 (line 3) has `NA` in quotes, read as text \
          (a missing value has no quotes)"]
    );
}

#[test]
fn identifiers_keep_their_digits_or_earn_a_note() {
    let folder = Folder::new("identifiers");
    let (values, notes) = cells(&folder, &["9007199254740993", "", "-1"]);
    assert_eq!(values, Values::Integer(vec![Some(9_007_199_254_740_993), None, Some(-1)]));
    assert!(notes.is_empty());

    let (values, notes) = cells(&folder, &["9007199254740993", "0.5"]);
    assert_eq!(values, Values::Number(vec![9_007_199_254_740_992.0, 0.5]));
    assert_eq!(
        notes,
        ["column `x` loses digits: row 1 (line 2) has `9007199254740993`, \
             more than a number holds"]
    );
}

#[test]
fn columns_without_name_or_values() {
    let folder = Folder::new("unnamed");
    let (table, notes) = folder.read("t.csv", "\"\",a,b\n1,2,\n2,3,NA\n").expect("sound");
    let a = column("a", Values::Number(vec![2.0, 3.0]));
    let b = column("b", Values::Number(vec![f64::NAN; 2]));
    assert_same(&table, &Table { columns: vec![a, b] });
    assert_eq!(notes, ["column 1 has no name and is left out", "column `b` has no values"]);
}

#[test]
fn line_ends_marks_blank_lines_and_quotes() {
    let folder = Folder::new("lines");
    let expected = Table {
        columns: vec![
            column("a", Values::Number(vec![1.0, 2.0])),
            column("b", text(&[Some("x\ny"), Some("say \"hi\", you")])),
        ],
    };
    for file in [
        "a,b\n1,\"x\ny\"\n2,\"say \"\"hi\"\", you\"\n",
        "a,b\r\n1,\"x\ny\"\r\n2,\"say \"\"hi\"\", you\"",
        "a,b\r1,\"x\ny\"\r2,\"say \"\"hi\"\", you\"\r\r",
        "\u{FEFF}\"a\", b\n\n1, \"x\ny\" \n  \n2,\t\"say \"\"hi\"\", you\"\n\n\n",
    ] {
        let (table, notes) = folder.read("t.csv", file).expect("the file is sound");
        assert_same(&expected, &table);
        assert!(notes.is_empty());
        let tabs = file.replace(",\t", "\t").replace("a,b", "a\tb").replace("a\",", "a\"\t");
        let tabs = tabs.replace("1,", "1\t").replace("2,", "2\t");
        assert_same(&expected, &folder.read("t.tsv", tabs).expect("the file is sound").0);
    }
}

#[test]
fn a_blank_line_in_a_single_column_is_a_missing_value() {
    let folder = Folder::new("blank");
    let (table, _) = folder.read("t.csv", "x\n1\n\n3\n\n").expect("sound");
    assert_same(&table, &numbers(&[1.0, f64::NAN, 3.0]));
}
