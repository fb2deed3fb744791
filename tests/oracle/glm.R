# Recomputes the reference values of generalised linear models from the CSV files beside this
# script.
#
#   Rscript glm.R            compares with glm.json and glm_more.json; fails where a value differs
#   Rscript glm.R --write    writes glm_more.json
#
# glm.json: the list of cases is read from it; estimates, errors, deviances, likelihoods and robust
# errors are recomputed. glm_more.json: negative binomial and Gamma families, further robust
# errors, and average marginal effects, whose cases are listed below.
#
# glm stops on the deviance; here it goes on until the coefficients stand still. Average marginal
# effects are computed from model matrices with the variable changed; the gradients of their errors
# by Richardson extrapolation.
#
# Debian packages: r-cran-jsonlite r-cran-sandwich r-cran-mass r-cran-numderiv. R 4.2.2.

suppressPackageStartupMessages({
  library(jsonlite)
  library(sandwich)
  library(MASS)
  library(numDeriv)
})

here <- function() {
  file <- grep("^--file=", commandArgs(), value = TRUE)
  if (length(file)) dirname(sub("^--file=", "", file[1])) else "."
}
setwd(here())
read <- function(name) read.csv(name, stringsAsFactors = TRUE)
exact <- glm.control(epsilon = 1e-300, maxit = 400)

# glm stops where the deviance stands still to its last digit; the coefficients then lack some.
fitted_exactly <- function(...) {
  fit <- suppressWarnings(glm(..., control = exact))
  for (step in 1:40) {
    fit <- suppressWarnings(glm(..., control = exact, start = coef(fit)))
  }
  fit
}

fitted_case <- function(case, data) {
  family <- get(case$family)(link = case$link)
  formula <- as.formula(case$formula)
  environment(formula) <- environment()
  data$.w <- if (is.null(case$weights)) 1 else data[[case$weights]]
  data$.o <- if (is.null(case$log_offset_column)) 0 else log(data[[case$log_offset_column]])
  if (!is.null(case$size_column)) {
    formula <- update(formula, paste0("cbind(", formula[[2]], ", ", case$size_column, " - ",
                                      formula[[2]], ") ~ ."))
  }
  start <- NULL
  for (step in 1:40) {
    fit <- suppressWarnings(
      glm(formula, family, data, weights = .w, offset = .o, control = exact, start = start)
    )
    start <- coef(fit)
  }
  fit
}

# The joint maximum of coefficients and size.
fitted_nb <- function(formula, data) {
  theta <- glm.nb(formula, data)$theta
  for (step in 1:60) {
    fit <- suppressWarnings(glm(formula, negative.binomial(theta), data, control = exact))
    theta <- as.numeric(theta.ml(fit$y, fitted(fit), limit = 1000, eps = 1e-14))
  }
  list(fit = fit, theta = theta)
}

# Average marginal effect of a variable: c(estimate, std_error).
effect <- function(fit, data, variable, level, vcov) {
  inverse <- fit$family$linkinv
  slope <- fit$family$mu.eta
  offset <- if (is.null(fit$offset)) 0 else fit$offset
  at <- function(value) {
    data[[variable]] <- if (is.factor(data[[variable]])) {
      factor(value, levels(data[[variable]]))
    } else {
      value
    }
    model.matrix(delete.response(terms(fit)), data, xlev = fit$xlevels)
  }
  own <- data[[variable]]
  if (is.factor(own) || all(own %in% 0:1)) {
    low <- at(if (is.factor(own)) levels(own)[1] else 0)
    high <- at(if (is.factor(own)) level else 1)
    value <- function(b) {
      mean(inverse(drop(high %*% b) + offset) - inverse(drop(low %*% b) + offset))
    }
  } else {
    x <- model.matrix(fit)
    change <- at(1) - at(0)
    value <- function(b) mean(slope(drop(x %*% b) + offset) * drop(change %*% b))
  }
  gradient <- grad(value, coef(fit))
  c(value(coef(fit)), sqrt(drop(gradient %*% vcov %*% gradient)))
}

more <- list(
  list(name = "negative_binomial", data = "glm_units.csv", formula = "cnt ~ z + x1",
       family = "NegativeBinomial"),
  list(name = "negative_binomial_factor", data = "glm_units.csv", formula = "cnt ~ z * x1 + f",
       family = "NegativeBinomial"),
  list(name = "gamma_inverse", data = "glm_units.csv", formula = "expo ~ z + x1",
       family = "Gamma(link: Inverse)"),
  list(name = "gamma_log", data = "glm_units.csv", formula = "w ~ z * x1 + x2",
       family = "Gamma(link: Log)"),
  list(name = "robust_logit", data = "glm_units.csv", formula = "y ~ z * x1 + f",
       family = "Binomial"),
  list(name = "robust_cloglog", data = "glm_units.csv", formula = "y ~ z + x1",
       family = "Binomial(link: Cloglog)"),
  list(name = "robust_poisson", data = "glm_units.csv", formula = "cnt ~ z + f",
       family = "Poisson"),
  list(name = "cells_probit", data = "glm_units.csv", formula = "y ~ z * f",
       family = "Binomial(link: Probit)")
)

