//! What an action is tried on, for a resource of a policy: the thing that it names, one that exists and that it takes in, or one
//! whose name is made up to fit it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::form::{self, Form, HarmlessOn};
use crate::iam::actions::PASS_ROLE;
use crate::iam::catalogue::Action;
use crate::iam::resource::{self, MADE_UP, Parts, Slashes};
use crate::plan::own::{NotTried, Planned, Planner, bucket_of};
use crate::probe::{On, ProbeInfo};
use crate::specification::{Bucket, Endpoint, Known, LogStream, Resource, Role, Table, Target, TrainingJob};

/// What a probe is made on, with the ARN of what exists where the specification names that.
type Found = (Target, Option<String>);

impl Planner<'_> {
    fn known_matching<'k>(&'k self, pattern: &'k str) -> impl Iterator<Item = &'k Arc<Known>> {
        self.own.resources.iter().filter(move |known| takes_in(pattern, &known.arn))
    }

    /// What an action is tried on, for one resource of the policy.
    pub(super) fn targets(
        &self,
        action: &Action,
        pattern: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<Planned>, NotTried> {
        if let Some(parts) = Parts::of(pattern)
            && parts.service == "s3"
            && !matches!(parts.region, "" | "*")
        {
            return Err("access points, and other ARNs of S3 with a Region, are not tried: name the bucket"
                .to_owned()
                .into());
        }
        let typed = self.probes.iter().copied().find(|probe| probe.action == action.name);
        // A request of the pipeline's own is sent by the form.
        let is_given = self.own.requests.get(&action.name).is_some_and(|request| !request.is_empty());
        let with_request = is_given && form::find(&action.name).is_some();
        if let Some(probe) = typed.filter(|_| !with_request)
            && let Some(targets) = self.typed_targets(probe, pattern, prefix)
        {
            let planned = |(target, known)| Planned { probe, target, known };
            return Ok(targets?.into_iter().map(planned).collect());
        }
        let Some(form) = form::find(&action.name) else {
            let known = form::reason_without(&action.name).map(str::to_owned);
            let reason = known.unwrap_or_else(|| match typed {
                Some(_) => "no harmless request is known for this resource".to_owned(),
                None => "no harmless request is known".to_owned(),
            });
            return Err(reason.into());
        };
        let (resource, known) = self.form_target(form, pattern)?;
        Ok(vec![Planned { probe: &form.info, target: Target::Resource(Arc::new(resource)), known }])
    }

    /// The targets of a probe with code of its own; `None` where the form has to be used.
    fn typed_targets(
        &self,
        probe: &'static ProbeInfo,
        pattern: &str,
        prefix: Option<&str>,
    ) -> Option<Result<Vec<Found>, String>> {
        let parts = Parts::of(pattern)?;
        let unknown = |targets: Vec<Target>| targets.into_iter().map(|target| (target, None)).collect();
        Some(match &probe.on {
            On::Bucket(_) => self.buckets(probe.action, pattern, parts, prefix).map(unknown),
            On::Table(_) => self.tables(pattern, parts),
            On::Role(_) => self.roles(probe.action, pattern).map(unknown),
            On::LogStream(_) => self.log_stream(parts)?.map(unknown),
            On::Endpoint(_) => {
                let named =
                    |arn: &str| Parts::of(arn).and_then(|it| it.resource.strip_prefix("endpoint/").map(str::to_owned));
                let known =
                    self.known_matching(pattern).find_map(|known| Some((named(&known.arn)?, Some(known.arn.clone()))));
                let exact = named(pattern).filter(|name| resource::is_exact(name)).map(|name| (name, None));
                match known.or(exact) {
                    Some((name, arn)) => Ok(vec![(Target::Endpoint(Arc::new(Endpoint { name: Some(name) })), arn)]),
                    None => {
                        fits_made_up(parts, "endpoint").then(|| Ok(vec![(Target::Endpoint(Arc::default()), None)]))?
                    }
                }
            }
            On::TrainingJob(_) => {
                let named = |known: &Arc<Known>| {
                    let name = Parts::of(&known.arn)?.resource.strip_prefix("training-job/")?.to_owned();
                    Some((Target::TrainingJob(Arc::new(TrainingJob { name: Some(name) })), Some(known.arn.clone())))
                };
                match self.known_matching(pattern).find_map(named) {
                    Some(found) => Ok(vec![found]),
                    None => fits_made_up(parts, "training-job")
                        .then(|| Ok(vec![(Target::TrainingJob(Arc::default()), None)]))?,
                }
            }
            On::Account(_) => {
                let kind = match probe.action {
                    "sagemaker:CreateTrainingJob" => "training-job",
                    "sagemaker:CreateModel" => "model",
                    "sagemaker:CreateEndpoint" => "endpoint",
                    _ => "",
                };
                (kind.is_empty() || fits_made_up(parts, kind)).then(|| Ok(vec![(Target::Account, None)]))?
            }
            On::Resource(_) => return None,
        })
    }

    fn buckets(
        &self,
        action: &str,
        pattern: &str,
        parts: Parts<'_>,
        prefix: Option<&str>,
    ) -> Result<Vec<Target>, String> {
        let (bucket, key) = match parts.resource.split_once('/') {
            Some((bucket, key)) => (bucket, key),
            None => (parts.resource, "*"),
        };
        let of_known = |known: &Known| {
            let resource = known.arn.split_once(":s3:::")?.1;
            Some(
                resource
                    .split_once('/')
                    .map_or((resource.to_owned(), None), |(it, key)| (it.to_owned(), Some(key.to_owned()))),
            )
        };
        // The buckets that the policy names somewhere exist, too.
        let of_policy = self.specification.buckets.iter().map(|bucket| (bucket.name.clone(), None));
        let all: Vec<_> = self.own.resources.iter().filter_map(|known| of_known(known)).chain(of_policy).collect();
        let mut names: Vec<String> = Vec::new();
        if resource::is_exact(bucket) {
            names.push(bucket.to_owned());
        } else {
            for (name, _) in all.iter().filter(|(name, _)| resource::matches(bucket, name)) {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        if names.is_empty() {
            return Err(format!(
                "S3 answers only for a bucket that exists: under resources, name one that matches {pattern}"
            ));
        }
        if action == "s3:ListBucket" {
            let prefix = prefix.unwrap_or_default().to_owned();
            let target = |name| Target::Bucket(Arc::new(Bucket { name, prefix: prefix.clone(), ..Bucket::default() }));
            return Ok(names.into_iter().map(target).collect());
        }
        // The first wildcard is what the made-up name stands for, and the others stand for nothing.
        let plain = |part: &str| part.replace('*', "").replace('?', "0");
        let (start, end) =
            key.split_once('*').map_or((plain(key), String::new()), |(start, end)| (plain(start), plain(end)));
        let one_object = resource::is_exact(key);
        if !one_object && !resource::matches(key, &format!("{start}permissions-probe{end}")) {
            return Err("no key that the program could make up fits the pattern".to_owned());
        }
        let target = |name: String| {
            let object_key = all
                .iter()
                .filter(|(bucket, _)| *bucket == name)
                .find_map(|(_, it)| it.clone().filter(|it| resource::matches(key, it)));
            let (prefix, suffix) = (start.clone(), end.clone());
            Target::Bucket(Arc::new(Bucket { name, prefix, suffix, one_object, object_key }))
        };
        Ok(names.into_iter().map(target).collect())
    }

    fn tables(&self, pattern: &str, parts: Parts<'_>) -> Result<Vec<Found>, String> {
        let of_resource = |resource: &str| {
            let rest = resource.strip_prefix("table/")?;
            Some(match rest.split_once("/index/") {
                Some((table, index)) => (table.to_owned(), Some(index.to_owned())),
                None => (rest.to_owned(), None),
            })
        };
        let key_of = |table: &str| {
            self.own.resources.iter().find_map(|known| {
                let (name, index) = of_resource(Parts::of(&known.arn)?.resource)?;
                known.key.clone().filter(|_| name == table && index.is_none())
            })
        };
        if !resource::is_exact(parts.resource) {
            let known: Vec<_> = self
                .known_matching(pattern)
                .filter_map(|known| Some((known.arn.clone(), of_resource(Parts::of(&known.arn)?.resource)?)))
                .map(|(arn, (name, index))| {
                    let key = key_of(&name).filter(|_| index.is_none());
                    (Target::Table(Arc::new(Table { name, index, key })), Some(arn))
                })
                .collect();
            if !known.is_empty() {
                return Ok(known);
            }
        }
        let table = || Some((resource::fit(parts.resource, "table/{table}")?.remove(0).1, None));
        let fitting = match index_of(pattern) {
            Some((table, index)) => Some((table, Some(index))),
            None => table().filter(|(name, _)| !name.contains('/')),
        };
        let (name, index) = fitting.ok_or("no table's name that the program could make up fits the pattern")?;
        let key = key_of(&name).filter(|_| index.is_none());
        Ok(vec![(Target::Table(Arc::new(Table { name, index, key })), None)])
    }

    fn roles(&self, action: &str, pattern: &str) -> Result<Vec<Target>, String> {
        if resource::is_exact(pattern) {
            return Ok(vec![Target::Role(Arc::new(Role::new(pattern)))]);
        }
        let known: Vec<_> = self
            .known_matching(pattern)
            .filter(|known| known.arn.contains(":role/"))
            .map(|known| Target::Role(Arc::new(Role::new(known.arn.as_str()))))
            .collect();
        if known.is_empty() {
            let what = if action == PASS_ROLE { "handed over" } else { "assumed" };
            return Err(format!(
                "only a role that exists can be {what}: under resources, name one that matches {pattern}"
            ));
        }
        Ok(known)
    }

    /// The function's own log stream, where the statement is about it.
    fn log_stream(&self, parts: Parts<'_>) -> Option<Result<Vec<Target>, String>> {
        let log: &Arc<LogStream> = &self.specification.log_stream;
        let group = log.group.as_deref().unwrap_or("/aws/lambda/permissions-probe");
        let is_own = resource::overlaps(parts.resource, &format!("log-group:{group}"), Slashes::All)
            || resource::overlaps(parts.resource, &format!("log-group:{group}:{{rest}}"), Slashes::All);
        is_own.then(|| Ok(vec![Target::LogStream(log.clone())]))
    }

    /// What a form is filled with, for a resource of the policy.
    fn form_target(&self, form: &'static Form, pattern: &str) -> Result<(Resource, Option<String>), NotTried> {
        let request = self.own.requests.get(form.info.action);
        let target = |names, is_known| Resource {
            action: form.info.action,
            pattern: pattern.to_owned(),
            names: with_own_name(form, names, request),
            longest_name: form.longest_name,
            is_known,
            request: request.cloned().map(Arc::new),
        };
        if form.arn.is_empty() {
            return Ok((target(Vec::new(), false), None));
        }
        let kind = form.arn.splitn(4, ':').nth(3).unwrap_or(form.arn);
        if let Some((table, index)) =
            index_of(pattern).filter(|_| form.service.signing == "dynamodb" && kind == "table/{name}")
        {
            let takes_index = matches!(form.info.action, "dynamodb:Query" | "dynamodb:Scan");
            return if takes_index {
                Ok((target(vec![("name", table), ("index", index)], false), None))
            } else {
                Err(NotTried::OtherKind("the request is about a table, and not about an index".to_owned()))
            };
        }
        if form.harmless_on == HarmlessOn::None {
            let takes_in = Parts::of(pattern).is_some_and(|parts| resource::matches(parts.resource, kind));
            return if takes_in {
                Ok((target(Vec::new(), false), None))
            } else {
                Err("the one request that is known is about all of them, which the resource does not take in"
                    .to_owned()
                    .into())
            };
        }
        let service = form.arn.split(':').next().unwrap_or_default();
        let is_name = |(hole, name): &(&str, String)| {
            *hole == "key" || !name.contains('/') || service != "dynamodb" && service != "sns"
        };
        let fit = |pattern: &str| {
            let names = resource::fit(Parts::of(pattern)?.resource, kind)?;
            names.iter().all(is_name).then_some(names)
        };
        // A request that would make what does not exist has to go to the very account and Region where the thing is.
        let is_placed = |parts: &Parts<'_>| !parts.region.is_empty() && !parts.account.is_empty();
        let of_service = |known: &&Arc<Known>| {
            let parts = Parts::of(&known.arn).filter(|parts| parts.service == service);
            parts.is_some_and(|parts| form.harmless_on != HarmlessOn::Known || is_placed(&parts))
        };
        let known = self.known_matching(pattern).filter(of_service).find_map(|known| {
            let names = fit(&known.arn)?;
            Some((target(names, true), Some(known.arn.clone())))
        });
        // A known bucket, with a key that the pattern leaves open.
        let in_known_bucket = || {
            let open = fit(pattern)?;
            let at = open.iter().position(|(hole, name)| *hole == "bucket" && name.contains(MADE_UP))?;
            let parts = Parts::of(pattern)?;
            let bucket = parts.resource.split('/').next()?;
            let of_policy = self.specification.buckets.iter().map(|bucket| bucket.name.as_str());
            let mut all = self.own.resources.iter().filter_map(|known| bucket_of(&known.arn)).chain(of_policy);
            let name = all.find(|name| resource::matches(bucket, name))?.to_owned();
            let mut names = open;
            names[at].1 = name;
            Some(target(names, false))
        };
        let refused = match known.map(|known| (form.refuses(&known.0), known)) {
            Some((None, known)) => return Ok(known),
            Some((Some(reason), _)) => Some(reason),
            None => None,
        };
        let made_up = in_known_bucket().or_else(|| fit(pattern).map(|names| target(names, false)));
        let Some(made_up) = made_up else {
            let is_of_kind =
                Parts::of(pattern).is_some_and(|parts| resource::overlaps(parts.resource, kind, Slashes::All));
            if refused.is_none() && !is_of_kind {
                return Err(NotTried::OtherKind(format!(
                    "the request that is known is about {kind}, and not about this kind of resource"
                )));
            }
            return Err(refused.unwrap_or("no name that the program could make up fits the pattern").to_owned().into());
        };
        // A model that does not exist is asked for, so the endpoint may be one that does.
        let asks_for_model =
            form.info.action == "sagemaker:InvokeEndpoint" && request.is_some_and(|it| it.contains_key("TargetModel"));
        match form.refuses(&made_up).filter(|_| !asks_for_model) {
            None => Ok((made_up, None)),
            Some(reason) => Err(reason.to_owned().into()),
        }
    }
}

/// The names with the one that the pipeline's own request has, where the request only reads.
fn with_own_name(
    form: &Form,
    names: Vec<(&'static str, String)>,
    request: Option<&Map<String, Value>>,
) -> Vec<(&'static str, String)> {
    let (hole, field) = match form.info.action {
        "s3:GetObject" => ("key", "Key"),
        "sagemaker:DescribeTrainingJob" => ("name", "TrainingJobName"),
        _ => return names,
    };
    let Some(own) = request.and_then(|request| request.get(field)?.as_str()) else { return names };
    names
        .into_iter()
        .map(|(known, name)| (known, if known == hole && name.contains(MADE_UP) { own.to_owned() } else { name }))
        .collect()
}

/// Whether a pattern takes in something that exists, of which the Region and the account may be left open.
fn takes_in(pattern: &str, arn: &str) -> bool {
    let (Some(pattern), Some(arn)) = (Parts::of(pattern), Parts::of(arn)) else { return false };
    let fits = |pattern: &str, part: &str| part == "*" || resource::matches(pattern, part);
    fits(pattern.service, arn.service)
        && fits(pattern.region, arn.region)
        && fits(pattern.account, arn.account)
        && resource::matches(pattern.resource, arn.resource)
}

/// The table and the index of the ARN of an index, or of a pattern of such ARNs. No table's name has a slash, so `table/T/*` is
/// one.
fn index_of(pattern: &str) -> Option<(String, String)> {
    let (table, index) = Parts::of(pattern)?.resource.strip_prefix("table/")?.split_once('/')?;
    let name = |pattern: &str, form: &'static str| Some(resource::fit(pattern, form)?.remove(0).1);
    Some((name(table, "{table}")?, name(index, "index/{index}")?)).filter(|(_, index)| !index.contains('/'))
}

/// Whether the made-up name of a SageMaker resource fits the statement.
fn fits_made_up(parts: Parts<'_>, kind: &str) -> bool {
    resource::matches(parts.resource, &format!("{kind}/permissions-probe-0000000000000000"))
}
