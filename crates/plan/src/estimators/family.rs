//! Families and links of generalised linear models, as designs name them.

use trialrun_lang::Diagnostic;
use trialrun_stats::glm::Family;

use crate::declared::{Node, Reader, listed, suggest};

/// The families with their links; the first link is the default.
const FAMILIES: &[(&str, &[(&str, Family)])] = &[
    (
        "Binomial",
        &[("Logit", Family::Logit), ("Probit", Family::Probit), ("Cloglog", Family::Cloglog)],
    ),
    ("Poisson", &[("Log", Family::Poisson)]),
    ("NegativeBinomial", &[("Log", Family::NegativeBinomial)]),
    ("Gamma", &[("Inverse", Family::GammaInverse), ("Log", Family::GammaLog)]),
];

/// A family: `Binomial`, or `Binomial(link: Probit)`.
pub fn read_family(r: &mut Reader, node: Node<'_>) -> Option<Family> {
    let word = node.head().unwrap_or("");
    let Some((name, links)) = FAMILIES.iter().find(|(name, _)| *name == word) else {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        if word.is_empty() {
            return r.expected(node, "a family such as `Binomial`", &listed(&names));
        }
        let error = Diagnostic::error(node.head_span(), format!("there is no family `{word}`"));
        r.error(suggest(error.label("unknown family"), word, &names));
        return None;
    };
    let mut f = r.fields(node, name)?;
    let link = f.take(r, "link").map_or(Some(links[0].1), |node| r.choice(node, links));
    f.finish(r);
    link
}

/// The family and its link, in words.
pub fn describe_family(family: Family) -> String {
    let found = FAMILIES.iter().find_map(|(name, links)| {
        let (link, _) = links.iter().find(|(_, f)| *f == family)?;
        Some(format!("{name}, link {link}"))
    });
    found.unwrap_or_default()
}
