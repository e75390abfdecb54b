//! One program, from its start to its last invocation.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use fake_aws::{Act, Request, Server, with_headers};

/// What the process asks of the runtime API.
enum Asked {
    Next(mpsc::Sender<Vec<u8>>),
    Answered(Vec<u8>),
}

/// The time that one CPU spends for this process: a group of its own in the
/// kernel's accounting (cgroup v1), with a quota where one is asked for.
struct Group {
    cpu: PathBuf,
    accounting: PathBuf,
}

impl Group {
    fn new() -> Self {
        let name = format!("bench-{}", std::process::id());
        let group = Self {
            cpu: PathBuf::from("/sys/fs/cgroup/cpu").join(&name),
            accounting: PathBuf::from("/sys/fs/cgroup/cpuacct").join(&name),
        };
        for path in [&group.cpu, &group.accounting] {
            // One of an earlier process of this number would have its time.
            drop(std::fs::remove_dir(path));
            std::fs::create_dir(path).unwrap_or_else(|error| {
                panic!("{}: {error}: this machine lets no quota be set, so nothing was measured", path.display())
            });
        }
        std::fs::write(group.cpu.join("cpu.cfs_period_us"), "20000").unwrap();
        group
    }

    /// Starts a command in the group: from a thread that is in it, so that nothing of the start is outside.
    fn spawn(&self, mut command: Command) -> Child {
        let tasks = [&self.cpu, &self.accounting].map(|path| path.join("tasks"));
        let starting = std::thread::spawn(move || {
            for path in tasks {
                std::fs::write(path, "0").unwrap();
            }
            command.spawn().unwrap()
        });
        starting.join().unwrap()
    }

    /// A share of one CPU, in periods of 20 ms as on Lambda's smallest sizes; all of it, where that is 0 percent.
    fn limit(&self, percent: f64) {
        let quota = if percent > 0.0 { format!("{:.0}", percent * 200.0) } else { "-1".to_owned() };
        std::fs::write(self.cpu.join("cpu.cfs_quota_us"), quota).unwrap();
    }

    /// The CPU time so far.
    fn used(&self) -> Duration {
        let text = std::fs::read_to_string(self.accounting.join("cpuacct.usage")).unwrap();
        Duration::from_nanos(text.trim().parse().unwrap())
    }
}

/// A process, which ends with this program whatever happens.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for path in [&self.cpu, &self.accounting] {
            // A process that has ended is in its group for a moment more.
            for _ in 0..50 {
                if std::fs::remove_dir(path).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Starts the command with one share of a CPU until it asks for its first event,
/// and another from then on.
pub fn run(init_percent: f64, percent: f64, invocations: usize, command: &[String]) {
    let (asked, asking) = mpsc::channel();
    let asked = std::sync::Mutex::new(asked);
    let api = Server::start(move |request: &Request| {
        let asked = asked.lock().unwrap().clone();
        if request.path.ends_with("/invocation/next") {
            let (event, wait) = mpsc::channel();
            asked.send(Asked::Next(event)).unwrap();
            return Act::from(wait.recv().unwrap_or_default());
        }
        asked.send(Asked::Answered(request.body.clone())).unwrap();
        Act::Send(with_headers(202, "", "{}"))
    });
    let group = Group::new();
    group.limit(init_percent);
    let mut start = Command::new(&command[0]);
    start
        .args(&command[1..])
        .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "permissions-probe")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = Running(group.spawn(start));
    let log = child.0.stdout.take().unwrap();
    // A program that fills its pipe would wait.
    let logged = std::thread::spawn(move || std::io::copy(&mut { log }, &mut std::io::sink()).unwrap());
    let patience = Duration::from_mins(2);
    let Ok(Asked::Next(mut next)) = asking.recv_timeout(patience) else {
        panic!("{command:?} did not ask for an event")
    };
    let init = started.elapsed();
    let init_cpu = group.used();
    group.limit(percent);

    let mut times = Vec::new();
    for index in 0..invocations {
        // The event that a start is for waits already. What the quota has left over from a pause is as much as on
        // Lambda: one period.
        if index > 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        let cpu = group.used();
        let begun = Instant::now();
        next.send(event(index)).unwrap();
        let Ok(Asked::Answered(body)) = asking.recv_timeout(patience) else { panic!("{command:?} did not answer") };
        let took = begun.elapsed();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("\"statusCode\":200") || text.contains("\"statusCode\": 200"), "{command:?}: {text}");
        let Ok(Asked::Next(after)) = asking.recv_timeout(patience) else { panic!("{command:?} did not go on") };
        next = after;
        times.push((took, group.used().saturating_sub(cpu)));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // What was read from the disk, and not from what the operating system keeps in memory.
    let io = std::fs::read_to_string(format!("/proc/{}/io", child.0.id())).unwrap();
    let read = io.lines().find_map(|line| line.strip_prefix("read_bytes: ")).unwrap();
    let read: f64 = read.parse().unwrap();
    // Not killed outright, so that a profiler around it can write what it has found.
    drop(Command::new("kill").arg(child.0.id().to_string()).status());
    drop(child.0.wait());
    let logged = logged.join().unwrap() / u64::try_from(invocations.max(1)).unwrap();
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let (took, used): (Vec<_>, Vec<_>) = times.into_iter().map(|(took, used)| (ms(took), ms(used))).unzip();
    println!(
        "{}",
        json!({"init": ms(init), "initCpu": ms(init_cpu), "invocations": took, "invocationsCpu": used, "peakMiB": peak / 1024.0, "readMB": read / 1e6, "logged": logged})
    );
}

fn event(index: usize) -> Vec<u8> {
    let deadline = (SystemTime::now() + Duration::from_mins(1)).duration_since(UNIX_EPOCH).unwrap().as_millis();
    format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: request-{index}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:permissions-probe\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}
