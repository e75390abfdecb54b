//! Asks AWS from a terminal, or from CI, whether a role can do what its pipeline needs; and explains denials that
//! a user pasted.
//!
//! | module | what it is about |
//! |---|---|
//! | `cli` | the options, and the names that the function has for them |
//! | `settings` | from options and the environment to a specification |
//! | `template` | the policies of a role in a CloudFormation template |
//! | `session` | the SDK's configuration and its credentials |
//! | `check` | the runs, one a role |
//! | `format` | one result in six formats |
//! | `calibrate` | the verification against AWS itself |
//! | `mcp` | the same for programs that speak the Model Context Protocol |

mod calibrate;
mod check;
mod cli;
mod format;
mod mcp;
mod session;
mod settings;
mod template;

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use permissions_core::explain::{explain, render_json, render_text};
use permissions_core::iam::names::is_region;
use permissions_core::least_privilege::{self, least_privilege};
use permissions_core::place::{Names, Place};
use permissions_core::plan::plan;
use permissions_core::problem::Problem;
use permissions_core::report::text::Layout;
use permissions_core::text::{Rendering, Text};

use cli::{Cli, Color, Command, ExplainArguments, ExplainFormat, PolicyArguments};
use settings::Settings;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    AsSpecified,
    Denied,
    Inconclusive,
    Excess,
    /// The options are not valid (sysexits.h, `EX_USAGE`).
    Usage,
    /// What the options name is not valid (sysexits.h, `EX_CONFIG`).
    Configuration,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Self::AsSpecified => 0,
            Self::Denied => 1,
            Self::Inconclusive => 2,
            Self::Excess => 3,
            Self::Usage => 64,
            Self::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What cannot be printed is no reason for another exit code.
            drop(error.print());
            return if error.use_stderr() { Exit::Usage } else { Exit::AsSpecified }.into();
        }
    };
    match cli.command {
        Command::Check(arguments) => check::main(&arguments).await,
        Command::Explain(arguments) => explain_text(&arguments),
        Command::Policy(arguments) => write_policy(&arguments),
        Command::Calibrate(arguments) => calibrate::main(&arguments).await,
        Command::Mcp => mcp::serve().await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "permissions-doctor", &mut script);
            written(print(&String::from_utf8_lossy(&script)))
        }
        Command::Man { folder } => write_manual(folder.as_deref()),
    }
    .into()
}

/// Prints the problems, all at once.
pub fn refuse(problems: &[Problem]) -> Exit {
    let mut rendering = Rendering::new(false);
    for problem in problems {
        say(&format!("error: {}.", rendering.text(&problem.describe())));
    }
    Exit::Configuration
}

/// Says a line on standard error, as far as that is there.
pub fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{}", without_commands(line)));
}

/// Prints to standard output. Whether it was written; a reader that has gone away is no error.
pub fn print(text: &str) -> bool {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(error) => {
            say(&format!("error: standard output could not be written: {error}."));
            false
        }
    }
}

/// On a runner of GitHub Actions, writes what a line would command so that the runner takes it for text.
pub fn without_commands(text: &str) -> String {
    if std::env::var_os("GITHUB_ACTIONS").is_none() {
        return text.to_owned();
    }
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(indent);
        let rest = rest.strip_prefix("::").map_or_else(|| rest.to_owned(), |rest| format!(": :{rest}"));
        format!("{indent}{}", rest.replace("##[", "## ["))
    };
    let lines: Vec<_> = text.split('\n').map(line).collect();
    lines.join("\n")
}

/// The layout of a text for the terminal.
pub fn layout(color: Color) -> Layout {
    let is_terminal = std::io::stdout().is_terminal();
    let is_plain = || {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    };
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && !is_plain(),
    };
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Layout { width: columns.filter(|columns| *columns >= 40).unwrap_or(100), color }
}

/// The most that is read of a text, in bytes.
const MAX_STDIN: u64 = 4 << 20;

fn explain_text(arguments: &ExplainArguments) -> Exit {
    let text = if arguments.text.is_empty() || arguments.text == ["-"] {
        if std::io::stdin().is_terminal() {
            say("Paste the error, and end with Ctrl-D:");
        }
        let mut bytes = Vec::new();
        if let Err(error) = std::io::stdin().take(MAX_STDIN).read_to_end(&mut bytes) {
            say(&format!("error: standard input could not be read: {error}."));
            return Exit::Configuration;
        }
        decode(&bytes)
    } else {
        arguments.text.join(" ")
    };
    let told = explain(&text);
    written(match arguments.format {
        ExplainFormat::Json => print(&format!("{}\n", render_json(told.as_ref()))),
        ExplainFormat::Text => print(&without_commands(&render_text(told.as_ref(), layout(arguments.color)))),
    })
}

/// How a command ends that only prints.
const fn written(is_written: bool) -> Exit {
    if is_written { Exit::AsSpecified } else { Exit::Configuration }
}

/// What a shell has written: in UTF-16, as PowerShell does, or in UTF-8.
fn decode(bytes: &[u8]) -> String {
    let units =
        |from: fn([u8; 2]) -> u16| -> Vec<u16> { bytes[2..].chunks_exact(2).map(|it| from([it[0], it[1]])).collect() };
    match bytes {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn write_policy(arguments: &PolicyArguments) -> Exit {
    let settings = Settings::new(&arguments.what, Some(&arguments.place));
    let specification = match settings.specification(None) {
        Ok(specification) => specification,
        Err(problems) => return refuse(&problems),
    };
    let region = settings.region().unwrap_or_default();
    if !is_region(&region) {
        let value = Some(region.as_str()).filter(|region| !region.is_empty()).map(Text::from);
        let expected = "the code of an AWS Region, such as us-east-1, here or in AWS_REGION";
        return refuse(&[Problem::new("--region", value, expected)]);
    }
    let place = Place { region, account: arguments.account.clone(), names: Names::new(0, "") };
    let plan = plan(&specification, &permissions_aws::probes::infos());
    let policy = least_privilege(&specification, &plan, &place);
    written(print(&format!("{}\n", least_privilege::write(&policy, arguments.format.into()).trim_end())))
}

/// Writes the manual, of all commands where a folder is given.
fn write_manual(folder: Option<&std::path::Path>) -> Exit {
    let command = Cli::command();
    let written = if let Some(folder) = folder {
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder))
    } else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map(|()| {
            print(&String::from_utf8_lossy(&page));
        })
    };
    match written {
        Ok(()) => Exit::AsSpecified,
        Err(error) => {
            say(&format!("error: the manual could not be written: {error}."));
            Exit::Configuration
        }
    }
}
