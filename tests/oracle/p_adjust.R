# Reference values of corrections for multiplicity: recomputes p_adjust.json with R's p.adjust.
#
#   Rscript tests/oracle/p_adjust.R > tests/oracle/p_adjust.json
#
# Sidak's correction is not in p.adjust: 1 - (1 - p)^m is the probability that some of m tests has a
# p-value below p, a tail of the binomial distribution.

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
source(file.path(here, "json.R"))

set.seed(20260301)
families <- list(
  two = c(0.03, 0.04),
  three = c(0.012, 0.2, 0.001),
  ties = c(0.02, 0.01, 0.02, 0.02, 0.5, 0.01),
  ends = c(0, 1, 0.5, 1e-300, 1, 0),
  # The fifteen of Benjamini and Hochberg 1995, section 3.3.
  hochberg = c(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
               0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
  uniform = runif(20),
  mixed = c(runif(25)^4, runif(25))
)
methods <- c(None = "none", Bonferroni = "bonferroni", Holm = "holm", Hochberg = "hochberg",
             Hommel = "hommel", BenjaminiHochberg = "BH", BenjaminiYekutieli = "BY")
cases <- list()
for (name in names(families)) {
  p <- families[[name]]
  for (correction in names(methods)) {
    cases[[length(cases) + 1]] <- list(
      name = paste(name, correction), correction = correction, p = array_of(p),
      adjusted = array_of(p.adjust(p, methods[[correction]])))
  }
  cases[[length(cases) + 1]] <- list(
    name = paste(name, "Sidak"), correction = "Sidak", p = array_of(p),
    adjusted = array_of(pbinom(0, length(p), p, lower.tail = FALSE)))
}
print_family("p_adjust", cases, character(0))
