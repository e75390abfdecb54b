//! Sends requests that are data ([`permissions_core::form`]): signed, retried and bounded by the SDK's own runtime, and read
//! by the protocol of their service.
//!
//! A crate of the SDK for each of the services would add megabytes, of which one or two requests were used
//! (docs/development/adding-a-probe.md).

use std::fmt;

use aws_config::{Region, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::SigningName;
use aws_types::region::{SigningRegion, SigningRegionSet};
use aws_types::service_config::ServiceConfigKey;
use permissions_core::answer::{Answer, FunctionFacts, Means, NoAnswer};
use permissions_core::form::{self, Call, Filling, Form, Request, Service, Success};
use permissions_core::iam::names::is_region;
use permissions_core::iam::resource::Parts;
use permissions_core::specification::Resource;

use crate::answer::read;
use crate::session::{RETRY_PARTITION, Session};

/// Sends the request for a resource, in the form of its action.
pub async fn send(session: &Session, resource: &Resource) -> Answer {
    let Some(form) = form::find(resource.action) else {
        return Answer::none(NoAnswer::ProbePanicked, format!("{} has no form", resource.action));
    };
    let account = match session.account().await {
        Ok(account) => account,
        Err(unknown) => return *unknown,
    };
    let place = session.place();
    let filling = Filling { resource, place: &place, account: &account };
    let taken = resource.request.as_ref().map(|request| form::take(form.info.action, request)).unwrap_or_default();
    let mut extra = taken.extra;
    if let Some(index) = resource.name("index") {
        extra.body.insert("IndexName".to_owned(), index.into());
    }
    let request = form.request(&filling, &extra);
    let sent: Vec<_> = taken.sent.iter().map(|(key, values)| format!("{key} {}", values.join(" "))).collect();
    let answer = call(&session.clients.sdk, &session.region, form, request).await;
    let answer = if form.service.signing == "s3" && form.arn == "s3:::{bucket}" {
        answer.unexplained(Means::ThisAction)
    } else {
        answer
    };
    let answer = if sent.is_empty() { answer } else { answer.with_context(sent.join(", ")) };
    if resource.is_known { answer.configured() } else { answer }
}

/// Sends one request, and reads the answer.
pub async fn call(sdk: &SdkConfig, region: &str, form: &'static Form, request: Request) -> Answer {
    let operation = operation(sdk, region, form);
    let sent = Box::pin(operation.invoke(request)).await;
    let function = sent.as_ref().ok().and_then(|succeeded| succeeded.function.clone());
    let answer = read(
        sent,
        |succeeded: &Succeeded| if succeeded.is_expected { "200" } else { "200 without what was asked for" },
    );
    Answer { function, ..answer }
}

/// A success, as far as it is looked at.
#[derive(Debug)]
struct Succeeded {
    request_id: Option<String>,
    is_expected: bool,
    function: Option<Box<FunctionFacts>>,
}

impl RequestId for Succeeded {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// An error of the service.
#[derive(Debug)]
struct Refused(ErrorMetadata);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// The SDK's operation for a form: what signs, retries and bounds its request.
fn operation(sdk: &SdkConfig, region: &str, form: &'static Form) -> Operation<Request, Succeeded, Refused> {
    let service = &form.service;
    let signing_region = if service.global.is_some() { "us-east-1".to_owned() } else { region.to_owned() };
    let mut options = SigningOptions::default();
    if service.signing == "s3" {
        // S3 takes the path as it is, and the digest of the body as a header (S3 API Reference, "Signature calculations").
        (options.double_uri_encode, options.normalize_uri_path, options.content_sha256_header) = (false, false, true);
    }
    let mut config = Layer::new("form");
    config.store_put(AuthSchemeOptionResolverParams::new(()));
    config.store_put(ApiMetadata::new(service.id, env!("CARGO_PKG_VERSION")));
    config.store_put(SigningName::from(service.signing));
    config.store_put(SigningRegion::from(Region::new(signing_region.clone())));
    config.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(Region::new(signing_region))),
        region_set: None::<SigningRegionSet>,
        name: Some(SigningName::from(service.signing)),
        signing_options: options,
    });
    if let Some(name) = sdk.app_name() {
        config.store_put(name.clone());
    }
    config.store_put(RetryPartition::custom(RETRY_PARTITION).token_bucket(TokenBucket::unlimited()).build());
    let mut components = RuntimeComponentsBuilder::new("form");
    components.set_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])));
    components.push_auth_scheme(SigV4AuthScheme::new());
    components.set_identity_cache(sdk.identity_cache());
    if let Some(provider) = sdk.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, provider);
    }
    components.push_retry_classifier(HttpStatusCodeClassifier::default());
    components.push_retry_classifier(AwsErrorCodeClassifier::<Refused>::new());
    components.push_retry_classifier(TransientErrorClassifier::<Refused>::new());
    components.push_interceptor(RequestInfoInterceptor::new());
    components.push_interceptor(UserAgentInterceptor::new());
    components.push_interceptor(InvocationIdInterceptor::new());
    components.set_sleep_impl(sdk.sleep_impl());
    components.set_time_source(sdk.time_source());
    if let Some(client) = sdk.http_client() {
        components.set_http_client(Some(client));
    }
    let plugin = StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components);
    let builder = Operation::builder()
        .service_name(service.signing)
        .operation_name(form.info.action)
        .endpoint_url(&endpoint(sdk, region, service))
        .with_connection_poisoning()
        .runtime_plugin(plugin)
        .serializer(|request: Request| serialize(&request))
        .deserializer(move |response: &HttpResponse| deserialize(form, response));
    let builder = match sdk.retry_config() {
        Some(retry) => builder.standard_retry(retry),
        None => builder.no_retry(),
    };
    match sdk.timeout_config() {
        Some(timeout) => builder.timeout_config(timeout.clone()),
        None => builder,
    }
    .build()
}

