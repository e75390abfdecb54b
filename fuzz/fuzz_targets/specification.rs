//! Any specification of the user's own: checks of which each is on a name that the policy takes in, or problems that say what
//! is expected, each by its path.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use permissions_core::document;
use permissions_core::plan::plan;
use permissions_core::specification::{Own, Specification, Target};

fuzz_target!(|json: &str| {
    let document = match document::read(json, "PROBE_SPECIFICATION", "lambda-ml-pipeline-role") {
        Ok(document) => document,
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(problem.name.raw().starts_with("PROBE_SPECIFICATION") && !problem.describe().is_empty());
            }
            return;
        }
    };
    let policy = document.policy.expect("a document without a policy is refused");
    let own = Own {
        requests: document.requests,
        resources: document.resources,
        functions: document.functions,
        region: Some("us-east-1".to_owned()),
    };
    let specification = Specification { own: Some(Arc::new(own)), ..Specification::of_policy(policy) };
    let plan = plan(&specification, &[]);
    for check in &plan.checks {
        let Target::Resource(resource) = &check.target else { panic!("{check:?} is for a probe that is not there") };
        assert!(resource.names.iter().all(|(_, name)| !name.is_empty()), "{check:?}");
    }
    for left_out in &plan.not_covered {
        assert!(!left_out.action.is_empty() && !left_out.reason.is_empty(), "{left_out:?}");
    }
});
