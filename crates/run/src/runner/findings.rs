//! What a run says so far about a diagnosand of a row, and about an expectation.

use trialrun_plan::{Expectation, Form};

use super::Runner;
use crate::check::{Contest, Evidence, Finding, Lead};
use crate::diagnosands::{self, Better, Found};
use crate::families;
use crate::summary::{Measure, Summary};

impl Runner<'_> {
    /// What the simulations so far say about an expectation, with bounds that miss with
    /// probability `error` at most.
    pub(crate) fn finding(&self, expectation: &Expectation, error: f64) -> Finding {
        let Expectation { row, rival, diagnosand: place, .. } = *expectation;
        let (Some(rival), Some((better, of_roots))) = (rival, self.better(place)) else {
            let Measure { value, mcse, n, .. } = self.measure(row, place);
            let bounds = self.evidence(row, place).and_then(|evidence| evidence.bounds(error));
            return Finding { value, mcse, n, bounds };
        };
        let wanted = Contest { diagnosand: place, row, rival };
        let at = self.layout.contests.iter().position(|contest| *contest == wanted);
        let total = &self.totals.contests[at.expect("every contest has its totals")];
        let lead = Lead { better, of_roots, alpha: self.layout.alpha, total };
        let (value, mcse, n) = (lead.value(), lead.mcse(), total.n());
        Finding { value, mcse, n, bounds: lead.bounds(error) }
    }

    /// Which of two estimators or families is the better in a diagnosand, and whether roots are
    /// compared.
    fn better(&self, place: usize) -> Option<(Better, bool)> {
        match diagnosands::at(self.plan, place) {
            Found::BuiltIn(known) => {
                Some((known.better?, matches!(known.summary, Summary::RootMean(_))))
            }
            Found::Own(_, own) => Some((own.better?, own.form() == Form::RootMean)),
            Found::Family(at) => Some((families::ALL[at].better, false)),
        }
    }

    /// A diagnosand of a row.
    fn measure(&self, row: usize, place: usize) -> Measure {
        let totals = &self.totals.rows[row];
        match diagnosands::at(self.plan, place) {
            Found::BuiltIn(known) => known.summary.measure(&totals.diagnosands[place]),
            Found::Own(at, own) => totals.custom[at].measure(own),
            Found::Family(at) => families::measure(&totals.diagnosands[at]),
        }
    }

    /// What the simulations tell about a diagnosand of a row.
    pub(crate) fn evidence(&self, row: usize, place: usize) -> Option<Evidence> {
        let totals = self.totals.rows.get(row)?;
        match diagnosands::at(self.plan, place) {
            Found::BuiltIn(known) => Some(known.summary.evidence(totals.diagnosands.get(place)?)),
            Found::Own(at, own) => totals.custom.get(at)?.evidence(own),
            Found::Family(at) => Some(families::evidence(totals.diagnosands.get(at)?)),
        }
    }
}
