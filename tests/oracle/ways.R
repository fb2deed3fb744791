# Clusters of several ways: sandwich's vcovCL, which subtracts the intersections (multi0 = FALSE).
# HC0 without adjustment is CR0; HC1, with G / (G - 1) for each part, is Stata.
# Rscript tests/oracle/ways.R > tests/oracle/ways.json

suppressMessages(library(sandwich))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "json.R"))

units <- table_of("ols_units.csv")
fewest <- function(ways) min(vapply(ways, function(way) length(unique(units[[way]])), 1))

case <- function(name, formula, ways, se, weights = NULL, ours = formula, fixed = NULL) {
  w <- if (is.null(weights)) rep(1, nrow(units)) else units[[weights]]
  fit <- lm(as.formula(formula), cbind(units, .w = w), weights = .w)
  clusters <- as.formula(paste("~", paste(ways, collapse = " + ")))
  V <- vcovCL(fit, clusters, type = if (se == "CR0") "HC0" else "HC1", cadjust = se != "CR0")
  kept <- if (is.null(fixed)) seq_along(coef(fit)) else which(names(coef(fit)) %in% fixed)
  estimate <- coef(fit)[kept]
  V <- V[kept, kept, drop = FALSE]
  error <- suppressWarnings(sqrt(diag(V)))
  df <- fewest(ways) - 1
  beside <- c(sprintf("clusters: [%s], se: %s", paste(ways, collapse = ", "), se),
              if (!is.null(weights)) sprintf("weights: %s", weights),
              if (!is.null(fixed)) "fixed_effects: [f]")
  list(name = name, data = "ols_units.csv",
       method = sprintf('LmRobust(formula: "%s", %s)', ours, paste(beside, collapse = ", ")),
       terms = array_of(names(estimate)), estimate = array_of(estimate), std_error = array_of(error),
       df = array_of(rep(df, length(estimate))),
       p_value = array_of(2 * pt(-abs(estimate / error), df)), vcov = unname(V))
}

cases <- list()
add <- function(...) cases[[length(cases) + 1]] <<- case(...)
for (se in c("CR0", "Stata")) {
  add(paste("two ways", se), "y ~ z + x1 + x2", c("cl", "h"), se)
  add(paste("three ways", se), "y ~ z + x1", c("cl", "h", "f"), se)
  add(paste("weighted", se), "y ~ z + x1", c("cl", "f"), se, weights = "w")
  # Variances below zero: those of the intercept, and of the product.
  add(paste("below zero", se), "y ~ x1 * x2", c("f", "h"), se)
  add(paste("below zero as well", se), "y ~ x1 * x2", c("cl", "h"), se)
  add(paste("one within the other", se), "y ~ x1 * x2", c("cl", "id"), se)
  add(paste("fixed effects", se), "y ~ z + x1 + factor(f)", c("cl", "h"), se,
      ours = "y ~ z + x1", fixed = c("z", "x1"))
}
print_family("ways", cases, "sandwich")
