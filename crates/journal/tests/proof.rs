//! Proofs of single records, and the hashes by the document alone.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Chances, ID, bytes_of, frames, journal, plain, segments};
use journal::{Head, HeadVerdict, JournalError, ProofError, Seq, check_proof, prove, verify};

#[test]
fn every_record_is_proved_under_its_commit_and_under_later_heads() {
    let (disk, oracle) = journal(7, &[]);
    let heads: Vec<Head> = (1..=7).map(|n| prove(&disk, Seq::new(3 * n), None).unwrap().head()).collect();
    assert_eq!(
        verify(&disk, &heads).unwrap().heads.iter().filter(|(_, v)| *v == HeadVerdict::Found).count(),
        7
    );
    for seq in 1..=oracle.last().get() {
        for (commit, head) in (1..).zip(&heads).filter(|(commit, _)| 3 * commit >= seq) {
            let proof = prove(&disk, Seq::new(seq), Some(Seq::new(3 * commit))).unwrap();
            let back = check_proof(&proof.to_string(), *head).unwrap();
            assert_eq!(back, proof);
            let mut payload = Vec::new();
            journal::Event::encode(&plain(seq), &mut payload);
            assert_eq!((back.record().stamp.seq.get(), back.record().payload), (seq, payload.as_slice()));
        }
        let other = heads[usize::try_from((seq + 8) / 3 % 7).unwrap()];
        let own = prove(&disk, Seq::new(seq), None).unwrap();
        if own.head() != other {
            assert!(matches!(own.check(other), Err(ProofError::OtherHead { .. })));
        }
    }
    for (seq, up_to) in [(0, None), (22, None), (u64::MAX, None), (3, Some(22))] {
        let error = prove(&disk, Seq::new(seq), up_to.map(Seq::new)).unwrap_err();
        assert!(matches!(error, JournalError::NoRecord { .. }), "{error}");
    }
}

/// The hashes of docs/formats.md, from the text alone.
mod by_the_document {
    pub(super) fn hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        *blake3::keyed_hash(key, &parts.concat()).as_bytes()
    }

    pub(super) fn chain(
        id: &[u8; 16],
        before: &[u8; 32],
        last: u64,
        records: u32,
        root: &[u8; 32],
    ) -> [u8; 32] {
        let key = b"plimsoll journal commit chain v1";
        hash(key, &[id, before, &last.to_le_bytes(), &records.to_le_bytes(), root])
    }

    pub(super) fn origin(id: &[u8; 16]) -> [u8; 32] {
        hash(b"plimsoll journal chain origin v1", &[id])
    }

    pub(super) fn leaf(frame: &[u8]) -> [u8; 32] {
        hash(b"plimsoll journal record leaf v1 ", &[&frame[4..]])
    }

    pub(super) fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
        hash(b"plimsoll journal merkle node v1 ", &[left, right])
    }
}

#[test]
fn the_head_follows_from_the_file_by_the_document_alone() {
    let (disk, _) = journal(1, &[]);
    let bytes = bytes_of(&disk, &segments(&disk)[0]);
    let all = frames(&bytes);
    let leaf = |n: usize| by_the_document::leaf(&bytes[all[n].0..all[n].0 + all[n].1]);
    let root = by_the_document::node(&by_the_document::node(&leaf(0), &leaf(1)), &leaf(2));
    let chain = by_the_document::chain(&ID.bytes(), &by_the_document::origin(&ID.bytes()), 3, 3, &root);
    assert_eq!(verify(&disk, &[]).unwrap().head.map(|head| *head.chain.bytes()), Some(chain));
}

#[test]
fn proofs_that_leave_out_records_or_begin_nowhere_are_false_even_under_a_head_made_for_them() {
    let (disk, _) = journal(2, &[]);
    let proof = prove(&disk, Seq::new(2), None).unwrap();
    let hex = |bytes: &[u8; 32]| journal::Digest::new(*bytes).to_string();
    let (id, own) = (ID.bytes(), *proof.head().chain.bytes());
    let forged = |last: u64, records: u32| {
        let root = [7; 32];
        let head = format!("{last}:{}", hex(&by_the_document::chain(&id, &own, last, records, &root)));
        let own_head = format!("head {}", proof.head());
        let text = proof
            .to_string()
            .replace(&own_head, &format!("link {last} {records} {}\nhead {head}", hex(&root)));
        check_proof(&text, head.parse().unwrap()).map(drop)
    };
    assert_eq!(forged(6, 3), Ok(()), "the way to forge one is right");
    for (last, records) in [(7, 3), (6, 2), (3, 0), (6, 4), (2, 1)] {
        assert!(matches!(forged(last, records), Err(ProofError::False { .. })), "{last} {records}");
    }
    // The first commit of another beginning.
    let bytes = bytes_of(&disk, &segments(&disk)[0]);
    let all = frames(&bytes);
    let leaf = |n: usize| by_the_document::leaf(&bytes[all[n].0..all[n].0 + all[n].1]);
    let root = by_the_document::node(&by_the_document::node(&leaf(0), &leaf(1)), &leaf(2));
    let head = format!("3:{}", hex(&by_the_document::chain(&id, &[9; 32], 3, 3, &root)));
    let text = proof.to_string().replace(&ID.origin().to_string(), &hex(&[9; 32]));
    let text = text.replace(&proof.head().to_string(), &head);
    assert!(
        matches!(check_proof(&text, head.parse().unwrap()), Err(ProofError::False { rule }) if rule.contains("origin"))
    );
}

#[test]
fn no_change_to_a_proof_is_believed() {
    let (disk, _) = journal(4, &[]);
    let proof = prove(&disk, Seq::new(5), Some(Seq::new(12))).unwrap();
    let text = proof.to_string();
    let head = proof.head();
    assert!(check_proof(&text, head).is_ok());
    for at in 0..text.len() {
        for with in ["", "0", "1", "9", "f", " ", "\n", "-"] {
            let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            assert!(changed == text || check_proof(&changed, head).is_err(), "{changed}");
        }
    }
    let lines: Vec<&str> = text.lines().collect();
    for drop in 0..lines.len() {
        let fewer: String =
            lines.iter().enumerate().filter(|(n, _)| *n != drop).map(|(_, l)| format!("{l}\n")).collect();
        assert!(check_proof(&fewer, head).is_err(), "without line {drop}");
        let twice: String = lines
            .iter()
            .enumerate()
            .map(|(n, l)| format!("{l}\n").repeat(1 + usize::from(n == drop)))
            .collect();
        assert!(check_proof(&twice, head).is_err(), "line {drop} twice");
    }
    let mut chances = Chances(1);
    for _ in 0..2_000 {
        let noise: String =
            (0..chances.below(400)).map(|_| char::from((chances.next() % 96 + 32) as u8)).collect();
        assert!(check_proof(&noise, head).is_err());
        assert!(check_proof(&format!("plimsoll-proof 1\n{noise}"), head).is_err());
    }
    let huge = text.replace("commit 6 3", "commit 18446744073709551615 4294967295");
    assert!(huge != text && check_proof(&huge, head).is_err());
}
