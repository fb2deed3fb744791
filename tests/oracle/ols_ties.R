# Which of tied columns lm_robust drops: recomputes ols_ties.csv from ols_units.csv.
#
#   Rscript tests/oracle/ols_ties.R > tests/oracle/ols_ties.csv
#
# x4 = 1 - z. Once the constant is a pivot the remaining norms of z and x4 are equal but for
# rounding. Numbers are rounded to multiples of 1/1024, since R does not always read the double
# that is nearest to a decimal number. NA: rounding error was taken for a column. Packages on Debian (amd64, Eigen 3.3.9): r-cran-estimatr.

suppressPackageStartupMessages(library(estimatr))

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "ols_units.csv"))
for (name in c("x1", "x2", "w")) d[[name]] <- round(d[[name]] * 1024) / 1024
formulas <- c("y ~ x4 + x1 + z", "y ~ z + x4", "y ~ x1 + z + x2 + x4")

cat("rows,weights,formula,dropped\n")
for (n in 8:nrow(d)) for (w in c("", "w")) for (formula in formulas) {
  call <- list(as.formula(formula), data = d[1:n, ], se_type = "classical")
  if (w != "") call$weights <- d[1:n, w]
  beta <- coef(do.call(lm_robust, call))
  dropped <- c(names(beta)[is.na(beta)], NA)[1]
  cat(n, ",", w, ",", formula, ",", dropped, "\n", sep = "")
}
