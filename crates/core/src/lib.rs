//! What AWS's answers prove about permissions, and what to do: the pure half of
//! permissions-probe.
//!
//! There is no SDK in it, no runtime, no clock and no environment, so that it
//! compiles in seconds, is fuzzed as it stands, and works offline.
//!
//! Data goes through it once, from the top to the bottom; imports go up this table only, as `documents::modules_import_what_stands_above_them`
//! of the integration tests holds:
//!
//! | module | what it is about |
//! |---|---|
//! | [`text`] | texts from outside, and how they are shown |
//! | [`problem`] | what is wrong with an environment, an event or a specification |
//! | [`iam`] | what IAM writes and reads: denials, policies, wildcards, names |
//! | [`principal`] | who is calling |
//! | [`voice`] | in whose words the report speaks |
//! | [`specification`] | what is to be checked |
//! | [`document`] | a specification of the user's own, read from JSON |
//! | [`environment`] | the variables that say what is to be checked |
//! | [`event`], [`options`] | an event, read within bounds, and what it asks for |
//! | [`place`] | the Region, the account and the made-up names of a run |
//! | [`answer`] | what AWS answered |
//! | [`proof`] | the answers that prove "allowed" |
//! | [`evidence`] | who has seen which answer, and how sure a proof is therefore |
//! | [`probe`] | what a probe says of itself |
//! | [`form`] | requests as data |
//! | [`plan`](mod@plan) | from the specification to checks: each probe on each of its resources |
//! | [`least_privilege`] | the policy that a specification needs, and no more |
//! | [`judge`] | from an answer to a verdict |
//! | [`finding`] | what a run found |
//! | [`diagnosis`] | the root cause, the remedies, and their wording |
//! | [`report`] | the report, and its JSON |
//! | [`explain`] | a pasted error, explained offline |

pub mod answer;
pub mod diagnosis;
pub mod document;
pub mod environment;
pub mod event;
pub mod evidence;
pub mod explain;
pub mod finding;
#[cfg(test)]
mod fixtures;
pub mod form;
pub mod iam;
pub mod judge;
pub mod least_privilege;
pub mod options;
pub mod place;
pub mod plan;
pub mod principal;
pub mod probe;
pub mod problem;
pub mod proof;
pub mod report;
pub mod specification;
pub mod text;
pub mod voice;
