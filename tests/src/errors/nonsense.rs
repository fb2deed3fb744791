//! Designs that are put together at random: good grammar, no sense. None of them may make the
//! program panic or hang.

use trialrun_plan::compile::REDUCTIONS;
use trialrun_plan::exec::draw::DISTRIBUTIONS;
use trialrun_plan::functions::FUNCTIONS;

use super::mutations::{Dice, hunt};

/// What a design declared so far, and a few names that it may not have declared.
struct Maker<'d> {
    dice: &'d mut Dice,
    levels: Vec<String>,
    names: Vec<String>,
    made: usize,
    /// Whether draws may stand where the maker is.
    draws: bool,
}

impl Maker<'_> {
    fn pick(&mut self, list: &[&str]) -> String {
        list[self.dice.roll(list.len())].to_string()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.dice.roll(n) == 0
    }

    /// A new name.
    fn fresh(&mut self) -> String {
        self.made += 1;
        format!("v{}", self.made)
    }

    fn name(&mut self) -> String {
        if self.one_in(40) {
            return self.pick(&["nothing", "N", "score_z_0", "mean", "v1"]);
        }
        let at = self.dice.roll(self.names.len());
        self.names.get(at).cloned().unwrap_or_else(|| "v1".into())
    }

    fn level(&mut self) -> String {
        let at = self.dice.roll(self.levels.len());
        self.levels.get(at).cloned().unwrap_or_else(|| "a".into())
    }

    /// The name of a level or a variable.
    fn either(&mut self) -> String {
        if self.one_in(2) { self.level() } else { self.name() }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.roll(6) {
                0 => self.pick(&["0", "1", "2", "0.5", "3", "1e9", "-1", "true", "'b'", "N"]),
                1 => self.level(),
                _ => self.name(),
            };
        }
        let depth = depth - 1;
        match self.dice.roll(if self.draws { 10 } else { 8 }) {
            0..3 => {
                let op = self.pick(&[
                    "+", "-", "*", "/", "%", "^", "<", "<=", ">", ">=", "==", "!=", "&", "|",
                ]);
                format!("({} {op} {})", self.expression(depth), self.expression(depth))
            }
            3 => format!("{}{}", self.pick(&["-", "!"]), self.expression(depth)),
            4 => {
                let entry = &FUNCTIONS[self.dice.roll(FUNCTIONS.len())];
                let args: Vec<String> = (0..entry.arity).map(|_| self.expression(depth)).collect();
                format!("{}({})", entry.name, args.join(", "))
            }
            5..8 => {
                let (name, ..) = REDUCTIONS[self.dice.roll(REDUCTIONS.len())];
                let second = if name == "quantile" { ", 0.3" } else { "" };
                let by = match self.dice.roll(3) {
                    0 => format!(", by = {}", self.level()),
                    _ => String::new(),
                };
                format!("{name}({}{second}{by})", self.expression(depth))
            }
            _ => {
                let entry = &DISTRIBUTIONS[self.dice.roll(DISTRIBUTIONS.len())];
                let args: Vec<String> =
                    entry.parameters.iter().map(|_| self.expression(depth / 2)).collect();
                format!("{}({})", entry.name, args.join(", "))
            }
        }
    }

    fn formula(&mut self, random: bool) -> String {
        let mut formula = format!("{} ~ {}", self.name(), self.pick(&["1", "0", "1", "1"]));
        for _ in 0..self.dice.roll(4) {
            let term = match self.dice.roll(6) {
                0 => format!("factor({})", self.either()),
                1 => format!("{} * {}", self.name(), self.name()),
                2 => format!("{}:factor({})", self.name(), self.either()),
                3 => format!("I({})", self.expression(2)),
                _ => self.name(),
            };
            formula += &format!(" + {term}");
        }
        if random {
            let group = if self.one_in(3) {
                format!("{}:{}", self.either(), self.either())
            } else {
                self.either()
            };
            formula += &format!(" + (1 | {group})");
        }
        formula
    }

    fn optional(&mut self, field: &str, value: impl Fn(&mut Self) -> String) -> String {
        if self.one_in(3) { format!(", {field}: {}", value(self)) } else { String::new() }
    }

    fn variables(&mut self, draws: bool) -> String {
        let n = self.dice.roll(3);
        self.draws = draws;
        let made: Vec<(String, String)> =
            (0..n).map(|_| (self.fresh(), self.expression(3))).collect();
        self.draws = false;
        self.names.extend(made.iter().map(|(name, _)| name.clone()));
        let made: Vec<String> = made.iter().map(|(n, e)| format!("{n}: \"{e}\"")).collect();
        format!("{{ {} }}", made.join(", "))
    }

    fn new_level(&mut self) -> String {
        let n = match self.dice.roll(4) {
            0 => format!("\"{}\"", self.expression(2)),
            1 => "\"poisson(2)\"".into(),
            _ => self.pick(&["1", "2", "3", "7"]),
        };
        let name = self.fresh();
        self.levels.push(name.clone());
        let draw = self.fresh();
        self.names.push(draw.clone());
        format!("Level(name: {name}, n: {n}, variables: {{ {draw}: \"normal(0, 1)\" }})")
    }

    fn step(&mut self) -> String {
        match self.dice.roll(14) {
            0 => self.new_level(),
            1 | 2 => {
                let level = self.optional("level", Self::level);
                format!("Variables(variables: {}{level})", self.variables(true))
            }
            3 => {
                let (outcome, z) = (self.fresh(), self.fresh());
                let conditions = self.pick(&["[0, 1]", "[a, b, c]", "[-1, 0.5]"]);
                self.names.push(z.clone());
                let formula = self.expression(3);
                self.names.pop();
                let level = self.optional("level", Self::level);
                self.names.push(outcome.clone());
                let assigned = match self.dice.roll(4) {
                    0 => String::new(),
                    _ => {
                        self.names.push(z.clone());
                        format!(", {}, Reveal(outcome: {outcome})", self.assignment(&z))
                    }
                };
                format!(
                    "PotentialOutcomes(outcome: {outcome}, conditions: {{ {z}: {conditions} }}, \
                     formula: \"{formula}\"{level}){assigned}"
                )
            }
            4 | 5 => {
                let (label, value) = (self.fresh(), self.expression(2));
                let condition = self.optional("where", |m| format!("\"{}\"", m.expression(2)));
                let level = self.optional("level", Self::level);
                format!("Estimand(label: {label}, value: \"mean({value})\"{condition}{level})")
            }
            6 => {
                let z = self.fresh();
                self.names.push(z.clone());
                self.assignment(&z)
            }
            7 | 8 => {
                let by = match self.dice.roll(3) {
                    0 => format!("[{}, {}]", self.either(), self.either()),
                    1 => self.level(),
                    _ => self.either(),
                };
                format!("Aggregate(by: {by}, variables: {})", self.variables(false))
            }
            _ => {
                let lmer = self.one_in(3);
                let formula = self.formula(lmer);
                let weights = self.optional("weights", Self::name);
                let method = if lmer {
                    format!("Lmer(formula: \"{formula}\"{weights})")
                } else {
                    let clusters = self.optional("clusters", Self::either);
                    format!("LmRobust(formula: \"{formula}\"{clusters}{weights})")
                };
                let (label, all) = (self.fresh(), self.optional("term", |_| "All".into()));
                let level = self.optional("level", Self::level);
                format!("Estimator(label: {label}, method: {method}{all}{level})")
            }
        }
    }

    fn assignment(&mut self, z: &str) -> String {
        let method = self.pick(&[
            "Complete()",
            "Simple()",
            "Complete(prob: 0.3)",
            "Complete(m: 2)",
            "Simple(prob: 1)",
        ]);
        let clusters = self.optional("clusters", Self::level);
        let blocks = self.optional("blocks", Self::either);
        let level = self.optional("level", Self::level);
        format!("Assignment(variable: {z}, method: {method}{clusters}{blocks}{level})")
    }
}

#[test]
fn designs_without_sense_never_panic() {
    hunt(1_500, |dice| {
        let mut maker =
            Maker { dice, levels: Vec::new(), names: Vec::new(), made: 0, draws: false };
        let mut steps: Vec<String> = (0..maker.dice.roll(4)).map(|_| maker.new_level()).collect();
        steps.extend((0..1 + maker.dice.roll(8)).map(|_| maker.step()));
        format!("Design(steps: [\n    {},\n])\n", steps.join(",\n    "))
    });
}
