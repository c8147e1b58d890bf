//! Supervisors: static and dynamic (rules S and D), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod world;

mod dynamic;
mod intensity;
mod races;
mod requests;
mod restarts;
mod starts;
mod stops;
