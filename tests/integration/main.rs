//! The function against real components: an account that enforces IAM, and the
//! Lambda Runtime Interface Emulator. `local/test` installs and names both.

#![allow(clippy::unwrap_used, reason = "unwrap belongs in tests")]

mod account;
mod documents;
mod events;
mod matrix;
mod runtime;
mod soundness;
mod test_bed;