/// Where requests for a service go: as the environment says, else to AWS.
fn endpoint(sdk: &SdkConfig, region: &str, service: &Service) -> String {
    let own = sdk.service_config().and_then(|config| {
        let (env, id) = (format!("AWS_ENDPOINT_URL_{}", service.id), service.id.to_lowercase());
        let key = ServiceConfigKey::builder().service_id(&id).env(&env).profile("endpoint_url").build().ok()?;
        config.load_config(key)
    });
    if let Some(url) = own.as_deref().or(sdk.endpoint_url()) {
        return url.trim_end_matches('/').to_owned();
    }
    let suffix = permissions_core::iam::partition::partition_of(region).dns_suffix;
    match service.global {
        Some(host) => format!("https://{host}"),
        None => format!("https://{}.{region}.{suffix}", service.host),
    }
}

fn serialize(request: &Request) -> Result<HttpRequest, BoxError> {
    let mut http = HttpRequest::new(SdkBody::from(request.body.clone()));
    http.set_method(request.method)?;
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| match value.as_str() {
            "" => form::encode(name, ""),
            value => format!("{}={}", form::encode(name, ""), form::encode(value, "")),
        })
        .collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    http.set_uri(format!("{}{query}", request.path))?;
    for (name, value) in &request.headers {
        http.headers_mut().try_insert(name.to_ascii_lowercase(), value.clone())?;
    }
    if !request.body.is_empty() || request.method != "GET" {
        http.headers_mut().try_insert("content-length", request.body.len().to_string())?;
    }
    Ok(http)
}

/// Reads an answer.
fn deserialize(form: &'static Form, response: &HttpResponse) -> Result<Succeeded, OrchestratorError<Refused>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        let is_expected = match form.success {
            None => false,
            Some(Success::Member(name)) => {
                serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|it| it.get(name).is_some())
            }
            Some(Success::Element(name)) => element(body, name).is_some(),
            Some(Success::Status(status)) => response.status().as_u16() == status && body.is_empty(),
            Some(Success::Header(name)) => response.headers().get(name).is_some(),
        };
        let function = (form.info.action == "lambda:GetFunctionConfiguration").then(|| function_facts(body)).flatten();
        let request_id = response.headers().request_id().map(str::to_owned);
        return Ok(Succeeded { request_id, is_expected, function });
    }
    let is_xml = matches!(form.call, Call::Query { .. }) || form.service.signing == "s3";
    let (code, message) = if is_xml { xml_error(body) } else { json_error(response, body) };
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    if let Some(message) = message {
        metadata = metadata.message(message);
    }
    Err(OrchestratorError::operation(Refused(metadata.build())))
}

