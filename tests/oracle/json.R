# What the scripts of linear models and design-based estimators share: JSON with 17 digits, and
# where the data are.

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
table_of <- function(name) read.csv(file.path(here, name))

number <- function(x) ifelse(is.na(x), "null", sprintf("%.17g", x))

json_value <- function(x, depth) {
  if (is.list(x)) return(json_object(x, depth))
  if (is.matrix(x)) {
    rows <- apply(x, 1, function(row) paste0("[", paste(number(row), collapse = ", "), "]"))
    return(paste0("[", paste(rows, collapse = ", "), "]"))
  }
  text <- if (is.character(x)) {
    paste0("\"", gsub("\"", "\\\\\"", x), "\"")
  } else if (is.logical(x)) {
    ifelse(is.na(x), "null", ifelse(x, "true", "false"))
  } else {
    number(x)
  }
  if (length(x) == 1 && is.null(attr(x, "many"))) return(text)
  paste0("[", paste(text, collapse = ", "), "]")
}

json_object <- function(x, depth) {
  pad <- strrep(" ", depth + 1)
  fields <- vapply(names(x), function(name) {
    paste0(pad, "\"", name, "\": ", json_value(x[[name]], depth + 1))
  }, "")
  paste0("{\n", paste(fields, collapse = ",\n"), "\n", strrep(" ", depth), "}")
}

# Keeps a vector of one entry an array.
array_of <- function(x) structure(unname(x), many = TRUE)

# Prints all cases of a family.
print_family <- function(family, cases, packages) {
  versions <- c(R = paste(R.version$major, R.version$minor, sep = "."),
                sapply(packages, function(p) as.character(packageVersion(p))))
  body <- vapply(cases, function(case) paste0("  ", json_object(case, 2)), "")
  cat("{\n \"family\": \"", family, "\",\n \"set\": \"open\",\n \"versions\": ",
      json_object(as.list(versions), 1), ",\n \"cases\": [\n",
      paste(body, collapse = ",\n"), "\n ]\n}\n", sep = "")
}
