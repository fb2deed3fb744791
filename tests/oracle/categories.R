# Makes the data of mixed models with categories that differ between groups, and the cases of
# lmm_categories.json and glmm_categories.json; lmm.R and glmm.R then find their values.
#
#   Rscript categories.R && Rscript lmm.R lmm_categories.json --write &&
#     Rscript glmm.R glmm_categories.json --write
#
# Made with R 4.2.2, lme4 1.1-31.

suppressPackageStartupMessages(library(jsonlite))

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

set.seed(1)
n_sites <- 30
sizes <- 11 + (seq_len(n_sites) * 5) %% 8
site <- rep(seq_len(n_sites), sizes)
n <- length(site)
arm <- sample(c("control", "letter", "visit"), n, replace = TRUE, prob = c(0.4, 0.3, 0.3))
wave <- sample(1:2, n, replace = TRUE)
x <- round(rnorm(n), 6)
base <- rnorm(n_sites, 0, 0.7)
letter <- 0.5 * base + rnorm(n_sites, 0, 0.6)
visit <- -0.4 * base + rnorm(n_sites, 0, 0.8)
slope <- matrix(rnorm(3 * n_sites, 0, 0.8), n_sites)
second <- rnorm(n_sites, 0, 0.7)
mean <- base[site] + (arm == "letter") * (0.3 + letter[site]) +
  (arm == "visit") * (0.8 + visit[site]) + (wave == 2) * (0.2 + second[site]) +
  (0.3 + slope[cbind(site, as.integer(factor(arm)))]) * x
y <- round(mean + rnorm(n, 0, 0.9), 6)
visits <- rpois(n, exp(0.4 + 0.7 * mean))
data <- data.frame(site, arm, wave, x, y, visits)
write.csv(data, file.path(here, "lmm_categories.csv"), row.names = FALSE, quote = FALSE)

formulas <- c(
  reml = "y ~ arm + x + (arm | site)",
  full = "y ~ arm + x + (0 + arm | site)",
  numbers = "y ~ arm + x + factor(wave) + (factor(wave) | site)",
  products = "y ~ arm * x + (1 | site) + (0 + arm:x | site)",
  crossed = "y ~ arm + x + (1 | site) + (1 | site:arm)"
)
terms <- function(formula) {
  colnames(model.matrix(lme4::nobars(as.formula(formula)), data))
}
case <- function(name, reml) {
  formula <- formulas[[name]]
  list(
    name = paste0("categories_", name, if (reml) "" else "_ml"), data = "lmm_categories.csv",
    formula = formula, REML = reml, terms = terms(formula), estimate = NA, std_error = NA,
    statistic = NA, vcov = NA, theta = NA, sigma = NA, varcomp = NA, criterion = NA, loglik = NA,
    aic = NA, bic = NA, npar = NA, nobs = NA, ngroups = NA, singular = NA,
    satterthwaite = list(df = NA), wald_z = NA, ranef = NA
  )
}
cases <- c(lapply(names(formulas), case, reml = TRUE), list(case("reml", FALSE)))
write_json(list(family = "lmm", cases = cases), file.path(here, "lmm_categories.json"),
           auto_unbox = TRUE, na = "null", pretty = TRUE)

formula <- "visits ~ arm + x + (arm | site)"
case <- list(
  name = "poisson_categories_laplace", data = "lmm_categories.csv", formula = formula,
  family = "poisson", link = "log", nAGQ = 1, curvature = "expected", terms = terms(formula)
)
write_json(list(family = "glmm", cases = list(case)), file.path(here, "glmm_categories.json"),
           auto_unbox = TRUE, pretty = TRUE)
