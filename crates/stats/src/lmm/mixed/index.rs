//! Which groups there are, and which of them share rows.

use super::basis::Basis;
use super::{Data, Failure, Structure};
use crate::linalg::{emptied, room};

/// Most numbers that the matrices of all components may have.
const NUMBERS_MAX: usize = 40_000_000;
/// No group or component yet.
const NONE: u32 = u32::MAX;

/// A group within its component.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Its grouping factor.
    pub factor: usize,
    /// Its first column among those of the component.
    pub column: usize,
}

/// A set of groups that are tied together by rows they share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    /// Its groups: from here in the list of all, up to where the next component begins.
    pub groups: usize,
    /// Number of columns of its part of `Z`.
    pub q: usize,
    /// Where its square matrices begin.
    pub square: usize,
    /// Where its rows begin, in columns of `Z`.
    pub start: usize,
}

/// Groups and components of the rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Group of each row, factor after factor, numbered from 0 within the factor.
    pub group: Vec<u32>,
    /// Number of groups of each factor that have a row.
    pub n_groups: Vec<usize>,
    /// First group of each factor among all.
    pub first: Vec<usize>,
    /// Component of each group.
    pub component: Vec<u32>,
    /// First column of each group among those of its component.
    pub column: Vec<u32>,
    /// Components; one more than there are, for the ends.
    pub components: Vec<Component>,
    /// The groups of all components.
    pub groups: Vec<Group>,
    parent: Vec<u32>,
    table: Vec<u32>,
    order: Vec<u32>,
    code: Vec<u64>,
}

impl Index {
    /// Number of components.
    pub fn len(&self) -> usize {
        self.components.len() - 1
    }

    /// The groups of component `c`.
    pub fn groups_of(&self, c: usize) -> &[Group] {
        &self.groups[self.components[c].groups..self.components[c + 1].groups]
    }

    /// Finds groups and components.
    ///
    /// # Errors
    /// `TooFewGroups`, `TooLarge`, `NotFinite` for a key that is not a number.
    pub fn read(
        &mut self,
        data: &Data,
        structure: &Structure,
        basis: &Basis,
    ) -> Result<(), Failure> {
        let m = data.y.len();
        room(&mut self.group, m * structure.factors.len());
        self.n_groups.clear();
        self.first.clear();
        self.first.push(0);
        for (f, factor) in structure.factors.iter().enumerate() {
            let n = self.number(data, &factor.keys, basis, f)?;
            let effects = factor.effects.len() as f64 * n as f64;
            if n < 2 || effects >= basis.n_obs {
                return Err(Failure::TooFewGroups);
            }
            self.n_groups.push(n);
            self.first.push(self.first[f] + n);
        }
        self.join(m, structure, basis);
        self.lay_out(structure)
    }

    /// Numbers the groups of a factor.
    fn number(
        &mut self,
        data: &Data,
        keys: &[usize],
        basis: &Basis,
        f: usize,
    ) -> Result<usize, Failure> {
        let m = data.y.len();
        room(&mut self.code, m).fill(0);
        for &key in keys {
            let values = data.columns[key];
            let live = |i: usize| basis.root[i] > 0.0;
            if (0..m).any(|i| live(i) && values[i].is_nan()) {
                return Err(Failure::NotFinite);
            }
            let n = self.number_values(values);
            for i in 0..m {
                self.code[i] = self.code[i] * n + u64::from(self.table[i]);
            }
        }
        Ok(self.number_codes(m, basis, f))
    }

    /// Numbers the different values of a column in ascending order, into `table`; returns how many.
    fn number_values(&mut self, values: &[f64]) -> u64 {
        let m = values.len();
        let order = room(&mut self.order, m);
        let table = room(&mut self.table, m);
        let is_sorted = values.windows(2).all(|v| v[0] <= v[1]);
        order.iter_mut().zip(0..).for_each(|(o, i)| *o = i);
        if !is_sorted {
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

    /// Numbers the codes of the rows that count; returns how many there are.
    fn number_codes(&mut self, m: usize, basis: &Basis, f: usize) -> usize {
        let group = &mut self.group[f * m..(f + 1) * m];
        let (order, code) = (room(&mut self.order, m), &self.code[..m]);
        order.iter_mut().zip(0..).for_each(|(o, i)| *o = i);
        if !code.is_sorted() {
            order.sort_unstable_by_key(|&i| (code[i as usize], i));
        }
        let (mut n, mut last) = (0, None);
        for &i in order.iter() {
            let i = i as usize;
            if basis.root[i] == 0.0 {
                group[i] = NONE;
                continue;
            }
            if last.is_some_and(|last| last != code[i]) {
                n += 1;
            }
            last = Some(code[i]);
            group[i] = n;
        }
        n as usize + 1
    }

    /// The root of a group's tree.
    fn find(parent: &mut [u32], mut at: u32) -> u32 {
        while parent[at as usize] != at {
            parent[at as usize] = parent[parent[at as usize] as usize];
            at = parent[at as usize];
        }
        at
    }

    /// Joins groups that share a row.
    fn join(&mut self, m: usize, structure: &Structure, basis: &Basis) {
        let total = self.first[structure.factors.len()];
        let parent = room(&mut self.parent, total);
        parent.iter_mut().zip(0..).for_each(|(p, i)| *p = i);
        for f in 1..structure.factors.len() {
            for i in (0..m).filter(|i| basis.root[*i] > 0.0) {
                let a = Self::find(parent, self.group[i]);
                let other = self.first[f] as u32 + self.group[f * m + i];
                let b = Self::find(parent, other);
                // The lower number becomes the root, so that the result has one order.
                parent[a.max(b) as usize] = a.min(b);
            }
        }
    }

    /// Numbers components and their columns.
    fn lay_out(&mut self, structure: &Structure) -> Result<(), Failure> {
        let n_factors = structure.factors.len();
        let total = self.first[n_factors];
        room(&mut self.component, total).fill(NONE);
        room(&mut self.column, total);
        emptied(&mut self.components, total + 1);
        let mut counts = 0;
        for node in 0..total {
            let root = Self::find(&mut self.parent, node as u32) as usize;
            if self.component[root] == NONE {
                self.component[root] = counts;
                counts += 1;
                self.components.push(Component::default());
            }
            self.component[node] = self.component[root];
        }
        let factor_of = |node: usize, first: &[usize]| first.partition_point(|s| *s <= node) - 1;
        for node in 0..total {
            let c = &mut self.components[self.component[node] as usize];
            self.column[node] = c.q as u32;
            c.q += structure.factors[factor_of(node, &self.first)].effects.len();
            c.groups += 1;
        }
        let (mut groups, mut square, mut start) = (0, 0, 0);
        self.components.push(Component::default());
        for c in &mut self.components {
            let own = *c;
            *c = Component { groups, q: own.q, square, start };
            (groups, start) = (groups + own.groups, start + own.q);
            square += own.q * own.q;
            if square > NUMBERS_MAX {
                return Err(Failure::TooLarge);
            }
        }
        emptied(&mut self.groups, total).resize(total, Group::default());
        let next = room(&mut self.table, self.components.len());
        next.iter_mut().zip(&self.components).for_each(|(n, c)| *n = c.groups as u32);
        for node in 0..total {
            let place = &mut next[self.component[node] as usize];
            let (factor, column) = (factor_of(node, &self.first), self.column[node] as usize);
            self.groups[*place as usize] = Group { factor, column };
            *place += 1;
        }
        Ok(())
    }
}
