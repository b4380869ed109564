//! The names of an enum's variants: one list for labels of metrics, fields of logs, serde and `Display`.

/// Implements `ALL` and `as_str` for an enum without fields, for the crates of this workspace.
///
/// The labels are those of serde. The compiler reports a variant that is missing in the list.
#[doc(hidden)]
#[macro_export]
macro_rules! names {
    ($type:ident: $($variant:ident => $label:literal),+ $(,)?) => {
        impl $type {
            /// All values, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name as a stable label, for metrics, logs and machine-readable bodies.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant => $label),+
                }
            }
        }
    };
}

/// Implements `ALL`, `as_str` and the same text as `Display` for an enum without fields, for the crates of this workspace.
#[doc(hidden)]
#[macro_export]
macro_rules! labels {
    ($type:ident: $($variant:ident => $label:literal),+ $(,)?) => {
        $crate::names! { $type: $($variant => $label),+ }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
