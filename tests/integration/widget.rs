//! A custom widget of a CloudWatch dashboard: what it shows, and that it leaves no trace.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lambda_runtime::{Context, LambdaEvent};
use permissions_core::event::Event;
use permissions_probe::function::App;
use serde_json::{Value, json};

use crate::emulator::{SUCCESS, event};
use crate::harness::{FUNCTION_ARN, Request, Server, Stub, action_of, config_with, denial, healthy};
use crate::lambda::{Lambda, environment, with};
use crate::log::Log;

/// The event of a dashboard, with other options.
fn widget(options: Value) -> Value {
    let mut event = event("widget.json");
    event["probe"] = options;
    event
}

async fn ask(app: &App, event: Value) -> Value {
    let mut context = Context::default();
    context.invoked_function_arn = FUNCTION_ARN.into();
    serde_json::to_value(app.handle(LambdaEvent::new(Event(Ok(event)), context)).await).unwrap()
}

fn without_put_item(request: &Request) -> Vec<u8> {
    match action_of(request).as_str() {
        action @ "dynamodb:PutItem" => denial(action, action),
        _ => healthy(request),
    }
}

const METRICS: &[(&str, &str)] =
    &[("PROBE_METRICS", "actions"), ("PROBE_SAGEMAKER_ROLE_ARN", ""), ("PROBE_ASSUME_ROLE_ARN", "")];

