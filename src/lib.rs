//! An AWS Lambda function that checks its own permissions.
//!
//! It runs under a pipeline's execution role, tries each action that the
//! pipeline's policy permits, in a form that leaves nothing behind, and returns
//! the pipeline's success response or a report of what is denied.
//!
//! # The rooms, from the ground up
//!
//! Imports go down only.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | [`denial`] | the sentence in which AWS denies |
//! | 0 | [`pattern`] | IAM's wildcards |
//! | 0 | [`redact`] | what is masked, and what a terminal would obey |
//! | 0 | [`roots`] | whose certificates are trusted |
//! | 1 | [`http`] | the one HTTP client: how much it reads, and how it connects ahead of time |
//! | 1 | [`answer`] | what an SDK call returned, in one shape |
//! | 1 | [`config`] | the environment |
//! | 1 | [`request`] | the event |
//! | 2 | [`verdict`] | from an answer to a verdict, and why |
//! | 2 | [`evidence`] | who has seen which answer, and how sure a proof is therefore |
//! | 3 | [`probe`] | what a probe is, and running one |
//! | 4 | [`probes`] | one file for each action, and the one list |
//! | 5 | [`check`] | all probes at once, inside the deadline |
//! | 5 | [`rehearsal`] | the run without its requests, while Lambda starts the function |
//! | 6 | [`assumption`] | a run under another role than the function's own |
//! | 6 | [`report`] | rows, summary, response: the wire format |
//! | 7 | [`headline`], [`advice`] | the root cause; what to do |
//! | 7 | `details` | what AWS says of a denial when it is asked, with the feature `authorization-details` |
//! | 7 | [`metrics`] | what CloudWatch counts |
//! | 7 | [`telemetry`] | what is logged |
//! | 8 | [`gate`] | a deployment that waits for a run, and its answer |
//! | 9 | [`handler`] | one invocation |
//!
//! # What holds everywhere
//!
//! - No probe depends on the result of another, and none decides its own verdict.
//! - A row is never dropped: a probe that timed out, panicked, or lacks its
//!   configuration is in the report and says so.
//! - Only [`config`] reads the environment, and only [`report`] serializes.
//! - No probe leaves a change behind, but for the function's own log group and
//!   log stream, where it is ahead of Lambda. Should AWS carry out what was made to be
//!   refused, the row says so and the run is not clean.
//! - Every action that the template's policy grants has a probe, and every probe
//!   of the policy has its action in the template.

pub mod advice;
pub mod answer;
pub mod assumption;
#[cfg(test)]
mod catalogue;
pub mod check;
pub mod config;
pub mod denial;
#[cfg(feature = "authorization-details")]
pub mod details;
pub mod evidence;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod gallery;
pub mod gate;
pub mod handler;
pub mod headline;
pub mod http;
#[cfg(test)]
mod invariants;
pub mod metrics;
pub mod pattern;
pub mod probe;
pub mod probes;
pub mod redact;
pub mod rehearsal;
pub mod report;
pub mod request;
pub mod roots;
#[cfg(test)]
mod stub;
pub mod telemetry;
#[cfg(test)]
mod truth;
pub mod verdict;
