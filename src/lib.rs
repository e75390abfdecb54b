//! An AWS Lambda function that checks its own permissions.
//!
//! It runs under a pipeline's execution role, tries each action that the
//! pipeline's policy permits, in a form that leaves nothing behind, and returns
//! the pipeline's success response or a report of what is denied.
//!
//! # The layers, from the ground up
//!
//! A crate imports those that stand above it only, and Cargo holds it.
//!
//! | crate | what it is |
//! |---|---|
//! | [`permissions_core`] | what AWS's answers prove, and what to do: pure, without the SDK |
//! | [`permissions_aws`] | the probes, and all else that knows the SDK |
//! | this one | the function: events in, responses, log lines and metrics out |
//!
//! | module | what it is about |
//! |---|---|
//! | [`config`] | the environment |
//! | [`voice`] | the names of the function's settings |
//! | [`events`] | what invoked the function |
//! | [`response`] | the function's response |
//! | [`metrics`] | what CloudWatch counts |
//! | [`telemetry`] | what is logged |
//! | [`gate`] | a deployment that waits for a run, and its answer |
//! | [`function`] | one invocation |
//!
//! # What holds everywhere, and the test that holds it
//!
//! | invariant | held by |
//! |---|---|
//! | No probe decides its own verdict. | the type: a probe's request is `Sending`, whose output is an `Answer`, and `permissions_core::judge` makes a verdict of it |
//! | What one request of a run learns for another is in the session, and nowhere else. | the type: a probe is a `const`, and gets a `&Session` |
//! | A row is never dropped: a check that timed out, panicked, or lacks its configuration is in the report and says so. The actions on the function's own log are left out under a role of another account, and an advisory says so. | `permissions_aws` `run::tests::silence_costs_one_limit_and_no_row`, `a_probe_that_panics_is_a_row`; `invariants::every_run_keeps_what_must_be_true_of_it`; `assume_role::in_another_account_no_log_group_is_made_and_every_arn_is_of_that_account` |
//! | Modules import what stands above them in their crate's table. | `documents::modules_import_what_stands_above_them` |
//! | With several buckets and tables, no denial is lost. | `two_of_each::a_denial_on_one_of_two_buckets_and_tables_is_not_lost` |
//! | Only [`config`] reads the environment. | `documents::only_the_configuration_reads_the_environment` |
//! | Every text from outside is a [`Text`](permissions_core::text::Text), which only a [`Rendering`](permissions_core::text::Rendering) can show. | the type: it has no `Display` and is not serialized |
//! | No probe leaves a change behind; should AWS carry out what was made to be refused, the row says so and the run is not clean. | `side_effects::a_run_leaves_the_account_exactly_as_it_was`, `invariants::every_run_keeps_what_must_be_true_of_it` |
//! | Every action that the template grants has a probe, and every probe its action in the template, or a reason. | `documents::the_template_grants_what_is_probed_and_nothing_else` |
//! | The core depends on neither the SDK nor tokio. | `documents::the_core_depends_on_neither_the_sdk_nor_tokio` |
//! | The SDK is built once: no crate switches on a feature that the function lacks. | `documents::the_sdk_has_the_same_features_in_every_crate` |

pub mod config;
pub mod events;
pub mod function;
pub mod gate;
pub mod metrics;
pub mod response;
pub mod telemetry;
pub mod voice;
