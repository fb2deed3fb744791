# Recomputes the reference values of linear mixed models from the CSV files beside this script.
#
#   Rscript lmm.R            compares with lmm.json; fails where a value differs
#   Rscript lmm.R --write    puts the recomputed values into lmm.json
#   Rscript lmm.R FILE ...   the same for another list of cases beside this script
#
# The list of cases (name, data, formula, REML, weights) is read from lmm.json. Recomputed:
# estimate, std_error, statistic, vcov, theta, sigma, varcomp, criterion, loglik, aic, bic, npar,
# nobs, ngroups, singular, satterthwaite, wald_z and ranef. Left as they are: kenward_roger,
# profile_ml, lme4_default_theta, max_gradient and lmerTest's own degrees of freedom.
#
# lmer stops within some 1e-5 of the optimum. Here its result is the start of Newton steps on the
# same criterion, with differences by Richardson extrapolation, until theta stands still.
#
# Debian packages: r-cran-lme4 r-cran-jsonlite r-cran-numderiv. Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
  library(numDeriv)
})

tolerance <- c(df = 1e-6, other = 1e-7)

here <- function() {
  file <- grep("^--file=", commandArgs(), value = TRUE)
  if (length(file)) dirname(sub("^--file=", "", file[1])) else "."
}

# Diagonal elements of theta are standard deviations: below this they are at the boundary.
at_zero <- 1e-4

polish <- function(deviance, theta, lower) {
  zero <- lower == 0 & theta < at_zero
  if (any(zero)) {
    on_boundary <- replace(theta, zero, 0)
    if (deviance(on_boundary) <= deviance(theta) + 1e-9) theta <- on_boundary else zero[] <- FALSE
  }
  free <- which(!zero)
  if (!length(free)) return(theta)
  f <- function(t) deviance(replace(theta, free, t))
  t <- theta[free]
  for (step in 1:20) {
    # Wide steps: rounding error of the criterion then hardly shows in the gradient.
    move <- solve(hessian(f, t), grad(f, t, method.args = list(d = 0.03, r = 5)))
    t <- t - move
    if (max(abs(move)) < 1e-10) break
  }
  replace(theta, free, t)
}

# The criterion at any (theta, sigma), of which lmerTest takes the Hessian.
criterion_at <- function(deviance, reml) function(par) {
  theta <- head(par, -1)
  variance <- tail(par, 1)^2
  deviance(theta)
  inner <- environment(deviance)
  n <- nrow(inner$pp$V)
  p <- ncol(inner$pp$V)
  r2 <- inner$resp$wrss() + inner$pp$sqrL(1)
  nu <- if (reml) n - p else n
  determinant <- inner$pp$ldL2() + (if (reml) inner$pp$ldRX2() else 0)
  determinant + nu * log(2 * pi * variance) + r2 / variance
}

covariance_at <- function(deviance) function(par) {
  deviance(head(par, -1))
  tail(par, 1)^2 * chol2inv(environment(deviance)$pp$RX())
}

satterthwaite <- function(deviance, theta, sigma, reml) {
  # At theta = 0 the criterion is even in theta: only sigma is uncertain. Other boundaries do not
  # occur among the cases.
  if (all(theta == 0)) {
    n <- nrow(environment(deviance)$pp$V)
    p <- ncol(environment(deviance)$pp$V)
    return(rep(if (reml) n - p else n, p))
  }
  par <- c(theta, sigma)
  options <- list(r = 6)
  h <- hessian(criterion_at(deviance, reml), par, method.args = options)
  covariance <- covariance_at(deviance)
  p <- ncol(covariance(par))
  j <- jacobian(function(x) diag(covariance(x)), par, method.args = options)
  v <- diag(covariance(par))
  sapply(seq_len(p), function(k) 2 * v[k]^2 / drop(j[k, ] %*% (2 * solve(h)) %*% j[k, ]))
}

fit_case <- function(case, folder) {
  data <- read.csv(file.path(folder, case$data))
  env <- new.env()
  formula <- as.formula(case$formula, env = env)
  arguments <- list(formula, data, REML = case$REML)
  if (!is.null(case$weights)) arguments$weights <- data[[case$weights]]
  parsed <- do.call(lFormula, arguments)
  deviance <- do.call(mkLmerDevfun, parsed)
  start <- optimizeLmer(deviance, control = list(xtol_abs = 1e-10, ftol_abs = 1e-12))
  theta <- polish(deviance, start$par, parsed$reTrms$lower)
  optimum <- list(par = theta, fval = deviance(theta), conv = 0, message = "", feval = 0)
  model <- mkMerMod(environment(deviance), optimum, parsed$reTrms, fr = parsed$fr)
  list(model = model, deviance = deviance)
}