/// What the configuration of a function says, as far as a report needs it. The values of its variables are not kept, but for
/// the Regions that they name.
fn function_facts(body: &[u8]) -> Option<Box<FunctionFacts>> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
    let own_region = Parts::of(text("FunctionArn")?)?.region.to_owned();
    let mut reasons = Vec::new();
    // Lambda API Reference, GetFunctionConfiguration: an inactive function wakes when it is invoked, and a pending one is made.
    for (state, bad, reason) in
        [("State", "Failed", "StateReasonCode"), ("LastUpdateStatus", "Failed", "LastUpdateStatusReasonCode")]
    {
        if text(state) == Some(bad) {
            reasons.push(format!("{state} {bad}{}", text(reason).map(|code| format!(", {code}")).unwrap_or_default()));
        }
    }
    let variables = json.pointer("/Environment/Variables").and_then(serde_json::Value::as_object);
    let regions = variables.into_iter().flatten().filter_map(|(name, value)| {
        let value = value.as_str()?;
        let named = Parts::of(value).map(|parts| parts.region).or_else(|| is_region(value).then_some(value))?;
        (is_region(named) && named != own_region).then(|| (name.clone(), named.to_owned()))
    });
    let regions = regions.collect();
    Some(Box::new(FunctionFacts { role: text("Role")?.to_owned(), reasons, regions }))
}

/// The code and the message of an error of a JSON protocol (Smithy, "AWS JSON 1.0 protocol": operation error serialization).
fn json_error(response: &HttpResponse, body: &[u8]) -> (Option<String>, Option<String>) {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| json.get(*name)?.as_str().map(str::to_owned));
    let code =
        response.headers().get("x-amzn-errortype").map(str::to_owned).or_else(|| text(&["__type", "code", "Code"]));
    // What stands before a number sign is a namespace, and what stands behind a colon a URL.
    let code = code.map(|code| {
        let code = code.split(':').next().unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default().to_owned()
    });
    (code.filter(|code| !code.is_empty()), text(&["message", "Message", "errorMessage"]))
}

fn xml_error(body: &[u8]) -> (Option<String>, Option<String>) {
    (element(body, "Code"), element(body, "Message"))
}

/// The text of the first element of this name; empty, where it has none.
fn element(body: &[u8], name: &str) -> Option<String> {
    use xmlparser::{ElementEnd, Token};

    let text = std::str::from_utf8(body).ok()?;
    let mut inside = false;
    for token in xmlparser::Tokenizer::from(text) {
        match token.ok()? {
            Token::ElementStart { local, .. } if inside => return Some(local.as_str().to_owned()),
            Token::ElementStart { local, .. } if local.as_str() == name => inside = true,
            Token::ElementEnd { end: ElementEnd::Empty | ElementEnd::Close(..), .. } if inside => {
                return Some(String::new());
            }
            Token::Text { text } if inside => return Some(unescape(text.as_str())),
            _ => {}
        }
    }
    None
}

