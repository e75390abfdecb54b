//! The probes of permissions-probe, and all else that knows AWS's SDK.
//!
//! Imports go up only:
//!
//! | module | what it is about |
//! |---|---|
//! | [`trust_store`] | whose certificates are trusted |
//! | [`http_client`] | the one HTTP client: how much it reads, and how it connects ahead of time |
//! | [`answer`] | from what an SDK call returned to an answer |
//! | [`session`] | the clients, the Region, the principal, and what one probe learns for another |
//! | [`probe`] | what a probe is, and making one check |
//! | [`probes`] | one file for each action, and the one list |
//! | [`run`] | all checks at once, inside the deadline |
//! | `assume_role` | a run under another role than the caller's own |
//! | `details` | what AWS says of a denial when it is asked, with the feature `authorization-details` |
//! | [`preconnect`] | the connections of a run, opened while Lambda starts the function |

pub mod answer;
mod assume_role;
mod details;
#[cfg(test)]
mod harness;
pub mod http_client;
pub mod preconnect;
pub mod probe;
pub mod probes;
pub mod run;
pub mod session;
pub mod trust_store;
