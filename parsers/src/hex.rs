//! Hex in all the dress that logs give it.
