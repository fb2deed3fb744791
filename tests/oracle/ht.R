# Reference values of Horvitz-Thompson estimators: recomputes ht.json from the CSVs beside this
# script.
#
#   Rscript tests/oracle/ht.R > tests/oracle/ht.json
#
# The committed file was made with randomizr's declarations for the cases named so; here the same
# designs are given by their probabilities. Packages on Debian: r-cran-estimatr.

suppressPackageStartupMessages(library(estimatr))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))),
                 "json.R"))

cases <- list()

# `design` says in words of its own what `...` tells estimatr.
add <- function(name, data, formula, design, se_type = "youngs", alpha = 0.05, ...) {
  d <- table_of(data)
  call <- list(as.formula(formula), data = d, se_type = se_type, alpha = alpha, ...)
  head <- list(name = name, data = data, formula = formula, se_type = se_type, alpha = alpha,
               design = design)
  fit <- tryCatch(do.call(horvitz_thompson, call), error = conditionMessage)
  body <- if (is.character(fit)) list(error = fit) else {
    list(estimate = unname(fit$coefficients), std_error = unname(fit$std.error),
         statistic = unname(fit$statistic), p_value = unname(fit$p.value), df = NA,
         conf_low = unname(fit$conf.low), conf_high = unname(fit$conf.high), nobs = fit$nobs)
  }
  cases[[length(cases) + 1]] <<- c(head, body)
}

units <- "ht_units.csv"
n <- nrow(table_of(units))
clusters <- table_of("ht_clusters.csv")
blocks <- table_of("ht_blocks.csv")
pairs <- table_of("ht_pairs.csv")
both <- table_of("ht_blockclusters.csv")
simple <- list(type = "simple", prob = 0.4)
varying <- list(type = "simple", prob_column = "p")
complete <- list(type = "complete", N = n, m = 12)
in_units <- function(prob) rep(prob, n)

# The share of treated clusters, for each row.
share <- function(d, cluster) {
  rep(mean(d$z[!duplicated(d[[cluster]])]), nrow(d))
}

for (se in c("youngs", "constant")) {
  add(paste0("simple_const_", se), units, "y ~ zs", simple, se, condition_prs = rep(0.4, n),
      simple = TRUE)
}
for (se in c("youngs", "constant")) {
  add(paste0("simple_varying_", se), units, "y ~ zp", varying, se,
      condition_prs = table_of(units)$p, simple = TRUE)
}
add("simple_learned_prob", units, "y ~ zs", list(type = "simple", prob = "mean of z"),
    simple = TRUE)
add("simple_declaration", units, "y ~ zs", simple,
    condition_prs = in_units(0.4), simple = TRUE)
add("complete_declaration", units, "y ~ zc", complete, condition_prs = in_units(0.4), simple = FALSE)
add("complete_learned_prob", units, "y ~ zc", complete, simple = FALSE)
add("complete_alpha10", units, "y ~ zc", complete, alpha = 0.1, condition_prs = in_units(0.4),
    simple = FALSE)
add("complete_noninteger_m", units, "y ~ zc",
    list(type = "complete", N = n, prob = 0.37,
         note = paste("N * prob is not an integer: randomizr draws floor or ceiling at",
                      "random")),
    condition_prs = in_units(0.37), simple = FALSE)
add("complete_constant_is_error", units, "y ~ zc", complete, "constant", condition_prs = in_units(0.4),
    simple = FALSE)
add("cluster_complete_declaration", "ht_clusters.csv", "y ~ z",
    list(type = "cluster_complete", clusters = "cl", m = 3),
    condition_prs = share(clusters, "cl"), clusters = as.name("cl"), simple = FALSE)
add("cluster_simple", "ht_clusters.csv", "y ~ zs",
    list(type = "cluster_simple", clusters = "cl", prob = 0.5),
    condition_prs = rep(0.5, nrow(clusters)), clusters = as.name("cl"), simple = TRUE)
by_block <- list(type = "block_complete", blocks = "block", block_m = array_of(c(2, 2, 5)))
add("block_complete_declaration", "ht_blocks.csv", "y ~ z", by_block,
    condition_prs = ave(blocks$z, blocks$block), blocks = as.name("block"))
add("block_learned_prob", "ht_blocks.csv", "y ~ z", by_block, blocks = as.name("block"))
add("pairs_declaration", "ht_pairs.csv", "y ~ z",
    list(type = "matched_pair", blocks = "pair"),
    condition_prs = rep(0.5, nrow(pairs)), blocks = as.name("pair"))
add("block_cluster_declaration", "ht_blockclusters.csv", "y ~ z",
    list(type = "block_and_cluster", blocks = "block", clusters = "cl",
         per_block = "half of the clusters"),
    condition_prs = rep(0.5, nrow(both)), blocks = as.name("block"), clusters = as.name("cl"))

print_family("ht", cases, "estimatr")
