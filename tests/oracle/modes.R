# Checks the conditional modes of generalised linear mixed models in glmm.json (ranef_mode,
# ranef_cond_sd) against lme4's own ranef(fit, condVar = TRUE). Those of linear ones are recomputed
# by lmm.R.
#
#   Rscript modes.R          fails where a value differs
#
# glmer stops some 1e-5 before the optimum. Here its deviance function is evaluated at the theta and
# the coefficients of the case, which are those of the optimum, and the fit is made from that.
# glmer knows the expected information only: the case with the observed one is left out.
#
# Debian packages: r-cran-lme4 r-cran-jsonlite. Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

# What glmer makes of a case.
arguments <- function(case, data) {
  formula <- case$formula
  if (!is.null(case$size_column)) {
    formula <- sub("^(\\w+)", paste0("cbind(\\1, ", case$size_column, " - \\1)"), formula)
  }
  if (!is.null(case$log_offset_column)) {
    formula <- paste0(formula, " + offset(log(", case$log_offset_column, "))")
  }
  family <- if (case$family == "poisson") poisson() else binomial(case$link)
  list(formula = as.formula(formula), data = data, family = family)
}

# Modes and their standard deviations, group after group, factor after factor as lme4 has them.
modes <- function(case) {
  data <- read.csv(file.path(here, case$data))
  parts <- do.call(glFormula, arguments(case, data))
  # The search for the modes goes on until it stands still.
  deviance <- do.call(mkGlmerDevfun, c(parts, list(control = glmerControl(tolPwrss = 1e-14))))
  deviance(unlist(case$theta))
  deviance <- updateGlmerDevfun(deviance, parts$reTrms, nAGQ = case$nAGQ)
  par <- c(unlist(case$theta), unlist(case$estimate))
  optimum <- list(par = par, fval = deviance(par), conv = 0, message = "", feval = 0)
  model <- mkMerMod(environment(deviance), optimum, parts$reTrms, fr = parts$fr)
  effects <- ranef(model, condVar = TRUE)
  spread <- lapply(effects, function(e) sqrt(apply(attr(e, "postVar"), 3, diag)))
  list(mode = unlist(lapply(effects, t)), sd = unlist(spread))
}

cases <- read_json(file.path(here, "glmm.json"))$cases
cases <- Filter(function(case) case$curvature == "expected", cases)
worst <- 0
for (case in cases) {
  own <- modes(case)
  theirs <- list(mode = unlist(case$ranef_mode), sd = unlist(case$ranef_cond_sd))
  for (field in names(own)) {
    apart <- max(abs(own[[field]] - theirs[[field]])) / max(abs(theirs[[field]]), 1e-300)
    if (all(theirs[[field]] == 0)) apart <- max(abs(own[[field]]))
    worst <- max(worst, apart)
    if (apart > 1e-6) stop(case$name, ": ", field, " is apart by ", apart)
  }
}
cat("modes of", length(cases), "cases are apart by at most", format(worst), "\n")
