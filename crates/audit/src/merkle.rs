//! The Merkle tree of RFC 6962: roots, proofs that an entry is in, proofs that a tree only grew.
//!
//! A leaf and a node are hashed with different prefixes, so that neither passes for the other. Proof makers name ranges
//! of leaves whose roots they need, so that a caller may take them from storage instead of from all leaves.

use std::ops::Range;

use crate::Hash;

/// Hashes in the longest proof: twice the depth of the largest tree plus one would be more than any log has.
pub const PROOF_MAX: usize = 128;

/// The hash of a leaf's bytes.
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash::of_parts(&[&[0], bytes])
}

/// The hash of two neighbours.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of_parts(&[&[1], &left.0, &right.0])
}

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// The root of the tree over these leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier.root()
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("there is no such leaf: index {index} in a tree of {size}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {old} cannot have grown to {new}")]
    Shrunk { old: u64, new: u64 },
    #[error("the proof has another number of hashes than such a proof has")]
    WrongLength,
    #[error("the proof leads to another root")]
    WrongRoot,
}

/// The ranges of leaves whose roots make the proof that leaf `index` is in the tree of `size`, in proof order.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// The ranges of leaves whose roots make the proof that the tree of `new` begins with the tree of `old`, in proof order.
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    let mut ranges = Vec::new();
    if old == 0 || old == new {
        return Some(ranges);
    }
    let (mut start, mut end, mut left_edge) = (0, new, true);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
            left_edge = false;
        }
    }
    // The old root itself is known to the verifier.
    if !left_edge {
        ranges.push(start..end);
    }
    ranges.reverse();
    Some(ranges)
}

/// The proof that leaf `index` is in the tree of the first `size` leaves; `None` if there are not so many.
pub fn inclusion_proof(leaves: &[Hash], index: u64, size: u64) -> Option<Vec<Hash>> {
    proof(leaves, inclusion_ranges(index, size)?, size)
}

/// The proof that the tree of the first `new` leaves begins with the tree of the first `old`.
pub fn consistency_proof(leaves: &[Hash], old: u64, new: u64) -> Option<Vec<Hash>> {
    proof(leaves, consistency_ranges(old, new)?, new)
}

fn proof(leaves: &[Hash], ranges: Vec<Range<u64>>, size: u64) -> Option<Vec<Hash>> {
    let at = |position: u64| usize::try_from(position).ok();
    leaves.get(..at(size)?)?;
    ranges.into_iter().map(|range| Some(root(leaves.get(at(range.start)?..at(range.end)?)?))).collect()
}

/// Checks that a leaf is in the tree of `size` with that root (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// [`ProofError`] when it is not, or the proof does not show it.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match last {
        0 if hash == root => Ok(()),
        0 => Err(ProofError::WrongRoot),
        _ => Err(ProofError::WrongLength),
    }
}

