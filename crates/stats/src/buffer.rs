//! Buffers that grow with slack and never shrink, so that a loop over problems of varying size
//! stops allocating after the first few.

/// Makes room for `n` entries in all. A buffer that has to grow takes half as much again, and 64.
#[cold]
fn reserve<T>(buffer: &mut Vec<T>, n: usize) {
    buffer.reserve_exact(n + n / 2 + 64 - buffer.len());
}

/// A slice of length `n` at the front of a buffer.
///
/// What the slice holds is left over from earlier uses.
#[inline]
pub fn room<T: Clone + Default>(buffer: &mut Vec<T>, n: usize) -> &mut [T] {
    if buffer.len() < n {
        grow(buffer, n);
    }
    &mut buffer[..n]
}

/// Makes a buffer `n` long; entries that are new have the default value.
pub fn grow<T: Clone + Default>(buffer: &mut Vec<T>, n: usize) {
    if buffer.capacity() < n {
        reserve(buffer, n);
    }
    buffer.resize(n, T::default());
}

/// Empties a list that will get up to `n` entries.
#[inline]
pub fn emptied<T>(list: &mut Vec<T>, n: usize) -> &mut Vec<T> {
    list.clear();
    if list.capacity() < n {
        reserve(list, n);
    }
    list
}

/// Adds an entry to a list whose length is not known before.
#[inline]
pub fn push<T>(list: &mut Vec<T>, entry: T) {
    if list.len() == list.capacity() {
        reserve(list, list.len());
    }
    list.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_with_slack_and_keep_their_place() {
        let mut buffer = Vec::<f64>::new();
        assert_eq!(room(&mut buffer, 10), [0.0; 10]);
        let place = buffer.as_ptr();
        room(&mut buffer, 70)[69] = 1.0;
        assert_eq!(room(&mut buffer, 3).len(), 3);
        assert_eq!(room(&mut buffer, 70)[69], 1.0);
        grow(&mut buffer, 5);
        grow(&mut buffer, 79);
        assert_eq!((buffer[4], buffer[69], buffer.len()), (0.0, 0.0, 79));
        emptied(&mut buffer, 79);
        (0..79).for_each(|_| push(&mut buffer, 1.0));
        assert_eq!(buffer.as_ptr(), place);
        push(&mut buffer, 2.0);
        assert!(buffer.capacity() >= 79 + 39 + 64);
    }
}
