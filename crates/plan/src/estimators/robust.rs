//! The fields that estimators with robust standard errors share: `se`, `clusters`, `weights` and
//! `fixed_effects`.

use trialrun_lang::Diagnostic;
use trialrun_stats::ols::Variance;

use super::build::Wanted;
use crate::declared::{Fields, Name, Node, Reader, joined, listed};

/// Most ways of clustering: the number of combinations doubles with each.
const WAYS_MAX: usize = 4;

/// The standard errors that an estimator has.
pub struct Choices<V: 'static> {
    /// By name.
    pub names: &'static [(&'static str, V)],
    /// The one that is used without clusters, and with them.
    pub by_default: [V; 2],
    /// Those with clusters of several ways, the one that is used by default first; empty where the
    /// method has one way.
    pub of_ways: &'static [V],
    /// Whether one goes with clusters.
    pub is_clustered: fn(V) -> bool,
    /// What to use with clusters.
    pub hint: &'static str,
}

impl<V: Copy + PartialEq> Choices<V> {
    /// Reads `se` and `clusters`, which have to go together.
    pub fn read(&self, r: &mut Reader, f: &mut Fields<'_>) -> Option<(V, Vec<Name>)> {
        let (se_node, clusters_node) = (f.take(r, "se"), f.take(r, "clusters"));
        let clusters = clusters_node.map_or(Some(Vec::new()), |node| self.read_ways(r, node));
        let n_ways = clusters.as_ref().map_or(1, Vec::len);
        let se = match (se_node, self.of_ways) {
            (None, [first, ..]) if n_ways > 1 => Some(*first),
            (None, _) => Some(self.by_default[usize::from(clusters_node.is_some())]),
            (Some(node), _) => r.choice(node, self.names),
        };
        let mismatch = se.and_then(|se| self.mismatch(se, clusters_node.is_some(), n_ways));
        if let (Some(node), Some((what, label, hint))) = (se_node, mismatch) {
            let message = format!("`se: {}` {what}", node.text);
            r.error(Diagnostic::error(node.span, message).label(label).hint(hint));
            return None;
        }
        se.zip(clusters)
    }

    /// Why a standard error does not go with what is said of clusters, and a way out.
    fn mismatch(
        &self,
        se: V,
        has_clusters: bool,
        n_ways: usize,
    ) -> Option<(&'static str, &'static str, String)> {
        match ((self.is_clustered)(se), has_clusters) {
            (true, false) => {
                let hint = "add `clusters: ...`, or use `HC2`";
                Some(("needs `clusters`", "for clustered data", hint.into()))
            }
            (false, true) => {
                Some(("does not go with `clusters`", "ignores the clusters", self.hint.into()))
            }
            _ if n_ways > 1 && !self.of_ways.contains(&se) => {
                let known: Vec<&str> = self.of_ways.iter().map(|v| self.name(*v)).collect();
                let hint = format!("use {}, or name one way in `clusters`", listed(&known));
                Some(("has one way of clustering", "not of several", hint))
            }
            _ => None,
        }
    }

    /// One way of clustering, or a list of several that differ.
    fn read_ways(&self, r: &mut Reader, node: Node<'_>) -> Option<Vec<Name>> {
        let names = r.list(node, Reader::identifier)?;
        let most = if self.of_ways.is_empty() { 1 } else { WAYS_MAX };
        if names.is_empty() {
            return r.expected(node, "a level or a variable", "leave `clusters` out for none");
        }
        if let Some(name) = names.get(most) {
            let (message, hint) = match most {
                1 => ("this method has one way of clustering".to_string(), "name one of them"),
                _ => (format!("more than {most} ways of clustering"), "name fewer"),
            };
            r.error(Diagnostic::error(name.span, message).label("too many").hint(hint));
            return None;
        }
        for (at, name) in names.iter().enumerate() {
            if let Some(first) = names[..at].iter().find(|first| first.text == name.text) {
                let message = format!("`{}` is named twice", name.text);
                let error = Diagnostic::error(name.span, message).label("named again here");
                r.error(error.related(first.span, "first named here"));
                return None;
            }
        }
        Some(names)
    }