#[tokio::test]
async fn a_widgets_run_writes_no_metrics_and_no_transition() {
    let stub = Stub::start(without_put_item);
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = written.clone();
    let app =
        stub.app(config_with(METRICS)).with_metrics_to(move |lines| sink.lock().unwrap().extend_from_slice(lines));
    let log = Log::start();
    let page = ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("✗ denied: dynamodb:PutItem") && page.contains("&quot;dynamodb:PutItem&quot;"), "{page}");
    assert!(written.lock().unwrap().is_empty(), "an open dashboard would keep the alarm on missing runs silent");
    let lines: Vec<Value> = log.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["kind"], &lines[0]["deniedActions"]), (&json!("widget"), &json!("dynamodb:PutItem")));

    // The first run that counts knows nothing of it.
    ask(&app, json!({})).await;
    let metrics = String::from_utf8(std::mem::take(&mut *written.lock().unwrap())).unwrap();
    let first: Value = serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
    assert_eq!((&first["ColdStart"], &first["Denied"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn the_next_run_is_not_compared_with_a_widgets_and_no_caller_over_http_gets_its_result() {
    let denies = Arc::new(AtomicBool::new(false));
    let now = denies.clone();
    let stub = Stub::start(
        move |request: &Request| {
            if now.load(Ordering::SeqCst) { without_put_item(request) } else { healthy(request) }
        },
    );
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let log = Log::start();
    ask(&app, json!({})).await;
    denies.store(true, Ordering::SeqCst);
    let page = ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
    assert!(page.as_str().unwrap().contains("✗ denied: dynamodb:PutItem"), "{page}");
    denies.store(false, Ordering::SeqCst);
    ask(&app, json!({})).await;
    assert!(!log.take().contains("\"change\""), "both runs that count were well");
    ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
    let asked = stub.requests().len();
    ask(&app, event("function-url.json")).await;
    assert!(stub.requests().len() > asked);
}

#[tokio::test]
async fn the_last_result_is_shown_while_it_is_young_enough() {
    let stub = Stub::start(without_put_item);
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    ask(&app, json!({})).await;
    let asked = stub.requests().len();
    let kept = ask(&app, widget(json!({}))).await;
    assert_eq!(stub.requests().len(), asked, "five minutes, where the widget says nothing");
    let kept = kept.as_str().unwrap();
    assert!(kept.contains(" UTC, 0 s ago.") && kept.contains("Found so since "), "{kept}");
    let button = "endpoint=\"arn:aws:lambda:us-east-1:123456789012:function:permissions-probe\">\
                  {&quot;probe&quot;:{&quot;maxAgeSeconds&quot;:0}}</cwdb-action>";
    assert!(kept.contains(button), "{kept}");
    let new = ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
    assert!(stub.requests().len() > asked && !new.as_str().unwrap().contains("s ago"), "{new}");
    // What a filter asks for is not what a whole run has found.
    let asked = stub.requests().len();
    let some = ask(&app, widget(json!({"actions": ["s3:*"]}))).await;
    let some = some.as_str().unwrap();
    assert!(stub.requests().len() > asked && some.contains("✓ allowed") && !some.contains("PutItem"), "{some}");
    assert!(
        some.contains("{&quot;probe&quot;:{&quot;actions&quot;:[&quot;s3:*&quot;],&quot;maxAgeSeconds&quot;:0}}"),
        "{some}"
    );
}

#[tokio::test]
async fn since_when_takes_every_run_into_account() {
    let denies = Arc::new(AtomicBool::new(true));
    let now = denies.clone();
    let stub = Stub::start(
        move |request: &Request| {
            if now.load(Ordering::SeqCst) { without_put_item(request) } else { healthy(request) }
        },
    );
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let since = async || {
        let page = ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
        let page = page.as_str().unwrap().to_owned();
        let time = page.split_once("Found so since ").map(|(_, rest)| rest[..19].to_owned());
        assert!(page.contains(" Unchanged since "), "{page}");
        (time, page)
    };
    let (first, _) = since().await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(since().await.0, first, "two runs have found it");
    denies.store(false, Ordering::SeqCst);
    let (well, page) = since().await;
    assert!(well.is_none() && page.contains("✓ allowed"), "{page}");
    denies.store(true, Ordering::SeqCst);
    assert!(since().await.0 > first, "it was well in between");
}

#[tokio::test]
async fn a_denial_that_was_gone_is_not_told_to_have_lasted() {
    let denies = Arc::new(AtomicBool::new(true));
    let now = denies.clone();
    let stub = Stub::start(move |request: &Request| match action_of(request).as_str() {
        action @ "s3:GetObject" if now.load(Ordering::SeqCst) => denial("kms:Decrypt", action),
        _ => healthy(request),
    });
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let since = async || {
        let page = ask(&app, widget(json!({"maxAgeSeconds": 0}))).await;
        page.as_str().unwrap().split_once("Found so since ").map(|(_, rest)| rest[..19].to_owned())
    };
    let first = since().await;
    assert!(first.is_some());
    denies.store(false, Ordering::SeqCst);
    assert_eq!(since().await, None);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    denies.store(true, Ordering::SeqCst);
    assert!(since().await > first, "kms:Decrypt was not denied in between");
}

#[tokio::test]
async fn a_widget_of_some_actions_is_shown_the_last_result_of_the_same() {
    let stub = Stub::start(healthy);
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let some = || widget(json!({"actions": ["s3:*"]}));
    ask(&app, some()).await;
    let asked = stub.requests().len();
    let page = ask(&app, some()).await;
    assert!(page.as_str().unwrap().contains(", 0 s ago."), "{page}");
    assert_eq!(stub.requests().len(), asked);
    ask(&app, widget(json!({"actions": ["dynamodb:*"]}))).await;
    assert!(stub.requests().len() > asked);
}

#[tokio::test]
async fn the_documentation_of_a_widget_is_all_that_describe_gives() {
    let stub = Stub::start(healthy);
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    for event in [json!({"describe": true}), json!({"describe": true, "widgetContext": {}, "probe": {"color": 1}})] {
        let text = ask(&app, event).await;
        let text = text.as_str().unwrap();
        let yaml = text.split("```").nth(1).unwrap();
        assert_eq!(yaml, " yaml\nprobe:\n  maxAgeSeconds: 300\n", "CloudWatch fills in the first block: {text}");
    }
    assert!(stub.requests().is_empty());
}

/// The contexts of AWS's documentation (CloudWatch User Guide, "Details about custom widgets"), of Powertools for AWS
/// Lambda (`tests/events/cloudWatchDashboardEvent.json`), and of a button's call, whose parameters are at the top while
/// those of the widget are in its context.
#[tokio::test]
async fn every_documented_context_gets_a_page() {
    let stub = Stub::start(healthy);
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let context = json!({
        "dashboardName": "Name-of-current-dashboard", "widgetId": "widget-16", "accountId": "123456789012", "locale": "en",
        "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0}, "period": 300, "isAutoPeriod": true,
        "timeRange": {"mode": "relative", "start": 1_627_236_199_729_u64, "end": 1_627_322_599_729_u64,
                      "relativeStart": 86_400_012,
                      "zoom": {"start": 1_627_276_030_434_u64, "end": 1_627_282_956_521_u64}},
        "theme": "light", "linkCharts": true, "title": "Tweets for Amazon website problem", "forms": {"all": {}},
        "params": {"original": "param-to-widget"}, "width": 588, "height": 369,
    });
    let mut of_powertools = json!({"original": "param-to-widget", "widgetContext": context});
    of_powertools["widgetContext"]["domain"] = "https://us-east-1.console.aws.amazon.com".into();
    let mut of_a_button = json!({"probe": {"maxAgeSeconds": 0}, "widgetContext": context});
    of_a_button["widgetContext"]["params"] = json!({"probe": {"maxAgeSeconds": 300}});
    of_a_button["widgetContext"]["forms"] = json!({"all": {"name": "value"}});
    for event in [json!({"widgetContext": context}), of_powertools, of_a_button] {
        let asked = stub.requests().len();
        let new = event.get("probe").is_some();
        let page = ask(&app, event).await;
        assert!(page.as_str().unwrap().contains("All 17 checks are as specified."), "{page}");
        assert!(stub.requests().len() > asked || (!new && asked > 0), "the button makes a new run");
    }
}

#[tokio::test]
async fn bad_options_are_told_on_the_page() {
    let stub = Stub::start(healthy);
    let app = stub.app(config_with(METRICS)).with_metrics_to(|_| ());
    let page = ask(&app, widget(json!({"maxAgeSeconds": "soon", "color": "<b>red</b>"}))).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("? inconclusive") && page.contains("probe.maxAgeSeconds"), "{page}");
    assert!(
        page.contains("&lt;b&gt;red&lt;/b&gt;") && page.contains("a whole number of seconds, 0 to 86400"),
        "{page}"
    );
    assert!(!page.contains("cwdb-action"), "a button would be refused for the same reason: {page}");
    assert!(stub.requests().is_empty());
    for probe in [json!(null), json!([1])] {
        let page = ask(&app, widget(probe)).await;
        assert!(page.as_str().unwrap().contains("an object with any of: actions, maxAgeSeconds"), "{page}");
    }
}

#[tokio::test]
async fn a_page_follows_the_theme_the_clock_and_the_masks() {
    let stub = Stub::start(without_put_item);
    let variables: Vec<_> = METRICS.iter().copied().chain([("PROBE_REDACT", "account")]).collect();
    let app = stub.app(config_with(&variables)).with_metrics_to(|_| ());
    let mut event = widget(json!({"maxAgeSeconds": 0}));
    event["widgetContext"]["theme"] = "dark".into();
    event["widgetContext"]["timezone"] = json!({"label": "Local", "offsetISO": "+05:45", "offsetInMinutes": -345});
    let page = ask(&app, event).await;
    let page = page.as_str().unwrap();
    assert!(page.starts_with("<div class=\"permissions-probe dark\">") && page.contains(" UTC+05:45.</p>"), "{page}");
    assert!(
        !page.contains("123456789012") && !page.contains("cwdb-action"),
        "the button has the function's ARN: {page}"
    );
    assert!(page.contains("arn:aws:dynamodb:us-east-1:ACCOUNT-1:table/ModelMetadata"), "{page}");
}

#[test]
fn the_response_to_a_dashboard_is_a_string_and_an_event_of_two_sources_is_refused() {
    let aws = Server::start(without_put_item);
    let gate = [("PROBE_GATE", "cloudformation,codedeploy")];
    let lambda = Lambda::start(&with(environment(&aws), &gate));
    let page: String = serde_json::from_str(&lambda.invoke_text(widget(json!({})).to_string().as_bytes())).unwrap();
    assert!(page.starts_with("<div "), "{page}");
    for other in ["function-url.json", "cloudformation-create.json", "codedeploy-hook.json"] {
        let mut both = event(other);
        both["widgetContext"] = event("widget.json")["widgetContext"].clone();
        let response = lambda.invoke(both.to_string().as_bytes());
        assert_eq!(response["statusCode"], 400, "{other}: {response}");
        let problem = &response["report"]["problems"][0];
        assert_eq!(problem["expected"], "the keys of one source only", "{other}: {response}");
        assert!(
            problem["value"].as_str().unwrap().contains("a CloudWatch widget (widgetContext or describe)"),
            "{problem}"
        );
        assert!(!response["body"].as_str().unwrap().contains("<div"), "{other}: {response}");
    }
    // Who does not ask for a page gets none.
    let healthy_aws = Server::start(healthy);
    assert_eq!(Lambda::start(&environment(&healthy_aws)).invoke_text(b"{}"), SUCCESS);
}
