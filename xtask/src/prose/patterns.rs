//! The list of patterns. A pattern goes in only if it raises no false alarm on the tree.

use super::passage::Place::{self, Comment, Doc, Markdown, Name, Text};
use super::pattern::Pattern;

const ALL: &[Place] = &[Comment, Doc, Markdown, Name, Text];
const SENTENCES: &[Place] = &[Comment, Doc, Markdown, Text];

const PERSON: &str = "code is not a person: name the task, the caller, the request or the component";
const ROLE: &str = "names no one: name the caller, the operator, the task or the component, or say `no caller`";
const RELEASE: &str = "has no object in the code: write releases, drops, discards or returns";
const INVERSION: &str = "inverted for effect: subject, verb, object (`If the key is absent, ..`)";
const FRAGMENT: &str = "a fragment of the sentence before: join the two, or start with the subject";
const FOR: &str = "`for` as a conjunction is archaic: write `because`, or a sentence of its own";
const OURS: &str = "does not say whose: write Mainstay, or the type";
const NAME: &str = "a test's name says what is given and what happens: `full_queue_rejects_without_timer`";

pub(super) const PATTERNS: &[Pattern] = &[
    pattern("^ who", SENTENCES, PERSON),
    pattern("so|that|and|or|for|as|only|to|from|of|with|before|until|wakes who", ALL, PERSON),
    pattern("one|ones|those|all who", ALL, PERSON),
    pattern("who comes|waits|looks|asks", ALL, PERSON),
    pattern("whoever|whom|whomever", ALL, ROLE),
    pattern("nobody|everybody|somebody|anybody", ALL, ROLE),
    pattern("let|lets|letting go", ALL, RELEASE),
    pattern("let|lets it|them go", ALL, RELEASE),
    pattern("knows|says|asks|wants|does|has|needs|takes it|them not", ALL, INVERSION),
    pattern("^ where it|they|this does|do|is|are|has|have not", SENTENCES, INVERSION),
    pattern("^ and|or|so", &[Comment, Doc, Markdown], FRAGMENT),
    pattern(
        ", for it|they|there|this|that|he|else is|are|was|were|has|have|would|does|do|may|can|must|cannot|could",
        SENTENCES,
        FOR,
    ),
    pattern(", for nothing|no|what", SENTENCES, FOR),
    pattern("^ ours", SENTENCES, OURS),
    pattern("in vain", ALL, "says that something failed, not what: name it"),
    pattern("^ a|an|the * ~ that|which|who", &[Name], NAME),
    pattern("^ one|ones that|which|who", &[Name], NAME),
    pattern("^ what|who|whose", &[Name], NAME),
];

const fn pattern(words: &'static str, places: &'static [Place], reason: &'static str) -> Pattern {
    Pattern { words, places, reason }
}
