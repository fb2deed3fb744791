//! JSON text: an object or a list that holds no other stands on one line where it fits.

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 160;

/// A value as JSON text that ends with a line break. Keys keep their order, and numbers have the
/// fewest digits that give them back.
pub fn json_text(value: &Value) -> String {
    json_text_within(value, WIDTH)
}

/// As [`json_text`], with lines of other lengths.
pub fn json_text_within(value: &Value, width: usize) -> String {
    let mut text = String::new();
    write(value, (0, 0, width), &mut text);
    text.push('\n');
    text
}

/// Writes a value. `indent`: of its lines; `before`: columns of the key before it.
fn write(value: &Value, (indent, before, width): (usize, usize, usize), text: &mut String) {
    let items: Vec<(Option<&String>, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| (Some(key), item)).collect(),
        _ => {
            *text += &value.to_string();
            return;
        }
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    text.push(open);
    if items.iter().all(|(_, item)| is_flat(item)) {
        let flat: Vec<String> =
            items.iter().map(|(key, item)| keyed(*key) + &item.to_string()).collect();
        let flat = flat.join(", ");
        if indent + before + flat.chars().count() + 3 <= width {
            *text += &flat;
            text.push(close);
            return;
        }
    }
    for (i, (key, item)) in items.into_iter().enumerate() {
        *text += if i == 0 { "\n" } else { ",\n" };
        let key = keyed(key);
        *text += &" ".repeat(indent + 2);
        *text += &key;
        write(item, (indent + 2, key.chars().count(), width), text);
    }
    text.push('\n');
    *text += &" ".repeat(indent);
    text.push(close);
}

/// Whether a value holds no other.
fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    }
}

/// The opening of a field, nothing for an item of a list.
fn keyed(key: Option<&String>) -> String {
    key.map_or(String::new(), |key| format!("{}: ", Value::from(key.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_stands_on_one_line() {
        let long = "x".repeat(150);
        let value = json!({
            "b": { "value": 0.1, "n": 5, "none": null },
            "a": [1, 2, "\"q\"\n"],
            "empty": {},
            "list": [[], {}],
            "deep": [{ "k": [1, 2] }],
            "long": { "text": long },
        });
        let expected = format!(
            r#"{{
  "b": {{"value": 0.1, "n": 5, "none": null}},
  "a": [1, 2, "\"q\"\n"],
  "empty": {{}},
  "list": [[], {{}}],
  "deep": [
    {{
      "k": [1, 2]
    }}
  ],
  "long": {{
    "text": "{long}"
  }}
}}
"#
        );
        assert_eq!(json_text(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(&expected).unwrap(), value);
        assert_eq!(json_text(&json!(1e-7)), "1e-7\n");
    }
}