# Terms whose variable has an average marginal effect: term, variable, level.
effects <- list(
  negative_binomial = list(c("z", "z", NA), c("x1", "x1", NA)),
  gamma_inverse = list(c("z", "z", NA)),
  gamma_log = list(c("z", "z", NA), c("x1", "x1", NA), c("x2", "x2", NA)),
  robust_logit = list(c("z", "z", NA), c("x1", "x1", NA), c("ff2", "f", "f2"),
                      c("ff3", "f", "f3")),
  robust_cloglog = list(c("z", "z", NA), c("x1", "x1", NA)),
  robust_poisson = list(c("z", "z", NA), c("ff3", "f", "f3")),
  cells_probit = list(c("z", "z", NA), c("ff2", "f", "f2"))
)

families <- list(
  "Gamma(link: Inverse)" = Gamma("inverse"), "Gamma(link: Log)" = Gamma("log"),
  "Binomial" = binomial("logit"), "Binomial(link: Cloglog)" = binomial("cloglog"),
  "Binomial(link: Probit)" = binomial("probit"), "Poisson" = poisson("log")
)

computed_more <- function(case) {
  data <- read(case$data)
  formula <- as.formula(case$formula)
  if (case$family == "NegativeBinomial") {
    nb <- fitted_nb(formula, data)
    fit <- nb$fit
    vcov <- summary(fit, dispersion = 1)$cov.scaled
    case$size <- nb$theta
    case$loglik <- sum(dnbinom(fit$y, nb$theta, mu = fitted(fit), log = TRUE))
  } else {
    fit <- fitted_exactly(formula, families[[case$family]], data)
    vcov <- vcov(fit)
    case$dispersion <- summary(fit)$dispersion
  }
  case$terms <- names(coef(fit))
  case$estimate <- unname(coef(fit))
  case$std_error <- unname(sqrt(diag(vcov)))
  se <- function(v) unname(sqrt(diag(v)))
  if (case$family != "NegativeBinomial") {
    case$robust <- list(
      HC0 = se(vcovHC(fit, "HC0")), HC1 = se(vcovHC(fit, "HC1")), HC2 = se(vcovHC(fit, "HC2")),
      HC3 = se(vcovHC(fit, "HC3")),
      CR0 = se(vcovCL(fit, data$g, type = "HC0", cadjust = FALSE)),
      CR1 = se(vcovCL(fit, data$g, type = "HC0", cadjust = TRUE)),
      CR1S = se(vcovCL(fit, data$g, type = "HC1", cadjust = TRUE))
    )
    clustered <- vcovCL(fit, data$g, type = "HC0", cadjust = TRUE)
  }
  case$effects <- lapply(effects[[case$name]], function(e) {
    own <- effect(fit, data, e[2], e[3], vcov)
    out <- list(term = e[1], estimate = own[1], std_error = own[2])
    if (case$family != "NegativeBinomial") {
      out$clustered <- effect(fit, data, e[2], e[3], clustered)[2]
    }
    out
  })
  case
}

differs <- function(name, ours, theirs, tolerance) {
  error <- max(abs(unlist(ours) - unlist(theirs)) / pmax(abs(unlist(theirs)), 1e-300))
  if (is.na(error) || error > tolerance) cat("differs:", name, error, "\n")
  is.na(error) || error > tolerance
}

wrong <- FALSE
for (case in fromJSON("glm.json", simplifyDataFrame = FALSE)$cases) {
  data <- read(case$data)
  fit <- fitted_case(case, data)
  check <- function(what, value) {
    wrong <<- differs(paste(case$name, what), value, case[[what]], 1e-8) || wrong
  }
  check("estimate", coef(fit))
  check("std_error", sqrt(diag(vcov(fit))))
  check("deviance", deviance(fit))
  if (!is.null(case$loglik)) check("loglik", as.numeric(logLik(fit)))
  robust <- sqrt(diag(vcovHC(fit, "HC0")))
  wrong <- differs(paste(case$name, "HC0"), robust, case$robust$HC0, 1e-8) || wrong
}
results <- lapply(more, computed_more)
if ("--write" %in% commandArgs()) {
  text <- toJSON(list(cases = results), auto_unbox = TRUE, digits = I(17), null = "null")
  writeLines(text, "glm_more.json")
} else {
  old <- fromJSON("glm_more.json", simplifyDataFrame = FALSE)$cases
  for (i in seq_along(results)) {
    for (what in c("estimate", "std_error", "robust", "size", "dispersion")) {
      if (is.null(old[[i]][[what]])) next
      name <- paste(results[[i]]$name, what)
      wrong <- differs(name, results[[i]][[what]], old[[i]][[what]], 1e-8) || wrong
    }
  }
}
quit(status = as.integer(wrong))
