//! Text in categories: distinct labels, sorted as bytes, and a code for each row.

use std::collections::HashMap;

use trialrun_plan::Values;

/// A column of text while it is read, with codes in the order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    codes: Vec<Option<u32>>,
    labels: Vec<String>,
    // Looked up only, never walked: its order must not reach the result.
    code_of: HashMap<String, u32>,
}

impl Labels {
    /// An empty column with room for `n_rows`.
    pub(crate) fn with_capacity(n_rows: usize) -> Self {
        Self { codes: Vec::with_capacity(n_rows), ..Self::default() }
    }

    /// Adds a row. Tables of 2^32 rows are refused, so the codes do not run out.
    pub(crate) fn push(&mut self, label: Option<&str>) {
        let code = label.map(|l| match self.code_of.get(l) {
            Some(&code) => code,
            None => {
                let code = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
                self.labels.push(l.to_owned());
                self.code_of.insert(l.to_owned(), code);
                code
            }
        });
        self.codes.push(code);
    }

    /// The finished column.
    pub(crate) fn into_values(self) -> Values {
        let Self { mut codes, labels, .. } = self;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_unstable_by(|&a, &b| labels[a].as_bytes().cmp(labels[b].as_bytes()));
        let mut rank = vec![0_u32; labels.len()];
        for (new, &old) in (0_u32..).zip(&order) {
            rank[old] = new;
        }
        for code in codes.iter_mut().flatten() {
            *code = rank[*code as usize];
        }
        let labels = order.into_iter().map(|old| labels[old].clone()).collect();
        Values::Category { codes, labels }
    }
}
