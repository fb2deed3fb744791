//! Expression and formula text to trees with byte spans; diagnostics and their renderer.
