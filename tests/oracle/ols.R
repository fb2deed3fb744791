# Reference values of linear models: recomputes ols.json from the CSVs beside this script.
#
#   Rscript tests/oracle/ols.R > tests/oracle/ols.json
#
# lm_robust is estimatr's. `check` holds the same standard errors (and the Satterthwaite df of
# CR2) from a second package: lm, sandwich or clubSandwich, on indicators in place of absorbed
# fixed effects. Numbers have 17 digits, so that reading them gives back the same double; NA is
# null. Packages on Debian: r-cran-estimatr r-cran-sandwich r-cran-clubsandwich.

suppressPackageStartupMessages({
  library(estimatr)
  library(sandwich)
  library(clubSandwich)
})

source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

# ---- Cases ----------------------------------------------------------------------------------

lm_case <- function(name, data, formula, weights = NULL) {
  d <- table_of(data)
  call <- list(as.formula(formula), data = d)
  if (!is.null(weights)) call$weights <- d[[weights]]
  fit <- do.call(lm, call)
  s <- summary(fit)
  beta <- coef(fit)
  kept <- !is.na(beta)
  full <- function(v) replace(rep(NA_real_, length(beta)), kept, v)
  limits <- confint(fit)
  head <- list(name = name, engine = "lm", data = data, formula = formula)
  if (!is.null(weights)) head$weights <- weights
  c(head, list(
    terms = array_of(names(beta)),
    estimate = array_of(beta),
    std_error = array_of(full(s$coefficients[, 2])),
    statistic = array_of(full(s$coefficients[, 3])),
    p_value = array_of(full(s$coefficients[, 4])),
    conf_low = array_of(limits[, 1]),
    conf_high = array_of(limits[, 2]),
    df_residual = fit$df.residual,
    sigma = s$sigma,
    r_squared = s$r.squared,
    adj_r_squared = s$adj.r.squared,
    fstatistic = array_of(s$fstatistic),
    loglik = as.numeric(logLik(fit)),
    rss = sum(weighted.residuals(fit)^2),
    vcov = unname(vcov(fit, complete = FALSE)),
    aliased = array_of(!kept)
  ))
}

# The same model with indicators, and its standard errors from another package.
check_of <- function(terms, d, formula, se_type, weights, clusters, fixed_effects) {
  if (!is.null(fixed_effects)) {
    absorbed <- all.vars(as.formula(fixed_effects))
    formula <- paste(c(formula, sprintf("factor(%s)", absorbed)), collapse = " + ")
  }
  call <- list(as.formula(formula), data = d)
  if (!is.null(weights)) call$weights <- d[[weights]]
  fit <- do.call(lm, call)
  if (anyNA(coef(fit)[terms])) return(NULL)
  if (is.null(clusters)) {
    classical <- se_type == "classical"
    v <- if (classical) vcov(fit) else vcovHC(fit, type = se_type)
    return(list(
      source = if (classical) "lm" else "sandwich::vcovHC",
      std_error = array_of(sqrt(diag(v))[terms])
    ))
  }
  type <- if (se_type == "stata") "CR1S" else se_type
  v <- vcovCR(fit, cluster = d[[clusters]], type = type)
  out <- list(
    source = paste("clubSandwich::vcovCR", type),
    std_error = array_of(sqrt(diag(as.matrix(v)))[terms])
  )
  if (se_type == "CR2") {
    test <- coef_test(fit, vcov = v, test = "Satterthwaite")
    out$df_satterthwaite <- array_of(test$df[match(terms, names(coef(fit)))])
  }
  out
}

