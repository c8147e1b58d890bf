//! Supervisors: static, dynamic and partitioned (rules S, D and R), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod world;

mod backoff;
mod dynamic;
mod hostile;
mod intensity;
mod partition;
mod races;
mod requests;
mod restarts;
mod significant;
mod starts;
mod stops;
