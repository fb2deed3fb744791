//! Rules of the code base that no compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most lines of a file, without the tests at its end.
const FILE_MAX: usize = 400;

/// Most lines of a file of tests.
const TEST_FILE_MAX: usize = 600;

/// Most lines of a function, and of one that tests.
const FUNCTION_MAX: usize = 70;
const TEST_MAX: usize = 120;

/// Most characters of a line.
const LINE_MAX: usize = 100;

/// A source file.
struct Source {
    /// Its path from the root of the repository.
    path: String,
    text: String,
}

impl Source {
    /// The crate that it belongs to.
    fn owner(&self) -> &str {
        self.path.strip_prefix("crates/").unwrap_or(&self.path).split('/').next().unwrap_or("")
    }

    /// Whether it holds tests and nothing else.
    fn is_test(&self) -> bool {
        let in_crate = self.path.split_once("/src/").map_or(self.path.as_str(), |(_, rest)| rest);
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || in_crate.ends_with("tests.rs")
            || in_crate.ends_with("tests/mod.rs")
    }

    /// The text before the tests at its end.
    fn program(&self) -> &str {
        let tests = "\n#[cfg(test)]\nmod ";
        self.text.find(tests).map_or(&self.text, |at| &self.text[..at + 1])
    }

    /// The lines that the program is made of, numbered from 1, without comments and doc comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.program().lines().enumerate();
        lines.map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim().starts_with("//"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text_of(path: &str) -> String {
    let full = root().join(path);
    std::fs::read_to_string(&full).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All files with one of the endings, below some folders.
fn files(folders: &[&str], endings: &[&str]) -> Vec<Source> {
    fn walk(folder: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, endings, out);
            } else if endings.iter().any(|e| name.ends_with(e)) {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    for folder in folders {
        walk(&root().join(folder), endings, &mut paths);
    }
    paths.sort();
    let source = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        Source { path, text }
    };
    paths.into_iter().map(source).collect()
}

fn sources() -> Vec<Source> {
    let found = files(&["crates", "tests", "benches"], &[".rs"]);
    assert!(found.len() > 100, "{} source files", found.len());
    found
}

/// Fails with all complaints at once.
fn assert_none(rule: &str, complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{rule}:\n{}", complaints.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources().into_iter().filter(|s| {
        let first = s.text.lines().next().unwrap_or("");
        first.strip_prefix("//! ").is_none_or(|rest| rest.len() <= 10)
    });
    assert_none("files open with `//!` and a sentence", silent.map(|s| s.path).collect());
}

#[test]
fn files_and_lines_are_short() {
    let mut complaints = Vec::new();
    for source in sources() {
        let n = source.program().lines().count();
        let most = if source.is_test() { TEST_FILE_MAX } else { FILE_MAX };
        if n > most {
            complaints.push(format!("{}: {n} lines, more than {most}", source.path));
        }
        for (i, line) in source.text.lines().enumerate() {
            let width = line.chars().count();
            if width > LINE_MAX {
                complaints.push(format!("{}:{}: {width} characters", source.path, i + 1));
            }
        }
    }
    assert_none("files and lines are short", complaints);
}

/// The name of the function that a line opens.
fn function_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let is_prefix = |word: &str| {
        word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "crate)"].contains(&word)
            || word.starts_with("in ")
            || word.ends_with(')')
    };
    let at = line.find("fn ")?;
    let opens = line[..at].split_whitespace().all(is_prefix);
    let name = &line[at + 3..];
    let end = name.find(|c: char| c != '_' && !c.is_alphanumeric())?;
    if opens && end > 0 { Some(&name[..end]) } else { None }
}

/// The functions of formatted code, with their number of lines: a function ends at the closing
/// bracket that stands as far in as its first line.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let close = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let rest = lines[i..].iter();
        let declared = lines[i..].iter().position(|l| l.ends_with(';') || l.ends_with('{'));
        if declared.is_none_or(|d| lines[i + d].ends_with(';')) || line.ends_with('}') {
            continue;
        }
        let n = rest.take_while(|l| **l != close).count() + 1;
        found.push((i + 1, name.to_string(), n));
    }
    found
}

#[test]
fn functions_are_short() {
    let (mut complaints, mut n) = (Vec::new(), 0);
    for source in sources() {
        let program = source.program().lines().count();
        for (line, name, length) in functions(&source.text) {
            let tests = source.is_test() || line > program;
            let most = if tests { TEST_MAX } else { FUNCTION_MAX };
            if length > most {
                complaints.push(format!("{}:{line}: `{name}` has {length} lines", source.path));
            }
            n += 1;
        }
    }
    assert!(n > 800, "{n} functions were found");
    assert_none("functions are short", complaints);
}

