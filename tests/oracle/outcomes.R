# Several outcomes at once: lm_robust and lm_lin of `cbind(...)`, which leave out the rows where one
# of the outcomes is missing. With fixed effects estimatr 1.0.0 stops with an error, so there is none.
# Rscript tests/oracle/outcomes.R > tests/oracle/outcomes.json

suppressMessages(library(estimatr))
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "json.R"))

units <- table_of("ols_units.csv")
units$a <- ifelse(units$id %% 7 == 0, NA, units$y)
units$b <- ifelse(units$id %% 11 == 0, NA, units$x1 * units$z + units$x2)
bound <- 'cbind(a = if(id % 7 == 0, NA, y), b = if(id % 11 == 0, NA, x1 * z + x2)) ~ z'

case <- function(name, fit, method) {
  one <- function(outcome) {
    rows <- colnames(fit$coefficients) == outcome
    list(estimate = array_of(fit$coefficients[, rows]), std_error = array_of(fit$std.error[, rows]),
         df = array_of(fit$df[, rows]), p_value = array_of(fit$p.value[, rows]),
         conf_low = array_of(fit$conf.low[, rows]), conf_high = array_of(fit$conf.high[, rows]))
  }
  list(name = name, data = "ols_units.csv", method = method,
       terms = array_of(rownames(fit$coefficients)), outcomes = list(a = one("a"), b = one("b")))
}

cases <- list()
add <- function(...) cases[[length(cases) + 1]] <<- case(...)
for (se in c("classical", "HC0", "HC1", "HC2", "HC3")) {
  method <- sprintf('LmRobust(formula: "%s + x1", se: %s', bound, se)
  add(se, lm_robust(cbind(a, b) ~ z + x1, units, se_type = se), paste0(method, ")"))
  add(paste(se, "weighted"), lm_robust(cbind(a, b) ~ z + x1, units, se_type = se, weights = w),
      paste0(method, ", weights: w)"))
}
for (se in c("CR0", "stata", "CR2")) {
  ours <- if (se == "stata") "Stata" else se
  method <- sprintf('LmRobust(formula: "%s + x1", se: %s, clusters: cl', bound, ours)
  add(se, lm_robust(cbind(a, b) ~ z + x1, units, se_type = se, clusters = cl), paste0(method, ")"))
  add(paste(se, "weighted"),
      lm_robust(cbind(a, b) ~ z + x1, units, se_type = se, clusters = cl, weights = w),
      paste0(method, ", weights: w)"))
}
add("Lin", lm_lin(cbind(a, b) ~ z, ~x1, units),
    sprintf('Lin(formula: "%s", covariates: "x1")', bound))

print_family("outcomes", cases, "estimatr")
