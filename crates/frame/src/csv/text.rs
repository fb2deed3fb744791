//! The bytes of a file as UTF-8 text.

use crate::error::Problem;

/// The text of `bytes`, without a byte order mark.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, Problem> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // UTF-16 has a zero byte beside each ASCII letter, and is else often valid UTF-8.
    if bytes.contains(&0) {
        return Err(Problem::NotText);
    }
    match str::from_utf8(bytes) {
        Ok(text) if text.trim_ascii().is_empty() => Err(Problem::Empty),
        Ok(text) => Ok(text),
        Err(e) => {
            let at = e.valid_up_to();
            let line = 1 + bytes[..at].iter().filter(|&&b| b == b'\n').count();
            Err(Problem::NotUtf8 { line, byte: bytes[at] })
        }
    }
}

/// Whether `bytes` are UTF-8 text.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    decode(bytes).is_ok()
}
