//! Wrong files and tables, each with its message.

use std::fs;

use trialrun_plan::{Table, Values};

use super::{Folder, column, data, text};
use crate::{csv_string, read, write};

const NAMES_HINT: &str =
    "the first line must name the columns; a name that is a number needs quotes";
const QUOTES_HINT: &str = "write a cell with quotes as \"a \"\"quoted\"\" word\"";
const UTF8_HINT: &str =
    "save it as UTF-8 text: `CSV UTF-8` in a spreadsheet, `fileEncoding = \"UTF-8\"` in R";
const EMPTY_HINT: &str = "a file needs columns with names, and rows";
const EXTENSIONS: &str =
    "the extensions are `.csv`, `.tsv`, `.parquet`, `.arrow`, `.ipc`, `.feather`";

#[test]
fn wrong_text_files() {
    let folder = Folder::new("wrong-text");
    let path = folder.file("t.csv");
    let cases: &[(&[u8], &str, &str)] = &[
        (b"", "the file is empty", EMPTY_HINT),
        (b" \n\n", "the file is empty", EMPTY_HINT),
        (b"a,b\n", "the file has columns, but no rows", EMPTY_HINT),
        (
            b"1,2.5\n3,4\n",
            "there is no header: the first line has only numbers, such as `1`",
            NAMES_HINT,
        ),
        (b",\n1,2\n", "no column has a name", "name the columns in the first line"),
        (
            b"a,b,a\n1,2,3\n",
            "columns 1 and 3 have the same name `a`",
            "give each column a name of its own",
        ),
        (
            b"a,b\n1,2\n3\n",
            "row 2 (line 3) has 1 cell, the header has 2",
            "leave a missing value's cell empty, but keep its separators",
        ),
        (
            b"a,b\n\"x\n\",2\n\n3,4,5\n",
            "row 2 (line 5) has 3 cells, the header has 2",
            "put a cell that holds a separator in quotes",
        ),
        (b"a,b\n1,\"x\n3,4\n", "row 1 (line 2), cell 2: the quote is never closed", QUOTES_HINT),
        (b"a,\"b\n1,2\n", "the header (line 1), cell 2: the quote is never closed", QUOTES_HINT),
        (
            b"a,b\n1,5\" pipe\n",
            "row 1 (line 2), cell 2: a quote in a cell that does not begin with one",
            QUOTES_HINT,
        ),
        (
            b"a,b\n\"x\" y,2\n",
            "row 1 (line 2), cell 1: text follows the closing quote",
            QUOTES_HINT,
        ),
        (b"a,b\n1,2\n3,Zo\xEB\n", "line 3 is not UTF-8 text: it has the byte 0xEB", UTF8_HINT),
        (b"\xFF\xFEa\0,\0b\0\n\0", "the file is not UTF-8 text: it has zero bytes", UTF8_HINT),
        (
            b"a;b\n1;2\n",
            "the header has no comma, but it has a semicolon",
            "separate by commas with decimal points, or name a file separated by tabs `.tsv`",
        ),
        (
            b"a\tb\n1\t2\n",
            "the header has no comma, but it has a tab",
            "separate by commas with decimal points, or name a file separated by tabs `.tsv`",
        ),
        (
            b"PK\x03\x04zip",
            "the content is not text, but a spreadsheet or a zip archive",
            "rename it, or write it anew",
        ),
    ];
    for (bytes, message, hint) in cases {
        let error = folder.read("t.csv", bytes).expect_err(message);
        let expected = format!("{}: {message}\nhint: {hint}", path.display());
        assert_eq!(error.to_string(), expected);
    }
    let error = folder.read("t.tsv", "a,b\n1,2\n").expect_err("commas in a .tsv file");
    assert!(error.to_string().ends_with(
        "t.tsv: the header has no tab, but it has a comma\n\
         hint: separate by tabs, or name a file with commas `.csv`"
    ));
}

#[test]
fn wrong_binary_files() {
    let folder = Folder::new("wrong-binary");
    let whole = fs::read(data("snappy.parquet")).expect("the file is there");
    let mut damaged = whole.clone();
    damaged[whole.len() - 40..whole.len() - 8].fill(0xFF);
    let cut = whole[..whole.len() - 1].to_vec();
    let again = "copy it again, or write it anew";
    for (name, bytes, message, hint) in [
        ("t.parquet", Vec::new(), "the file is empty", EMPTY_HINT),
        ("t.parquet", cut, "this is a Parquet file without its end", again),
        ("t.parquet", b"\xFFx".to_vec(), "the content is not a Parquet file", again),
        (
            "t.parquet",
            b"a,b\n1,2\n".to_vec(),
            "the content is not a Parquet file, but text",
            "rename it, or write it anew",
        ),
        (
            "t.arrow",
            whole,
            "the content is not an Arrow file, but a Parquet file",
            "rename it, or write it anew",
        ),
    ] {
        let error = folder.read(name, bytes).expect_err(message);
        let expected = format!("{}: {message}\nhint: {hint}", folder.file(name).display());
        assert_eq!(error.to_string(), expected);
    }
    let error = folder.read("t.parquet", damaged).expect_err("damaged").to_string();
    assert!(error.contains("t.parquet: polars cannot read the Parquet file: "), "{error}");
}

