//! Finds card numbers and track data in text and bytes, in every rendering, so that the caller can mask them.
