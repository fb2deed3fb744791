//! A check as JUnit XML: a suite a design, a test case an expectation or a comparison.
//!
//! The elements and attributes are those that Jenkins, GitLab and Azure read: `testsuites`,
//! `testsuite`, `testcase`, `failure` and `error`. There are no times: the same check gives the
//! same bytes.

use trialrun_run::baseline::Comparison;
use trialrun_run::check::{Ruling, Verdict};
use trialrun_run::diagnosands;

use super::{Case, Check, plural};

/// A check as JUnit XML.
///
/// An expectation that is not met, a drift and a run that is not reproduced are failures; what is
/// undecided is an error.
pub fn junit(check: &Check<'_>) -> String {
    let suites: Vec<(&str, Vec<TestCase>)> = check
        .cases
        .iter()
        .map(|case| {
            let rulings = case.checked.rulings.iter().map(|r| ruling_case(check, case, r));
            let compared =
                case.comparison.iter().map(|comparison| comparison_case(case, comparison));
            (case.plan.name.as_str(), rulings.chain(compared).collect())
        })
        .collect();
    let all: Vec<&TestCase> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml += &format!("<testsuites name=\"trialrun check\" {}>\n", counts(&all));
    for (name, cases) in &suites {
        let name = escape(name);
        let of_suite: Vec<&TestCase> = cases.iter().collect();
        xml += &format!("  <testsuite name=\"{name}\" {}>\n", counts(&of_suite));
        for case in cases {
            let head =
                format!("    <testcase name=\"{}\" classname=\"{name}\"", escape(&case.name));
            xml += &match &case.complaint {
                None => format!("{head}/>\n"),
                Some(complaint) => format!("{head}>\n{}    </testcase>\n", complaint.xml()),
            };
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

/// A test case: its name, and what is wrong.
struct TestCase {
    name: String,
    complaint: Option<Complaint>,
}

/// What is wrong with a test case.
struct Complaint {
    /// `failure` or `error`.
    element: &'static str,
    kind: String,
    message: String,
    details: String,
}

impl Complaint {
    fn xml(&self) -> String {
        let Self { element, kind, message, details } = self;
        let (message, details) = (escape(message), escape(details));
        format!("      <{element} message=\"{message}\" type=\"{kind}\">{details}</{element}>\n")
    }
}

/// The attributes that count test cases.
fn counts(cases: &[&TestCase]) -> String {
    let of = |element: &str| {
        let is = |case: &&&TestCase| case.complaint.as_ref().is_some_and(|c| c.element == element);
        cases.iter().filter(is).count()
    };
    format!("tests=\"{}\" failures=\"{}\" errors=\"{}\"", cases.len(), of("failure"), of("error"))
}

fn ruling_case(check: &Check<'_>, case: &Case<'_>, ruling: &Ruling) -> TestCase {
    let element = match ruling.verdict {
        Verdict::Met => None,
        Verdict::NotMet => Some("failure"),
        Verdict::Undecided => Some("error"),
    };
    let complaint = element.map(|element| Complaint {
        element,
        kind: diagnosands::name(case.plan, ruling.expectation.diagnosand).to_string(),
        message: case.complaint(ruling),
        details: format!("to repeat: {}", case.command(check)),
    });
    TestCase { name: case.subject(&ruling.expectation), complaint }
}

fn comparison_case(case: &Case<'_>, comparison: &Comparison) -> TestCase {
    let complaint = |element, message: String, details: Vec<String>| {
        Some(Complaint {
            element,
            kind: "baseline".to_string(),
            message,
            details: details.join("\n"),
        })
    };
    let complaint = match comparison {
        Comparison::Same => None,
        Comparison::Interrupted => complaint("error", "interrupted".to_string(), Vec::new()),
        Comparison::NotReproduced(differences) => {
            let each = differences.iter();
            let each = each.map(|d| format!("{}, {}: {}", d.estimator, d.term, d.diagnosand));
            let message = "the numbers are not those of the baseline".to_string();
            complaint("failure", message, each.collect())
        }
        Comparison::Tested(drifted) => {
            let found = drifted.tests.iter().filter(|test| test.has_drifted() == Some(true));
            let drifts: Vec<String> = found.map(|test| case.drift(test)).collect();
            let message = format!("{} drifted", plural(drifts.len(), "diagnosand"));
            if drifts.is_empty() { None } else { complaint("failure", message, drifts) }
        }
    };
    TestCase { name: "baseline".to_string(), complaint }
}

/// Text as XML holds it; control characters, which XML can not hold, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
