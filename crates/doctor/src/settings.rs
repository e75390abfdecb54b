//! From options and the environment to a specification.

use std::path::Path;

use permissions_core::document;
use permissions_core::environment::{self as of, Environment, read_specification};
use permissions_core::problem::Problem;
use permissions_core::specification::Specification;
use permissions_core::text::Text;

use crate::cli::{What, Where, option_of};
use crate::template;

/// What the options and the environment say.
#[derive(Debug)]
pub struct Settings<'a> {
    what: &'a What,
    place: Option<&'a Where>,
    /// The Region that the SDK has found, which the configuration of a profile can name.
    found_region: Option<String>,
}

/// A specification that was read, and where its statements are from.
type Source = (String, Option<&'static str>);

impl<'a> Settings<'a> {
    pub fn new(what: &'a What, place: Option<&'a Where>) -> Self {
        Self { what, place, found_region: None }
    }

    pub fn in_region(self, found_region: Option<String>) -> Self {
        Self { found_region, ..self }
    }

    /// The Region that is named, if one is.
    pub fn region(&self) -> Option<String> {
        let given = self.place.and_then(|place| place.region.clone());
        given.or_else(|| self.found_region.clone()).or_else(|| environment("AWS_REGION")?.ok())
    }

    /// The specification, to be checked under this role in place of the caller's own.
    ///
    /// # Errors
    ///
    /// All problems, by the names of the options.
    pub fn specification(&self, role: Option<&str>) -> Result<Specification, Vec<Problem>> {
        let (document, option) = self.document()?;
        let lookup = |name: &str| self.look_up(name, role, &document);
        let mut read = Environment::new(&lookup);
        let specification = read_specification(&mut read, &load);
        let problems: Vec<_> = read.problems.into_iter().map(|problem| self.rename_of(problem, option)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut specification = specification;
        // At a terminal, the principal that calls is the one checked, unless a role is named.
        if lookup(of::EXPECTED_ROLE.name).is_none() {
            specification.expected.role = String::new();
        }
        Ok(specification)
    }

    /// The files that findings are shown at, in what reads files.
    pub fn files(&self) -> Vec<&Path> {
        let what = self.what;
        let of_one = what.spec.iter().chain(&what.template);
        of_one.chain(&what.policy).map(std::path::PathBuf::as_path).collect()
    }

    /// What contradicts itself, which the options of a command line cannot.
    fn contradictions(&self) -> Vec<Problem> {
        let what = self.what;
        let given = [what.spec.is_some(), !what.policy.is_empty(), what.template.is_some()];
        let mut problems = Vec::new();
        if given.iter().filter(|given| **given).count() > 1 {
            problems.push(Problem::new("--spec, --policy, --template", Some("several".into()), "one of them"));
        }
        if what.template.is_some() != what.role.is_some() {
            problems.push(Problem::new(
                "--template",
                None,
                "a template and the logical id of a role in it (--role), both or neither",
            ));
        }
        if what.template.is_none() && !what.parameter.is_empty() {
            problems.push(Problem::new(
                "--parameter",
                Some(what.parameter.join(" ").into()),
                "a template (--template)",
            ));
        }
        problems
    }

    /// The value of a variable: that of its option, else that of the environment.
    fn look_up(&self, name: &str, role: Option<&str>, document: &str) -> Option<Result<String, String>> {
        let given = self.option(name, role, document).map(Ok);
        given.or_else(|| environment(name).filter(|value| value.as_ref().map_or(true, |it| !it.is_empty())))
    }

    /// The value of the option that stands for a variable.
    fn option(&self, name: &str, role: Option<&str>, document: &str) -> Option<String> {
        let what = self.what;
        match name {
            _ if name == of::OWN_SPECIFICATION.name => {
                Some(document.to_owned()).filter(|document| !document.is_empty())
            }
            _ if name == of::BUCKET.name => what.bucket.clone(),
            _ if name == of::TABLE.name => what.table.clone(),
            _ if name == of::TABLE_KEY.name => what.table_key.clone(),
            _ if name == of::PREFIX.name => what.prefix.clone(),
            _ if name == of::OBJECT_KEY.name => what.object_key.clone(),
            _ if name == of::ENDPOINT_NAME.name => what.endpoint_name.clone(),
            _ if name == of::TRAINING_JOB_NAME.name => what.training_job_name.clone(),
            _ if name == of::SAGEMAKER_ROLE_ARN.name => what.sagemaker_role_arn.clone(),
            _ if name == of::ASSUME_ROLE_ARN.name => role.map(str::to_owned),
            _ if name == of::EXPECTED_ROLE.name => what.expected_role.clone(),
            _ if name == of::EXPECTED_REGION.name => what.expected_region.clone(),
            _ if name == of::DENY_CONTROL.name => what.deny_control.clone(),
            _ if name == of::STRICT.name => what.strict.then(|| "true".to_owned()),
            "AWS_LAMBDA_LOG_GROUP_NAME" => what.log_group.clone(),
            "AWS_LAMBDA_LOG_STREAM_NAME" => what.log_stream.clone(),
            "AWS_REGION" => self.region(),
            _ => None,
        }
    }

    /// What stands for `PROBE_SPECIFICATION`, and the option that it is from; empty, where none is given.
    fn document(&self) -> Result<Source, Vec<Problem>> {
        let what = self.what;
        let contradictions = self.contradictions();
        if !contradictions.is_empty() {
            return Err(contradictions);
        }
        if let Some(file) = &what.spec {
            let text = read_file("--spec", file)?;
            // A file that starts with neither is no document, and no path of one either.
            let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
            if !is_json {
                return Err(vec![Problem::new("--spec", Some(shown(file)), of::OWN_SPECIFICATION.expected)]);
            }
            let is_policy =
                serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|it| it.get("Statement").is_some());
            if is_policy {
                return Err(vec![Problem::new(
                    "--spec",
                    Some(shown(file)),
                    "a specification; this is a policy document: give it with --policy",
                )]);
            }
            return Ok((text, Some("--spec")));
        }
        if let (Some(file), Some(role)) = (&what.template, &what.role) {
            let text = read_file("--template", file)?;
            let of_template = template::Given { file, parameters: &what.parameter, region: self.region() };
            let policies = template::policies(&text, role, &of_template)?;
            return Ok((policies, Some("--template")));
        }
        if what.policy.is_empty() {
            return Ok((String::new(), None));
        }
        let (mut documents, mut problems) = (Vec::new(), Vec::new());
        for file in &what.policy {
            let text = read_file("--policy", file).map(|text| text.trim_start_matches('\u{feff}').to_owned());
            match text {
                // One that is no JSON would break the list that it is put into.
                Ok(text) => match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                    Ok(_) => documents.push(text),
                    Err(error) => {
                        problems.push(Problem::new("--policy", Some(shown(file)), format!("a JSON document; {error}")));
                    }
                },
                Err(found) => problems.extend(found),
            }
        }
        let list = format!("{{\"policy\":[{}]}}", documents.join(","));
        if problems.is_empty() { Ok((list, Some("--policy"))) } else { Err(problems) }
    }

    /// The problem under the name of the option that it is about.
    pub fn rename(&self, problem: Problem) -> Problem {
        let what = self.what;
        let option = match () {
            () if what.spec.is_some() => Some("--spec"),
            () if what.template.is_some() => Some("--template"),
            () if !what.policy.is_empty() => Some("--policy"),
            () => None,
        };
        let value = problem.value.clone().or_else(|| self.files().first().map(|file| shown(file)));
        self.rename_of(Problem { value, ..problem }, option)
    }

    fn rename_of(&self, problem: Problem, option: Option<&'static str>) -> Problem {
        let name = problem.name.raw().to_owned();
        let (variable, path) = name.split_once(' ').map_or((name.as_str(), ""), |(variable, path)| (variable, path));
        if variable == of::OWN_SPECIFICATION.name {
            let Some(option) = option else { return problem };
            // The files of the policies are known by their numbers.
            let number = path.strip_prefix("policy[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
            let file = number.filter(|_| option == "--policy").and_then(|number| self.what.policy.get(number));
            let prefix = number.map(|number| format!("policy[{number}]")).unwrap_or_default();
            let name = match file {
                Some(file) => {
                    format!("{option} {} {}", file.display(), path.trim_start_matches(&prefix).trim_start_matches('.'))
                }
                None => format!("{option} {path}"),
            };
            return Problem { name: Text::new(name.trim_end()), ..problem };
        }
        // What the environment says is named as there.
        let is_of_option = environment(variable).is_none() || self.option(variable, None, "").is_some();
        match option_of(variable).filter(|_| is_of_option) {
            Some(option) => {
                let expected = problem.expected.raw().replace(variable, option);
                Problem { name: option.into(), expected: expected.into(), ..problem }
            }
            None => problem,
        }
    }
}

/// Looks a variable up. One that is not Unicode is an error, with what could be read of it.
pub fn environment(name: &str) -> Option<Result<String, String>> {
    Some(std::env::var_os(name)?.into_string().map_err(|value| value.to_string_lossy().into_owned()))
}

/// The file that `PROBE_SPECIFICATION` names.
fn load(path: &str) -> Result<String, String> {
    read_bounded(Path::new(path))
}

fn read_file(option: &str, file: &Path) -> Result<String, Vec<Problem>> {
    read_bounded(file)
        .map_err(|why| vec![Problem::new(option, Some(shown(file)), format!("a file that can be read; {why}"))])
}

fn read_bounded(file: &Path) -> Result<String, String> {
    let found = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !found.is_file() || found.len() > document::MAX_BYTES as u64 {
        return Err(format!("it is no file of at most {} bytes", document::MAX_BYTES));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

fn shown(file: &Path) -> Text {
    Text::new(file.display().to_string())
}
