# Recomputes the reference values of generalised linear mixed models from the CSV files beside this
# script.
#
#   Rscript glmm.R                compares with glmm.json; fails where a value differs
#   Rscript glmm.R FILE           the same for another list of cases beside this script
#   Rscript glmm.R FILE --write   finds the values of a list of cases that have none yet
#
# Recomputed for every case: estimate, std_error, theta and loglik, at the exact optimum of the
# approximation that the case names. glmer stops some 1e-5 before; here Newton steps with
# Richardson differences go on until they stand still.
#
# Models with one random intercept: the approximation is written out below, group by group, so that
# the curvature at the mode can be the expected information (lme4's choice) or the observed one
# (Laplace's approximation proper; they differ for probit). Nodes and weights are lme4's GHrule.
# Slopes and crossed groups: the same with the matrix of all effects.
#
# Debian packages: r-cran-lme4 r-cran-jsonlite r-cran-numderiv. Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
  library(numDeriv)
})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
source(file.path(here, "json.R"))

# Log-likelihood, score, observed and expected information of each row.
pieces <- function(link, eta, y, n) {
  if (link == "log") {
    mu <- exp(eta)
    return(list(l = dpois(y, mu, log = TRUE), s = y - mu, w = mu, e = mu))
  }
  if (link == "logit") {
    mu <- plogis(eta)
    return(list(l = dbinom(y, n, mu, log = TRUE), s = y - n * mu, w = n * mu * (1 - mu),
                e = n * mu * (1 - mu)))
  }
  up <- exp(dnorm(eta, log = TRUE) - pnorm(eta, log.p = TRUE))
  down <- exp(dnorm(eta, log = TRUE) - pnorm(-eta, log.p = TRUE))
  list(l = y * pnorm(eta, log.p = TRUE) + (n - y) * pnorm(-eta, log.p = TRUE) + lchoose(n, y),
       s = y * up - (n - y) * down, w = y * up * (up + eta) + (n - y) * down * (down - eta),
       e = n * up * down)
}

# The approximate log-likelihood of (theta, beta) with one random intercept.
one_intercept <- function(case, x, y, n, offset, g) {
  rule <- GHrule(case$nAGQ)
  by_group <- function(v) as.vector(rowsum(v, g))
  function(psi) {
    theta <- psi[1]
    fixed <- drop(x %*% psi[-1]) + offset
    v <- numeric(length(unique(g)))
    for (step in 1:100) {
      p <- pieces(case$link, fixed + theta * v[g], y, n)
      move <- (theta * by_group(p$s) - v) / (1 + theta^2 * by_group(p$w))
      v <- v + move
      if (max(abs(move)) < 1e-13) break
    }
    p <- pieces(case$link, fixed + theta * v[g], y, n)
    width <- if (case$curvature == "observed") p$w else p$e
    tau <- 1 / sqrt(1 + theta^2 * by_group(width))
    parts <- sapply(seq_len(nrow(rule)), function(k) {
      at <- v + tau * rule[k, "z"]
      l <- by_group(pieces(case$link, fixed + theta * at[g], y, n)$l)
      l - at^2 / 2 + rule[k, "z"]^2 / 2 + log(rule[k, "w"])
    })
    parts <- matrix(parts, ncol = nrow(rule))
    most <- apply(parts, 1, max)
    sum(log(tau) + most + log(rowSums(exp(parts - most))))
  }
}

# The same for any random effects, Laplace's approximation and a canonical link. lme4's own
# deviance function stops its inner loop some 1e-7 before the mode, and the determinant shows it.
any_effects <- function(case, x, y, n, offset, terms) {
  z <- t(as.matrix(terms$Zt))
  lambda <- t(as.matrix(terms$Lambdat))
  place <- as.matrix(Matrix::summary(terms$Lambdat)[, 1:2])
  n_theta <- length(terms$theta)
  function(psi) {
    lambda[] <- 0
    lambda[place[, 2:1]] <- psi[terms$Lind]
    zl <- z %*% lambda
    fixed <- drop(x %*% psi[-seq_len(n_theta)]) + offset
    v <- numeric(ncol(z))
    for (step in 1:200) {
      p <- pieces(case$link, drop(fixed + zl %*% v), y, n)
      move <- solve(diag(ncol(z)) + crossprod(zl * sqrt(p$w)), crossprod(zl, p$s) - v)
      v <- v + move
      if (max(abs(move)) < 1e-12) break
    }
    p <- pieces(case$link, drop(fixed + zl %*% v), y, n)
    h <- diag(ncol(z)) + crossprod(zl * sqrt(p$e))
    sum(p$l) - sum(v^2) / 2 - determinant(h)$modulus[1] / 2
  }
}

