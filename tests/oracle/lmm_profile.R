# The upper profile-likelihood limit of sigma in the case small_variance_ml of lmm.json, where the
# value kept there is not the lowest deviance at its sigma.
#
#   Rscript lmm_profile.R    prints the limit over all variances of the groups, and where it is zero
#
# At a fixed sigma the deviance is even in theta, so that theta = 0 is a stationary point, here a
# maximum; a search that starts there stays.
#
# Debian packages: r-cran-lme4 r-cran-jsonlite. Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages({
  library(lme4)
  library(jsonlite)
})

file <- grep("^--file=", commandArgs(), value = TRUE)
here <- if (length(file)) dirname(sub("^--file=", "", file[1])) else "."
cases <- fromJSON(file.path(here, "lmm.json"), simplifyVector = FALSE)$cases
case <- Filter(function(one) one$name == "small_variance_ml", cases)[[1]]
data <- read.csv(file.path(here, case$data))
deviance <- lmer(as.formula(case$formula), data, REML = FALSE, devFunOnly = TRUE)

# The deviance at any theta and sigma.
at <- function(theta, sigma) {
  deviance(theta)
  inner <- environment(deviance)
  squares <- inner$resp$wrss() + inner$pp$sqrL(1)
  inner$pp$ldL2() + nrow(data) * log(2 * pi * sigma^2) + squares / sigma^2
}
least <- optimize(deviance, c(0, 3), tol = 1e-10)$objective
lowest <- function(sigma) {
  grid <- seq(0, 2, 0.01)
  near <- grid[which.min(sapply(grid, at, sigma = sigma))]
  optimize(at, c(max(0, near - 0.02), near + 0.02), sigma = sigma, tol = 1e-12)$objective
}
limit <- function(f) uniroot(function(s) f(s) - least - qchisq(0.95, 1), c(1, 1.3), tol = 1e-12)$root
cat(sprintf("%.10f  over all theta\n", limit(lowest)))
cat(sprintf("%.10f  at theta 0; lmm.json has %.10f\n", limit(function(s) at(0, s)),
            case$profile_ml$sigma_high))