robust_case <- function(name, data, formula, se_type, weights = NULL, clusters = NULL,
                        fixed_effects = NULL, alpha = 0.05) {
  d <- table_of(data)
  head <- list(name = name, data = data, formula = formula, se_type = se_type)
  head$weights <- weights
  head$clusters <- clusters
  head$fixed_effects <- fixed_effects
  head$alpha <- alpha
  call <- list(as.formula(formula), data = d, se_type = se_type, alpha = alpha)
  if (!is.null(weights)) call$weights <- d[[weights]]
  if (!is.null(clusters)) call$clusters <- d[[clusters]]
  if (!is.null(fixed_effects)) call$fixed_effects <- as.formula(fixed_effects)
  fit <- tryCatch(do.call(lm_robust, call), error = conditionMessage)
  if (is.character(fit)) return(c(head, list(error = fit)))
  out <- c(head, list(
    terms = array_of(fit$term),
    estimate = array_of(fit$coefficients),
    std_error = array_of(fit$std.error),
    statistic = array_of(fit$statistic),
    p_value = array_of(fit$p.value),
    df = array_of(fit$df),
    conf_low = array_of(fit$conf.low),
    conf_high = array_of(fit$conf.high),
    vcov = unname(fit$vcov),
    nobs = fit$nobs,
    rank = fit$rank,
    k = fit$k
  ))
  out$nclusters <- fit$nclusters
  out$df_residual <- fit$df.residual
  out$res_var <- fit$res_var
  out$r_squared <- fit$r.squared
  out$adj_r_squared <- fit$adj.r.squared
  if (!is.null(fixed_effects)) {
    out$proj_r_squared <- fit$proj_r.squared
    out$proj_adj_r_squared <- fit$proj_adj.r.squared
    out$proj_fstatistic <- array_of(fit$proj_fstatistic)
  } else if (!is.null(fit$fstatistic) && length(fit$term) > 1) {
    out$fstatistic <- array_of(fit$fstatistic)
  }
  out$tss <- fit$tss
  if (!anyNA(fit$coefficients)) {
    out$check <- check_of(fit$term, d, formula, se_type, weights, clusters, fixed_effects)
  }
  out
}

units <- "ols_units.csv"
singletons <- "ols_singletons.csv"
unbalanced <- "ols_unbalanced.csv"
three <- "y ~ z + x1 + x2"
two <- "y ~ z + x1"

cases <- list(
  lm_case("lm_plain", units, three),
  lm_case("lm_factor", units, "y ~ z * x1 + f"),
  lm_case("lm_weighted", units, three, "w"),
  lm_case("lm_rank_deficient", units, "y ~ z + x1 + x2 + x3")
)
add <- function(name, ...) cases[[length(cases) + 1]] <<- robust_case(name, ...)

for (se in c("classical", "HC0", "HC1", "HC2", "HC3")) {
  named <- function(stem) paste0(stem, "_", se)
  add(named("hc"), units, three, se)
  add(named("hc_weighted"), units, three, se, weights = "w")
  add(named("hc_interaction"), units, "y ~ z * x1 + f", se)
  add(named("hc_rank_deficient"), units, "y ~ z + x1 + x2 + x3", se)
  add(named("hc_rank_deficient2"), units, "y ~ x4 + x1 + z", se)
  add(named("hc_rank_deficient3"), units, "y ~ x3 + x2 + x1 + z", se)
  add(named("hc_fe1"), units, two, se, fixed_effects = "~ f")
  add(named("hc_fe2"), units, two, se, fixed_effects = "~ f + h")
  add(named("hc_fe1_weighted"), units, two, se, weights = "w", fixed_effects = "~ f")
  add(named("singletons"), singletons, two, se)
  add(named("intercept_only"), singletons, "y ~ 1", se)
  add(named("no_intercept"), units, "y ~ 0 + z + x1", se)
}
for (se in c("CR0", "stata", "CR2")) {
  named <- function(stem) paste0("cl_", stem, "_", se)
  clustered <- function(stem, ...) add(named(stem), ..., se_type = se, clusters = "cl")
  clustered("balanced", units, three)
  clustered("balanced_weighted", units, three, weights = "w")
  clustered("rank_deficient", units, "y ~ z + x1 + x2 + x3")
  clustered("unbalanced_grouptreat", unbalanced, two)
  clustered("unbalanced_grouptreat_nocov", unbalanced, "y ~ z")
  clustered("unbalanced_weighted", unbalanced, two, weights = "w")
  clustered("singletons", singletons, two)
  clustered("mixed", "ols_mixed.csv", two)
  clustered("fe1", units, two, fixed_effects = "~ f")
  clustered("fe_is_cluster", units, two, fixed_effects = "~ cl")
  clustered("fe1_weighted", units, two, weights = "w", fixed_effects = "~ f")
  clustered("fe2", units, two, fixed_effects = "~ f + h")
}
add("alpha10_HC2", units, three, "HC2", alpha = 0.1)
add("alpha01_CR2", unbalanced, two, "CR2", clusters = "cl", alpha = 0.01)

# ---- Output ---------------------------------------------------------------------------------

print_family("ols", cases, c("estimatr", "sandwich", "clubSandwich"))
