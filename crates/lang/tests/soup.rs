//! No text makes the parsers or the renderer panic, and spans and canonical forms hold for all.

use trialrun_lang::{
    Diagnostic, Expr, ExprKind, Formula, Span, Term, line_col, parse_expression, parse_formula,
    render,
};

/// SplitMix64: enough to draw texts, the same ones in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn pick<'a>(&mut self, pieces: &[&'a str]) -> &'a str {
        pieces[self.below(pieces.len())]
    }

    fn soup(&mut self, pieces: &[&str]) -> String {
        (0..self.below(25)).map(|_| self.pick(pieces)).collect()
    }

    /// The text, cut short or with a stretch of it taken out.
    fn maimed(&mut self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let (a, b) = (self.below(chars.len() + 1), self.below(chars.len() + 1));
        if self.below(2) == 0 {
            return chars[..a].iter().collect();
        }
        chars[..a.min(b)].iter().chain(&chars[a.max(b)..]).collect()
    }
}

const PIECES: [&str; 60] = [
    "a", "b", "x1", "größe", "g", "y", "if", "factor", "I", "true", "'t'", "'", "\"", "`", "1",
    "0", "2", ".5", "1e-3", "1e999", "1_0", "3x", "(", "(", "(", ")", ")", ")", ",", ",", "=",
    "==", "!=", "<", "<=", ">", "+", "+", "-", "-", "*", "/", "%", "^", "&", "&&", "|", "|", "||",
    "!", "~", "~", ":", ":", ".", " ", "\n", "\t", "×", "$",
];

const WHOLE: [&str; 10] = [
    "student_baseline + (1 + treatment) * (school_effect + class_effect + test_effect)",
    "if(x > 0 & !(y == 'control'), -2^2 / (1 - a), mean(score, by = class) % 7)",
    "normal(mean = inv_logit(a + b * c), sd = exp(-x^2/2)) || 'it''s' != g",
    "-((a))^-b^(2 - 1e-3) <= .5 | !!true",
    "score ~ treatment + (1 | student)",
    "log(y) ~ 0 + (x + factor(z) + I(w^2))^2 - x:w + (1 + x || a/b:c) + (0 + z | g)",
    "y ~ d*größe + x | z/w + x",
    "y ~ (a/b + c)*d - 1 + f(x, k = 'a') + (1 | g)",
    "I(y - 1) ~ a %in% b + .",
    "(1 | g) + y ~ x ~ 'open",
];

fn check_span(span: Span, text: &str, at: u32) {
    assert!(span.start >= at && span.end >= span.start, "{text}");
    let within = |byte: u32| text.is_char_boundary((byte - at) as usize);
    assert!(within(span.start) && within(span.end), "{text}: {span:?}");
}

/// Every node lies within the text, and within the node that holds it.
fn check_tree(expr: &Expr, text: &str, at: u32) {
    check_span(expr.span, text, at);
    let inside = |part: &Expr| {
        assert_eq!(part.span.join(expr.span), expr.span, "{text}");
        check_tree(part, text, at);
    };
    match &expr.kind {
        ExprKind::Unary(_, operand) => inside(operand),
        ExprKind::Binary(_, left, right) => {
            assert!(left.span.end <= right.span.start, "{text}");
            inside(left);
            inside(right);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| inside(&arg.value)),
        _ => {}
    }
}

fn check_errors(errors: &[Diagnostic], text: &str, at: u32) {
    assert!(!errors.is_empty(), "{text}");
    for error in errors {
        check_span(error.span.expect("a place"), text, at);
        error.related.iter().for_each(|(span, _)| check_span(*span, text, at));
        assert!(!error.message.is_empty() && !error.message.ends_with('.'), "{text}");
    }
}

/// What a formula says, without the order of the factors in a term, which may change when
/// shorthand is written out.
fn meaning(formula: &Formula) -> String {
    let side = |terms: &[Term]| -> Vec<Vec<String>> {
        let labels = |term: &Term| {
            let mut labels: Vec<String> =
                term.factors.iter().map(|factor| factor.label.clone()).collect();
            labels.sort();
            labels
        };
        terms.iter().map(labels).collect()
    };
    let random: Vec<_> = formula
        .random
        .iter()
        .map(|random| {
            let slopes = side(&random.slopes);
            (random.intercept, slopes, random.correlated, random.grouping_label())
        })
        .collect();
    let instruments = formula.instruments.as_ref().map(|(one, terms)| (one, side(terms)));
    let response = formula.response.to_string();
    format!(
        "{response} {} {:?} {random:?} {instruments:?}",
        formula.intercept,
        side(&formula.terms)
    )
}

