//! What the function logs on a thread, as JSON lines without their targets.

use std::io::Write;
use std::sync::{Arc, Mutex};

use permissions_probe::telemetry::JsonLines;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged on this thread, for as long as this is there.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
    _second: Dispatch,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Starts to take the lines of this thread, from INFO up.
    pub fn start() -> Self {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines)
            .with_max_level(tracing::Level::INFO)
            .with_writer(written.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        Self { written, _guard: guard, _second: hear_every_thread() }
    }

    /// What has been written since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.written.0.lock().unwrap())).unwrap()
    }
}

/// Keeps `tracing` from asking only the thread that meets an event first whether anybody hears of it, as it does
/// while there is one subscriber; a test on another thread has none.
pub fn hear_every_thread() -> Dispatch {
    let second = Dispatch::new(tracing_subscriber::registry());
    tracing::callsite::rebuild_interest_cache();
    second
}
