//! Keys: how they are written as a path, which two are the same, and which one was probably meant. Pure.

/// A key beneath a path, as it is written in a file: `rooms.max`.
pub(crate) fn join(path: &str, key: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let key = if is_plain { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// An element beneath a path: `peers[2]`.
pub(crate) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// Whether `path` is `above` or lies beneath it.
pub(crate) fn is_within(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || above.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a key of a variable, which knows no case and no dash, is this one.
pub(crate) fn is_same(variable_key: &str, key: &str) -> bool {
    variable_key.eq_ignore_ascii_case(&key.replace('-', "_"))
}

/// The variable that goes above a key: `CHAT__ROOMS__MAX`; none leads into a list.
pub(crate) fn variable(application: &str, path: &str) -> Option<String> {
    let name = format!("{application}__{path}").replace('.', "__").replace('-', "_").to_uppercase();
    (!path.contains(['[', '"'])).then_some(name)
}

/// Whether two variables differ in no more than the number of their underscores: one for two is easily written.
pub(crate) fn is_near(one: &str, other: &str) -> bool {
    let words = |name: &str| {
        name.split('_').filter(|word| !word.is_empty()).map(str::to_uppercase).collect::<Vec<_>>()
    };
    one != other && words(one) == words(other)
}

/// The one among `known` that `written` probably was to be.
pub(crate) fn similar<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written = written.to_lowercase();
    // A third of the letters may be wrong: in a short word one.
    let allowed = (written.chars().count() / 3).max(1);
    let near = known.iter().map(|known| (distance(&written, &known.to_lowercase()), *known));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// How many letters have to be put in, taken out, replaced or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let differs = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_found_and_nothing_far_fetched() {
        let known = ["host", "port", "rooms_max", "members_max", "secret_key_base"];
        let cases = [
            ("prot", Some("port")),
            ("hots", Some("host")),
            ("Port", Some("port")),
            ("ports", Some("port")),
            ("room_max", Some("rooms_max")),
            ("secret_keybase", Some("secret_key_base")),
            ("colour", None),
            ("", None),
            ("x", None),
        ];
        for (written, expected) in cases {
            assert_eq!(similar(written, &known), expected, "{written}");
        }
    }

    #[test]
    fn paths_are_written_as_in_a_file() {
        assert_eq!(join("", "port"), "port");
        assert_eq!(join("rooms", "max-count"), "rooms.max-count");
        assert_eq!(join("rooms", "a.b"), "rooms.\"a.b\"");
        assert_eq!(join(&element("peers", 2), "host"), "peers[2].host");
        assert_eq!(variable("chat", "rooms.max-count").as_deref(), Some("CHAT__ROOMS__MAX_COUNT"));
        assert_eq!(variable("chat", "peers[2].host"), None);
    }

    #[test]
    fn a_variable_is_near_another_that_has_more_or_fewer_underscores() {
        assert!(
            is_near("CHAT_ROOMS_MAX", "CHAT__ROOMS__MAX") && is_near("CHAT__ROOMS_MAX", "CHAT__ROOMS__MAX")
        );
        assert!(is_near("chat__rooms__max", "CHAT__ROOMS__MAX"));
        assert!(
            !is_near("CHAT__ROOMS__MAX", "CHAT__ROOMS__MAX") && !is_near("CHATROOMS_MAX", "CHAT__ROOMS__MAX")
        );
    }

    #[test]
    fn within_means_at_or_beneath() {
        let cases =
            [("a.b", "a", true), ("a[0]", "a", true), ("a", "a", true), ("ab", "a", false), ("a", "", true)];
        for (path, above, expected) in cases {
            assert_eq!(is_within(path, above), expected, "{path} {above}");
        }
    }

    #[test]
    fn a_variable_knows_no_case_and_no_dash() {
        assert!(is_same("max_count", "max-count") && is_same("maxcount", "maxCount"));
        assert!(!is_same("max", "min"));
    }
}