recompute <- function(case) {
  data <- read.csv(file.path(here, case$data))
  formula <- as.formula(case$formula)
  fixed <- nobars(formula)
  x <- model.matrix(fixed, data)
  y <- data[[all.vars(formula)[1]]]
  n <- if (is.null(case$size_column)) rep(1, length(y)) else data[[case$size_column]]
  offset <- if (is.null(case$log_offset_column)) 0 * y else log(data[[case$log_offset_column]])
  family <- if (case$family == "poisson") poisson() else binomial(case$link)
  outcome <- if (case$family == "poisson") y else cbind(y, n - y)
  start <- coef(glm(outcome ~ 0 + x, family = family, offset = offset))
  effects <- glFormula(formula, data, family)$reTrms
  first <- effects$theta
  n_theta <- length(first)
  bars <- findbars(formula)
  plain <- length(bars) == 1 && identical(bars[[1]][[2]], 1)
  loglik <- if (plain) {
    g <- as.integer(factor(data[[as.character(bars[[1]][[3]])]]))
    one_intercept(case, x, y, n, offset, g)
  } else {
    any_effects(case, x, y, n, offset, effects)
  }
  if (!is.null(case$theta) && all(case$theta == 0)) {
    # At the boundary: the best coefficients with theta zero, which must be a peak in theta.
    stopifnot(loglik(c(0.05, start)) < loglik(c(0, start)))
    free <- n_theta + seq_along(start)
  } else {
    free <- seq_len(n_theta + length(start))
  }
  full <- function(p) replace(numeric(n_theta + length(start)), free, p)
  theta <- if (plain) 0.5 else first
  p <- c(theta, start)[free]
  p <- nlminb(p, function(p) -loglik(full(p)))$par
  # Wide steps: rounding errors of the likelihood then hardly show.
  differences <- list(d = 0.03, r = 5)
  f <- function(p) loglik(full(p))
  for (step in 1:10) {
    move <- solve(hessian(f, p, method.args = list(r = 6)), grad(f, p, method.args = differences))
    p <- p - move
    if (max(abs(move)) < 1e-10) break
  }
  vcov <- matrix(0, length(full(p)), length(full(p)))
  vcov[free, free] <- solve(-hessian(f, p, method.args = list(d = if (plain) 0.1 else 0.2, r = 6)))
  beta <- n_theta + seq_along(start)
  psi <- full(p)
  # The likelihood is even in each column of the factor.
  if (psi[1] < 0) psi[1] <- -psi[1]
  list(estimate = psi[beta], std_error = sqrt(diag(vcov))[beta], theta = psi[seq_len(n_theta)],
       loglik = f(p), vcov = vcov[beta, beta])
}

# A case with all values that the tests compare.
complete <- function(case) {
  new <- recompute(case)
  statistic <- new$estimate / new$std_error
  half <- qnorm(0.975) * new$std_error
  rest <- list(
    statistic = statistic, p_value = 2 * pnorm(-abs(statistic)), conf_low = new$estimate - half,
    conf_high = new$estimate + half
  )
  c(case, new, rest)
}

arguments <- commandArgs(trailingOnly = TRUE)
named <- arguments[arguments != "--write"]
path <- file.path(here, if (length(named)) named[1] else "glmm.json")
all <- fromJSON(path, simplifyDataFrame = FALSE)
if ("--write" %in% arguments) {
  texts <- vapply(all$cases, function(case) json_object(complete(case), 2), "")
  writeLines(paste0("{\n \"family\": \"glmm\",\n \"cases\": [", paste(texts, collapse = ", "),
                    "]\n}"), path)
  quit()
}
wrong <- FALSE
tolerance <- c(estimate = 1e-6, std_error = 1e-6, theta = 1e-6, loglik = 1e-9)
for (case in all$cases) {
  new <- recompute(case)
  for (field in names(tolerance)) {
    error <- max(abs(new[[field]] - case[[field]]) / pmax(abs(case[[field]]), 1e-2))
    if (is.na(error) || error > tolerance[[field]]) {
      cat("differs:", case$name, field, format(error), "\n")
      wrong <- TRUE
    }
  }
}
quit(status = as.integer(wrong))
