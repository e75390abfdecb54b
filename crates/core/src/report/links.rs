//! Where the AWS console shows what a report is about.

use crate::diagnosis::Run;
use crate::text::{Rendering, Text};

/// Something that a report is about, and its page in the AWS console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub what: &'static str,
    pub name: String,
    /// `None` where the page is not known, or its address would have more in it than may be shown.
    pub url: Option<String>,
}

/// The hosts of the AWS console by partition; a Region's own begins with its code (AWS Management Console Getting
/// Started Guide, "Regional sign-in endpoints"; `AWS GovCloud` (US) User Guide, "Using the console"; Getting Started with
/// AWS Services in China).
const HOSTS: &[(&str, &str)] = &[
    ("aws", "console.aws.amazon.com"),
    ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ("aws-cn", "console.amazonaws.cn"),
    // Observed: fwdcloudsec/granted, ByteNess/aws-vault.
    ("aws-eusc", "console.amazonaws-eusc.eu"),
];

/// Whether a host is one of the AWS console's.
pub fn is_console(host: &str) -> bool {
    HOSTS
        .iter()
        .any(|(_, console)| host == *console || host.strip_suffix(console).is_some_and(|region| region.ends_with('.')))
}

/// The role, the log group, the tables and the buckets of a run.
pub fn links(run: &Run, rendering: &mut Rendering) -> Vec<Link> {
    let specification = &run.specification;
    let region = encode(&run.place.region);
    let partition = run.place.partition().name;
    let host = HOSTS.iter().find(|(name, _)| *name == partition).map(|(_, host)| *host);
    // The console shows the account of the viewer, which has no role of another account.
    let role = run.principal.as_ref().filter(|_| !run.is_elsewhere).and_then(|principal| principal.role());
    let group = specification.log_stream.group.as_deref();
    // The paths were observed: link2aws/link2aws.github.io, elastic/kibana, aws/aws-toolkit-vscode.
    let role = role.map(|role| ("role", role, String::new(), format!("iam/home#/roles/details/{}", encode(role))));
    let regional = format!("{region}.");
    let group = group.map(|group| {
        // The console decodes a group's name twice, and takes $ for the second %.
        let name = encode(&encode(group)).replace('%', "$");
        (
            "log group",
            group,
            regional.clone(),
            format!("cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}"),
        )
    });
    let tables = specification.tables.iter().map(|table| {
        let name = encode(&table.name);
        ("table", table.name.as_str(), regional.clone(), format!("dynamodbv2/home?region={region}#table?name={name}"))
    });
    let buckets = specification.buckets.iter().map(|bucket| {
        ("bucket", bucket.name.as_str(), String::new(), format!("s3/buckets/{}?region={region}", encode(&bucket.name)))
    });
    let all = role.into_iter().chain(group).chain(tables).chain(buckets);
    all.map(|(what, raw, regional, path)| {
        let name = rendering.text(&Text::from(raw));
        let url = host.filter(|_| name == raw).map(|host| format!("https://{regional}{host}/{path}"));
        Link { what, name, url }
    })
    .collect()
}

fn encode(text: &str) -> String {
    crate::form::encode(text, "")
}
