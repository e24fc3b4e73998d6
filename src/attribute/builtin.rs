//! The built-in rule files, by name. A test compares this list with the folder.

/// File name and text.
pub(super) const RULES: &[(&str, &str)] = &[
];
