//! The fields that estimators with robust standard errors share: `se`, `clusters`, `weights` and
//! `fixed_effects`.

use trialrun_lang::Diagnostic;
use trialrun_stats::ols::Variance;

use super::build::Wanted;
use crate::declared::{Fields, Name, Reader, joined};

/// The standard errors that an estimator has.
pub struct Choices<V: 'static> {
    /// By name.
    pub names: &'static [(&'static str, V)],
    /// The one that is used without clusters, and with them.
    pub by_default: [V; 2],
    /// Whether one goes with clusters.
    pub is_clustered: fn(V) -> bool,
    /// What to use with clusters.
    pub hint: &'static str,
}

impl<V: Copy + PartialEq> Choices<V> {
    /// Reads `se` and `clusters`, which have to go together.
    pub fn read(&self, r: &mut Reader, f: &mut Fields<'_>) -> (Option<V>, Option<Name>) {
        let se_node = f.take(r, "se");
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let se = match se_node {
            None => Some(self.by_default[usize::from(clusters.is_some())]),
            Some(node) => r.choice(node, self.names),
        };
        if let (Some(se), Some(node)) = (se, se_node)
            && (self.is_clustered)(se) != clusters.is_some()
        {
            let (what, label, hint) = if (self.is_clustered)(se) {
                ("needs `clusters`", "for clustered data", "add `clusters: ...`, or use `HC2`")
            } else {
                ("does not go with `clusters`", "ignores the clusters", self.hint)
            };
            let message = format!("`se: {}` {what}", node.text);
            r.error(Diagnostic::error(node.span, message).label(label).hint(hint));
            return (None, clusters);
        }
        (se, clusters)
    }

    /// A standard error and its clusters in words.
    pub fn describe(&self, se: V, clusters: Option<&Name>) -> String {
        let se = self.names.iter().find(|(_, v)| *v == se).map_or("", |(name, _)| name);
        let clusters = clusters.map_or(String::new(), |c| format!(" clustered by `{}`", c.text));
        format!("{se} standard errors{clusters}")
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
    is_clustered: Variance::is_clustered,
    hint: "use `CR2`, `CR0` or `Stata`, or leave `clusters` out",
};

/// What least squares has beside its formula.
#[derive(Clone, Debug)]
pub struct Robust {
    /// The standard error; HC2, or CR2 with clusters, by default.
    pub se: Variance,
    /// Clusters.
    pub clusters: Option<Name>,
    /// Weights.
    pub weights: Option<Name>,
    /// Fixed effects that are taken out.
    pub fixed: Vec<Name>,
}

impl Robust {
    /// Reads all fields but `fixed_effects`.
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let (se, clusters) = LEAST_SQUARES.read(r, f);
        let weights = f.optional(r, "weights", Reader::identifier);
        Some(Self { se: se?, clusters, weights, fixed: Vec::new() })
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
        self.clusters.as_ref().map_or(Wanted::Nothing, Wanted::Clusters)
    }

    /// In words, for `explain`.
    pub fn describe(&self) -> String {
        let se = LEAST_SQUARES.describe(self.se, self.clusters.as_ref());
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
