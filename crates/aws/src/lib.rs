//! The probes of permissions-probe, and all else that knows AWS's SDK.
//!
//! Imports go up this table only, as `documents::modules_import_what_stands_above_them`
//! of the integration tests holds:
//!
//! | module | what it is about |
//! |---|---|
//! | [`trust_store`] | whose certificates are trusted |
//! | `connector` | how a connection is made: directly or through a proxy, and ahead of time |
//! | [`http_client`] | the one HTTP client: how much it reads, and how it connects ahead of time |
//! | [`answer`] | from what an SDK call returned to an answer |
//! | `user_agent` | the user agent of the requests, made once for each service |
//! | `time_left` | for how long a probe may wait for more than it knows already |
//! | [`session`] | the clients, the Region, the principal, and what one probe learns for another |
//! | [`form`] | requests that are data |
//! | [`ladder`] | what SageMaker's own role may do, by what SageMaker answers |
//! | [`probe`] | what a probe is, and making one check |
//! | [`probes`] | one file for each action, and the one list |
//! | [`run`] | all checks at once, inside the deadline; also under another role, and what AWS says of a denial when it is asked |
//! | [`preconnect`] | the connections of a run, opened while Lambda starts the function |

pub mod answer;
mod connector;
pub mod form;
#[cfg(test)]
mod harness;
pub mod http_client;
pub mod ladder;
pub mod preconnect;
pub mod probe;
pub mod probes;
pub mod run;
pub mod session;
mod time_left;
pub mod trust_store;
mod user_agent;