#[test]
fn the_rules_see_what_they_are_about() {
    let code = "fn a() {\n    b();\n}\n\npub(crate) const fn long(\n    x: u8,\n) -> u8 {\n\
                \x20   x\n}\ntrait T {\n    fn none(&self);\n}\n    // fn comment() {\n\
                let f = fn_name {\n";
    let found = functions(code);
    let names: Vec<(&str, usize)> = found.iter().map(|(_, n, l)| (n.as_str(), *l)).collect();
    assert_eq!(names, [("a", 3), ("long", 5)]);
    let text = "//! x\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    b();\n}\n".to_string();
    let source = Source { path: "crates/stats/src/a.rs".into(), text };
    assert_eq!(source.program().lines().count(), 3);
    assert_eq!((source.owner(), source.is_test()), ("stats", false));
}

/// Nothing is left for later, and nothing of a debugging session.
#[test]
fn nothing_is_unfinished() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("db", "g!("),
    ];
    let places = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/tm", "p/")];
    let mut complaints = Vec::new();
    let folders = ["crates", "tests/src", "benches", "designs", "reports"];
    let mut all = files(&folders, &[".rs", ".ron", ".md", ".toml"]);
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Cargo.toml"] {
        all.push(Source { path: name.into(), text: text_of(name) });
    }
    for source in &all {
        for (i, line) in source.text.lines().enumerate() {
            for word in words.iter().chain(&places) {
                if line.contains(word) {
                    complaints.push(format!("{}:{}: {word}", source.path, i + 1));
                }
            }
        }
    }
    assert_none("nothing is unfinished", complaints);
}

/// What only some crates may do.
#[test]
fn crates_keep_to_their_job() {
    let rules: &[(&[&str], &[&str])] = &[
        (&["println!(", "print!(", "eprintln!(", "eprint!(", "io::stdout", "io::stderr"], &["cli"]),
        (&["Instant::", "SystemTime", "std::time"], &["cli"]),
        (&["std::fs", "fs::File", "std::env"], &["cli", "frame"]),
        (&["std::thread", "rayon::"], &["run", "cli"]),
        (&["polars::"], &["frame"]),
        (&["ron::"], &["plan"]),
        (&["unsafe "], &[]),
    ];
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|s| s.path.starts_with("crates/") && !s.is_test()) {
        for (line, code) in source.code() {
            for (words, owners) in rules {
                let found = words.iter().find(|w| has_word(code, w));
                if let (Some(word), false) = (found, owners.contains(&source.owner())) {
                    complaints.push(format!("{}:{line}: {word}", source.path));
                }
            }
        }
    }
    assert_none("crates keep to their job", complaints);
}

/// Whether a word stands in a line, not as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c == '_' || c.is_alphanumeric())
    })
}

/// The dependencies that each manifest names, by section.
fn dependencies() -> BTreeMap<String, Vec<(String, String)>> {
    let mut all = BTreeMap::new();
    for manifest in files(&["crates", "tests", "benches"], &["Cargo.toml"]) {
        let mut section = String::new();
        let mut found = Vec::new();
        for line in manifest.text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_string();
            } else if section.ends_with("dependencies") && !line.trim().is_empty() {
                let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
                found.push((section.clone(), line[..end].to_string()));
            }
        }
        all.insert(manifest.owner().to_string(), found);
    }
    assert_eq!(all.len(), 9, "seven crates, tests and benches: {:?}", all.keys());
    all
}

/// Each heavy dependency is named by one crate; tests and benches may need it too.
#[test]
fn heavy_dependencies_have_one_owner() {
    let owners = [
        ("annotate-snippets", "lang"),
        ("clap", "cli"),
        ("faer", "stats"),
        ("indicatif", "cli"),
        ("libm", "stats"),
        ("polars", "frame"),
        ("rand", "plan"),
        ("rand_distr", "plan"),
        ("rand_pcg", "plan"),
        ("rayon", "run"),
        ("ron", "plan"),
    ];
    let all = dependencies();
    for (dependency, owner) in owners {
        let by: Vec<&String> = all
            .iter()
            .filter(|(_, list)| list.iter().any(|(_, name)| name == dependency))
            .map(|(name, _)| name)
            .filter(|name| *name != "benches")
            .collect();
        assert_eq!(by, [owner], "who names {dependency}");
    }
    let of_frame = all["frame"].iter().filter(|(_, name)| name.starts_with("polars")).count();
    assert_eq!(of_frame, 1, "polars is one dependency");
}

/// Arrows between crates are those of the map, and the map has no other.
#[test]
fn dependencies_point_one_way() {
    let map = text_of("ARCHITECTURE.md");
    let start = map.find("No arrow points back:").expect("the arrows");
    let arrows = &map[start..start + map[start..].find(". Each").expect("the end of the arrows")];
    let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrow in arrows.split('`').filter(|piece| piece.contains("->")).flat_map(|p| p.split(';')) {
        let (from, to) = arrow.split_once("->").unwrap();
        let to = to.split(',').map(|t| t.trim().to_string()).collect();
        allowed.insert(from.trim().to_string(), to);
    }
    assert_eq!(allowed.len(), 5, "{arrows}");
    for (name, list) in dependencies() {
        if name == "tests" || name == "benches" {
            continue;
        }
        let own: BTreeSet<String> = list
            .iter()
            .filter(|(section, _)| section == "dependencies")
            .filter_map(|(_, name)| name.strip_prefix("trialrun-").map(str::to_string))
            .collect();
        let on_map = allowed.get(&name).cloned().unwrap_or_default();
        let more: Vec<&String> = own.difference(&on_map).collect();
        assert!(more.is_empty(), "{name} -> {more:?} is not on the map");
    }
    let reachable = |from: &str, to: &str| {
        let (mut open, mut seen) = (vec![from.to_string()], BTreeSet::new());
        while let Some(at) = open.pop() {
            if seen.insert(at.clone()) {
                open.extend(allowed.get(&at).into_iter().flatten().cloned());
            }
        }
        seen.contains(to)
    };
    for (from, to) in allowed.iter().flat_map(|(f, to)| to.iter().map(move |t| (f, t))) {
        assert!(!reachable(to, from), "{from} -> {to} closes a circle");
    }
}

