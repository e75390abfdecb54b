//! The function against canned bytes and real components: an account that
//! enforces IAM, and the Lambda Runtime Interface Emulator. `./dev test`
//! installs and names both.

#![allow(clippy::unwrap_used, reason = "unwrap belongs in tests")]

mod assume_role;
mod conditions;
mod docs;
mod documents;
mod each_action;
mod emulator;
mod events;
mod faults;
mod gate;
mod harness;
mod http;
mod invariants;
mod known_answers;
mod lambda;
mod log;
mod own;
mod pages;
mod policy_language;
mod process;
mod proxy;
mod random_policies;
mod random_specifications;
mod root_causes;
mod runtime;
mod seen;
mod side_effects;
mod snapshots;
mod soundness;
mod two_of_each;
mod widget;
mod wire;
