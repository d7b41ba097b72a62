//! The text of a name: short ones in place, long ones shared.
//!
//! Ledgers, views and markets are ordered maps by names, so that most of what an event costs is comparing them. A text of up to `N` bytes
//! lies in the key itself: it is compared without following a pointer, copied without counting who shares it, and made without memory from
//! the heap. `N` is at least 8, and 2 less than a multiple of 8: tag and length fill the rest of the words. `H` is 7 less than `N`.
//!
//! Order and equality are those of the texts: the rest of a short one is zeros, and no name has a zero in it.
//!
//! Of a longer one (a wallet's address) the first `H` bytes lie in the key, which tells most of them apart. Left out: where those are the same
//! it costs what an `Arc<str>` does, and one step more.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A text without zeros.
#[derive(Clone)]
pub(crate) enum Name<const N: usize, const H: usize> {
    /// UTF-8, then zeros.
    Short { length: u8, bytes: [u8; N] },
    /// Over `N` bytes, with the first of them. The box makes the pointer a thin one: the name stays as small as its short form.
    Long { head: [u8; H], text: Arc<Box<str>> },
}

impl<const N: usize, const H: usize> Name<N, H> {
    /// Of a text without zeros.
    pub(crate) fn new(text: &str) -> Self {
        debug_assert!(!text.contains('\0'), "a zero would not be told from the end");
        let mut bytes = [0; N];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(own), Ok(length)) => {
                own.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long { head: head(text.as_bytes()), text: Arc::new(text.into()) },
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                // They were copied from a text.
                std::str::from_utf8(text).unwrap_or_default()
            }
            Self::Long { text, .. } => text,
        }
    }

    fn head(&self) -> [u8; H] {
        match self {
            Self::Short { bytes, .. } => head(bytes),
            Self::Long { head, .. } => *head,
        }
    }

    /// Of a long one and any other. Apart, so that the comparison of short ones is small enough to be compiled into searches.
    #[inline(never)]
    fn order_of_long(&self, other: &Self) -> Ordering {
        self.head().cmp(&other.head()).then_with(|| match (self, other) {
            (Self::Long { text, .. }, Self::Long { text: other, .. }) if Arc::ptr_eq(text, other) => {
                Ordering::Equal
            }
            _ => self.as_str().cmp(other.as_str()),
        })
    }
}

/// The first bytes of a text, then zeros.
fn head<const H: usize>(text: &[u8]) -> [u8; H] {
    let mut head = [0; H];
    head.iter_mut().zip(text).for_each(|(own, byte)| *own = *byte);
    head
}

/// The order of bytes, by words of eight: a call for so few bytes costs more than the comparison.
#[inline]
fn order<const N: usize>(own: &[u8; N], other: &[u8; N]) -> Ordering {
    let words = own.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    for (own, other) in words {
        if own != other {
            return u64::from_be_bytes(*own).cmp(&u64::from_be_bytes(*other));
        }
    }
    // The rest, together with bytes before it that are the same.
    let rest = |bytes: &[u8; N]| bytes.last_chunk::<8>().map(|last| u64::from_be_bytes(*last));
    rest(own).cmp(&rest(other))
}

impl<const N: usize, const H: usize> PartialEq for Name<N, H> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short { bytes, .. }, Self::Short { bytes: others, .. }) => bytes == others,
            (Self::Long { .. }, Self::Long { .. }) => self.order_of_long(other) == Ordering::Equal,
            // One is longer than the other.
            _ => false,
        }
    }
}

impl<const N: usize, const H: usize> Eq for Name<N, H> {}

impl<const N: usize, const H: usize> Ord for Name<N, H> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Short { bytes, .. }, Self::Short { bytes: others, .. }) => order(bytes, others),
            _ => self.order_of_long(other),
        }
    }
}

impl<const N: usize, const H: usize> PartialOrd for Name<N, H> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize, const H: usize> Hash for Name<N, H> {
    fn hash<S: Hasher>(&self, state: &mut S) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_as_small_as_it_looks() {
        assert_eq!(
            [size_of::<Name<14, 7>>(), size_of::<Name<22, 15>>(), size_of::<Name<30, 23>>()],
            [16, 24, 32]
        );
    }

    /// Lengths about the limit, and texts that begin alike: bytes of one, two and four, so that the limit falls into a character.
    fn any_text() -> impl Strategy<Value = String> {
        let letter = prop::sample::select(vec!['A', 'B', '-', '~', 'é', '\u{7f}', '😀']);
        (prop::sample::select(vec![0, 3, 6, 7, 8, 12, 13, 14, 15, 19]), prop::collection::vec(letter, 0..8))
            .prop_map(|(same, rest)| "A".repeat(same) + &rest.into_iter().collect::<String>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        /// The plain twin is the text itself.
        #[test]
        fn names_are_ordered_as_their_texts(left in any_text(), right in any_text()) {
            let (a, b) = (Name::<14, 7>::new(&left), Name::<14, 7>::new(&right));
            prop_assert_eq!(a.as_str(), &left);
            prop_assert_eq!(matches!(a, Name::Short { .. }), left.len() <= 14);
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
            prop_assert_eq!(a == b, left == right);
            prop_assert!(a.clone() == a);
            prop_assert_eq!(a.cmp(&Name::new(&left)), Ordering::Equal, "another one of the same text");
        }
    }
}
