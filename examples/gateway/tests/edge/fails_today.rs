//! The rows that do not hold yet. A row that holds must not be listed here.

/// The names of the rows, by subject.
#[rustfmt::skip]
pub(crate) const FAILS_TODAY: &[(&str, &[&str])] = &[
    ("chunks", &[
        "bare_cr_after_size", "bare_cr_in_extension", "bare_lf_after_data", "bare_lf_after_size",
        "bare_lf_in_extension", "data_beyond_size", "data_short_of_size", "empty_size", "long_extension",
        "many_extensions", "many_trailers", "negative_size", "no_line_end_after_data", "other_bytes_after_data",
        "size_after_high_byte", "size_after_space", "size_before_nul", "size_beyond_64_bits", "size_is_no_number",
        "size_with_0x", "size_with_plus", "size_with_underscore", "two_sizes",
    ]),
    ("downgrade", &[
        "continuation",
    ]),
    ("expect", &[
        "answer_without_the_body", "continue_of_the_backend", "early_hints_before_the_answer",
        "refusal_before_the_body", "too_large_before_the_body",
    ]),
    ("heads", &[
        "answer_head_of_70_kb", "head_of_20_kb_h2",
        "head_of_60_kb_h2", "head_of_70_kb",
    ]),
    ("lengths", &[
        "cut_after_length", "cut_between_chunks",
    ]),
];
