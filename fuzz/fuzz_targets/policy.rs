//! Any policy document: one that is written as it was read, or an error that
//! says why it is none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_core::iam::policy::PolicyDocument;
use permissions_core::specification::Specification;

fuzz_target!(|json: &str| {
    match PolicyDocument::parse(json) {
        Ok(mut policy) => {
            // A number that no double holds is another one when it is read again.
            policy.statement.iter_mut().for_each(|statement| statement.condition = None);
            assert_eq!(PolicyDocument::parse(&policy.to_json()).expect("it is one"), policy);
            let specification = Specification::of_policy(policy);
            let mut names: Vec<_> = specification.buckets.iter().map(|bucket| bucket.name.clone()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), specification.buckets.len(), "each bucket once");
        }
        Err(error) => assert!(!error.is_empty()),
    }
});
