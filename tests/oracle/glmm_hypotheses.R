# Linear hypotheses of generalised models, linear ones and mixed ones: the variance matrix of the
# exact optimum (glmm.json, made by glmm.R; sandwich for glm) between contrasts, and Wald's
# chi-squared for all of them: (Lb - c)' (LVL')^-1 (Lb - c). On the scale of the response b is the
# vector of average marginal effects, and V follows from its Jacobian by numeric differentiation.
# Rscript tests/oracle/glmm_hypotheses.R > tests/oracle/glmm_hypotheses.json
#
# Debian packages: r-cran-jsonlite r-cran-numderiv r-cran-sandwich r-cran-lme4 (GHrule alone).

suppressMessages({
  library(jsonlite); library(numDeriv); library(sandwich); library(lme4)
})
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "json.R"))

case <- function(name, data, method, L, value, b, V) {
  estimate <- as.vector(L %*% b)
  M <- L %*% V %*% t(L)
  error <- sqrt(diag(M))
  statistic <- (estimate - value) / error
  d <- estimate - value
  form <- sum(d * solve(M, d))
  list(name = name, data = data, method = method,
       rows = list(estimate = array_of(estimate), std_error = array_of(error),
                   df = array_of(rep(NA_real_, nrow(L))), statistic = array_of(statistic),
                   p_value = array_of(2 * pnorm(-abs(statistic)))),
       joint = list(statistic = form, df1 = nrow(L), df2 = NA,
                    p_value = pchisq(form, nrow(L), lower.tail = FALSE)))
}

# Each hypothesis, and all of them at once.
asked <- function(texts) {
  all <- paste0("\"", texts, "\"", collapse = ", ")
  sprintf("hypotheses: [%s], joint: [[%s]]", all, all)
}

glmer_method <- function(known, texts, more = "") {
  family <- if (known$family == "poisson") "Poisson" else sprintf("Binomial(link: %s)",
    c(logit = "Logit", probit = "Probit", cloglog = "Cloglog")[[known$link]])
  beside <- c(
    if (known$curvature == "observed") "curvature: Observed, ",
    if (!is.null(known$size_column)) sprintf("trials: %s, ", known$size_column),
    if (!is.null(known$log_offset_column)) sprintf("offset: \"log(%s)\", ", known$log_offset_column))
  sprintf("Glmer(formula: \"%s\", family: %s, nagq: %d, %s%s%s)", known$formula, family,
          known$nAGQ, paste(beside, collapse = ""), more, asked(texts))
}

read_cases <- function(file) {
  all <- fromJSON(file.path(here, file), simplifyDataFrame = FALSE)$cases
  setNames(all, sapply(all, function(known) known$name))
}
known <- c(read_cases("glmm.json"), read_cases("glmm_categories.json"))
link <- function(name, texts, L, value) {
  own <- known[[name]]
  case(name, own$data, glmer_method(own, texts), L, value, own$estimate, own$vcov)
}
three <- c("z - 2*x1 = 0.1", "(Intercept) + z/2")
L3 <- rbind(c(0, 1, -2), c(1, 0.5, 0))
cases <- list(
  link("logit_balanced_laplace", three, L3, c(0.1, 0)),
  link("logit_balanced_agq7", three, L3, c(0.1, 0)),
  link("probit_villages_laplace_observed", c("program = x1", "x1 = 0.2"),
       rbind(c(0, 1, -1), c(0, 0, 1)), c(0, 0.2)),
  link("binomial_counts_agq7", c("z", "(Intercept) = -0.5"), rbind(c(0, 1), c(1, 0)), c(0, -0.5)),
  link("poisson_offset_laplace", three, L3, c(0.1, 0)),
  link("logit_crossed_laplace", c("z = 1", "(Intercept) - z"), rbind(c(0, 1), c(1, -1)), c(1, 0)),
  link("logit_slope_laplace", three, L3, c(0.1, 0)),
  link("poisson_categories_laplace", c("armvisit = armletter", "x = 0.3"),
       rbind(c(0, -1, 1, 0), c(0, 0, 0, 1)), c(0, 0.3)))

# The mean over the distribution of a random intercept with this variance.
rule <- GHrule(99)
mean_of <- function(eta, v, inverse) {
  drop(inverse(outer(eta, sqrt(v) * rule[, "z"], "+")) %*% rule[, "w"])
}
# Effects of z (0 to 1) and of x1 (the derivative), by the standard deviation and coefficients.
response <- function(name, texts, L, value, inverse, slope) {
  own <- known[[name]]
  data <- table_of(own$data)
  of <- function(psi) {
    eta <- function(z) psi[2] + psi[3] * z + psi[4] * data$x1
    at <- function(eta, f) mean_of(eta, psi[1]^2, f)
    c(mean(at(eta(1), inverse) - at(eta(0), inverse)), psi[4] * mean(at(eta(data$z), slope)))
  }
  psi <- c(own$theta, own$estimate)
  J <- jacobian(of, psi, method.args = list(r = 6))
  case(paste("response", name), own$data, glmer_method(own, texts, "scale: Response, "), L, value,
       of(psi), J %*% own$vcov_theta_beta %*% t(J))
}
both <- c("z - x1 = 0.05", "z + 2*x1")
L2 <- rbind(c(1, -1), c(1, 2))
cases <- c(cases, list(
  response("logit_balanced_laplace", both, L2, c(0.05, 0), plogis, dlogis),
  response("logit_balanced_agq7", both, L2, c(0.05, 0), plogis, dlogis),
  response("poisson_laplace", both, L2, c(0.05, 0), exp, exp)))

# Generalised linear models on the scale of the response.
units <- table_of("glm_units.csv")
tight <- glm.control(epsilon = 1e-14, maxit = 100)
fit <- glm(y ~ z + x1 + x2, binomial, units, control = tight)
x <- model.matrix(fit)
of <- function(b) {
  at <- function(z) plogis(drop(replace(x, cbind(seq_len(nrow(x)), 2), z) %*% b))
  c(mean(at(1) - at(0)), b[3:4] * mean(dlogis(drop(x %*% b))))
}
J <- jacobian(of, coef(fit), method.args = list(r = 6))
texts <- c("z + x1 = 0.3", "x1 = x2")
for (se in c("classical", "HC0")) {
  V <- if (se == "HC0") sandwich(fit) else vcov(fit)
  method <- sprintf("Glm(formula: \"y ~ z + x1 + x2\", family: Binomial, scale: Response, se: %s, %s)",
                    se, asked(texts))
  cases <- c(cases, list(case(paste("response glm", se), "glm_units.csv", method,
                              rbind(c(1, 1, 0), c(0, 1, -1)), c(0.3, 0), of(coef(fit)), J %*% V %*% t(J))))
}

print_family("glmm_hypotheses", unname(cases), c("lme4", "sandwich", "numDeriv"))
