//! Runs one program as a Lambda function once, and prints what it cost.
//!
//! ```text
//! driver serve DIRECTORY DELAY_MS             answers as AWS does, over TLS; ends with its standard input
//! driver run CPU_PERCENT TIMES -- COMMAND …   starts the command, and invokes it so many times
//! ```
//!
//! `run` prints one line of JSON: the milliseconds from the start of the process
//! to its first request for an event (`init`) and of each invocation, the CPU
//! time of each of these, and the peak of the memory. The
//! process runs unthrottled until it first asks for an event, as on Lambda, and
//! under the quota from then on. 100 percent is one CPU; 0 is no quota.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the program")]

mod run;
mod serve;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", directory, delay] => serve::serve(directory.as_ref(), delay.parse().unwrap()),
        ["run", percent, times, "--", ..] => {
            run::run(percent.parse().unwrap(), times.parse().unwrap(), &arguments[4..]);
        }
        _ => {
            eprintln!("usage: driver serve DIRECTORY DELAY_MS | driver run CPU_PERCENT TIMES -- COMMAND …");
            std::process::exit(2);
        }
    }
}
