//! Tests of the whole crate, on files.

mod binary_files;
mod round_trip;
mod text_files;
mod wrong_files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use trialrun_plan::{Table, TableColumn, Values};

use crate::{FrameError, read};

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trialrun-frame-{}-{test}", process::id()));
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Reads `bytes` as a file of that name.
    fn read(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Result<(Table, Vec<String>), FrameError> {
        fs::write(self.file(name), bytes).expect("the file can be written");
        read(&self.file(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file of the folder `data`; its `make.py` says how the file came about.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/data").join(name)
}

fn column(name: &str, values: Values) -> TableColumn {
    TableColumn { name: name.to_owned(), values }
}

fn text(cells: &[Option<&str>]) -> Values {
    let mut labels: Vec<String> = cells.iter().flatten().map(|&l| l.to_owned()).collect();
    labels.sort();
    labels.dedup();
    let code = |l: &str| labels.iter().position(|x| x == l).and_then(|i| u32::try_from(i).ok());
    let codes = cells.iter().map(|l| l.and_then(code)).collect();
    Values::Category { codes, labels }
}

/// Compares columns; numbers to the bit, except that all NaN are one missing value.
fn assert_same(a: &Table, b: &Table) {
    assert_eq!(a.columns.len(), b.columns.len());
    for (a, b) in a.columns.iter().zip(&b.columns) {
        assert_eq!(a.name, b.name);
        match (&a.values, &b.values) {
            (Values::Number(x), Values::Number(y)) => {
                let bits = |v: &[f64]| -> Vec<Option<u64>> {
                    v.iter().map(|x| (!x.is_nan()).then_some(x.to_bits())).collect()
                };
                assert_eq!(bits(x), bits(y), "column {}", a.name);
            }
            (x, y) => assert_eq!(x, y, "column {}", a.name),
        }
    }
}
