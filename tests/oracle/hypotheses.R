# Linear hypotheses about coefficients: the variance matrix of each fit between contrasts, and the
# degrees of freedom of clubSandwich and lmerTest for the contrast itself.
# Rscript tests/oracle/hypotheses.R > tests/oracle/hypotheses.json

suppressMessages({
  library(estimatr); library(clubSandwich); library(sandwich); library(lmerTest)
})
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "json.R"))

# One row for each hypothesis: L b, its error, and the test that it is `value`.
rows <- function(L, value, b, V, df) {
  L <- matrix(L, ncol = length(b))
  estimate <- as.vector(L %*% b)
  error <- sqrt(diag(L %*% V %*% t(L)))
  statistic <- (estimate - value) / error
  df <- rep(df, length.out = nrow(L))
  p <- ifelse(is.finite(df), 2 * pt(-abs(statistic), df), 2 * pnorm(-abs(statistic)))
  list(estimate = array_of(estimate), std_error = array_of(error),
       df = array_of(ifelse(is.finite(df), df, NA)),
       statistic = array_of(statistic), p_value = array_of(p))
}

# The Wald test of all rows: F where df2 is given, else chi-squared.
joint <- function(L, value, b, V, df2 = NA) {
  d <- L %*% b - value
  form <- as.vector(t(d) %*% solve(L %*% V %*% t(L), d))
  q <- nrow(L)
  if (is.na(df2)) {
    list(statistic = form, df1 = q, df2 = NA, p_value = pchisq(form, q, lower.tail = FALSE))
  } else {
    list(statistic = form / q, df1 = q, df2 = df2, p_value = pf(form / q, q, df2, lower.tail = FALSE))
  }
}

case <- function(name, data, method, L, value, b, V, df, df2) {
  list(name = name, data = data, method = method, rows = rows(L, value, b, V, df),
       joint = joint(L, value, b, V, df2))
}

units <- table_of("ols_units.csv")
clusters <- table_of("ols_unbalanced.csv")
texts <- 'hypotheses: ["x1 - 2*x2 = 0.5", "factor(f)f2 = factor(f)f3", "(Intercept) + x1/4"], joint: [["x1 - 2*x2 = 0.5", "factor(f)f2 = factor(f)f3", "(Intercept) + x1/4"]]'
fit <- lm(y ~ x1 + x2 + factor(f), units)
n_f <- length(coef(fit)) - 5
L <- rbind(c(0, 1, -2, 0, 0, rep(0, n_f)), c(0, 0, 0, 1, -1, rep(0, n_f)), c(1, 0.25, 0, 0, 0, rep(0, n_f)))
value <- c(0.5, 0, 0)
n_k <- df.residual(fit)
formula <- 'formula: "y ~ x1 + x2 + factor(f)"'
plain <- lapply(c(classical = "const", HC0 = "HC0", HC1 = "HC1", HC2 = "HC2", HC3 = "HC3"),
                function(type) vcovHC(fit, type))
cases <- lapply(names(plain), function(se) {
  case(se, "ols_units.csv", sprintf("LmRobust(%s, se: %s, %s)", formula, se, texts), L, value,
       coef(fit), plain[[se]], n_k, n_k)
})

