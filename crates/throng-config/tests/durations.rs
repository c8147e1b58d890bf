//! Times are written with their units (L5).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::time::Duration;

use serde::Deserialize;
use throng_config::Sources;

#[derive(Debug, Deserialize)]
struct Settings {
    patience: Duration,
    pause: Option<Duration>,
    #[serde(default)]
    steps: Vec<Duration>,
}

fn file(text: &str) -> Sources {
    Sources::of("chat").environment([("", ""); 0]).text("a.toml", text)
}

#[test]
fn l5_a_duration_is_a_text_with_its_unit_in_files_and_in_variables() {
    let text = "patience = '5s'\nsteps = ['1ms', '1h30m']";
    let settings: Settings = file(text).environment([("CHAT__PAUSE", "300ms")]).load().unwrap();
    assert_eq!(settings.patience, Duration::from_secs(5));
    assert_eq!(settings.pause, Some(Duration::from_millis(300)));
    assert_eq!(settings.steps, [Duration::from_millis(1), Duration::from_secs(5_400)]);

    let above = file(text).environment([("CHAT__PATIENCE", "2m"), ("CHAT__STEPS", "1s,2s")]);
    let settings: Settings = above.load().unwrap();
    assert_eq!((settings.patience, settings.pause), (Duration::from_secs(120), None));
    assert_eq!(settings.steps, [Duration::from_secs(1), Duration::from_secs(2)]);

    // What serde itself writes is read as well.
    let settings: Settings = file("patience = { secs = 1, nanos = 5 }").load().unwrap();
    assert_eq!(settings.patience, Duration::new(1, 5));
}

#[test]
fn l5_a_duration_that_is_wrong_or_missing_is_told_as_one_key_and_without_its_value() {
    let wrong = file("patience = 7654\npause = 'soonish'\nsteps = ['1s', '2 moons']");
    let told = wrong.load::<Settings>().unwrap_err().to_string();
    let expected = "expected a time with its unit, such as 300ms, 5s or 1h30m";
    assert_eq!(
        told,
        format!(
            "3 mistakes in the settings:\n  a.toml:1: `patience`: {expected}\n  \
             a.toml:2: `pause`: {expected}\n  a.toml:3: `steps[1]`: {expected}"
        )
    );
    let missing = file("").load::<Settings>().unwrap_err();
    assert_eq!(missing.to_string(), "`patience` is missing; CHAT__PATIENCE can set it too");
}
