//! The command line of Trialrun.
fn main() {}
