//! Comma-separated values.

/// A field, in quotes where it has to be (RFC 4180).
pub fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// A line of fields.
pub fn csv_line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(csv_field).collect();
    fields.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        let fields = ["plain text", "a,b", "say \"no\"", "two\nlines", "", "-1.5"];
        let expected = "plain text,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",,-1.5\n";
        assert_eq!(csv_line(fields), expected);
    }
}
