//! Numbers for the different values of keys, in ascending order.

use crate::linalg::room;

/// Values are counted, not sorted, where they are whole numbers below so many times the rows.
const COUNTED: usize = 4;

/// Work space.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Number of each value.
    pub table: Vec<u32>,
    order: Vec<u32>,
}

impl Numbering {
    /// Numbers the different values of a column, into `table`; returns how many there are. A NaN is
    /// a value of its own.
    pub fn values(&mut self, values: &[f64]) -> u64 {
        let m = values.len();
        room(&mut self.table, m);
        let (mut largest, mut all_whole) = (0, true);
        for v in values {
            let number = *v as u32;
            all_whole &= f64::from(number) == *v;
            largest = number.max(largest);
        }
        if all_whole && (largest as usize) < COUNTED * m {
            return u64::from(self.count(m, largest, |i| Some(values[i] as usize)));
        }
        let (order, table) = (room(&mut self.order, m), &mut self.table[..m]);
        order.iter_mut().zip(0..).for_each(|(o, i)| *o = i);
        if !values.windows(2).all(|v| v[0] <= v[1]) {
            // Adding zero makes one of the two zeros.
            let key = |i: u32| values[i as usize] + 0.0;
            order.sort_unstable_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
        }
        let mut n = 0;
        for k in 0..m {
            let i = order[k] as usize;
            if k > 0 && values[i] != values[order[k - 1] as usize] {
                n += 1;
            }
            table[i] = n;
        }
        u64::from(n) + 1
    }

    /// Numbers the different codes of the rows that are live, into `table`; returns how many there
    /// are. The other rows keep what stands in `table`.
    pub fn codes(&mut self, codes: &[u64], is_live: impl Fn(usize) -> bool) -> u32 {
        let m = codes.len();
        room(&mut self.table, m);
        let largest = codes.iter().fold(0, |largest, code| largest.max(*code));
        if largest < (COUNTED * m) as u64 {
            return self.count(m, largest as u32, |i| is_live(i).then_some(codes[i] as usize));
        }
        let (order, table) = (room(&mut self.order, m), &mut self.table[..m]);
        order.iter_mut().zip(0..).for_each(|(o, i)| *o = i);
        if !codes.is_sorted() {
            order.sort_unstable_by_key(|&i| (codes[i as usize], i));
        }
        let (mut n, mut last) = (0, None);
        for &i in order.iter().filter(|i| is_live(**i as usize)) {
            let code = codes[i as usize];
            n += u32::from(last != Some(code));
            last = Some(code);
            table[i as usize] = n - 1;
        }
        n
    }

    /// Numbers keys up to `largest` by marking those that there are.
    fn count(&mut self, m: usize, largest: u32, key: impl Fn(usize) -> Option<usize>) -> u32 {
        // Made for the largest that may come.
        room(&mut self.order, COUNTED * m);
        let (marks, table) = (&mut self.order[..=largest as usize], &mut self.table[..m]);
        marks.fill(0);
        for key in (0..m).filter_map(&key) {
            marks[key] = 1;
        }
        let mut n = 0;
        for mark in marks.iter_mut() {
            let is_there = *mark;
            *mark = n;
            n += is_there;
        }
        for (i, number) in table.iter_mut().enumerate() {
            if let Some(key) = key(i) {
                *number = marks[key];
            }
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counting and sorting number alike: adding a half keeps values from being counted.
    #[test]
    fn counted_and_sorted_values_have_the_same_numbers() {
        let mut numbering = Numbering::default();
        let values = [3.0, 0.0, 7.0, 3.0, -0.0, 12.0, 7.0];
        assert_eq!(numbering.values(&values), 4);
        assert_eq!(numbering.table, [1, 0, 2, 1, 0, 3, 2]);
        assert_eq!(numbering.values(&values.map(|v| v + 0.5)), 4);
        assert_eq!(numbering.table, [1, 0, 2, 1, 0, 3, 2]);
        let live = |i: usize| i != 1 && i != 4;
        for shift in [0, 1_u64 << 40] {
            assert_eq!(numbering.codes(&values.map(|v| v as u64 + shift), live), 3);
            assert_eq!([0, 2, 3, 5, 6].map(|i| numbering.table[i]), [0, 1, 0, 2, 1]);
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_their_own() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.values(&[1.0, f64::NAN, 1.0, f64::NAN, 1e300]), 4);
        assert_eq!(numbering.values(&[-1.0, 2.0, -1.0]), 2);
        assert_eq!(numbering.table[..3], [0, 1, 0]);
    }
}
