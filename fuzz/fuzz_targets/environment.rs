//! Any environment, as lines of NAME=VALUE: a specification that keeps AWS's
//! naming rules, or problems that say what is expected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use permissions_core::environment::{Environment, read_specification};
use permissions_core::iam::names::is_role_name;

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let lookup = |name: &str| {
        let value = lines.iter().find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(std::str::from_utf8(value).map(str::to_owned).map_err(|_| String::from_utf8_lossy(value).into_owned()))
    };
    let mut environment = Environment::new(&lookup);
    let specification = read_specification(&mut environment, &|_| Err("no file is read".to_owned()));
    if environment.problems.is_empty() && specification.own.is_none() {
        let (bucket, table) = (&specification.buckets[0], &specification.tables[0]);
        assert!((3..=63).contains(&bucket.name.len()) && (3..=255).contains(&table.name.len()));
        assert!(bucket.name.is_ascii() && table.name.is_ascii());
        assert!(is_role_name(&specification.expected.role));
        let keys = bucket.object_key.iter().chain([&bucket.prefix]);
        assert!(keys.into_iter().all(|key| key.len() <= 1024 && !key.contains(char::is_control)));
        assert_eq!(specification.policy.statement.len(), 4);
    }
    for problem in environment.problems {
        assert!(!problem.expected.is_empty() && !problem.describe().is_empty());
    }
});
