//! The `tapscope` program.
fn main() {}
