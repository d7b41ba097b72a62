//! The five hashes of the journal, each BLAKE3 under a public key of its own, and the Merkle tree of one commit.
//!
//! Keys are text of 32 bytes, so that `b3sum --keyed` recomputes every hash. Separate keys keep the uses apart: no record
//! can pass for a node of the tree, no node for a link of the chain.
//!
//! ```text
//! leaf    = H(leaf key,   frame without its CRC)
//! node    = H(node key,   left ‖ right)                         an odd node goes up unchanged, as in RFC 6962
//! origin  = H(origin key, journal id)
//! chain   = H(chain key,  journal id ‖ chain before ‖ last seq ‖ records ‖ root)
//! state   = H(state key,  bytes of a snapshot)
//! ```

use crate::record::{JournalId, Seq};
use std::fmt;
use std::str::FromStr;

const LEAF: &[u8; 32] = b"plimsoll journal record leaf v1 ";
const NODE: &[u8; 32] = b"plimsoll journal merkle node v1 ";
const CHAIN: &[u8; 32] = b"plimsoll journal commit chain v1";
const ORIGIN: &[u8; 32] = b"plimsoll journal chain origin v1";
const STATE: &[u8; 32] = b"plimsoll journal state bytes  v1";

/// A BLAKE3 hash of 32 bytes; text is lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Hash of a machine's canonical state or of any other bytes, under the key for state. Machines may use it for
    /// [`Machine::state_hash`](crate::Machine::state_hash).
    #[must_use]
    pub fn of_state(bytes: &[u8]) -> Self {
        keyed(STATE, bytes)
    }

    pub(crate) fn leaf(frame_without_crc: &[u8]) -> Self {
        keyed(LEAF, frame_without_crc)
    }

    pub(crate) fn origin(id: [u8; 16]) -> Self {
        keyed(ORIGIN, &id)
    }

    /// The link of one commit to the chain before it.
    pub(crate) fn link(id: JournalId, before: Self, last: Seq, records: u32, root: Self) -> Self {
        let mut input = [0; 92];
        input[..16].copy_from_slice(&id.bytes());
        input[16..48].copy_from_slice(&before.0);
        input[48..56].copy_from_slice(&last.get().to_le_bytes());
        input[56..60].copy_from_slice(&records.to_le_bytes());
        input[60..].copy_from_slice(&root.0);
        keyed(CHAIN, &input)
    }

    fn node(left: Self, right: Self) -> Self {
        let mut input = [0; 64];
        input[..32].copy_from_slice(&left.0);
        input[32..].copy_from_slice(&right.0);
        keyed(NODE, &input)
    }
}

fn keyed(key: &[u8; 32], input: &[u8]) -> Digest {
    Digest(*blake3::keyed_hash(key, input).as_bytes())
}

/// Root of the leaves, which are used up. No leaves have the leaf hash of nothing as root.
pub(crate) fn merkle_root(leaves: &mut Vec<Digest>) -> Digest {
    while leaves.len() > 1 {
        fold(leaves);
    }
    leaves.first().copied().unwrap_or_else(|| Digest::leaf(&[]))
}

/// One level up, in place.
fn fold(level: &mut Vec<Digest>) {
    let above = level.len().div_ceil(2);
    for at in 0..above {
        level[at] = match level.get(2 * at + 1) {
            Some(&right) => Digest::node(level[2 * at], right),
            None => level[2 * at],
        };
    }
    level.truncate(above);
}

/// Siblings from leaf `index` up to the root; a level on which it has none adds nothing.
pub(crate) fn merkle_path(mut leaves: Vec<Digest>, mut index: usize) -> Vec<Digest> {
    let mut path = Vec::new();
    while leaves.len() > 1 {
        path.extend(leaves.get(index ^ 1));
        fold(&mut leaves);
        index /= 2;
    }
    path
}

/// The root that leaf `index` of `count` reaches over `path`; none when the path is too short, too long or outside the tree.
pub(crate) fn root_over(leaf: Digest, index: u32, count: u32, path: &[Digest]) -> Option<Digest> {
    let (mut index, mut count) = (u64::from(index), u64::from(count));
    let mut siblings = path.iter();
    let mut hash = leaf;
    if index >= count {
        return None;
    }
    while count > 1 {
        if index % 2 == 1 {
            hash = Digest::node(*siblings.next()?, hash);
        } else if index + 1 < count {
            hash = Digest::node(hash, *siblings.next()?);
        }
        index /= 2;
        count = count.div_ceil(2);
    }
    siblings.next().is_none().then_some(hash)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Text that is not 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits in lower case")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = from_hex(text).ok_or(DigestError)?;
        bytes.try_into().map(Self).map_err(|_| DigestError)
    }
}

/// Bytes of lower-case hexadecimal text; none when it is anything else, so that one value has one text.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u32) -> Vec<Digest> {
        (0..count).map(|n| Digest::leaf(&n.to_le_bytes())).collect()
    }

    /// RFC 6962, section 2.1: split at the largest power of two below the count.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::leaf(&[]),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                Digest::node(by_definition(&many[..split]), by_definition(&many[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_rfc_6962() {
        for count in 1..70 {
            let all = leaves(count);
            assert_eq!(merkle_root(&mut all.clone()), by_definition(&all), "{count} leaves");
        }
    }

    #[test]
    fn each_path_reaches_the_root_from_its_place_and_from_no_other() {
        for count in 1..40u32 {
            let all = leaves(count);
            let root = merkle_root(&mut all.clone());
            for index in 0..count {
                let leaf = all[index as usize];
                let path = merkle_path(all.clone(), index as usize);
                assert_eq!(root_over(leaf, index, count, &path), Some(root));
                for other in (0..count + 1).filter(|other| *other != index) {
                    assert_ne!(
                        root_over(leaf, other, count, &path),
                        Some(root),
                        "{index} as {other} of {count}"
                    );
                }
                let mut longer = path.clone();
                longer.push(leaf);
                assert_eq!(root_over(leaf, index, count, &longer), None);
            }
        }
    }

    #[test]
    fn a_repeated_last_leaf_changes_the_root() {
        let mut three = leaves(3);
        let mut four = three.clone();
        four.push(three[2]);
        assert_ne!(merkle_root(&mut three), merkle_root(&mut four));
    }

    #[test]
    fn text_of_a_hash_has_one_spelling() {
        let hash = Digest::of_state(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let upper = hash.to_string().to_uppercase();
        for bad in
            [upper.as_str(), "", "00", &format!("{hash}0"), &format!(" {hash}"), "é".repeat(32).as_str()]
        {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError), "{bad}");
        }
    }
}
