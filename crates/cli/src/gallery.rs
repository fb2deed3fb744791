//! The gallery: the designs that come with the program.

/// A design of the gallery, or a data file of one.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// Makes the list from the names of the files.
macro_rules! gallery {
    ($($name:literal),* $(,)?) => {
        &[$(Entry {
            name: $name,
            text: include_str!(concat!("../../../designs/", $name, ".ron")),
        }),*]
    };
}

/// Every design, alphabetical.
pub const GALLERY: &[Entry] = gallery![
    "attrition",
    "binary-icc",
    "binary-villages",
    "block-cluster",
    "blocked",
    "blocked-clusters",
    "cluster-rct",
    "covariates",
    "decision",
    "encouraged-sites",
    "encouragement",
    "factorial",
    "few-clusters",
    "few-groups",
    "grades",
    "hierarchical-bootstrap",
    "latin-square",
    "many-outcomes",
    "matched-pairs",
    "matching",
    "mediation",
    "multi-arm",
    "multi-stage-sampling",
    "noncompliance",
    "ordered-outcome",
    "paired-classes",
    "panel",
    "population-from-data",
    "pretest-posttest",
    "randomised-response",
    "regression-discontinuity",
    "rerandomised",
    "saturation",
    "site-effects",
    "small-trial",
    "spillovers",
    "split-plot",
    "stepped-wedge",
    "stratified-sampling",
    "student-tests",
    "subgroups",
    "subsidy",
    "subsidy-probability",
    "treated-or-everyone",
    "two-arm",
    "two-outcomes",
    "two-way-clusters",
    "unequal-probabilities",
    "varying-effects",
    "weighted-arms",
];

/// The data files that designs of the gallery read.
pub const DATA: &[Entry] = &[
    Entry { name: "schools.csv", text: include_str!("../../../designs/schools.csv") },
    Entry { name: "students.csv", text: include_str!("../../../designs/students.csv") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_gallery_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../designs");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".ron").map(str::to_string))
            .collect();
        files.sort();
        let listed: Vec<&str> = GALLERY.iter().map(|entry| entry.name).collect();
        assert_eq!(files, listed);
        for entry in GALLERY {
            let (design, errors) = trialrun_plan::read(entry.text);
            assert!(errors.is_empty(), "{}", entry.name);
            for file in design.expect("a design").data_files() {
                assert!(DATA.iter().any(|data| data.name == file.text), "{}", file.text);
            }
        }
    }
}
