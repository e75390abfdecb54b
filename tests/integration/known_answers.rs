//! Every answer that AWS is known to give to a probe's request, through the real
//! SDK: each is judged by what it means, and a new one is one more line in
//! `tests/data/answers.jsonl`. Its `source` names the page, the thread or the
//! repository that shows the answer; "a public file" is a file of a public
//! repository that was found by its text alone, without its address.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use permissions_aws::probe::Probe;
use permissions_aws::probes::ALL;

use crate::harness::{
    Request, action_of, config, denial, healthy, json_error_with, response, rest_json_error, s3_error, sts_error,
    summary, try_probe,
};

/// A line of the catalog.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The action whose probe is answered.
    call: String,
    status: u16,
    code: Option<String>,
    text: Option<String>,
    /// Where it was seen.
    source: String,
    means: Means,
    /// The situation.
    slot: String,
    /// The action that the text denies, where it is another one.
    names: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
enum Means {
    Allowed,
    AllowedAndRoleTrust,
    AllowedAndImage,
    Denied,
    DeniedOther,
    Ambiguous,
    ResourceMissing,
    WrongRegion,
    Throttled,
    Credentials,
    ClockSkew,
    ServiceFault,
    AccountNotReady,
    KmsKey,
    Setting,
    OtherAccount,
    Leftover,
    RequestRefused,
    Unrecognized,
}

impl Known {
    fn probe(&self) -> &'static Probe {
        ALL.iter().find(|probe| probe.info.action == self.call).unwrap_or_else(|| panic!("no probe of {}", self.call))
    }

    /// The action that the probe's own request needs.
    fn asked(&self) -> &str {
        if self.call == "iam:PassRole" { "sagemaker:CreateModel" } else { &self.call }
    }

    /// The answer as its service writes it.
    fn bytes(&self) -> Vec<u8> {
        let (code, text) = (self.code.as_deref().unwrap_or_default(), self.text.as_deref().unwrap_or_default());
        match self.asked() {
            _ if self.status == 200 => response(200, "application/x-amz-json-1.1", text),
            call if call.starts_with("s3:") => s3_error(self.status, code, text),
            call if call.starts_with("sts:") => sts_error(self.status, code, text),
            "sagemaker:InvokeEndpoint" => rest_json_error(self.status, code, text),
            _ => json_error_with(self.status, code, text),
        }
    }

    /// Whether the summary of the row says what the answer means.
    fn agrees(&self, said: &str) -> bool {
        let denied_by_setting = |said: &str| said == "denied explicitDeny" || said == "inconclusive setting";
        match self.means {
            Means::Allowed | Means::AllowedAndImage => said.starts_with("allowed") && !said.contains("role trust"),
            Means::AllowedAndRoleTrust => {
                said.starts_with("allowed") && said.contains("role trust") == (self.call == "iam:PassRole")
            }
            Means::Denied => said.starts_with("denied"),
            Means::DeniedOther => {
                let names = self.names.as_deref().expect("a denial of another action names it");
                let behind = self.probe().info.has_dependent(names);
                let expected =
                    if behind { format!("behind it {names}") } else { "inconclusive otherActionDenied".to_owned() };
                said.ends_with(&expected)
            }
            Means::Setting => denied_by_setting(said),
            Means::Ambiguous => said == "inconclusive ambiguous",
            Means::ResourceMissing => said == "inconclusive resourceMissing",
            Means::WrongRegion => said == "inconclusive wrongRegion",
            Means::Throttled => said == "inconclusive throttled",
            Means::Credentials => said == "inconclusive credentials",
            Means::ClockSkew => said == "inconclusive clockSkew",
            Means::ServiceFault => said == "inconclusive serviceFault",
            Means::AccountNotReady => said == "inconclusive accountNotReady",
            Means::KmsKey => said == "inconclusive kmsKey",
            Means::OtherAccount => said == "inconclusive otherAccount",
            Means::Leftover => said == "inconclusive leftover",
            Means::RequestRefused => said == "inconclusive requestRefused",
            Means::Unrecognized => said == "inconclusive unrecognized",
        }
    }
}

fn catalog() -> Vec<Known> {
    let lines = include_str!("../data/answers.jsonl").lines().enumerate();
    lines
        .map(|(at, line)| serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", at + 1)))
        .collect()
}

/// The row of a probe whose own requests are answered one after the other; the last answer is repeated.
async fn row(known: &Known, answers: Vec<Vec<u8>>) -> (String, usize) {
    let (asked, times) = (known.asked().to_owned(), std::sync::Arc::new(AtomicUsize::new(0)));
    let counted = times.clone();
    let answer = move |request: &Request| {
        // HeadObject, which needs s3:GetObject as well, says nothing by itself.
        if action_of(request) != asked || request.method == "HEAD" {
            return if request.method == "HEAD" { s3_error(500, "InternalError", "") } else { healthy(request) };
        }
        let time = counted.fetch_add(1, Ordering::SeqCst);
        answers[time.min(answers.len() - 1)].clone()
    };
    let outcome = try_probe(known.probe(), config(), answer).await;
    (summary(&outcome), times.load(Ordering::SeqCst))
}

#[tokio::test]
async fn every_known_answer_is_judged_by_what_it_means() {
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::new());
    let catalog = catalog();
    for known in &catalog {
        let (said, _) = row(known, vec![known.bytes()]).await;
        assert!(!known.source.is_empty() && !known.slot.is_empty());
        *counts.entry(known.means).or_insert(0) += 1;
        if !known.agrees(&said) {
            let (code, text) = (known.code.as_deref().unwrap_or("-"), known.text.as_deref().unwrap_or("-"));
            wrong.push(format!("{} {code} {text:?}: {said}, and it means {:?}", known.call, known.means));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), catalog.len(), wrong.join("\n"));
    println!("{} answers, each judged by what it means: {counts:?}", catalog.len());
}

#[tokio::test]
async fn a_denial_in_the_place_of_each_is_still_denied() {
    for known in catalog() {
        let denied = || denial(&known.call, known.asked());
        assert!(row(&known, vec![denied()]).await.0.starts_with("denied"), "{}", known.call);
        // Where the answer makes the probe ask once more, a denial then counts as well.
        let (said, times) = row(&known, vec![known.bytes(), denied()]).await;
        if times > 1 && known.status < 500 && !matches!(known.means, Means::Throttled | Means::ClockSkew) {
            assert!(said.starts_with("denied"), "{} {:?}: {said}", known.call, known.text);
        }
    }
}
