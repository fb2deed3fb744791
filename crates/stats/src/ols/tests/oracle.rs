//! Every case of the reference values from R that has no fixed effects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// Relative tolerance of estimates, standard errors, df and sums of squares.
const TOLERANCE: f64 = 1e-9;

fn read(name: &str) -> String {
    let path = format!("{}/../../tests/oracle/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Columns of a CSV as text.
fn table(name: &str) -> BTreeMap<String, Vec<String>> {
    let text = read(name);
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut out = BTreeMap::<String, Vec<String>>::new();
    for line in lines {
        for (name, cell) in header.iter().zip(line.split(',')) {
            out.entry((*name).to_owned()).or_default().push(cell.to_owned());
        }
    }
    out
}

/// The column of the model matrix that R gives this name.
fn column(table: &BTreeMap<String, Vec<String>>, term: &str) -> Vec<f64> {
    let n = table["y"].len();
    if term == "(Intercept)" {
        return vec![1.0; n];
    }
    if let Some((a, b)) = term.split_once(':') {
        return column(table, a).iter().zip(column(table, b)).map(|(a, b)| a * b).collect();
    }
    if let Some(cells) = table.get(term) {
        return cells.iter().map(|c| c.parse().unwrap()).collect();
    }
    // An indicator: the factor's name, then the level.
    let factor = table.keys().find(|k| term.starts_with(*k)).unwrap();
    table[factor].iter().map(|c| f64::from(u8::from(*c == term[factor.len()..]))).collect()
}

fn design(case: &Value) -> Design {
    let table = table(case["data"].as_str().unwrap());
    let numbers = |name: &str| column(&table, name);
    let mut d = Design { y: numbers("y"), ..Design::default() };
    for term in case["terms"].as_array().unwrap() {
        d.columns.push(column(&table, term.as_str().unwrap()));
    }
    d.weight = case["weights"].as_str().map(numbers);
    if let Some(name) = case["clusters"].as_str() {
        let ids = numbers(name);
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by(|a, b| ids[*a].total_cmp(&ids[*b]));
        let sort = |v: &mut Vec<f64>| *v = order.iter().map(|i| v[*i]).collect();
        d.columns.iter_mut().for_each(sort);
        sort(&mut d.y);
        d.weight.iter_mut().for_each(sort);
        d.groups = (0..ids.len() as u32)
            .filter(|i| *i == 0 || ids[order[*i as usize]] != ids[order[*i as usize - 1]])
            .chain([ids.len() as u32])
            .collect();
    }
    d
}

fn variance(case: &Value) -> Variance {
    match case["se_type"].as_str().unwrap_or("classical") {
        "classical" => Variance::Classical,
        "HC0" => Variance::Hc0,
        "HC1" => Variance::Hc1,
        "HC2" => Variance::Hc2,
        "HC3" => Variance::Hc3,
        "CR0" => Variance::Cr0,
        "stata" => Variance::Stata,
        "CR2" => Variance::Cr2,
        other => panic!("{other}"),
    }
}

/// Compares with a number of the case, if it is there and not null.
#[track_caller]
fn check(case: &Value, field: &Value, ours: f64, what: &str) {
    if let Some(theirs) = field.as_f64() {
        close(ours, theirs, 0.0, TOLERANCE, &format!("{} {what}", case["name"]));
    }
}

/// What does not depend on which of dependent columns are dropped.
fn check_fit(case: &Value, fit: &Owned) {
    check(case, &case["rss"], fit.rss, "rss");
    check(case, &case["tss"], fit.tss, "tss");
    check(case, &case["sigma"], fit.sigma, "sigma");
    check(case, &case["res_var"], fit.sigma * fit.sigma, "res_var");
    check(case, &case["df_residual"], fit.n_obs - fit.rank as f64, "df_residual");
    check(case, &case["rank"], fit.rank as f64, "rank");
    check(case, &case["nobs"], fit.n_obs, "nobs");
    check(case, &case["nclusters"], fit.n_clusters as f64, "nclusters");
    for (name, ours) in [("r_squared", fit.r_squared), ("adj_r_squared", fit.adj_r_squared)] {
        // Of an intercept alone R^2 is zero, in R to rounding.
        if let Some(theirs) = case[name].as_f64() {
            close(ours.unwrap(), theirs, 1e-6, TOLERANCE, &format!("{} {name}", case["name"]));
        }
    }
    let f = &case["fstatistic"];
    match &fit.wald {
        Some(wald) => {
            check(case, &f[0], wald.value, "F");
            assert_eq!(f[1].as_f64(), Some(wald.df1), "{}", case["name"]);
            assert_eq!(f[2].as_f64(), Some(wald.df2), "{}", case["name"]);
        }
        None => assert!(f.is_null(), "{}", case["name"]),
    }
}

fn check_coefficients(case: &Value, fit: &Owned) {
    let name = &case["name"];
    for j in 0..fit.beta.len() {
        assert_eq!(fit.kept[j], !case["estimate"][j].is_null(), "{name} {j}");
        if fit.kept[j] {
            check(case, &case["estimate"][j], fit.beta[j], "estimate");
            check(case, &case["std_error"][j], fit.std_error[j], "std_error");
            let df = if case["engine"] == "lm" { &case["df_residual"] } else { &case["df"][j] };
            check(case, df, fit.df[j], "df");
            check(case, &case["statistic"][j], fit.beta[j] / fit.std_error[j], "statistic");
        }
    }
    let k = fit.rank;
    assert_eq!(case["vcov"].as_array().map(Vec::len), Some(k), "{name}");
    for i in 0..k {
        for j in 0..k {
            let theirs = case["vcov"][i][j].as_f64().unwrap();
            let scale = (fit.vcov[i * (k + 1)] * fit.vcov[j * (k + 1)]).sqrt();
            close(fit.vcov[i * k + j], theirs, scale, TOLERANCE, &format!("{name} vcov"));
        }
    }
}

#[test]
fn every_case_of_lm_and_lm_robust() {
    let file: Value = serde_json::from_str(&read("ols.json")).unwrap();
    let (mut n_robust, mut n_lm) = (0, 0);
    for case in file["cases"].as_array().unwrap() {
        if !case["fixed_effects"].is_null() {
            continue;
        }
        let fit = design(case).fit(variance(case)).unwrap();
        check_fit(case, &fit);
        // lm drops the later of dependent columns, lm_robust the one with the smaller norm.
        let lm = case["engine"] == "lm";
        if !lm || fit.rank == fit.beta.len() {
            check_coefficients(case, &fit);
        }
        *(if lm { &mut n_lm } else { &mut n_robust }) += 1;
    }
    assert_eq!((n_robust, n_lm), (71, 4));
}

#[test]
fn ties_are_broken_as_in_estimatr() {
    let units = table("ols_units.csv");
    let mut drops = BTreeMap::<String, usize>::new();
    for line in read("ols_ties.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let n: usize = cells[0].parse().unwrap();
        let round = |v: &f64| (v * 1024.0).round() / 1024.0;
        let first = |name: &str| column(&units, name)[..n].iter().map(round).collect();
        let mut terms = vec!["(Intercept)"];
        terms.extend(cells[2][4..].split(" + "));
        let columns = terms.iter().map(|t| first(t)).collect();
        let mut d = Design { columns, y: first("y"), ..Design::default() };
        d.weight = (!cells[1].is_empty()).then(|| first(cells[1]));
        let kept = d.fit(Variance::Classical).unwrap().kept;
        let dropped: Vec<&str> =
            terms.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(term, _)| *term).collect();
        if cells[3] == "NA" {
            // estimatr took rounding error for a column here. Ours goes by the size of the column.
            assert_eq!(dropped.len(), 1, "{line}");
            continue;
        }
        assert_eq!(dropped, [cells[3]], "{line}");
        *drops.entry(cells[3].to_owned()).or_default() += 1;
    }
    // Both happen, so that no plain rule would do.
    assert!(drops["z"] > 50 && drops["x4"] > 50, "{drops:?}");
}
