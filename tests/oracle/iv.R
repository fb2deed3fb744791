# Reference values of two-stage least squares: recomputes iv.json from the CSVs beside this script.
#
#   Rscript tests/oracle/iv.R > tests/oracle/iv.json
#
# `diagnostics` are estimatr's. `check` of the committed file holds the same standard errors from
# AER::ivreg with sandwich and clubSandwich, which this script does not recompute. Packages on
# Debian: r-cran-estimatr.

suppressPackageStartupMessages(library(estimatr))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

cases <- list()

add <- function(name, data, formula, se_type, fixed_effects = NULL, diagnostics = FALSE, ...) {
  columns <- list(...)
  d <- table_of(data)
  call <- list(as.formula(formula), data = d, se_type = se_type, diagnostics = diagnostics)
  call[names(columns)] <- lapply(columns, as.name)
  if (!is.null(fixed_effects)) call$fixed_effects <- as.formula(fixed_effects)
  fit <- do.call(iv_robust, call)
  case <- c(list(name = name, data = data, formula = formula, se_type = se_type), columns)
  if (!is.null(fixed_effects)) case$fixed_effects <- fixed_effects
  case <- c(case, list(
    alpha = 0.05, terms = array_of(fit$term), estimate = array_of(fit$coefficients),
    std_error = array_of(fit$std.error), statistic = array_of(fit$statistic),
    p_value = array_of(fit$p.value), df = array_of(fit$df), conf_low = array_of(fit$conf.low),
    conf_high = array_of(fit$conf.high), vcov = unname(fit$vcov), nobs = fit$nobs,
    rank = fit$rank))
  if (!is.null(fit$nclusters)) case$nclusters <- fit$nclusters
  case <- c(case, list(res_var = fit$res_var, df_residual = fit$df.residual,
                       r_squared = fit$r.squared, adj_r_squared = fit$adj.r.squared))
  if (!is.null(fit$fstatistic)) case$fstatistic <- array_of(fit$fstatistic)
  if (!is.null(fixed_effects)) case$proj_r_squared <- fit$proj_r.squared
  if (diagnostics) {
    case$diagnostics <- list(
      first_stage_f = as.list(fit$diagnostic_first_stage_fstatistic),
      endogeneity = as.list(fit$diagnostic_endogeneity_test),
      overid = as.list(fit$diagnostic_overid_test))
  }
  cases[[length(cases) + 1]] <<- case
}

units <- "iv_units.csv"
just <- "y ~ d1 + x1 | z1 + x1"
over <- "y ~ d1 + x1 | z1 + z2 + x1"
two <- "y ~ d1 + d2 + x1 | z1 + z2 + z3 + x1"
for (se in c("classical", "HC0", "HC1", "HC2", "HC3")) {
  told <- se %in% c("classical", "HC1", "HC2")
  add(paste0("wald_", se), units, "y ~ d1 | z1", se)
  add(paste0("just_", se), units, just, se, diagnostics = told)
  add(paste0("over_", se), units, over, se, diagnostics = told)
  add(paste0("two_endog_", se), units, two, se, diagnostics = se == "classical")
  add(paste0("over_weighted_", se), units, over, se, weights = "w")
  add(paste0("just_fe_", se), units, just, se, fixed_effects = "~ f")
}
for (se in c("CR0", "stata", "CR2")) {
  named <- function(stem) paste0("cl_", stem, "_", se)
  add(named("just"), units, just, se, clusters = "cl")
  add(named("over"), units, over, se, clusters = "cl")
  add(named("over_weighted"), units, over, se, weights = "w", clusters = "cl")
  add(named("groupinstrument"), "iv_clusters.csv", "y ~ d + x1 | z + x1", se, clusters = "cl")
  add(named("groupinstrument_wald"), "iv_clusters.csv", "y ~ d | z", se, clusters = "cl")
  add(named("fe"), units, just, se, fixed_effects = "~ f", clusters = "cl")
}

print_family("iv", cases, "estimatr")
