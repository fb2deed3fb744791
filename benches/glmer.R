# Times of glmer: `Rscript glmer.R DATA.csv FORMULA NAGQ FITS` prints the log-likelihood (without the
# constants of the outcome for more than one node) and the seconds of each fit by a processor, after
# one that warms up.

if (!requireNamespace("lme4", quietly = TRUE)) {
    stop("lme4 is not installed", call. = FALSE)
}
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1])
formula <- as.formula(arguments[2])
nodes <- as.integer(arguments[3])
one <- function() suppressWarnings(lme4::glmer(formula, data, binomial, nAGQ = nodes))
fitted <- one()
seconds <- replicate(as.integer(arguments[4]), {
    start <- sum(proc.time()[1:2])
    one()
    sum(proc.time()[1:2]) - start
})
cat(format(as.numeric(logLik(fitted)), digits = 15), "\n")
cat(seconds, "\n")
