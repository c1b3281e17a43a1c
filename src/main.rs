//! The `arsis` command.
fn main() {}