#[test]
fn binary_files_without_what_a_table_needs() {
    let columns = "a column must hold numbers, text, or true and false";
    let damaged = "it may be damaged, or have two columns of one name: write it anew";
    let version1 = "the content is not an Arrow file, but a Feather file of version 1";
    for (name, message, hint) in [
        ("dates.parquet", "there are no columns that can be used", columns),
        ("no_columns.parquet", "there are no columns that can be used", columns),
        ("no_rows.parquet", "the file has columns, but no rows", EMPTY_HINT),
        (
            "twice.parquet",
            "polars cannot read the Parquet file: duplicate: column with name 'x' has more than \
             one occurrence",
            damaged,
        ),
        (
            "twice.arrow",
            "polars cannot read the Arrow file: it stopped at something that it did not expect",
            damaged,
        ),
        ("version1.feather", version1, "rename it, or write it anew"),
        (
            "stream.arrow",
            "the content is not an Arrow file, but an Arrow stream",
            "rename it, or write it anew",
        ),
    ] {
        let error = read(&data(name)).expect_err(message);
        let expected = format!("{}: {message}\nhint: {hint}", data(name).display());
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn wrong_paths() {
    let folder = Folder::new("wrong-paths");
    let inside = |name: &str| folder.file(name).display().to_string();
    let message = |name: &str| read(&folder.file(name)).expect_err(name).to_string();
    let looked = "is the name right, and the folder from which the program runs?";
    let missing = format!("{}: there is no such file\nhint: {looked}", inside("no.csv"));
    assert_eq!(message("no.csv"), missing);
    let json =
        format!("{}: no format has the extension `.json`\nhint: {EXTENSIONS}", inside("t.json"));
    assert_eq!(message("t.json"), json);
    let bare = format!("{}: the name has no extension\nhint: {EXTENSIONS}", inside("t"));
    assert_eq!(message("t"), bare);

    fs::create_dir(folder.file("folder.csv")).expect("the folder is new");
    let is_folder =
        format!("{}: this is a folder, not a file\nhint: name a file in it", inside("folder.csv"));
    assert_eq!(message("folder.csv"), is_folder);
    let table = Table { columns: vec![column("x", Values::Number(vec![1.0]))] };
    let wrong = |name: &str| write(&folder.file(name), &table).expect_err(name).to_string();
    assert_eq!(wrong("folder.csv"), is_folder);
    assert_eq!(wrong("t.json"), json);
    let parent = inside("no");
    assert_eq!(
        wrong("no/t.csv"),
        format!(
            "{}: the folder `{parent}` does not exist\n\
             hint: make the folder first: mkdir -p '{parent}'",
            inside("no/t.csv")
        )
    );
}

#[test]
fn wrong_tables_are_not_written_and_leave_the_old_file() {
    let folder = Folder::new("wrong-tables");
    let path = folder.file("t.csv");
    fs::write(&path, "old").expect("the file can be written");
    let x = || column("x", Values::Number(vec![1.0, 2.0]));
    let no_label = Values::Category { codes: vec![Some(0), Some(1)], labels: vec!["a".to_owned()] };
    for (columns, message) in [
        (
            vec![],
            "there are no columns that can be used\n\
             hint: a column must hold numbers, text, or true and false",
        ),
        (vec![x(), column("", text(&[None, None]))], "column 2 has no name"),
        (
            vec![x(), x()],
            "columns 1 and 2 have the same name `x`\nhint: give each column a name of its own",
        ),
        (vec![x(), column("y", Values::Integer(vec![Some(1)]))], "column `y` has 1 row, not 2"),
        (vec![x(), column("y", no_label)], "column `y`, row 2: the code has no label"),
    ] {
        let table = Table { columns };
        assert_eq!(csv_string(&table).expect_err(message).to_string(), message);
        let error = write(&path, &table).expect_err(message).to_string();
        assert_eq!(error, format!("{}: {message}", path.display()));
    }
    assert_eq!(fs::read_to_string(&path).expect("the old file is there"), "old");
    assert_eq!(fs::read_dir(&folder.0).expect("the folder is there").count(), 1);
}

#[cfg(unix)]
#[test]
fn writing_goes_through_links_and_keeps_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("links");
    let (file, link) = (folder.file("t.csv"), folder.file("link.csv"));
    fs::write(&file, "old").expect("the file can be written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("the file is ours");
    symlink(&file, &link).expect("links can be made");
    let table = Table { columns: vec![column("x", Values::Number(vec![1.0]))] };
    write(&link, &table).expect("the table is sound");
    assert_eq!(fs::read_to_string(&file).expect("the file is there"), "x\n1\n");
    assert!(fs::symlink_metadata(&link).expect("the link is there").is_symlink());
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
}
