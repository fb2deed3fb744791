//! What `+`, `-`, `:`, `*`, `/` and `^` do to sets of terms, as R's `terms.formula` does it.

use std::collections::BTreeSet;

use super::{Factor, Term};
use crate::span::Span;

/// How many terms a formula may have once it is written out.
pub(super) const TERMS_MAX: usize = 1000;

/// How many factors a term may have.
pub(super) const FACTORS_MAX: usize = 50;

/// There would be more than [`TERMS_MAX`] terms or variables, or more than [`FACTORS_MAX`] factors
/// in a term.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// An interaction as the numbers of its variables, in ascending order without repeats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Product {
    pub variables: Vec<usize>,
    pub span: Span,
}

impl Product {
    fn times(&self, other: &Self, span: Span) -> Self {
        let union: BTreeSet<usize> =
            self.variables.iter().chain(&other.variables).copied().collect();
        Self { variables: union.into_iter().collect(), span }
    }
}

/// The terms of a part of a formula, each once, in the order in which R first meets them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms(Vec<Product>);

impl Terms {
    pub(super) fn one(variable: usize, span: Span) -> Self {
        Self(vec![Product { variables: vec![variable], span }])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn collect(products: impl IntoIterator<Item = Product>) -> Result<Self, TooMany> {
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        let mut kept = Vec::new();
        for product in products {
            if seen.insert(product.variables.clone()) {
                if kept.len() == TERMS_MAX || product.variables.len() > FACTORS_MAX {
                    return Err(TooMany);
                }
                kept.push(product);
            }
        }
        Ok(Self(kept))
    }

    /// `a + b`
    pub(super) fn plus(mut self, other: Self) -> Result<Self, TooMany> {
        for term in other.0 {
            if self.0.iter().all(|known| known.variables != term.variables) {
                self.0.push(term);
            }
        }
        if self.0.len() > TERMS_MAX { Err(TooMany) } else { Ok(self) }
    }

    /// `a - b`, and whether a term went.
    pub(super) fn minus(self, other: &Self) -> (Self, bool) {
        let gone: BTreeSet<&[usize]> = other.0.iter().map(|term| &term.variables[..]).collect();
        let before = self.0.len();
        let kept: Vec<Product> =
            self.0.into_iter().filter(|term| !gone.contains(&term.variables[..])).collect();
        let removed = kept.len() < before;
        (Self(kept), removed)
    }

    /// `a:b`
    pub(super) fn interact(&self, other: &Self, span: Span) -> Result<Self, TooMany> {
        let pairs = self.0.iter().flat_map(|left| other.0.iter().map(move |right| (left, right)));
        Self::collect(pairs.map(|(left, right)| left.times(right, span)))
    }

    /// `a*b`, which is `a + b + a:b`.
    pub(super) fn cross(self, other: Self, span: Span) -> Result<Self, TooMany> {
        let both = self.interact(&other, span)?;
        self.plus(other)?.plus(both)
    }

    /// `a/b`, which is `a + a:b`; for several terms before the bar, `b` is within all of them.
    pub(super) fn nest(self, other: &Self, span: Span) -> Result<Self, TooMany> {
        let all: BTreeSet<usize> =
            self.0.iter().flat_map(|term| &term.variables).copied().collect();
        let all = Product { variables: all.into_iter().collect(), span };
        let within = Self::collect(other.0.iter().map(|term| all.times(term, span)))?;
        self.plus(within)
    }

    /// `a^power`: all interactions of at most `power` of the terms.
    pub(super) fn power(self, power: u32, span: Span) -> Result<Self, TooMany> {
        let mut result = self.clone();
        for _ in 1..power {
            let pairs = self.0.iter().flat_map(|a| result.0.iter().map(move |b| (a, b)));
            let next = Self::collect(pairs.map(|(a, b)| match a.variables == b.variables {
                true => a.clone(),
                false => a.times(b, span),
            }))?;
            // Once every interaction is there, a higher power adds none.
            if next.len() == result.len() {
                return Ok(next);
            }
            result = next;
        }
        Ok(result)
    }
}

/// The variables and the intercept of one side of a formula.
#[derive(Debug)]
pub(super) struct Side {
    /// The variables in order of first appearance.
    variables: Vec<Factor>,
    /// Whether there is an intercept, as far as the side is read.
    pub intercept: bool,
    /// Whether what is read now is added to the model, or removed by a `-`.
    pub adding: bool,
}

impl Side {
    pub(super) fn new() -> Self {
        Self { variables: Vec::new(), intercept: true, adding: true }
    }

    /// The number of the variable, a new one if it was not seen before.
    pub(super) fn number(&mut self, factor: Factor) -> Result<usize, TooMany> {
        let known = self.variables.iter().position(|known| known.label == factor.label);
        if known.is_none() {
            if self.variables.len() == TERMS_MAX {
                return Err(TooMany);
            }
            self.variables.push(factor);
        }
        Ok(known.unwrap_or(self.variables.len() - 1))
    }

    /// The terms with their factors, main effects first.
    pub(super) fn finish(&self, terms: Terms) -> Vec<Term> {
        let mut products = terms.0;
        products.sort_by_key(|product| product.variables.len());
        let factor = |&number: &usize| self.variables[number].clone();
        products
            .into_iter()
            .map(|product| Term {
                factors: product.variables.iter().map(factor).collect(),
                span: product.span,
            })
            .collect()
    }
}
