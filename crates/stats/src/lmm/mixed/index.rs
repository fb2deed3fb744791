//! Which groups there are, and which of them share rows.

use super::basis::Basis;
use super::numbering::Numbering;
use super::{Data, Failure, Structure};
use crate::linalg::{emptied, room};

/// Most numbers that the matrices of all components may have.
const NUMBERS_MAX: usize = 40_000_000;
/// No group or component yet.
const NONE: u32 = u32::MAX;

/// How components are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// As one dense matrix.
    #[default]
    Whole,
    /// The groups of one factor are eliminated first: they share no row, so that only what is left
    /// of the others is dense.
    Parts {
        /// That factor, the inner one.
        inner: usize,
    },
}

/// A group within its component.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Group {
    /// Its grouping factor.
    pub factor: usize,
    /// Its first column among those of the component; of the inner ones come first.
    pub column: usize,
}

/// A set of groups that are tied together by rows they share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Component {
    /// Its groups: from here in the list of all, up to where the next component begins.
    pub groups: usize,
    /// Number of columns of its part of `Z`.
    pub q: usize,
    /// How many of them belong to the inner factor: the first ones.
    pub inner: usize,
    /// Where its square matrices begin: of order `q`, or in parts of what is not inner, with
    /// predictors and outcome.
    pub square: usize,
    /// Where its matrices begin that have a row for each column of `Z`, and a column for each that
    /// is not inner, each predictor and the outcome; only in parts.
    pub tall: usize,
    /// Where its rows begin, in columns of `Z`.
    pub start: usize,
}

/// Groups and components of the rows.
#[derive(Debug, Default)]
pub(crate) struct Index {
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
    /// How components are treated.
    pub route: Route,
    parent: Vec<u32>,
    numbering: Numbering,
    next: Vec<u32>,
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

    /// The first of `m` rows in each group of a factor.
    pub fn examples(&self, factor: usize, m: usize) -> Vec<usize> {
        let mut first = vec![usize::MAX; self.n_groups[factor]];
        for (i, group) in self.group[factor * m..(factor + 1) * m].iter().enumerate() {
            // Rows that do not count have no group.
            if let Some(first) = first.get_mut(*group as usize) {
                *first = i.min(*first);
            }
        }
        first
    }

    /// Finds groups and components, and takes `route`, or else the one that suits the structure.
    ///
    /// # Errors
    /// `TooFewGroups`, `TooLarge`, `NotFinite` for a key that is not a number.
    pub fn read(
        &mut self,
        data: &Data,
        structure: &Structure,
        basis: &Basis,
        route: Option<Route>,
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
        self.route = route.unwrap_or_else(|| self.choose(structure));
        self.lay_out(structure, basis.x.columns.len() + 1)
    }

    /// The groups of one factor are components each; of several, the one with the most columns is
    /// eliminated first.
    fn choose(&self, structure: &Structure) -> Route {
        if structure.factors.len() < 2 {
            return Route::Whole;
        }
        let columns = |f: usize| self.n_groups[f] * structure.factors[f].effects.len();
        let most = (0..structure.factors.len()).rev().max_by_key(|f| columns(*f));
        most.map_or(Route::Whole, |inner| Route::Parts { inner })
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
        let live = |i: usize| basis.root[i] > 0.0;
        if let [key] = keys
            && (0..m).all(live)
            && !data.columns[*key].iter().any(|v| v.is_nan())
        {
            let n = self.numbering.values(data.columns[*key]);
            self.group[f * m..(f + 1) * m].copy_from_slice(&self.numbering.table[..m]);
            return Ok(n as usize);
        }
        room(&mut self.code, m).fill(0);
        for &key in keys {
            let values = data.columns[key];
            if (0..m).any(|i| live(i) && values[i].is_nan()) {
                return Err(Failure::NotFinite);
            }
            let n = self.numbering.values(values);
            for i in 0..m {
                self.code[i] = self.code[i] * n + u64::from(self.numbering.table[i]);
            }
        }
        let n = self.numbering.codes(&self.code[..m], live);
        let group = &mut self.group[f * m..(f + 1) * m];
        for (i, (group, number)) in group.iter_mut().zip(&self.numbering.table).enumerate() {
            *group = if live(i) { *number } else { NONE };
        }
        Ok(n as usize)
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

    /// Numbers components and their columns; `width` is the number of predictors and one.
    fn lay_out(&mut self, structure: &Structure, width: usize) -> Result<(), Failure> {
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
        let inner = match self.route {
            Route::Whole => None,
            Route::Parts { inner } => Some(inner),
        };
        // Inner groups first, so that their columns come first.
        for f in inner.into_iter().chain((0..n_factors).filter(|f| Some(*f) != inner)) {
            for node in self.first[f]..self.first[f + 1] {
                let c = &mut self.components[self.component[node] as usize];
                self.column[node] = c.q as u32;
                c.q += structure.factors[f].effects.len();
                c.groups += 1;
                c.inner = if Some(f) == inner { c.q } else { c.inner };
            }
        }
        let mut at = Component::default();
        self.components.push(at);
        for c in &mut self.components {
            let own = *c;
            *c = Component { q: own.q, inner: own.inner, ..at };
            (at.groups, at.start) = (at.groups + own.groups, at.start + own.q);
            let outer = own.q - own.inner + width;
            match inner {
                None => at.square += own.q * own.q,
                Some(_) => {
                    (at.square, at.tall) = (at.square + outer * outer, at.tall + own.q * outer)
                }
            }
            if at.square + at.tall > NUMBERS_MAX {
                return Err(Failure::TooLarge);
            }
        }
        emptied(&mut self.groups, total).resize(total, Group::default());
        let next = room(&mut self.next, self.components.len());
        next.iter_mut().zip(&self.components).for_each(|(n, c)| *n = c.groups as u32);
        for f in 0..n_factors {
            for node in self.first[f]..self.first[f + 1] {
                let place = &mut next[self.component[node] as usize];
                let column = self.column[node] as usize;
                self.groups[*place as usize] = Group { factor: f, column };
                *place += 1;
            }
        }
        Ok(())
    }
}
