# Profile-likelihood limits of the standard deviations and correlations of correlated random
# effects, for the cases of lmm_correlated.json.
#
#   Rscript lmm_correlated.R            compares with lmm_correlated.json; fails where one differs
#   Rscript lmm_correlated.R --write    writes it
#
# sd_low ... cor_high: where the deviance of lme4 (the full likelihood) with one standard deviation
# or correlation given, and all else at its best, is qchisq(0.95, 1) above its minimum. The best is
# found by nlminb over logarithms of standard deviations, of sigma, and inverse hyperbolic tangents
# of partial correlations. A limit is missing where there is none before zero, or one.
# lme4_sd_low ... lme4_cor_high: what confint(fit, method = "profile") says, by splines. Those of
# standard deviations are right to some 1e-4. Those of correlations are not: lme4_rise_low and
# lme4_rise_high are how far the deviance rises there, and should be 3.84.
#
# Debian packages: r-cran-lme4 r-cran-jsonlite. Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
})

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
threshold <- qchisq(0.95, 1)

models <- list(
  slope = list(data = "lmm_slopes.csv", formula = "y ~ z + x + (1 + x | g)"),
  # Far from zero the intercept goes with the slope.
  far = list(data = "lmm_slopes.csv", formula = "y ~ z + x + (1 + I(x + 3) | g)"),
  categories = list(data = "lmm_categories.csv", formula = "y ~ arm + x + (arm | site)"),
  crossed = list(data = "lmm_categories.csv",
                 formula = "y ~ arm + x + (1 + x | site) + (1 | visits)")
)

# A correlation matrix from partial correlations, by columns of its factor.
factor_of <- function(partial, r) {
  l <- diag(r)
  at <- 1
  for (i in seq_len(r)[-1]) {
    left <- 1
    for (j in seq_len(i - 1)) {
      l[i, j] <- partial[at] * sqrt(left)
      left <- left - l[i, j]^2
      at <- at + 1
    }
    l[i, i] <- sqrt(max(left, 0))
  }
  l
}