/// The five entities that XML has of itself.
fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use permissions_core::evidence;
    use permissions_core::finding::Outcome;
    use permissions_core::form::HarmlessOn;
    use permissions_core::iam::resource::MADE_UP;
    use permissions_core::plan::{Check, Expect, Purpose};
    use permissions_core::proof::{Expected, Warning};
    use permissions_core::specification::Target;
    use serde_json::{Value, json};

    use super::*;
    use crate::harness::{
        Request as Wire, Stub, json_error, response, rest_json_error, s3_error, specification, sts_error, summary,
        with_headers,
    };
    use crate::probe::make_check;
    use crate::probes::send_of;

    /// What fills a form in these tests: made-up names where they are harmless, else names of things that exist.
    fn resource(form: &'static Form, request: Option<Value>) -> Resource {
        let holes = form.arn.split('{').skip(1).filter_map(|part| part.split('}').next());
        let made_up = matches!(form.harmless_on, HarmlessOn::MadeUp | HarmlessOn::Any);
        let names = holes.filter(|hole| !matches!(*hole, "region" | "account")).map(|hole| {
            let name = match hole {
                "bucket" => "your-bucket-name",
                "key" => MADE_UP,
                _ if made_up => MADE_UP,
                "group" => "/aws/lambda/permissions-probe",
                _ => "real-name",
            };
            (hole, name.to_owned())
        });
        Resource {
            action: form.info.action,
            pattern: "*".to_owned(),
            names: names.collect(),
            longest_name: form.longest_name,
            is_known: false,
            request: request.map(|request| Arc::new(request.as_object().unwrap().clone())),
        }
    }

    fn check_of(form: &'static Form, request: Option<Value>) -> Check {
        let target = Target::Resource(Arc::new(resource(form, request)));
        Check { probe: &form.info, target, expect: Expect::Allowed, purpose: Purpose::Specified, ask: None }
    }

    async fn try_form(
        form: &'static Form,
        answer: impl Fn(&Wire) -> Vec<u8> + Send + Sync + 'static,
    ) -> (Vec<Wire>, Outcome) {
        let stub = Stub::start(answer);
        let session = Arc::new(stub.session(specification()));
        let check = check_of(form, None).with_names(&session.names);
        let send = send_of(&check);
        let outcome = make_check(check, send, session, Duration::from_secs(5)).await;
        (stub.requests(), outcome)
    }

    async fn told(form: &'static Form, bytes: Vec<u8>) -> String {
        let (_, outcome) = try_form(form, move |_| bytes.clone()).await;
        summary(&outcome)
    }

    /// An error in the form of the service's protocol.
    fn error(form: &Form, status: u16, code: &str, message: &str) -> Vec<u8> {
        match form.call {
            Call::Json { .. } => json_error(code, message),
            Call::Query { .. } if form.service.signing == "ec2" => {
                let body = format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>x</RequestID></Response>"
                );
                with_headers(status, "content-type: text/xml\r\nx-amzn-requestid: REQUEST\r\n", &body)
            }
            Call::Query { .. } => sts_error(status, code, message),
            Call::Rest { .. } if form.service.signing == "s3" => s3_error(status, code, message),
            Call::Rest { .. } => rest_json_error(status, code, message),
        }
    }

    fn denied(form: &Form, action: &str) -> Vec<u8> {
        let sentence = format!(
            "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: {action} on resource: arn:aws:x:us-east-1:123456789012:y \
             because no identity-based policy allows the {action} action"
        );
        match form.service.signing {
            "ec2" => error(
                form,
                403,
                "UnauthorizedOperation",
                &format!(
                    "You are not authorized to perform this operation. {sentence}. Encoded authorization failure message: abc"
                ),
            ),
            "sns" => error(form, 403, "AuthorizationError", &sentence),
            "s3" | "sqs" | "iam" | "monitoring" | "cloudformation" => error(form, 403, "AccessDenied", &sentence),
            _ => error(form, 400, "AccessDeniedException", &sentence),
        }
    }

    #[tokio::test]
    async fn a_denial_of_the_action_is_denied_and_one_of_another_is_not() {
        for form in form::all() {
            let action = form.info.action;
            assert_eq!(
                told(form, denied(form, action)).await,
                "denied implicitDeny, identity-based policy",
                "{action}"
            );
            let other = told(form, denied(form, "account:CloseAccount")).await;
            assert_eq!(other, "inconclusive otherActionDenied", "{action}");
        }
    }

    #[tokio::test]
    async fn every_proof_of_a_form_is_read_and_has_a_record() {
        for form in form::all() {
            for proof in form.info.proofs {
                let action = form.info.action;
                let bytes = match proof.answer {
                    Expected::Error { code, text } => {
                        error(form, 400, code, &format!("x {} y", text.replace(" … ", " z ")))
                    }
                    Expected::Success(_) => success_of(form),
                };
                let told = told(form, bytes).await;
                assert!(told.starts_with("allowed "), "{action} {:?}: {told}", proof.answer);
                let (code, text) = proof.answer.key();
                assert!(
                    evidence::records_of(action, code, text).next().is_some() || is_typed(action),
                    "{action}: no record of {code} {text}"
                );
            }
        }
        for record in evidence::FORM_RECORDS {
            let proves = |action: &&str| {
                let of_form = form::find(action).map(|form| &form.info);
                let of_role =
                    [&form::ladder::PULLS, &form::ladder::READS].into_iter().filter(|it| it.action == *action);
                let mut proofs = of_form.into_iter().chain(of_role).flat_map(|info| info.proofs);
                proofs.any(|proof| proof.answer.key() == (record.code, record.text))
            };
            assert!(record.actions.iter().all(proves) && !record.source.is_empty(), "{record:?}");
        }
    }

    /// Whether a probe with code of its own has the records.
    fn is_typed(action: &str) -> bool {
        crate::probes::find(action).is_some()
    }

    fn success_of(form: &Form) -> Vec<u8> {
        match form.success.unwrap() {
            Success::Member(name) => with_headers(
                200,
                "content-type: application/json\r\nx-amzn-requestid: REQUEST\r\n",
                &json!({ name: "x" }).to_string(),
            ),
            Success::Element(name) => with_headers(
                200,
                "content-type: text/xml\r\nx-amzn-requestid: REQUEST\r\n",
                &format!("<Answer><{name}/></Answer>"),
            ),
            Success::Status(status) => with_headers(status, "x-amzn-requestid: REQUEST\r\n", ""),
            Success::Header(name) => with_headers(200, &format!("x-amzn-requestid: REQUEST\r\n{name}: x\r\n"), ""),
        }
    }

    #[tokio::test]
    async fn what_proves_nothing_is_inconclusive_whatever_the_form() {
        for (index, form) in form::all().enumerate() {
            let action = form.info.action;
            let structural =
                "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must not be null";
            for (bytes, expected) in [
                (
                    with_headers(200, "content-type: text/html\r\n", "<html>Welcome to the guest network</html>"),
                    "inconclusive",
                ),
                (with_headers(403, "content-type: text/html\r\n", "<html>403 Forbidden</html>"), "inconclusive"),
                (
                    with_headers(200, "content-type: application/json\r\nx-amzn-requestid: REQUEST\r\n", "{}"),
                    "inconclusive",
                ),
                (response(403, "application/json", ""), "inconclusive unrecognized"),
                (error(form, 400, "ValidationException", structural), "inconclusive requestRefused"),
                (error(form, 400, "ValidationError", structural), "inconclusive requestRefused"),
                (
                    error(form, 403, "ExpiredTokenException", "The security token included in the request is expired"),
                    "inconclusive credentials",
                ),
                (error(form, 400, "ThrottlingException", "Rate exceeded"), "inconclusive throttled"),
                (error(form, 400, "SomethingNobodyKnows", "not authorized"), "inconclusive unrecognized"),
                (Vec::new(), "inconclusive network"),
            ] {
                // What is tried again takes its time, and is the same for all.
                if index % 20 != 0 && matches!(expected, "inconclusive throttled" | "inconclusive network") {
                    continue;
                }
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                let told = told(form, bytes).await;
                assert!(told.starts_with(expected), "{action}: {told}\n{shown}");
            }
        }
    }

    #[tokio::test]
    async fn every_request_is_signed_for_its_service_and_names_what_it_is_about() {
        for form in form::all() {
            let action = form.info.action;
            let (requests, _) = try_form(form, |_| response(400, "text/plain", "")).await;
            assert_eq!(requests.len(), 1, "{action}");
            let request = &requests[0];
            let authorization = request.header("authorization").unwrap();
            assert!(
                authorization.contains(&format!("/us-east-1/{}/aws4_request", form.service.signing)),
                "{action}: {authorization}"
            );
            assert!(request.header("user-agent").unwrap().contains("aws-sdk-rust"), "{action}");
            let text = format!("{} {}", request.path, String::from_utf8_lossy(&request.body));
            // Neither a hole nor a made-up name is left open; a path has it encoded.
            for open in ["{name}", "{absent}", "{region}", "{account}", "{key}", "{bucket}", "%7B"] {
                assert!(!text.contains(open), "{action}: {open} in {text}");
            }
            if matches!(form.harmless_on, HarmlessOn::MadeUp) {
                // What the request would make has the function's own name, so that there is never more than one.
                let made_up = ["probe-0123456789abcdef", "probe-c1a60834e43733f9"];
                assert!(made_up.iter().any(|name| text.contains(name)), "{action}: {text}");
            }
        }
    }

    #[test]
    fn what_a_form_says_of_itself_is_whole() {
        let mut actions = Vec::new();
        for form in form::all() {
            let info = &form.info;
            assert!(
                !info.request.is_empty() && !info.harmless.is_empty() && !info.side_effect.is_empty(),
                "{}",
                info.action
            );
            assert!(!info.proofs.is_empty() && !actions.contains(&info.action), "{}", info.action);
            assert_eq!(
                form.success.is_some(),
                info.proofs.iter().any(|proof| matches!(proof.answer, Expected::Success(_))),
                "{}",
                info.action
            );
            // What takes effect is told, should AWS let it.
            // An event that is too old is not stored, and `rejectedLogEventsInfo` says so; of a rule that does not exist, EventBridge
            // deletes nothing and does not say so.
            if matches!(info.action, "logs:PutLogEvents" | "events:DeleteRule" | "events:RemoveTargets") {
                actions.push(info.action);
                continue;
            }
            let starts = ["Create", "Delete", "Put", "Update", "Start", "Stop", "Add", "Publish"];
            let verb = info.action.split(':').nth(1).unwrap();
            if starts.iter().any(|start| verb.starts_with(start)) {
                let quiet = |proof: &&permissions_core::proof::Proof| {
                    matches!(proof.answer, Expected::Success(_)) && proof.warning != Some(Warning::SideEffect)
                };
                assert_eq!(info.proofs.iter().find(quiet), None, "{}", info.action);
            }
            actions.push(info.action);
        }
        assert!(actions.len() > 150, "{}", actions.len());
    }

    #[tokio::test]
    async fn the_pipelines_own_fields_are_sent_and_what_stops_the_request_stays() {
        let sent = |action: &'static str, request: Value| async move {
            let stub = Stub::start(|_: &Wire| response(400, "text/plain", ""));
            let session = Arc::new(stub.session(specification()));
            let check = check_of(form::find(action).unwrap(), Some(request)).with_names(&session.names);
            let send = send_of(&check);
            make_check(check, send, session, Duration::from_secs(5)).await;
            stub.requests().remove(0)
        };
        let job = sent(
            "sagemaker:CreateTrainingJob",
            json!({"RoleArn": "arn:aws:iam::123456789012:role/real", "ResourceConfig": {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 8},
                   "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}),
        )
        .await
        .json();
        assert!(job["RoleArn"].as_str().unwrap().contains("permissions-probe-"), "{job}");
        assert_eq!(
            (&job["ResourceConfig"]["InstanceType"], &job["ResourceConfig"]["InstanceCount"]),
            (&json!("ml.p4d.24xlarge"), &json!(1))
        );
        assert_eq!(job["VpcConfig"]["Subnets"], json!(["subnet-1"]));
        let object = sent(
            "s3:PutObject",
            json!({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key", "ContentMD5": "right"}),
        )
        .await;
        assert_eq!(object.header("x-amz-server-side-encryption"), Some("aws:kms"));
        assert_eq!(object.header("content-md5"), Some("AAAAAAAAAAAAAAAAAAAAAA=="));
        let item = sent(
            "dynamodb:PutItem",
            json!({"Item": {"modelId": {"S": "m-1"}}, "ConditionExpression": "attribute_exists(a)"}),
        )
        .await
        .json();
        assert_eq!(item["Item"], json!({"modelId": {"S": "m-1"}}));
        assert_eq!(item["ConditionExpression"], "attribute_exists(#guard) AND attribute_not_exists(#guard)");
        assert_eq!(item["ExpressionAttributeNames"], json!({"#guard": "modelId"}));
        let query = sent(
            "dynamodb:Query",
            json!({"KeyConditionExpression": "modelId = :id", "ExpressionAttributeValues": {":id": {"S": "m-1"}}, "ProjectionExpression": "modelId"}),
        )
        .await
        .json();
        assert_eq!(query["KeyConditionExpression"], "modelId = :id");
        assert!(query.get("Select").is_none() && query.get("ExpressionAttributeNames").is_none(), "{query}");
        let list = sent("s3:ListBucket", json!({"Prefix": "in/", "Delimiter": "/"})).await;
        assert_eq!(list.path, "/your-bucket-name?list-type=2&prefix=in%2F&delimiter=%2F");
    }
}
