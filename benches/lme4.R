# Times of lmer: `Rscript lme4.R DATA.csv FORMULA FITS` prints the criterion, and the seconds of each
# fit by a processor, after one that warms up.

if (!requireNamespace("lme4", quietly = TRUE)) {
    stop("lme4 is not installed", call. = FALSE)
}
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1])
formula <- as.formula(arguments[2])
one <- function() suppressWarnings(lme4::lmer(formula, data))
fitted <- one()
seconds <- replicate(as.integer(arguments[3]), {
    start <- sum(proc.time()[1:2])
    one()
    sum(proc.time()[1:2]) - start
})
cat(format(lme4::REMLcrit(fitted), digits = 15), "\n")
cat(seconds, "\n")
