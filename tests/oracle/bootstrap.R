# Reference values of bootstraps: recomputes bootstrap.json from the CSVs beside this script.
#
#   Rscript tests/oracle/bootstrap.R > tests/oracle/bootstrap.json
#
# Every replicate of the wild cluster bootstrap is refitted, for all vectors of signs; its standard
# error is worked out from matrices, by a function that is held against clubSandwich on the data.
# Packages on Debian: r-cran-clubsandwich.

suppressPackageStartupMessages(library(clubSandwich))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

cases <- list()

# The standard error of a coefficient for residuals e: CR0, CR1S (Stata) or CR2, from matrices.
sandwich_of <- function(x, term, g, type) {
  bread <- solve(crossprod(x))
  groups <- split(seq_along(g), g)
  adjust <- lapply(groups, function(rows) {
    own <- x[rows, , drop = FALSE]
    if (type != "CR2") return(diag(length(rows)))
    v <- eigen(diag(length(rows)) - own %*% bread %*% t(own), symmetric = TRUE)
    v$vectors %*% (ifelse(v$values > 1e-10, 1 / sqrt(abs(v$values)), 0) * t(v$vectors))
  })
  left <- lapply(seq_along(groups), function(i) {
    (bread %*% t(x[groups[[i]], , drop = FALSE]) %*% adjust[[i]])[colnames(x) == term, ]
  })
  J <- length(groups)
  factor <- if (type == "CR1S") J / (J - 1) * (nrow(x) - 1) / (nrow(x) - ncol(x)) else 1
  function(e) sqrt(factor * sum(mapply(function(l, rows) sum(l * e[rows])^2, left, groups)))
}

# p-values of the hypotheses that the coefficient is b0, by all vectors of signs.
wild <- function(d, formula, term, cluster, type, imposed) {
  fit <- lm(as.formula(formula), d)
  y <- model.response(model.frame(fit))
  x <- model.matrix(fit)
  g <- as.integer(factor(d[[cluster]]))
  se <- sandwich_of(x, term, g, type)
  own <- sqrt(vcovCR(fit, cluster = g, type = type)[term, term])
  stopifnot(all.equal(se(resid(fit)), own, tolerance = 1e-9))
  signs <- as.matrix(expand.grid(rep(list(c(1, -1)), max(g))))
  function(b0) {
    t <- (coef(fit)[[term]] - b0) / own
    fitted <- fitted(fit)
    centre <- coef(fit)[[term]]
    if (imposed) {
      fitted <- b0 * x[, term]
      if (ncol(x) > 1) {
        fitted <- fitted + lm.fit(x[, colnames(x) != term, drop = FALSE], y - fitted)$fitted.values
      }
      centre <- b0
    }
    e <- y - fitted
    stars <- apply(signs, 1, function(v) {
      star <- lm.fit(x, fitted + v[g] * e)
      (star$coefficients[[term]] - centre) / se(star$residuals)
    })
    mean(abs(stars) >= abs(t) * (1 - 1e-9))
  }
}

# Where the p-value crosses alpha: the last value on each side that is not rejected.
ends <- function(p, estimate, se, alpha) {
  vapply(c(-1, 1), function(side) {
    inside <- estimate
    reach <- se
    repeat {
      outside <- estimate + side * reach
      if (p(outside) <= alpha) break
      inside <- outside
      reach <- 2 * reach
    }
    for (i in 1:34) {
      middle <- (inside + outside) / 2
      if (p(middle) <= alpha) outside <- middle else inside <- middle
    }
    inside
  }, 0)
}

add <- function(name, data, formula, term, cluster, se, null, alpha = 0.1) {
  d <- table_of(data)
  type <- if (se == "Stata") "CR1S" else se
  p <- wild(d, formula, term, cluster, type, null == "Imposed")
  fit <- lm(as.formula(formula), d)
  error <- sqrt(vcovCR(fit, cluster = d[[cluster]], type = type)[term, term])
  interval <- ends(p, coef(fit)[[term]], error, alpha)
  cases[[length(cases) + 1]] <<- list(
    name = name, data = data, formula = formula, term = term, clusters = cluster, se = se,
    null = null, alpha = alpha, estimate = coef(fit)[[term]], std_error = error, p_value = p(0),
    conf_low = interval[1], conf_high = interval[2])
}

for (null in c("Imposed", "Unrestricted")) {
  for (se in c("CR0", "Stata", "CR2")) {
    add(paste("units", null, se), "bootstrap_units.csv", "y ~ z + x", "z", "g", se, null)
  }
}
add("covariate", "bootstrap_units.csv", "y ~ z + x", "x", "g", "Stata", "Imposed")
add("mean", "bootstrap_units.csv", "y ~ 1", "(Intercept)", "g", "CR0", "Imposed")

print_family("bootstrap", cases, c("clubSandwich"))