/// Whether the text is an expression, and whether it is a formula.
fn check(text: &str) -> (bool, bool) {
    let at = 7;
    let expression = parse_expression(text, at);
    match &expression {
        Ok(expr) => {
            check_tree(expr, text, at);
            let canonical = expr.to_string();
            let again = parse_expression(&canonical, 0).expect(&canonical);
            assert!(again.same(expr), "{text} gives {canonical}");
        }
        Err(errors) => check_errors(errors, text, at),
    }
    let formula = parse_formula(text, at);
    match &formula {
        Ok(formula) => {
            check_tree(&formula.response, text, at);
            let canonical = formula.to_string();
            let again = parse_formula(&canonical, 0).expect(&canonical);
            assert_eq!(meaning(&again), meaning(formula), "{text} gives {canonical}");
        }
        Err(errors) => check_errors(errors, text, at),
    }
    (expression.is_ok(), formula.is_ok())
}

#[test]
fn token_soup() {
    let mut draw = Draw(1);
    let mut valid = 0;
    for _ in 0..25_000 {
        let (expression, formula) = check(&draw.soup(&PIECES));
        valid += usize::from(expression || formula);
    }
    // Some of the soup is fit to eat, so that both ways through the parsers are taken.
    assert!(valid > 500, "{valid}");
}

#[test]
fn maimed_texts() {
    let mut draw = Draw(2);
    let (mut expressions, mut formulas) = (0, 0);
    for round in 0..25_000 {
        let whole = WHOLE[round % WHOLE.len()];
        let mut text = draw.maimed(whole);
        if draw.below(3) == 0 {
            text.push_str(&draw.soup(&PIECES[..30]));
        }
        let (expression, formula) = check(&text);
        expressions += usize::from(expression);
        formulas += usize::from(formula);
    }
    assert!(expressions > 1_000, "{expressions}");
    assert!(formulas > 1_000, "{formulas}");
}

#[test]
fn nothing_breaks_the_renderer() {
    let mut draw = Draw(3);
    let long = "a + ".repeat(200);
    let pieces = [
        "a",
        "größe",
        "\t",
        "\n",
        "\n",
        "\r\n",
        "\r",
        " ",
        "  ",
        "\u{301}",
        "漢字",
        "\u{1f600}",
        "\u{200b}",
        "\u{202e}",
        "\u{1b}[31m",
        "\u{0}",
        "// b",
        "{",
        "}",
        &long,
    ];
    for _ in 0..600 {
        let source = draw.soup(&pieces);
        let mut diagnostics = Vec::new();
        for _ in 0..draw.below(4) {
            let span = |draw: &mut Draw| {
                let bound = if draw.below(10) == 0 { 4_000 } else { source.len() + 3 };
                Span::new(draw.below(bound) as u32, draw.below(bound) as u32)
            };
            let mut made = match draw.below(5) {
                0 => Diagnostic::note(None, draw.soup(&pieces)),
                1 => Diagnostic::warning(span(&mut draw), draw.soup(&pieces)),
                _ => Diagnostic::error(span(&mut draw), "a message"),
            };
            for _ in 0..draw.below(4) {
                made = made.related(span(&mut draw), draw.soup(&pieces[..6]));
            }
            if draw.below(2) == 0 {
                made = made.label(draw.soup(&pieces)).hint(draw.soup(&pieces));
            }
            diagnostics.push(made);
        }
        for colour in [false, true] {
            let text = render(&diagnostics, "a.ron", &source, colour);
            assert_eq!(text.is_empty(), diagnostics.is_empty());
            assert!(colour || !text.contains('\u{1b}'), "{text:?}");
        }
        let (line, col) = line_col(&source, draw.below(source.len() + 9));
        assert!(line >= 1 && col >= 1);
    }
}
