//! Which applications start, and in which order (L1). Pure.

use super::error::ApplicationError;

/// An application, as far as its place in the order goes.
#[derive(Debug)]
pub(super) struct Needs<'a> {
    pub(super) name: &'a str,
    pub(super) required: &'a [&'a str],
    /// These come first if they are there at all.
    pub(super) optional: &'a [&'a str],
}

/// The places of `wanted` and of all that they need, each after what it needs; otherwise in the order that they were given in.
pub(super) fn start_order(all: &[Needs<'_>], wanted: &[usize]) -> Result<Vec<usize>, ApplicationError> {
    if let Some(twice) = all.iter().enumerate().find(|(at, needs)| find(all, needs.name) != Some(*at)) {
        return Err(ApplicationError::Twice { name: twice.1.name.to_owned() });
    }
    let mut search = Search { all, path: Vec::new(), order: Vec::new() };
    for at in wanted {
        search.visit(*at)?;
    }
    Ok(search.order)
}

pub(super) fn find(all: &[Needs<'_>], name: &str) -> Option<usize> {
    all.iter().position(|needs| needs.name == name)
}

/// Depth first: what an application needs is in the order before it is.
struct Search<'a> {
    all: &'a [Needs<'a>],
    /// From what was wanted to what is visited now, each needed by the one before.
    path: Vec<usize>,
    order: Vec<usize>,
}

impl Search<'_> {
    fn visit(&mut self, at: usize) -> Result<(), ApplicationError> {
        if self.order.contains(&at) {
            return Ok(());
        }
        if let Some(begin) = self.path.iter().position(|on_path| *on_path == at) {
            let names = self.path[begin..].iter().chain([&at]).map(|at| self.all[*at].name.to_owned());
            return Err(ApplicationError::Cycle { names: names.collect() });
        }
        self.path.push(at);
        for first in self.needed_by(at)? {
            self.visit(first)?;
        }
        self.path.pop();
        self.order.push(at);
        Ok(())
    }

    fn needed_by(&self, at: usize) -> Result<Vec<usize>, ApplicationError> {
        let Needs { name, required, optional } = &self.all[at];
        let missing = |needed: &&str| ApplicationError::Missing {
            name: (*needed).to_owned(),
            needed_by: Some((*name).to_owned()),
        };
        let required = required.iter().map(|needed| find(self.all, needed).ok_or_else(|| missing(needed)));
        let optional = optional.iter().filter_map(|wanted| find(self.all, wanted)).map(Ok);
        required.chain(optional).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

    /// The names in their order, or what is wrong.
    fn order(rows: &[Row], wanted: &[&str]) -> String {
        let row = |&(name, required, optional): &Row| Needs { name, required, optional };
        let all: Vec<_> = rows.iter().map(row).collect();
        let wanted: Vec<_> = wanted.iter().filter_map(|name| find(&all, name)).collect();
        match start_order(&all, &wanted) {
            Ok(order) => order.into_iter().map(|at| all[at].name).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn l1_an_application_starts_after_all_that_it_needs() {
        let cases: [(&[Row], &[&str], &str); 7] = [
            (&[("a", &[], &[])], &["a"], "a"),
            (&[("a", &["b"], &[]), ("b", &[], &[])], &["a"], "b a"),
            (&[("a", &["b"], &[]), ("b", &[], &[])], &["b"], "b"),
            // A diamond: d comes once, and first.
            (
                &[("a", &["b", "c"], &[]), ("b", &["d"], &[]), ("c", &["d"], &[]), ("d", &[], &[])],
                &["a"],
                "d b c a",
            ),
            (&[("a", &[], &[]), ("b", &["a"], &[]), ("c", &[], &[])], &["c", "b", "a"], "c a b"),
            (&[("a", &[], &["b", "gone"]), ("b", &[], &[])], &["a"], "b a"),
            (&[("a", &[], &["gone"])], &["a"], "a"),
        ];
        for (rows, wanted, expected) in cases {
            assert_eq!(order(rows, wanted), expected, "{rows:?}");
        }
    }

    #[test]
    fn l1_what_is_missing_and_what_goes_in_a_circle_is_named() {
        let cases: [(&[Row], &str); 5] = [
            (&[("a", &["b"], &[])], r#"there is no application "b", and "a" needs it"#),
            (&[("a", &["a"], &[])], "the applications need each other: a needs a"),
            (
                &[("a", &["b"], &[]), ("b", &["c"], &[]), ("c", &["b"], &[])],
                "the applications need each other: b needs c needs b",
            ),
            (
                &[("a", &[], &["b"]), ("b", &["a"], &[])],
                "the applications need each other: a needs b needs a",
            ),
            (&[("a", &[], &[]), ("a", &[], &[])], r#"there are two applications "a""#),
        ];
        for (rows, expected) in cases {
            assert_eq!(order(rows, &["a"]), expected, "{rows:?}");
        }
    }
}
