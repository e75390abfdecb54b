//! Runs one program as a Lambda function once, and prints what it cost.
//!
//! ```text
//! driver serve DIRECTORY DELAY_MS             answers as AWS does, over TLS; ends with its standard input
//! driver run INIT_PERCENT CPU_PERCENT TIMES -- COMMAND …
//!                                             starts the command, and invokes it so many times
//! ```
//!
//! `run` prints one line of JSON: the milliseconds from the start of the process
//! to its first request for an event (`init`) and of each invocation, the CPU
//! time of each of these, the peak of the memory, and how many bytes it wrote to
//! its log in an invocation. The first quota is for the process until it first
//! asks for an event, the second from then on. 100 percent is one CPU; 0 is no
//! quota, as while Lambda starts a function.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the program")]

mod run;
mod serve;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", directory, delay] => serve::serve(directory.as_ref(), delay.parse().unwrap()),
        ["run", init_percent, percent, times, "--", ..] => {
            let [init_percent, percent] = [init_percent, percent].map(|percent| percent.parse().unwrap());
            run::run(init_percent, percent, times.parse().unwrap(), &arguments[5..]);
        }
        _ => {
            eprintln!(
                "usage: driver serve DIRECTORY DELAY_MS | driver run INIT_PERCENT CPU_PERCENT TIMES -- COMMAND …"
            );
            std::process::exit(2);
        }
    }
}
