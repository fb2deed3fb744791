//! Where a piece of text stands in the design file.

use std::ops::Range;

/// A range of bytes in the design file: from `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset just past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`; an end before the start gives an empty span at `start`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// The empty span at `position`.
    pub const fn at(position: u32) -> Self {
        Self { start: position, end: position }
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span at this one's end.
    #[must_use]
    pub const fn after(self) -> Self {
        Self::at(self.end)
    }

    /// The number of bytes.
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether no byte is in it.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The same range, ready to slice text with. It is not checked against any text.
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_covers_both_in_either_order() {
        let (early, late) = (Span::new(2, 5), Span::new(9, 12));
        assert_eq!(early.join(late), Span::new(2, 12));
        assert_eq!(late.join(early), Span::new(2, 12));
        assert_eq!(Span::new(1, 20).join(early), Span::new(1, 20));
    }

    #[test]
    fn a_reversed_span_is_empty() {
        let span = Span::new(7, 3);
        assert!(span.is_empty());
        assert_eq!(span.range(), 7..7);
        assert_eq!(Span::new(3, 7).after(), Span::at(7));
        assert_eq!(Span::new(3, 7).len(), 4);
    }
}
