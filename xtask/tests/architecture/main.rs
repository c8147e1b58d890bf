//! The rules of the house that a compiler does not keep.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

mod arrows;
mod cancel_safety;
mod examples;
mod items;
mod licences;
mod links;
mod manifests;
mod readme;
mod repository;
mod rules;
mod sources;
