//! A diagnosis as text, Markdown, JSON and CSV: pure functions.
