//! The text of a name: short ones in place, long ones shared.
//!
//! Ledgers, views and markets are ordered maps by names, so that most of what an event costs is comparing them. A text of up to `N` bytes
//! lies in the key itself: it is compared without following a pointer, copied without counting who shares it, and made without memory from
//! the heap. `N` is at least 8, and 2 less than a multiple of 8: tag and length fill the rest of the words.
//!
//! Order and equality are those of the texts: the rest of a short one is zeros, and no name has a zero in it.
//!
//! Left out: a text of over `N` bytes costs what an `Arc<str>` does, and one step more.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A text without zeros.
#[derive(Clone)]
pub(crate) enum Name<const N: usize> {
    /// UTF-8, then zeros.
    Short { length: u8, bytes: [u8; N] },
    /// Over `N` bytes. The box makes the pointer a thin one: the name stays as small as its short form.
    Long(Arc<Box<str>>),
}

impl<const N: usize> Name<N> {
    /// Of a text without zeros.
    pub(crate) fn new(text: &str) -> Self {
        debug_assert!(!text.contains('\0'), "a zero would not be told from the end");
        let mut bytes = [0; N];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(own), Ok(length)) => {
                own.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(Arc::new(text.into())),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                // They were copied from a text.
                std::str::from_utf8(text).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
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

impl<const N: usize> PartialEq for Name<N> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short { bytes, .. }, Self::Short { bytes: others, .. }) => bytes == others,
            (Self::Long(own), Self::Long(other)) => Arc::ptr_eq(own, other) || own == other,
            // One is longer than the other.
            _ => false,
        }
    }
}

impl<const N: usize> Eq for Name<N> {}

impl<const N: usize> Ord for Name<N> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Short { bytes, .. }, Self::Short { bytes: others, .. }) => order(bytes, others),
            (Self::Long(own), Self::Long(other)) if Arc::ptr_eq(own, other) => Ordering::Equal,
            _ => self.as_str().cmp(other.as_str()),
        }
    }
}

impl<const N: usize> PartialOrd for Name<N> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Hash for Name<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_as_small_as_it_looks() {
        assert_eq!([size_of::<Name<14>>(), size_of::<Name<22>>(), size_of::<Name<30>>()], [16, 24, 32]);
    }

    /// Lengths about the limit, and texts that begin alike: bytes of one, two and four, so that the limit falls into a character.
    fn any_text() -> impl Strategy<Value = String> {
        let letter = prop::sample::select(vec!['A', 'B', '-', '~', 'é', '\u{7f}', '😀']);
        (0..20_usize, prop::collection::vec(letter, 0..8))
            .prop_map(|(same, rest)| "A".repeat(same) + &rest.into_iter().collect::<String>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        /// The plain twin is the text itself.
        #[test]
        fn names_are_ordered_as_their_texts(left in any_text(), right in any_text()) {
            let (a, b) = (Name::<14>::new(&left), Name::<14>::new(&right));
            prop_assert_eq!(a.as_str(), &left);
            prop_assert_eq!(matches!(a, Name::Short { .. }), left.len() <= 14);
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
            prop_assert_eq!(a == b, left == right);
            prop_assert!(a.clone() == a);
            prop_assert_eq!(a.cmp(&Name::new(&left)), Ordering::Equal, "another one of the same text");
        }
    }
}
