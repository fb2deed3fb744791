# Fills in formulas.txt: the intercept and the term labels that R gives each formula.
# Run in this folder: Rscript formulas.R
path <- "formulas.txt"
for_line <- function(line) {
  if (line == "" || startsWith(line, "#")) return(line)
  text <- trimws(sub("=>.*", "", line))
  expanded <- terms(as.formula(text))
  labels <- c(attr(expanded, "intercept"), attr(expanded, "term.labels"))
  paste(text, "=>", paste(labels, collapse = "; "))
}
lines <- vapply(readLines(path), for_line, "")
writeLines(lines, path)
