//! A probe: what it says of itself, how its request is sent, and how one is run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::finding::Outcome;
use permissions_core::plan::Check;
use permissions_core::probe::ProbeInfo;
use permissions_core::specification::{Bucket, Endpoint, LogStream, Resource, Role, Table, Target, TrainingJob};

use crate::session::Session;
use crate::time_left::wait_until;

/// One action, and the request that makes AWS decide whether it is allowed.
#[derive(Debug)]
pub struct Probe {
    pub info: ProbeInfo,
    pub send: SendOn,
}

/// How the request is sent; the variant is the kind of resource, so that no
/// probe can be aimed at another.
#[derive(Clone, Copy, Debug)]
pub enum SendOn {
    Account(for<'a> fn(&'a Session) -> Sending<'a>),
    Bucket(for<'a> fn(&'a Session, &'a Bucket) -> Sending<'a>),
    Table(for<'a> fn(&'a Session, &'a Table) -> Sending<'a>),
    Endpoint(for<'a> fn(&'a Session, &'a Endpoint) -> Sending<'a>),
    TrainingJob(for<'a> fn(&'a Session, &'a TrainingJob) -> Sending<'a>),
    Role(for<'a> fn(&'a Session, &'a Role) -> Sending<'a>),
    LogStream(for<'a> fn(&'a Session, &'a LogStream) -> Sending<'a>),
    Resource(for<'a> fn(&'a Session, &'a Resource) -> Sending<'a>),
}

/// A request on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

impl SendOn {
    /// Sends the request for a target.
    pub fn send<'a>(&self, session: &'a Session, target: &'a Target) -> Sending<'a> {
        match (self, target) {
            (Self::Account(send), Target::Account) => send(session),
            (Self::Bucket(send), Target::Bucket(bucket)) => send(session, bucket),
            (Self::Table(send), Target::Table(table)) => send(session, table),
            (Self::Endpoint(send), Target::Endpoint(endpoint)) => send(session, endpoint),
            (Self::TrainingJob(send), Target::TrainingJob(job)) => send(session, job),
            (Self::Role(send), Target::Role(role)) => send(session, role),
            (Self::LogStream(send), Target::LogStream(log)) => send(session, log),
            (Self::Resource(send), Target::Resource(resource)) => send(session, resource),
            // A plan has none, as a test holds.
            _ => Box::pin(async { Answer::none(NoAnswer::ProbePanicked, "the probe is for another kind of resource") }),
        }
    }
}

/// Makes one check within a time limit. A probe that panics is an answer too.
pub async fn make_check(check: Check, send: SendOn, session: Arc<Session>, limit: Duration) -> Outcome {
    let started = Instant::now();
    let ends = started + limit.mul_f32(0.9);
    let target = check.target.clone();
    // In a task of its own, so that a panic ends there.
    let mut task = tokio::spawn(wait_until(ends, async move { send.send(&session, &target).await }));
    let answer = match tokio::time::timeout(limit, &mut task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::none(NoAnswer::ProbePanicked, error.to_string()),
        Err(_) => {
            task.abort();
            Answer::none(NoAnswer::TimedOut, format!("no answer within {} ms", limit.as_millis()))
        }
    };
    Outcome::new(check, answer, started.elapsed())
}