limits <- function(model) {
  data <- read.csv(file.path(here, model$data))
  fit <- lmer(as.formula(model$formula), data, REML = FALSE)
  deviance <- update(fit, devFunOnly = TRUE)
  n <- nrow(data)
  at <- function(theta, sigma) {
    deviance(theta)
    inner <- environment(deviance)
    squares <- inner$resp$wrss() + inner$pp$sqrL(1)
    inner$pp$ldL2() + n * log(2 * pi * sigma^2) + squares / sigma^2
  }
  names <- getME(fit, "cnms")
  r <- lengths(names)
  wide <- which.max(r)
  k <- r[[wide]]
  # The order puts the effects in question first.
  value <- function(par, order, sd, correlation) {
    sigma <- exp(par[1])
    par <- par[-1]
    own <- if (is.null(sd)) exp(par[1:k]) else c(sd, exp(par[seq_len(k - 1)]))
    par <- tail(par, length(par) - (k - !is.null(sd)))
    n_partial <- k * (k - 1) / 2 - !is.null(correlation)
    partial <- c(correlation, tanh(par[seq_len(n_partial)]))
    others <- exp(tail(par, length(par) - n_partial))
    s <- own * factor_of(partial, k)
    s <- (s %*% t(s))[order(order), order(order)]
    l <- t(chol(s + diag(1e-14, k)))
    theta <- vector("list", length(r))
    theta[[wide]] <- l[lower.tri(l, diag = TRUE)] / sigma
    theta[-wide] <- others / sigma
    at(unlist(theta), sigma)
  }
  estimates <- function(order) {
    v <- VarCorr(fit)
    own <- v[[wide]][order, order]
    l <- t(chol(cov2cor(own)))
    partial <- c()
    for (i in seq_len(k)[-1]) {
      left <- 1
      for (j in seq_len(i - 1)) {
        partial <- c(partial, l[i, j] / sqrt(left))
        left <- left - l[i, j]^2
      }
    }
    list(sigma = log(sigma(fit)), sd = log(sqrt(diag(own))), partial = atanh(partial),
         others = log(as.numeric(unlist(lapply(v[-wide], function(o) sqrt(o[1, 1]))))))
  }
  lowest <- function(order, sd = NULL, correlation = NULL) {
    e <- estimates(order)
    start <- c(e$sigma, if (is.null(sd)) e$sd else e$sd[-1],
               if (is.null(correlation)) e$partial else e$partial[-1], unlist(e$others))
    for (step in 1:4) {
      found <- nlminb(start, value, order = order, sd = sd, correlation = correlation,
                      control = list(eval.max = 4000, iter.max = 4000, rel.tol = 1e-15,
                                     x.tol = 1e-12, abs.tol = 0))
      start <- found$par
    }
    found$objective
  }
  least <- lowest(seq_len(k))
  limit <- function(f, near, far) {
    g <- function(x) f(x) - least - threshold
    if (g(far) < 0) return(NA)
    uniroot(g, sort(c(near, far)), tol = 1e-11)$root
  }
  sds <- sapply(seq_len(k), function(i) {
    order <- c(i, setdiff(seq_len(k), i))
    own <- exp(estimates(order)$sd[1])
    f <- function(s) lowest(order, sd = s)
    c(limit(f, own, own * 1e-4), limit(f, own, own * 6))
  })
  pairs <- combn(k, 2)
  correlations <- apply(pairs, 2, function(pair) {
    order <- c(pair, setdiff(seq_len(k), pair))
    own <- tanh(estimates(order)$partial[1])
    f <- function(rho) lowest(order, correlation = rho)
    c(limit(f, own, -1 + 1e-7), limit(f, own, 1 - 1e-7))
  })
  # In lme4's table the correlated effects come first where their groups are most: a row for each
  # element of the lower triangle, by columns.
  own <- suppressWarnings(confint(fit, parm = "theta_", method = "profile", quiet = TRUE))
  row <- matrix(0, k, k)
  row[lower.tri(row, diag = TRUE)] <- seq_len(k * (k + 1) / 2)
  of_pairs <- apply(pairs, 2, function(pair) row[pair[2], pair[1]])
  rise <- function(side) {
    sapply(seq_len(ncol(pairs)), function(p) {
      order <- c(pairs[, p], setdiff(seq_len(k), pairs[, p]))
      lowest(order, correlation = own[of_pairs[p], side]) - least
    })
  }
  list(terms = names[[wide]], group = names(names)[wide], sd_low = sds[1, ], sd_high = sds[2, ],
       cor_terms = I(apply(pairs, 2, function(p) paste(names[[wide]][p], collapse = " "))),
       cor_low = I(correlations[1, ]), cor_high = I(correlations[2, ]),
       lme4_sd_low = unname(own[diag(row), 1]), lme4_sd_high = unname(own[diag(row), 2]),
       lme4_cor_low = I(unname(own[of_pairs, 1])), lme4_cor_high = I(unname(own[of_pairs, 2])),
       lme4_rise_low = I(rise(1)), lme4_rise_high = I(rise(2)))
}

path <- file.path(here, "lmm_correlated.json")
found <- lapply(names(models), function(name) {
  c(list(name = name), models[[name]], limits(models[[name]]))
})
if ("--write" %in% commandArgs(TRUE)) {
  write_json(list(cases = found), path, auto_unbox = TRUE, na = "null", digits = NA, pretty = TRUE)
} else {
  known <- read_json(path, simplifyVector = TRUE, simplifyDataFrame = FALSE)$cases
  for (i in seq_along(found)) {
    for (field in c("sd_low", "sd_high", "cor_low", "cor_high")) {
      apart <- max(abs(found[[i]][[field]] - as.numeric(known[[i]][[field]])), na.rm = TRUE)
      if (apart > 1e-7) stop(found[[i]]$name, " ", field, " is apart by ", apart)
    }
  }
  cat(length(found), "cases are the same\n")
}