    /// The name of a standard error.
    fn name(&self, se: V) -> &'static str {
        self.names.iter().find(|(_, v)| *v == se).map_or("", |(name, _)| name)
    }

    /// A standard error and its clusters in words.
    pub fn describe(&self, se: V, clusters: &[Name]) -> String {
        let names: Vec<&str> = clusters.iter().map(|c| c.text.as_str()).collect();
        let clusters = match names.as_slice() {
            [] => String::new(),
            names => format!(" clustered by {}", joined(names, "and by")),
        };
        format!("{} standard errors{clusters}", self.name(se))
    }
}

/// The standard errors of least squares.
const LEAST_SQUARES: Choices<Variance> = Choices {
    names: &[
        ("classical", Variance::Classical),
        ("HC0", Variance::Hc0),
        ("HC1", Variance::Hc1),
        ("HC2", Variance::Hc2),
        ("HC3", Variance::Hc3),
        ("CR0", Variance::Cr0),
        ("Stata", Variance::Stata),
        ("CR2", Variance::Cr2),
    ],
    by_default: [Variance::Hc2, Variance::Cr2],
    of_ways: &[Variance::Stata, Variance::Cr0],
    is_clustered: Variance::is_clustered,
    hint: "use `CR2`, `CR0` or `Stata`, or leave `clusters` out",
};

/// What least squares has beside its formula.
#[derive(Clone, Debug)]
pub struct Robust {
    /// The standard error; HC2, or CR2 with clusters, by default.
    pub se: Variance,
    /// Clusters: of several ways where there are several names.
    pub clusters: Vec<Name>,
    /// Weights.
    pub weights: Option<Name>,
    /// Fixed effects that are taken out.
    pub fixed: Vec<Name>,
}

impl Robust {
    /// Reads all fields but `fixed_effects`.
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let choice = LEAST_SQUARES.read(r, f);
        let weights = f.optional(r, "weights", Reader::identifier);
        let (se, clusters) = choice?;
        Some(Self { se, clusters, weights, fixed: Vec::new() })
    }

    /// Reads all fields. Fixed effects are refused where CR2 has weights.
    pub fn read_with_fixed(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let robust = Self::read(r, f);
        let Some(node) = f.take(r, "fixed_effects") else { return robust };
        let fixed = r.list(node, Reader::identifier);
        let (robust, fixed) = (robust?, fixed?);
        if robust.weights.is_some() && robust.se == Variance::Cr2 && !fixed.is_empty() {
            let message = "CR2 with weights and fixed effects is not to be had";
            let error = Diagnostic::error(node.span, message).label("taken out before the fit");
            r.error(error.hint("write `factor(...)` in the formula, or use `se: Stata`"));
            return None;
        }
        Some(Self { fixed, ..robust })
    }

    /// The groups that it needs.
    pub fn groups(&self) -> Wanted<'_> {
        match self.clusters.as_slice() {
            [] => Wanted::Nothing,
            [clusters] => Wanted::Clusters(clusters),
            ways => Wanted::Ways(ways),
        }
    }

    /// In words, for `explain`.
    pub fn describe(&self) -> String {
        let se = LEAST_SQUARES.describe(self.se, &self.clusters);
        let weights = self.weights.as_ref();
        let weights = weights.map_or(String::new(), |w| format!(", weighted by `{}`", w.text));
        format!("{se}{weights}")
    }

    /// Fixed effects in words.
    pub fn describe_fixed(&self) -> String {
        if self.fixed.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = self.fixed.iter().map(|name| name.text.as_str()).collect();
        format!(" with fixed effects of {}", joined(&names, "and"))
    }
}
