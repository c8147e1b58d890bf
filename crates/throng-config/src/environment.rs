//! The environment as settings. Pure: the variables are an argument.

use std::collections::BTreeMap;

use crate::{mistake::Place, setting::Setting};

/// Which variables there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The program's own; variables that are no Unicode are none of ours.
    pub(crate) fn of_this_program() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Each variable that begins with `CHAT__`, as the setting that its name spells out.
    pub(crate) fn settings(&self, application: &str) -> impl Iterator<Item = Setting> {
        let prefix = format!("{}__", application.replace('-', "_").to_uppercase());
        self.variables.iter().filter_map(move |(name, value)| {
            let keys = name.strip_prefix(&prefix)?.to_lowercase();
            Some(Setting::at(&keys, "__", value, Place::Variable(name.clone())))
        })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}
