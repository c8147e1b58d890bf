//! Supervisors: static and dynamic (specs/otp.md §4 and §5), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "supervisor/world.rs"]
mod world;

#[path = "supervisor/dynamic.rs"]
mod dynamic;
#[path = "supervisor/intensity.rs"]
mod intensity;
#[path = "supervisor/races.rs"]
mod races;
#[path = "supervisor/requests.rs"]
mod requests;
#[path = "supervisor/restarts.rs"]
mod restarts;
#[path = "supervisor/starts.rs"]
mod starts;
#[path = "supervisor/stops.rs"]
mod stops;
