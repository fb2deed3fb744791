//! A flat table: named columns of numbers, whole numbers or text.
//!
//! It is what data files are read into, and what data sets and simulations are written from.

/// Columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns, in file order. Names are distinct.
    pub columns: Vec<TableColumn>,
}

/// One named column.
#[derive(Clone, Debug, PartialEq)]
pub struct TableColumn {
    /// The column's name, as in the file's header.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// The values of a column; a missing value is NaN among numbers and `None` elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; NaN is a missing value.
    Number(Vec<f64>),
    /// Whole numbers, such as identifiers.
    Integer(Vec<Option<i64>>),
    /// Text in categories: `labels` are distinct and sorted, `codes` index them.
    Category {
        /// One code a row.
        codes: Vec<Option<u32>>,
        /// The labels, in sorted order.
        labels: Vec<String>,
    },
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(v) => v.len(),
            Self::Integer(v) => v.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    /// Number of rows, zero where there are no columns.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|c| c.name == name)
    }
}
