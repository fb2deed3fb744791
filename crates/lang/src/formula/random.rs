//! Random effects, `(slopes | grouping)`, as lme4 reads them.

use super::RandomTerm;
use super::algebra::Side;
use super::parse::{Part, Reader};
use crate::cursor::Parsed;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::TokenKind;

/// How many random effects a formula may have once it is written out.
const RANDOM_MAX: usize = 100;

/// The names of the factors whose combinations are the groups.
type Grouping = Vec<(String, Span)>;

impl Reader<'_> {
    /// Reads `(slopes | grouping)` and notes it. The current token is the parenthesis.
    pub(super) fn random_effect(&mut self) -> Parsed<Part> {
        let errors = self.parser.errors.len();
        let open = self.parser.advance().span;
        if !self.bars {
            return self.parser.fail(
                Diagnostic::error(open, "a random effect cannot stand here")
                    .label("this parenthesis holds a `|`")
                    .hint("random effects are added to the fixed terms: `y ~ x + (1 | g)`"),
            );
        }
        let bar = self.parser.peek();
        if matches!(bar.kind, TokenKind::Bar | TokenKind::DoubleBar) {
            return self.parser.fail(
                Diagnostic::error(bar.span, "nothing on the left of the bar")
                    .label("expected what varies between groups before this")
                    .hint("for a random intercept, write `(1 | g)`"),
            );
        }
        let outside = std::mem::replace(&mut self.side, Side::new());
        self.bars = false;
        let slopes = self.sum();
        self.bars = true;
        let side = std::mem::replace(&mut self.side, outside);
        let slopes = slopes?;
        let bar = self.parser.peek();
        if !matches!(bar.kind, TokenKind::Bar | TokenKind::DoubleBar) {
            // The bar that was seen ahead lies behind something that is no sum.
            return Err(self.parser.unexpected_after_value(Some(open)));
        }
        self.parser.advance();
        let groupings = self.nested_groupings()?;
        let close = self.expect_close(open)?;
        let span = open.join(close);
        let slopes = side.finish(slopes.terms);
        if !side.intercept && slopes.is_empty() && self.parser.errors.len() == errors {
            return self.parser.fail(
                Diagnostic::error(span, "nothing varies in this random effect")
                    .hint("for a random intercept, write `(1 | g)`"),
            );
        }
        for grouping in groupings {
            self.random.push(RandomTerm {
                intercept: side.intercept,
                slopes: slopes.clone(),
                correlated: bar.kind == TokenKind::Bar,
                grouping,
                span,
            });
        }
        Ok(Part::random(span))
    }

    /// `a/b/c`: groups, groups within them, and so on.
    fn nested_groupings(&mut self) -> Parsed<Vec<Grouping>> {
        let mut left = self.crossed_groupings()?;
        while self.parser.peek().kind == TokenKind::Slash {
            self.parser.advance();
            let right = self.crossed_groupings()?;
            let all = left.iter().fold(Grouping::new(), |all, one| union(&all, one));
            left.extend(right.iter().map(|inner| union(&all, inner)));
            self.check_count(&left)?;
        }
        self.check_count(&left)?;
        Ok(left)
    }

    /// `a:b`: a group for each combination.
    fn crossed_groupings(&mut self) -> Parsed<Vec<Grouping>> {
        let mut left = self.grouping()?;
        while self.parser.peek().kind == TokenKind::Colon {
            self.parser.advance();
            let right = self.grouping()?;
            left = left
                .iter()
                .flat_map(|outer| right.iter().map(move |inner| union(outer, inner)))
                .collect();
            self.check_count(&left)?;
        }
        Ok(left)
    }

    fn grouping(&mut self) -> Parsed<Vec<Grouping>> {
        let token = self.parser.peek();
        match token.kind {
            TokenKind::Name(name) if self.parser.peek_at(1).kind != TokenKind::Open => {
                self.parser.advance();
                Ok(vec![vec![(name.to_owned(), token.span)]])
            }
            TokenKind::Open => {
                self.parser.descend()?;
                let open = self.parser.advance().span;
                let inside = self.nested_groupings();
                self.parser.ascend();
                let inside = inside?;
                self.expect_close(open)?;
                Ok(inside)
            }
            _ => Err(self.expected_grouping()),
        }
    }

    fn check_count(&mut self, groupings: &[Grouping]) -> Parsed<()> {
        if self.random.len() + groupings.len() <= RANDOM_MAX {
            return Ok(());
        }
        let span = self.parser.peek().span;
        self.parser.abandon(
            Diagnostic::error(span, "the formula is too long when it is written out")
                .label(format!("more than {RANDOM_MAX} random effects end here")),
        )
    }

    /// Reports what two random effects both estimate: no data could tell one from the other.
    pub(super) fn check_random(&mut self) {
        let mut found: Vec<Diagnostic> = Vec::new();
        for (i, late) in self.random.iter().enumerate() {
            for early in &self.random[..i] {
                if sorted(&early.grouping) != sorted(&late.grouping) {
                    continue;
                }
                let twice = if early.intercept && late.intercept {
                    "the random intercept".to_owned()
                } else {
                    let labels: Vec<String> =
                        early.slopes.iter().map(|term| term.label()).collect();
                    match late.slopes.iter().map(|term| term.label()).find(|l| labels.contains(l)) {
                        Some(label) => format!("the random slope of `{label}`"),
                        None => continue,
                    }
                };
                let group = late.grouping_label();
                found.push(
                    Diagnostic::error(late.span, format!("{twice} by `{group}` is given twice"))
                        .related(early.span, "first given here"),
                );
                break;
            }
        }
        self.parser.errors.extend(found);
    }
}

/// The factors of both, each once, in order.
fn union(left: &Grouping, right: &Grouping) -> Grouping {
    let mut union = left.clone();
    for factor in right {
        if union.iter().all(|(name, _)| *name != factor.0) {
            union.push(factor.clone());
        }
    }
    union
}

fn sorted(grouping: &Grouping) -> Vec<&str> {
    let mut names: Vec<&str> = grouping.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}
