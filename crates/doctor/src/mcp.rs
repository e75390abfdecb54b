//! `check` and `explain` for programs that speak the Model Context Protocol, over standard input and output.

use std::path::PathBuf;
use std::time::Duration;

use permissions_core::explain::{explain, render_json};
use permissions_core::text::Rendering;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::{How, check};
use crate::cli::{What, Where};
use crate::format::to_json;
use crate::{Exit, say};

/// What to check, and as whom. Without a policy and a specification, it is the guide's policy, on a bucket and a table.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CheckParameters {
    /// Path of a specification: policies, requests, resources, functions
    spec: Option<PathBuf>,
    /// Paths of IAM policy documents
    policy: Vec<PathBuf>,
    /// Path of a template of CloudFormation or SAM, of which `role` names a role
    template: Option<PathBuf>,
    /// The logical id of a role in the template
    role: Option<String>,
    /// NAME=VALUE of parameters of the template
    parameters: Vec<String>,
    /// The bucket that the guide's policy names
    bucket: Option<String>,
    /// The table that the guide's policy names
    table: Option<String>,
    /// A profile of the AWS CLI's configuration
    profile: Option<String>,
    /// The Region of the requests
    region: Option<String>,
    /// ARNs of roles to assume and to check in place of the caller
    role_arns: Vec<String>,
    /// Which actions to try, with * and ? as wildcards
    actions: Vec<String>,
    /// Whether it fails the check where more is allowed than the policy says
    strict: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExplainParameters {
    /// The error as it was pasted, with whatever stands around it
    text: String,
}

#[derive(Clone)]
struct Doctor {
    tools: ToolRouter<Self>,
}

#[tool_router(router = tools)]
impl Doctor {
    /// Ask AWS, by requests that change nothing, whether a role can do what its policy allows. Returns the report: what is denied,
    /// why, and the statement to add.
    #[tool(
        name = "check",
        annotations(
            title = "Check a role's permissions on AWS",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn check(&self, Parameters(given): Parameters<CheckParameters>) -> CallToolResult {
        let what = What {
            spec: given.spec,
            policy: given.policy,
            template: given.template,
            role: given.role,
            parameter: given.parameters,
            bucket: given.bucket,
            table: given.table,
            strict: given.strict,
            ..What::default()
        };
        let place = Where { profile: given.profile, region: given.region };
        let how = How { actions: given.actions, timeout: Duration::from_secs(5), ..How::default() };
        match check(&what, &place, &given.role_arns, &how, &|_| ()).await {
            Ok(checked) => CallToolResult::structured(to_json(&checked)),
            Err(problems) => {
                let mut rendering = Rendering::new(false);
                let told: Vec<_> =
                    problems.iter().map(|problem| format!("{}.", rendering.text(&problem.describe()))).collect();
                CallToolResult::error(vec![ContentBlock::text(told.join("\n"))])
            }
        }
    }

    /// Explain a pasted denial of AWS, without asking anybody: whose role it is about, action, resource, kind, policy type, and
    /// what to do. Says so where the text is no denial.
    #[tool(
        name = "explain",
        annotations(
            title = "Explain a pasted denial",
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn explain(&self, Parameters(given): Parameters<ExplainParameters>) -> CallToolResult {
        CallToolResult::structured(render_json(explain(&given.text).as_ref()))
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Doctor {
    fn get_info(&self) -> ServerConfig {
        let server =
            Implementation::new("permissions-doctor", env!("CARGO_PKG_VERSION")).with_title("Permissions doctor");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(server).with_instructions(
            "`explain` reads an error that was pasted, and works offline. `check` asks AWS, by requests that change nothing, and never says \
             \"allowed\" or \"denied\" without proof; \"inconclusive\" has its cause. Neither changes anything.",
        )
    }
}

/// Serves until standard input ends.
pub async fn serve() -> Exit {
    let doctor = Doctor { tools: Doctor::tools() };
    let served = match doctor.serve((tokio::io::stdin(), tokio::io::stdout())).await {
        Ok(running) => running.waiting().await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match served {
        Ok(()) => Exit::AsSpecified,
        Err(error) => {
            say(&format!("error: {error}."));
            Exit::Configuration
        }
    }
}