/// The blocks of a manual that are RON.
fn examples(manual: &str) -> Vec<&str> {
    manual.split("```ron\n").skip(1).map(|rest| rest.split("```").next().unwrap_or("")).collect()
}

/// Each step and each method: what it does, its fields, an example that can be read.
#[test]
fn manuals_have_fields_and_an_example_that_reads() {
    let manuals = trialrun_plan::steps::MANUALS.iter().chain(trialrun_plan::estimators::MANUALS);
    let mut n = 0;
    for (name, file) in manuals {
        let manual = trialrun_plan::manual::manual(name).unwrap_or_else(|| panic!("{name}"));
        for section in ["\n# Fields\n", "\n# Example\n"] {
            assert!(manual.contains(section), "the manual of {name} lacks {}", section.trim());
        }
        for field in fields_read(file) {
            let documented = manual.contains(&format!("`{field}`"));
            assert!(documented, "the manual of {name} does not mention `{field}`");
        }
        let blocks = examples(&manual);
        assert!(!blocks.is_empty(), "{name} has no example");
        for block in blocks {
            let source = format!("Design(steps: [\n{block}])");
            let (_, errors) = trialrun_plan::read(&source);
            let shown = trialrun_lang::render(&errors, name, &source, false);
            assert!(errors.is_empty(), "the example of {name} does not read:\n{shown}");
            assert!(block.contains(name), "the example of {name} is about something else");
            n += 1;
        }
    }
    assert!(n >= 10, "{n} examples");
}

/// The names of the fields that a step's file reads: what stands in quotes after the reader.
fn fields_read(file: &str) -> Vec<&str> {
    let marks = ["f.required(r, \"", "f.optional(r, \"", "f.take(r, \""];
    let after = |mark: &&'static str| {
        let name = |(at, mark): (usize, &str)| {
            let rest = &file[at + mark.len()..];
            &rest[..rest.find('"').unwrap_or(0)]
        };
        file.match_indices(*mark).map(name).collect::<Vec<&str>>()
    };
    let found: Vec<&str> = marks.iter().flat_map(after).collect();
    assert!(!found.is_empty(), "no field was found");
    found
}

/// Each diagnosand says what it is, how it is computed and with what error.
#[test]
fn diagnosands_have_manuals() {
    use trialrun_run::diagnosands::{ALL, NAMES, manual};
    assert_eq!(ALL.len(), NAMES.len());
    assert!(ALL.len() >= 16);
    for (diagnosand, name) in ALL.iter().zip(NAMES) {
        assert_eq!(diagnosand.name, *name);
        let text = manual(name).unwrap_or_else(|| panic!("{name} has no manual"));
        for section in ["\n# What it is\n", "\n# Formula\n", "\n# Monte Carlo error\n"] {
            assert!(text.contains(section), "the manual of {name} lacks {}", section.trim());
        }
    }
    let distinct: BTreeSet<&&str> = NAMES.iter().collect();
    assert_eq!(distinct.len(), NAMES.len());
}

/// Commands that the README shows are commands of the program; files that it names are there.
#[test]
fn the_readme_shows_what_there_is() {
    let (readme, args) = (text_of("README.md"), text_of("crates/cli/src/args.rs"));
    let commands = &args[args.find("pub enum Command").expect("the commands")..];
    let mut shown = BTreeSet::new();
    for block in readme.split("```sh\n").skip(1) {
        for line in block.split("```").next().unwrap_or("").lines() {
            let line = line.split('#').next().unwrap_or("");
            let rest = ["cargo run --release -- ", "trialrun "]
                .iter()
                .find_map(|p| line.trim_start().strip_prefix(p));
            shown.extend(rest.and_then(|rest| rest.split_whitespace().next()));
            let files = line
                .split_whitespace()
                .filter(|w| ["designs/", "reports/"].iter().any(|folder| w.starts_with(folder)));
            for file in files {
                assert!(root().join(file).exists(), "the README names {file}");
            }
        }
    }
    assert!(shown.contains("diagnose"), "the README shows {shown:?}");
    for command in shown {
        let variant = format!("\n    {}{}", command[..1].to_uppercase(), &command[1..]);
        assert!(commands.contains(&variant), "the program has no command {command}");
    }
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let file = link.split('#').next().unwrap_or("");
        if !file.is_empty() && !file.contains("://") {
            assert!(root().join(file).exists(), "the README links to {file}");
        }
    }
}