/// Checks that the tree of `new` begins with the tree of `old` (RFC 9162, section 2.1.4.2).
///
/// # Errors
/// [`ProofError`] when it does not, or the proof does not show it.
pub fn verify_consistency(
    old: u64,
    old_root: Hash,
    new: u64,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    if old == 0 || old == new {
        let expected = if old == 0 { empty_root() } else { new_root };
        return match (proof.is_empty(), old_root == expected) {
            (false, _) => Err(ProofError::WrongLength),
            (true, false) => Err(ProofError::WrongRoot),
            (true, true) => Ok(()),
        };
    }
    let mut hashes = proof.iter();
    let first =
        if old.is_power_of_two() { &old_root } else { hashes.next().ok_or(ProofError::WrongLength)? };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    match last {
        0 if old_hash == old_root && new_hash == new_root => Ok(()),
        0 => Err(ProofError::WrongRoot),
        _ => Err(ProofError::WrongLength),
    }
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The right edge of a tree: all that appending needs. At most 64 hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, from the largest, one for each bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Of the empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// From storage; `None` if there is not one hash for each set bit of `size`.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(peaks.len())).then_some(Self { size, peaks })
    }

    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, from the largest.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf: about one hash on average, one for each trailing set bit of the size at worst.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The leaves of the classic test tree, and its roots from size 0.
    fn classic() -> (Vec<Hash>, [&'static str; 9]) {
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        (leaves.iter().map(|leaf| leaf_hash(leaf)).collect(), roots)
    }

    fn many(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    /// The definition in RFC 6962, section 2.1, word for word.
    fn plain_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            _ => {
                let k = usize::try_from(split(leaves.len() as u64)).unwrap();
                node_hash(&plain_root(&leaves[..k]), &plain_root(&leaves[k..]))
            }
        }
    }

    #[test]
    fn the_classic_roots_come_out() {
        let (leaves, roots) = classic();
        for (size, expected) in roots.iter().enumerate() {
            assert_eq!(root(&leaves[..size]).to_string(), *expected, "size {size}");
        }
    }

    #[test]
    fn every_proof_of_small_trees_holds_and_no_other_does() {
        let leaves = many(40);
        for size in 1..=40u64 {
            let tree = &leaves[..size as usize];
            let whole = root(tree);
            assert_eq!(whole, plain_root(tree));
            for index in 0..size {
                let leaf = leaves[index as usize];
                let proof = inclusion_proof(&leaves, index, size).unwrap();
                assert_eq!(verify_inclusion(leaf, index, size, &proof, whole), Ok(()));
                assert!(verify_inclusion(leaf_hash(b"other"), index, size, &proof, whole).is_err());
                assert!(verify_inclusion(leaf, index + 1, size, &proof, whole).is_err());
                assert!(
                    verify_inclusion(leaf, index, size, &[proof.clone(), vec![leaf]].concat(), whole)
                        .is_err()
                );
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_inclusion(leaf, index, size, shorter, whole).is_err());
                }
            }
            for old in 0..=size {
                let old_root = root(&leaves[..old as usize]);
                let proof = consistency_proof(&leaves, old, size).unwrap();
                assert_eq!(verify_consistency(old, old_root, size, whole, &proof), Ok(()), "{old} {size}");
                assert!(verify_consistency(old, leaf_hash(b"x"), size, whole, &proof).is_err());
                assert!(
                    verify_consistency(old, old_root, size, leaf_hash(b"x"), &proof).is_err() || old == 0
                );
                assert!(
                    verify_consistency(old, old_root, size, whole, &[proof, vec![whole]].concat()).is_err()
                );
            }
        }
        assert_eq!(inclusion_proof(&leaves, 40, 40), None);
        assert_eq!(inclusion_proof(&leaves, 0, 41), None);
        assert_eq!(consistency_proof(&leaves, 41, 40), None);
        let shrunk = verify_consistency(2, leaves[0], 1, leaves[0], &[]);
        assert_eq!(shrunk, Err(ProofError::Shrunk { old: 2, new: 1 }));
    }

    #[test]
    fn a_frontier_comes_back_from_storage() {
        let leaves = many(13);
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.append(*leaf));
        assert_eq!(frontier.peaks().len(), 3);
        let mut again = Frontier::from_parts(13, frontier.peaks().to_vec()).unwrap();
        assert_eq!(again, frontier);
        again.append(leaves[0]);
        assert_eq!((again.size(), again.root()), (14, root(&[leaves.clone(), vec![leaves[0]]].concat())));
        assert_eq!(Frontier::from_parts(13, vec![leaves[0]]), None);
        assert_eq!(Frontier::from_parts(u64::MAX, vec![]), None);
    }

    proptest! {
        #[test]
        fn flipped_bits_in_proofs_show(size in 2u64..300, index: prop::sample::Index, bit: prop::sample::Index) {
            let leaves = many(size);
            let index = index.index(size as usize) as u64;
            let mut proof = inclusion_proof(&leaves, index, size).unwrap();
            prop_assert!(proof.len() <= PROOF_MAX);
            let bit = bit.index(proof.len() * 256);
            proof[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
            let verified = verify_inclusion(leaves[index as usize], index, size, &proof, root(&leaves));
            prop_assert_eq!(verified, Err(ProofError::WrongRoot));
        }

        #[test]
        fn any_proof_is_survived(old: u64, new: u64, index: u64, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
            let root = leaf_hash(b"");
            prop_assert!(verify_inclusion(root, index, new, &proof, root).is_err() || (index == 0 && new == 1 && proof.is_empty()));
            let _ = verify_consistency(old, root, new, root, &proof);
            let _ = inclusion_ranges(index, new);
            let _ = consistency_ranges(old, new);
        }
    }
}
