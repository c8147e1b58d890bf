//! What is nearly right is recognised: a folder in another place, a variable with too few underscores (L5).
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot do what it needs has failed; types are only read into"
)]

use serde::Deserialize;
use throng_config::{ConfigError, Sources};

#[derive(Debug, Deserialize)]
struct Settings {
    couriers: Couriers,
}

#[derive(Debug, Deserialize)]
struct Couriers {
    ride: u32,
    #[serde(default)]
    rest_time: u32,
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Sources::of("dispatch").text("a.toml", text).environment(variables.iter().copied()).load()
}

fn told(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables).unwrap_err().to_string()
}

const GOOD: &str = "[couriers]\nride = 1";

#[test]
fn l5_a_folder_that_is_not_there_is_named_by_its_whole_path_when_a_key_is_missing() {
    let sources = || Sources::of("dispatch").folder("no-such-folder").environment([("THRONG_ENV", "prod")]);
    let error = sources().load::<Settings>().unwrap_err();
    let here = std::env::current_dir().unwrap().join("no-such-folder");
    let (default, mode) = (here.join("default.toml"), here.join("prod.toml"));
    assert_eq!(error.not_found(), [default.clone(), mode.clone()]);
    let missing = "`couriers.ride` is missing; DISPATCH__COURIERS__RIDE can set it too";
    let expected = format!("{missing}\n  not found: {}, {}", default.display(), mode.display());
    assert_eq!(error.to_string(), expected);

    // Where nothing is missing, files that are not there are nobody's concern.
    let error = sources().text("a.toml", "[couriers]\nride = 'far'").load::<Settings>().unwrap_err();
    assert!(error.not_found().is_empty() && !error.to_string().contains("not found"), "{error}");
    assert!(sources().text("a.toml", GOOD).load::<Settings>().is_ok());
}

#[test]
fn l5_a_variable_with_too_few_underscores_is_told_when_its_key_is_missing() {
    let meant =
        |name| format!("`couriers.ride` is missing; did you mean DISPATCH__COURIERS__RIDE by {name}?");
    assert_eq!(told("", &[("DISPATCH_COURIERS_RIDE", "1")]), meant("DISPATCH_COURIERS_RIDE"));
    // It is somebody else's variable when nothing is missing.
    assert_eq!(load(GOOD, &[("DISPATCH_COURIERS_RIDE", "7")]).unwrap().couriers.ride, 1);
}

#[test]
fn l5_a_variable_of_ours_with_too_few_underscores_is_told_the_name_that_was_meant() {
    let unknown = |key: &str, name: &str| {
        let written = format!("DISPATCH__{}", key.to_uppercase());
        format!("{written}: unknown key `{key}`; did you mean {name}?")
    };
    assert_eq!(
        told(GOOD, &[("DISPATCH__COURIERS_RIDE", "1")]),
        unknown("couriers_ride", "DISPATCH__COURIERS__RIDE")
    );
    // One underscore too many, and a key that has a default.
    assert_eq!(
        told(GOOD, &[("DISPATCH__COURIERS_REST_TIME", "1")]),
        unknown("couriers_rest_time", "DISPATCH__COURIERS__REST_TIME")
    );
    // What is near nothing is unknown as before.
    assert_eq!(told(GOOD, &[("DISPATCH__COLOUR", "1")]), "DISPATCH__COLOUR: unknown key `colour`");
}
