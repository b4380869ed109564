//! An error with its causes, as text.

use std::error::Error;

use mainstay_core::causes;

/// Returns the text of an error and of its causes, without those that repeat what was said: "transport error: tcp connect
/// error: Connection refused".
pub(crate) fn error_text(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).fold(String::new(), |mut text, cause| {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
        text
    })
}
