//! The corpus of the fuzz target, and mutations of it from fixed seeds, on a stable compiler.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{fs, path::Path};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, RngAlgorithm, RngSeed, TestRunner},
};

#[path = "support/check.rs"]
mod check;

use check::check;

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/condition");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn texts_of_the_corpus_keep_every_promise() {
    let corpus = corpus();
    assert!(corpus.len() >= 40, "{} files", corpus.len());
    corpus.iter().for_each(|text| check(text));
}

#[test]
fn mutated_texts_keep_every_promise() {
    let corpus = corpus();
    let pieces = [
        "(", ")", " not ", " and ", " or ", "<", ">=", "==", "!=", "a", "b", "c.d", "e", "'x'", "1e", "-", "\u{1b}",
        "é",
    ];
    let mutation = (any::<Index>(), any::<Index>(), any::<Index>(), any::<bool>());
    let strategy = (any::<Index>(), prop::collection::vec(mutation, 1..8));
    let config = Config {
        cases: 4_000,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&strategy, |(file, mutations)| {
        let mut text: Vec<char> = file.get(&corpus).chars().collect();
        for (from, to, piece, removes) in mutations {
            let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 5));
            let piece = if removes { "" } else { *piece.get(&pieces) };
            text.splice(from..to, piece.chars());
        }
        check(&text.into_iter().collect::<String>());
        Ok(())
    });
    result.unwrap();
}
