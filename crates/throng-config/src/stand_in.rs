//! What is read in the place of a wrong value, so that the search for mistakes goes on behind it. Pure.
//!
//! What was found wrong first gives way to what it hides, then to nothing at all, then to values of the type's own kind. The
//! result is thrown away: it only has to please the type.

use crate::setting::Setting;

/// What is read for a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'a> {
    Given(&'a Setting),
    /// As if the key was not there.
    Nothing,
    /// A value of the kind that is asked for: which try.
    Invented(usize),
    /// The type accepts nothing that could be thought of.
    GiveUp,
}

/// Texts that some types accept: addresses, URLs, times, durations, sizes.
pub(crate) const TEXTS: [&str; 12] = [
    "",
    "1",
    "a",
    "info",
    "127.0.0.1",
    "127.0.0.1:1",
    "http://localhost/",
    "1s",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "1KB",
    "00000000-0000-4000-8000-000000000000",
];

/// What is read for a key that has failed so many times.
pub(crate) fn choose(setting: Option<&Setting>, failures: usize) -> Choice<'_> {
    let layers =
        setting.map_or(0, |setting| (1..).take_while(|depth| setting.layer(*depth).is_some()).count() + 1);
    match failures {
        given if given < layers => {
            setting.and_then(|setting| setting.layer(given)).map_or(Choice::Nothing, Choice::Given)
        }
        nothing if nothing == layers => Choice::Nothing,
        more => match more - layers - 1 {
            invention if invention < TEXTS.len() => Choice::Invented(invention),
            _ => Choice::GiveUp,
        },
    }
}
