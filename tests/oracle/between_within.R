# Prints the degrees of freedom of nlme's lme, which the test of `df: BetweenWithin` repeats: one
# for the intercept, one for each other fixed effect.
#
#   Rscript between_within.R
#
# Debian package: r-cran-nlme. Made with R 4.2.2, nlme 3.1-162.

library(nlme)

file <- grep("^--file=", commandArgs(), value = TRUE)
if (length(file)) setwd(dirname(sub("^--file=", "", file[1])))

df <- function(name, formula, random) {
  fit <- lme(formula, random = random, data = read.csv(name))
  cat(name, deparse(random), ":", summary(fit)$tTable[, "DF"], "\n")
}
df("lmm_nested.csv", y ~ z + x1, ~ 1 | school / class)
df("lmm_slopes.csv", y ~ z + x, ~ 1 + x | g)
df("lmm_splitplot.csv", y ~ main * sub, ~ 1 | row / plot)
df("lmm_unbalanced.csv", y ~ z + x1, ~ 1 | g)
