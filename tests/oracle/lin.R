# Reference values of Lin's estimator: recomputes lin.json from the CSVs beside this script.
#
#   Rscript tests/oracle/lin.R > tests/oracle/lin.json
#
# `center` holds the means that were taken out, of `center_terms`. Packages on Debian:
# r-cran-estimatr.

suppressPackageStartupMessages(library(estimatr))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

cases <- list()

add <- function(name, data, formula, covariates, se_type, ...) {
  columns <- list(...)
  d <- table_of(data)
  call <- list(as.formula(formula), as.formula(covariates), data = d, se_type = se_type)
  call[names(columns)] <- lapply(columns, as.name)
  fit <- do.call(lm_lin, call)
  vcov <- unname(fit$vcov)
  cases[[length(cases) + 1]] <<- c(
    list(name = name, data = data, formula = formula, covariates = covariates,
         se_type = se_type),
    columns,
    list(alpha = 0.05, center_terms = array_of(names(fit$scaled_center)),
         center = array_of(fit$scaled_center), terms = array_of(fit$term),
         estimate = array_of(fit$coefficients), std_error = array_of(fit$std.error),
         statistic = array_of(fit$statistic), p_value = array_of(fit$p.value),
         df = array_of(fit$df), conf_low = array_of(fit$conf.low),
         conf_high = array_of(fit$conf.high), vcov = vcov, nobs = fit$nobs, rank = fit$rank,
         r_squared = fit$r.squared))
}

units <- "lin_units.csv"
for (se in c("classical", "HC0", "HC1", "HC2", "HC3")) {
  add(paste0("one_cov_", se), units, "y ~ z", "~ x1", se)
  add(paste0("two_cov_factor_", se), units, "y ~ z", "~ x1 + x2 + g", se)
  add(paste0("weighted_", se), units, "y ~ z", "~ x1 + x2", se, weights = "w")
}
for (se in c("CR0", "stata", "CR2")) {
  add(paste0("cl_", se), units, "y ~ z", "~ x1 + x2", se, clusters = "cl")
  add(paste0("cl_weighted_", se), units, "y ~ z", "~ x1", se, weights = "w", clusters = "cl")
  add(paste0("cl_grouptreat_", se), "lin_clusters.csv", "y ~ z", "~ x1", se, clusters = "cl")
}
add("three_arms_HC2", units, "y ~ arm", "~ x1 + x2", "HC2")
add("three_arms_weighted_HC2", units, "y ~ arm", "~ x1 + g", "HC2", weights = "w")
add("covariate_product_HC2", units, "y ~ z", "~ x1 * x2", "HC2")

print_family("lin", cases, "estimatr")
