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
        "continuation", "cookies_apart_are_joined", "cookies_are_joined",
    ]),
    ("expect", &[
        "answer_without_the_body", "continue_of_the_backend", "early_hints_before_the_answer",
        "refusal_before_the_body", "too_large_before_the_body",
    ]),
    ("forwarded", &[
        "append_high_byte_of_client", "append_high_byte_of_client_h2", "append_removes_forwarded",
        "append_removes_forwarded_h2", "append_removes_x-forwarded-port", "append_removes_x-forwarded-port_h2",
        "append_removes_x-forwarded-server", "append_removes_x-forwarded-server_h2", "append_removes_x-forwarded_for",
        "append_removes_x-forwarded_for_h2", "append_removes_x-real-ip", "append_removes_x-real-ip_h2",
        "append_removes_x_forwarded-proto", "append_removes_x_forwarded-proto_h2", "append_removes_x_forwarded_for",
        "append_removes_x_forwarded_for_h2", "append_removes_x_forwarded_host", "append_removes_x_forwarded_host_h2",
        "append_removes_x_forwarded_proto", "append_removes_x_forwarded_proto_h2", "append_removes_x_real_ip",
        "append_removes_x_real_ip_h2", "append_utf_8_of_client", "append_utf_8_of_client_h2",
        "marks_of_the_gateway_from_backend", "removes_x-forwarded_for", "removes_x-forwarded_for_h2",
        "removes_x_forwarded-proto", "removes_x_forwarded-proto_h2", "removes_x_forwarded_for",
        "removes_x_forwarded_for_h2", "removes_x_forwarded_host", "removes_x_forwarded_host_h2",
        "removes_x_forwarded_proto", "removes_x_forwarded_proto_h2", "removes_x_real_ip", "removes_x_real_ip_h2",
    ]),
    ("heads", &[
        "answer_head_of_70_kb", "answer_of_120_fields", "answer_of_250_fields", "head_of_20_kb_h2", "head_of_300_kb",
        "head_of_60_kb_h2", "head_of_70_kb",
    ]),
    ("hop_by_hop", &[
        "answer_named_beside_high_byte", "answer_named_beside_high_byte_h2", "named_beside_high_byte",
    ]),
    ("host", &[
        "absolute_form_without_host", "h2_credentials_in_authority", "h2_no_authority", "h2_port_beyond_16_bits",
        "h2_two_hosts", "h2_wrong_host", "host_list", "host_with_backslash", "host_with_credentials",
        "host_with_fragment", "host_with_high_byte", "host_with_letters_as_port", "host_with_markup",
        "host_with_open_bracket", "host_with_path", "host_with_path_and_credentials", "host_with_port_and_sign",
        "host_with_port_beyond_16_bits", "host_with_query", "host_with_scheme", "host_with_space",
        "host_with_text_after_bracket", "host_with_two_ports", "no_host", "preserved", "preserved_from_absolute_form",
        "preserved_over_h2", "same_host_twice", "two_hosts",
    ]),
    ("lengths", &[
        "chunked_body_of_GET", "chunked_body_of_HEAD", "chunked_twice", "chunked_twice_with_length",
        "coding_that_would_be_lost", "coding_that_would_be_lost_with_length", "cut_after_length", "cut_between_chunks",
        "h2_PATCH_without_body", "h2_POST_without_body", "h2_PUT_without_body", "h2_get_with_body",
    ]),
    ("location", &[
        "backend_address", "backend_address_h2", "content_location",
    ]),
    ("paths", &[
        "dot_dot_after_nul", "dot_dot_after_nul_h2", "dot_dot_around_nul", "dot_dot_around_nul_h2",
        "dot_dot_around_tab", "dot_dot_around_tab_h2", "dot_dot_before_encoded_space",
        "dot_dot_before_encoded_space_h2", "dot_dot_before_line_end", "dot_dot_before_line_end_h2",
        "dot_dot_before_nul", "dot_dot_before_nul_h2", "dot_dot_before_tab", "dot_dot_before_tab_h2", "full_width_dots",
        "full_width_dots_encoded", "full_width_dots_encoded_h2", "full_width_dots_h2", "full_width_slash_encoded",
        "full_width_slash_encoded_h2", "overlong_dots", "overlong_dots_h2", "overlong_slash", "overlong_slash_h2",
        "raw_utf_8", "raw_utf_8_h2",
    ]),
    ("responses", &[
        "answer_204_with_length_h2", "answer_204_with_length_zero_h2", "answer_to_head_with_both_lengths",
        "answer_to_head_with_both_lengths_h2", "both_lengths", "both_lengths_beyond_body",
        "both_lengths_beyond_body_h2", "both_lengths_coding_first", "both_lengths_coding_first_h2",
        "both_lengths_different_too", "both_lengths_different_too_h2", "both_lengths_h2",
        "both_lengths_of_which_one_is_zero", "both_lengths_of_which_one_is_zero_h2", "coding_that_would_be_lost",
        "coding_that_would_be_lost_h2", "coding_without_chunks", "coding_without_chunks_h2", "same_length_in_list",
        "same_length_twice_h2", "unasked_101", "unasked_101_before_200", "unasked_101_before_200_h2", "unasked_101_h2",
        "unasked_101_without_upgrade", "unasked_101_without_upgrade_h2",
    ]),
    ("targets", &[
        "connect_path", "connect_url", "h2_last_forward", "h2_max_forwards", "last_forward_of_OPTIONS",
        "last_forward_of_TRACE", "max_forwards_of_OPTIONS", "max_forwards_of_TRACE", "utf_8_in_path",
    ]),
    ("trailers", &[
        "answer_forbidden_authorization_h2", "answer_forbidden_connection", "answer_forbidden_connection_h2",
        "answer_forbidden_content-length_h2", "answer_forbidden_cookie", "answer_forbidden_cookie_h2",
        "answer_forbidden_forwarded", "answer_forbidden_forwarded_h2", "answer_forbidden_host_h2",
        "answer_forbidden_keep-alive", "answer_forbidden_keep-alive_h2", "answer_forbidden_proxy-authenticate",
        "answer_forbidden_proxy-authenticate_h2", "answer_forbidden_set-cookie_h2", "answer_forbidden_te_h2",
        "answer_forbidden_transfer-encoding_h2", "answer_forbidden_upgrade", "answer_forbidden_upgrade_h2",
        "answer_forbidden_via", "answer_forbidden_via_h2", "answer_forbidden_x-degraded",
        "answer_forbidden_x-degraded_h2", "answer_forbidden_x-forwarded-for", "answer_forbidden_x-forwarded-for_h2",
        "answer_forbidden_x-forwarded-host", "answer_forbidden_x-forwarded-host_h2", "answer_forbidden_x-real-ip",
        "answer_forbidden_x-real-ip_h2", "answer_forbidden_x-served-by", "answer_forbidden_x-served-by_h2",
        "answer_not_announced", "forbidden_connection", "forbidden_cookie", "forbidden_cookie_h2",
        "forbidden_forwarded", "forbidden_forwarded_h2", "forbidden_keep-alive", "forbidden_upgrade", "forbidden_via",
        "forbidden_via_h2", "forbidden_x-forwarded-for", "forbidden_x-forwarded-for_h2", "forbidden_x-forwarded-host",
        "forbidden_x-forwarded-host_h2", "forbidden_x-real-ip", "forbidden_x-real-ip_h2", "not_announced",
        "not_announced_h2",
    ]),
    ("versions", &[
        "backend_of_http_1_0", "backend_of_http_1_0_without_length",
    ]),
];