# Clusters: CR0 and Stata with J - 1, CR2 with the Satterthwaite df of the contrast.
clustered <- lm(y ~ z + x1, clusters)
L <- rbind(c(0, 1, -1), c(1, 0.5, 0), c(0, 0, 2))
value <- c(0, 0.25, 1)
texts <- 'hypotheses: ["z - x1", "(Intercept) + 0.5*z = 0.25", "2*x1 = 1"], joint: [["z - x1", "2*x1 = 1"]]'
formula <- 'formula: "y ~ z + x1", clusters: cl'
j <- length(unique(clusters$cl))
for (se in c("CR0", "stata")) {
  own <- lm_robust(y ~ z + x1, clusters, clusters = cl, se_type = se)
  ours <- if (se == "stata") "Stata" else se
  made <- case(ours, "ols_unbalanced.csv", sprintf("LmRobust(%s, se: %s, %s)", formula, ours, texts),
               L, value, coef(own), own$vcov, j - 1, j - 1)
  made$joint <- joint(L[c(1, 3), ], value[c(1, 3)], coef(own), own$vcov, j - 1)
  cases <- c(cases, list(made))
}
cr2 <- function(name, model, method) {
  V <- vcovCR(model, cluster = clusters$cl, type = "CR2")
  df <- linear_contrast(model, V, contrasts = L, test = "Satterthwaite")$df
  made <- case(name, "ols_unbalanced.csv", method, L, value, coef(model), as.matrix(V), df, j - 1)
  htz <- Wald_test(model, constraints = L[c(1, 3), ], vcov = V, test = "HTZ")
  made$joint <- joint(L[c(1, 3), ], value[c(1, 3)], coef(model), as.matrix(V), j - 1)
  made$eta <- htz$df_denom + nrow(L[c(1, 3), ]) - 1
  made
}
cases <- c(cases, list(cr2("CR2", clustered, sprintf("LmRobust(%s, %s)", formula, texts))))

# Two-stage least squares.
iv <- table_of("iv_units.csv")
own <- iv_robust(y ~ d1 + d2 + x1 | z1 + z2 + z3 + x1, iv, se_type = "HC2")
L <- rbind(c(0, 1, -1, 0), c(0, 0.5, 0.5, 1))
cases <- c(cases, list(case("IV", "iv_units.csv",
  'IvRobust(formula: "y ~ d1 + d2 + x1 | z1 + z2 + z3 + x1", hypotheses: ["d1 = d2", "d1/2 + d2/2 + x1 = 1"], joint: [["d1 = d2", "d1/2 + d2/2 + x1 = 1"]])',
  L, c(0, 1), coef(own), own$vcov, own$df[1], own$df[1])))

# Mixed models: Satterthwaite's df of the contrast.
mixed <- function(name, data, formula, L, texts, value) {
  control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-13, maxfun = 1e5))
  fit <- lmer(formula, table_of(data), control = control)
  tests <- contest(fit, L, joint = FALSE)
  written <- paste(deparse(formula), collapse = "")
  made <- case(name, data, sprintf('Lmer(formula: "%s", %s)', written, texts), L, value,
               fixef(fit), as.matrix(vcov(fit)), tests$df, NA)
  made
}
L <- rbind(c(0, 1, -1), c(1, 0.5, 0))
both <- function(a, b) sprintf('hypotheses: ["%s", "%s"], joint: [["%s", "%s"]]', a, b, a, b)
cases <- c(cases, list(
  mixed("intercepts", "lmm_unbalanced.csv", y ~ z + x1 + (1 | g), L, both("z - x1", "(Intercept) + z/2 = 0.1"), c(0, 0.1)),
  mixed("slopes", "lmm_slopes.csv", y ~ z + x + (1 + x | g), L, both("z - x", "(Intercept) + z/2 = 0.1"), c(0, 0.1))))

# Generalised linear models: z and chi-squared.
units <- table_of("glm_units.csv")
logit <- glm(y ~ z + x1 + x2, binomial, units, control = glm.control(epsilon = 1e-14, maxit = 100))
L <- rbind(c(0, 1, 1, 0), c(0, 0, 1, -1))
cases <- c(cases, list(case("logit", "glm_units.csv",
  sprintf('Glm(formula: "y ~ z + x1 + x2", family: Binomial, se: HC0, %s)', both("z + x1 = 0.3", "x1 = x2")),
  L, c(0.3, 0), coef(logit), sandwich(logit), Inf, NA)))

print_family("hypotheses", unname(cases), c("estimatr", "clubSandwich", "sandwich", "lmerTest"))
