//! The fingerprint of a design: a hash of what determines its numbers.

use super::Design;
use crate::table::{Table, Values};

impl Design {
    /// A hash of what determines the numbers of a simulation, beside the seed and the program: the
    /// steps, the design's own diagnosands, the values of the parameters, the level of tests and
    /// the data files. Comments, the layout of the file, descriptions and expectations are not part
    /// of it.
    ///
    /// # References
    /// FNV-1a of 128 bits: Fowler, Noll and Vo, RFC 9923.
    pub(crate) fn fingerprint(
        &self,
        parameters: &[(String, f64)],
        alpha: f64,
        files: &[(String, Table)],
    ) -> u128 {
        let mut hash = Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        hash.text(&self.canonical);
        if !self.canonical_diagnosands.is_empty() {
            hash.text(&self.canonical_diagnosands);
        }
        for (name, value) in parameters {
            hash.text(name);
            hash.word(value.to_bits());
        }
        hash.word(alpha.to_bits());
        for (name, table) in files {
            hash.text(name);
            hash.table(table);
        }
        hash.0
    }
}

/// The hash so far.
struct Hash(u128);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul((1 << 88) + 0x13b);
        }
    }

    fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }

    /// Text after its length, which keeps neighbours apart.
    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn table(&mut self, table: &Table) {
        for column in &table.columns {
            self.text(&column.name);
            self.word(column.values.len() as u64);
            match &column.values {
                Values::Number(values) => values.iter().for_each(|v| self.word(v.to_bits())),
                Values::Integer(values) => {
                    for value in values {
                        self.word(u64::from(value.is_some()));
                        self.bytes(&value.unwrap_or(0).to_le_bytes());
                    }
                }
                Values::Category { codes, labels } => {
                    labels.iter().for_each(|label| self.text(label));
                    codes.iter().for_each(|code| self.word(code.map_or(u64::MAX, u64::from)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::read;
    use crate::table::TableColumn;

    fn of(text: &str, parameters: &[(String, f64)], alpha: f64, files: &[(String, Table)]) -> u128 {
        read(text).0.unwrap().fingerprint(parameters, alpha, files)
    }

    #[test]
    fn what_determines_the_numbers_is_in_the_fingerprint() {
        let text = "Design(name: \"a\", steps: [Level(name: unit, n: 3)])";
        let base = of(text, &[], 0.05, &[]);
        let same =
            "Design(description: \"b\", expect: [], // c\nsteps: [ Level(name: unit, n: 3,), ])";
        assert_eq!(of(same, &[], 0.05, &[]), base);
        assert_ne!(of(&text.replace('3', "4"), &[], 0.05, &[]), base);
        assert_ne!(of(text, &[], 0.1, &[]), base);
        let own = |value: &str| {
            let list = format!("diagnosands: [Diagnosand(label: d, value: \"{value}\")]");
            of(&text.replace("steps:", &format!("{list}, steps:")), &[], 0.05, &[])
        };
        assert_ne!(own("mean(estimate)"), base);
        assert_ne!(own("mean(estimate)"), own("sd(estimate)"));
        let one = |name: &str, value| [(name.to_string(), value)];
        assert_ne!(of(text, &one("x", 1.0), 0.05, &[]), base);
        assert_ne!(of(text, &one("x", 1.0), 0.05, &[]), of(text, &one("x", 2.0), 0.05, &[]));
        let file = |values| {
            let columns = vec![TableColumn { name: "c".into(), values }];
            [("f.csv".to_string(), Table { columns })]
        };
        let files = [
            file(Values::Number(vec![1.0, f64::NAN])),
            file(Values::Number(vec![f64::NAN, 1.0])),
            file(Values::Integer(vec![Some(0), None])),
            file(Values::Integer(vec![None, Some(0)])),
            file(Values::Category { codes: vec![Some(0), None], labels: vec!["a".into()] }),
            file(Values::Category { codes: vec![Some(0), None], labels: vec!["b".into()] }),
        ];
        let mut all: Vec<u128> = files.iter().map(|files| of(text, &[], 0.05, files)).collect();
        all.push(base);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7);
    }
}
