//! What differs, for a reader (pure).

use std::fmt::Write;

use crate::{
    family::{Family, Played},
    journal::Chapter,
};

/// So wide is the BEAM's side.
const WIDTH: usize = 58;

/// A scenario on which both sides differ, how to replay it, and the smallest one found that still differs.
pub(crate) fn difference<F: Family>(seed: u64, played: &Played<F>, smallest: &Option<Played<F>>) -> String {
    let name = F::NAME;
    let mut text = format!("{name}, seed {seed}. Replay it:\n");
    let _ = writeln!(
        text,
        "    DIFFERENTIAL_SEED={seed} cargo test -p differential --test otp {name} -- --nocapture\n"
    );
    match smallest {
        Some(smallest) => {
            let _ = writeln!(text, "With fewer steps it differs still:");
            text.push_str(&side_by_side(smallest));
        }
        None => text.push_str(&side_by_side(played)),
    }
    text
}

/// The scenario, and both journals beside each other.
pub(crate) fn side_by_side<F: Family>(played: &Played<F>) -> String {
    let mut text = format!("{}\n\n  {:WIDTH$} | Throng\n", played.scenario.term(), "BEAM");
    let nothing = Chapter::default();
    let steps = played.scenario.steps();
    let count = steps.len().max(played.beam.len()).max(played.throng.len());
    for step in 0..count {
        let title = steps.get(step).map_or("?", String::as_str);
        let _ = writeln!(text, "{step}. {title}");
        let chapter = |side: &'_ [Chapter]| side.get(step).unwrap_or(&nothing).lines.clone();
        for (beam, throng) in rows(&chapter(&played.beam), &chapter(&played.throng)) {
            let mark = if beam == throng { ' ' } else { '!' };
            let _ = writeln!(text, "{mark} {beam:WIDTH$} | {throng}");
        }
    }
    text
}

/// Lines of both sides beside each other: by a longest common subsequence, so that one line more shifts nothing.
fn rows(beam: &[String], throng: &[String]) -> Vec<(String, String)> {
    let (mut one, mut other) = (0, 0);
    let mut rows = Vec::new();
    let common = common(beam, throng);
    while one < beam.len() || other < throng.len() {
        let (left, right) = (beam.get(one), throng.get(other));
        let is_same = left.is_some() && left == right;
        let takes_left = is_same
            || right.is_none()
            || (left.is_some() && common[one + 1][other] >= common[one][other + 1]);
        let takes_right = is_same || !takes_left;
        let text =
            |line: Option<&String>, taken: bool| if taken { line.cloned() } else { None }.unwrap_or_default();
        rows.push((text(left, takes_left), text(right, takes_right)));
        one += usize::from(takes_left);
        other += usize::from(takes_right);
    }
    rows
}

/// How many lines the rests from each pair of places have in common.
fn common(one: &[String], other: &[String]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            table[i][j] = if one[i] == other[j] {
                table[i + 1][j + 1] + 1
            } else {
                table[i + 1][j].max(table[i][j + 1])
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_more_shifts_nothing() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let rows = rows(&lines("a b c"), &lines("a x b c"));
        let rows: Vec<_> = rows.iter().map(|(one, other)| format!("{one}|{other}")).collect();
        assert_eq!(rows, ["a|a", "|x", "b|b", "c|c"]);
    }
}
