//! Small dense kernels on slices, with a fixed order of summation on every machine.
//!
//! Matrices are stored by column unless a function says otherwise; symmetric ones are stored in
//! full. Nothing allocates: work space is passed in, see [`room`].

pub mod eigen;
pub mod gram_schmidt;
pub mod inverse_root;
pub mod pivoted_qr;
pub mod triangular;
pub mod vector;

/// A slice of length `n` of a buffer that grows with slack and never shrinks.
///
/// What the slice holds is left over from earlier uses.
#[inline]
pub fn room<T: Clone + Default>(buffer: &mut Vec<T>, n: usize) -> &mut [T] {
    if buffer.len() < n {
        grow(buffer, n);
    }
    &mut buffer[..n]
}

#[cold]
fn grow<T: Clone + Default>(buffer: &mut Vec<T>, n: usize) {
    if buffer.capacity() < n {
        buffer.reserve_exact(n + n / 2 + 64 - buffer.len());
    }
    buffer.resize(n, T::default());
}

/// Empties a list that will get up to `n` entries; it grows with slack and never shrinks.
#[inline]
pub fn emptied<T>(list: &mut Vec<T>, n: usize) -> &mut Vec<T> {
    list.clear();
    if list.capacity() < n {
        list.reserve_exact(n + n / 2 + 64);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn buffers_grow_with_slack_and_keep_their_place() {
        let mut buffer = Vec::<f64>::new();
        assert_eq!(room(&mut buffer, 10), [0.0; 10]);
        let place = buffer.as_ptr();
        room(&mut buffer, 70)[69] = 1.0;
        assert_eq!(room(&mut buffer, 3).len(), 3);
        assert_eq!(room(&mut buffer, 70)[69], 1.0);
        assert_eq!(buffer.as_ptr(), place);
    }
}