recompute <- function(case, folder) {
  fit <- fit_case(case, folder)
  model <- fit$model
  estimate <- fixef(model)
  v <- as.matrix(vcov(model))
  error <- sqrt(diag(v))
  df <- satterthwaite(fit$deviance, getME(model, "theta"), sigma(model), case$REML)
  fit$deviance(getME(model, "theta"))
  effects <- ranef(model, condVar = TRUE)
  variances <- as.data.frame(VarCorr(model))
  likelihood <- logLik(model)
  result <- list(
    estimate = unname(estimate), std_error = unname(error), statistic = unname(estimate / error),
    vcov = unname(v), theta = unname(getME(model, "theta")), sigma = sigma(model),
    varcomp = list(
      group = variances$grp, term1 = variances$var1, term2 = variances$var2,
      variance_or_cov = variances$vcov, sd_or_cor = variances$sdcor
    ),
    criterion = -2 * as.numeric(likelihood), loglik = as.numeric(likelihood), aic = AIC(model),
    bic = BIC(model), npar = attr(likelihood, "df"), nobs = nobs(model),
    ngroups = as.list(ngrps(model)), singular = isSingular(model)
  )
  half <- qt(0.975, df) * error
  result$satterthwaite <- list(
    df = df, p_value = unname(2 * pt(-abs(estimate / error), df)),
    conf_low = unname(estimate - half), conf_high = unname(estimate + half)
  )
  half <- qnorm(0.975) * error
  result$wald_z <- list(conf_low = unname(estimate - half), conf_high = unname(estimate + half))
  result$ranef <- lapply(effects, function(e) {
    # One array of covariances, or one a term where terms are independent (x || g).
    spread <- attr(e, "postVar")
    if (!is.list(spread)) spread <- list(spread)
    one <- function(a) {
      t(matrix(sqrt(apply(a, 3, function(s) diag(as.matrix(s)))), nrow = dim(a)[1]))
    }
    deviation <- do.call(cbind, lapply(spread, one))
    list(
      levels = rownames(e), terms = colnames(e), values = unname(as.matrix(e)),
      cond_sd = unname(deviation)
    )
  })
  result
}

# All elements of a list of lists as read from JSON, null as NA.
flat <- function(x) if (is.null(x)) NA else if (is.list(x)) unlist(lapply(x, flat)) else x

# Largest difference of two results, on the scale of the largest number beside each.
differences <- function(new, old, path) {
  if (is.list(new)) {
    return(unlist(lapply(intersect(names(new), names(old)), function(field) {
      differences(new[[field]], old[[field]], paste0(path, "/", field))
    })))
  }
  if (!is.numeric(new)) {
    if (is.null(old)) return(NULL)
    same <- identical(as.character(new), as.character(flat(old)))
    return(setNames(if (same) 0 else Inf, path))
  }
  old <- flat(old)
  # A new case.
  if (all(is.na(old))) return(NULL)
  if (is.matrix(new)) old <- t(matrix(old, nrow = ncol(new)))
  known <- !is.na(new)
  scale <- max(abs(new[known]), abs(as.numeric(old)[known]), 1e-300)
  if (grepl("/(df|estimate|std_error|theta)$", path)) scale <- pmax(abs(new), 1e-300)
  setNames(max((abs(new - old) / scale)[known]), path)
}

# The form in which read_json gives a result: matrices as lists of rows, vectors as lists.
nested <- function(x) {
  if (is.list(x)) {
    lapply(x, nested)
  } else if (is.matrix(x)) {
    lapply(seq_len(nrow(x)), function(i) as.list(x[i, ]))
  } else {
    as.list(x)
  }
}

as_read <- function(new) {
  one <- c("sigma", "criterion", "loglik", "aic", "bic", "npar", "nobs", "singular")
  list <- nested(new)
  list[one] <- new[one]
  list$ngroups <- new$ngroups
  list
}

# JSON with all 17 digits of every number, which jsonlite does not write.
json <- function(x, indent = "") {
  inner <- paste0(indent, " ")
  if (is.list(x) && length(x) && is.null(names(x)) && !any(sapply(x, is.list))) {
    paste0("[", paste(sapply(x, json), collapse = ","), "]")
  } else if (is.list(x)) {
    items <- sapply(x, json, indent = inner)
    keys <- if (is.null(names(x))) "" else paste0(sapply(names(x), json), ": ")
    marks <- if (is.null(names(x))) c("[", "]") else c("{", "}")
    body <- paste0(inner, keys, items, collapse = ",\n")
    if (!length(x)) body <- inner
    paste0(marks[1], "\n", body, "\n", indent, marks[2])
  } else if (is.null(x) || is.na(x)) {
    "null"
  } else if (is.numeric(x)) {
    sprintf("%.17g", x)
  } else {
    as.character(toJSON(unbox(x)))
  }
}

folder <- here()
arguments <- commandArgs(trailingOnly = TRUE)
named <- arguments[arguments != "--write"]
path <- file.path(folder, if (length(named)) named[1] else "lmm.json")
all <- read_json(path)
worst <- numeric()
for (i in seq_along(all$cases)) {
  case <- all$cases[[i]]
  new <- recompute(case, folder)
  worst <- c(worst, differences(new, case, case$name))
  new <- as_read(new)
  # Fields that are not recomputed stay, lmerTest's own degrees of freedom among them.
  kept <- setdiff(names(case$satterthwaite), names(new$satterthwaite))
  new$satterthwaite[kept] <- case$satterthwaite[kept]
  all$cases[[i]][intersect(names(case), names(new))] <- new[intersect(names(case), names(new))]
}
if ("--write" %in% arguments) {
  writeLines(json(all), path)
} else {
  limit <- ifelse(grepl("satterthwaite", names(worst)), tolerance["df"], tolerance["other"])
  for (name in names(worst)[worst > limit]) cat(name, "differs by", worst[name], "\n")
  cat(length(worst), "values compared, largest difference", max(worst), "\n")
  quit(status = as.integer(any(worst > limit)))
}
