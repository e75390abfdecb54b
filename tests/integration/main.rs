//! The function against real components: an account that enforces IAM, and the
//! Lambda Runtime Interface Emulator. `./dev test` installs and names both.

#![allow(clippy::unwrap_used, reason = "unwrap belongs in tests")]

mod account;
mod documents;
mod events;
mod gate;
mod lambda;
mod live;
mod matrix;
mod process;
mod runtime;
mod soundness;
mod test_bed;
#[allow(dead_code, reason = "the unit tests use the other part of it")]
#[path = "../../src/stub/tls.rs"]
mod tls;
#[allow(dead_code, reason = "the unit tests use the other part of it")]
#[path = "../../src/stub/wire.rs"]
mod wire;
