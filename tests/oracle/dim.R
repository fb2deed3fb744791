# Reference values of differences in means: recomputes dim.json from the CSVs beside this script.
#
#   Rscript tests/oracle/dim.R > tests/oracle/dim.json
#
# Packages on Debian: r-cran-estimatr.

suppressPackageStartupMessages(library(estimatr))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

cases <- list()

add <- function(name, data, formula = "y ~ z", alpha = 0.05, condition1 = NULL,
                condition2 = NULL, ...) {
  columns <- list(...)
  d <- table_of(data)
  call <- list(as.formula(formula), data = d, alpha = alpha)
  call[names(columns)] <- lapply(columns, as.name)
  if (!is.null(condition1)) call <- c(call, condition1 = condition1, condition2 = condition2)
  head <- c(list(name = name, data = data, formula = formula), columns)
  if (!is.null(condition1)) {
    head <- c(head, condition1 = condition1, condition2 = condition2)
  }
  head$alpha <- alpha
  fit <- tryCatch(do.call(difference_in_means, call), error = conditionMessage)
  body <- if (is.character(fit)) list(error = fit) else {
    numbers <- list(
      design = fit$design, term = fit$term,
      estimate = unname(fit$coefficients), std_error = unname(fit$std.error),
      statistic = unname(fit$statistic), p_value = unname(fit$p.value), df = unname(fit$df),
      conf_low = unname(fit$conf.low), conf_high = unname(fit$conf.high), nobs = fit$nobs)
    if (!is.null(fit$nblocks)) numbers$nblocks <- fit$nblocks
    if (!is.null(fit$nclusters)) numbers$nclusters <- fit$nclusters
    numbers
  }
  cases[[length(cases) + 1]] <<- c(head, body)
}

units <- "dim_units.csv"
add("simple", units)
add("simple_alpha10", units, alpha = 0.1)
add("simple_weighted", units, weights = "w")
add("three_arms_T1_vs_C", units, "y ~ arm", condition1 = "C", condition2 = "T1")
add("three_arms_T2_vs_C", units, "y ~ arm", condition1 = "C", condition2 = "T2")
add("three_arms_T2_vs_T1", units, "y ~ arm", condition1 = "T1", condition2 = "T2")
add("flipped", units, condition1 = 1, condition2 = 0)
add("blocked", "dim_blocked.csv", blocks = "block")
add("blocked_weighted", "dim_blocked.csv", blocks = "block", weights = "w")
add("clustered", "dim_clustered.csv", clusters = "cluster")
add("clustered_weighted", "dim_clustered.csv", clusters = "cluster", weights = "w")
add("matched_pair", "dim_pairs.csv", blocks = "pair")
add("block_clustered", "dim_blockcluster.csv", blocks = "block", clusters = "cluster")
add("block_clustered_weighted", "dim_blockcluster.csv", blocks = "block", clusters = "cluster",
    weights = "w")
add("matched_pair_clustered", "dim_pairclusters.csv", blocks = "block", clusters = "cluster")
add("mixed_block_sizes", "dim_mixedblocks.csv", blocks = "block")
add("error_one_cluster_per_block", "dim_blocked.csv", blocks = "block", clusters = "block")
add("error_treatment_varies_in_cluster", "dim_pairs.csv", clusters = "pair")

print_family("dim", cases, "estimatr")
