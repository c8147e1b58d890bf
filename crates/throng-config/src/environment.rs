//! The environment as settings. Pure: the variables are an argument.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

use crate::{
    mistake::{Mistake, Place},
    names,
    setting::Setting,
};

/// Which variables there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// Those whose values are no Unicode.
    unreadable: BTreeSet<String>,
}

impl Environment {
    /// The program's own.
    pub(crate) fn of_this_program() -> Self {
        Self::of(std::env::vars_os())
    }

    /// Variables whose names are no Unicode are none of ours.
    fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => drop(environment.variables.insert(name, value)),
                (Ok(name), Err(_)) => drop(environment.unreadable.insert(name)),
                (Err(_), _) => {}
            }
        }
        environment
    }

    /// What is wrong with a variable that is there and cannot be read.
    pub(crate) fn unreadable(&self, name: &str) -> Option<Mistake> {
        self.unreadable.get(name).map(|name| unreadable(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that was probably to be this one, which is not there.
    pub(crate) fn near(&self, name: &str) -> Option<&str> {
        self.variables.keys().map(String::as_str).find(|written| names::is_near(written, name))
    }

    /// Each variable that begins with `CHAT__`, as the setting that its name spells out.
    pub(crate) fn settings(&self, application: &str) -> impl Iterator<Item = Result<Setting, Mistake>> {
        let prefix = format!("{}__", application.replace('-', "_").to_uppercase());
        let of_application = prefix.clone();
        let ours = self.unreadable.iter().filter(move |name| name.starts_with(&of_application));
        let settings = self.variables.iter().filter_map(move |(name, value)| {
            let keys = name.strip_prefix(&prefix)?.to_lowercase();
            Some(Setting::at(&keys, "__", value, Place::Variable(name.clone())))
        });
        settings.chain(ours.map(|name| Err(unreadable(name))))
    }
}

/// Which variables an application's keys are set by, and which there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables<'a> {
    pub(crate) application: &'a str,
    pub(crate) environment: &'a Environment,
}

impl Variables<'_> {
    /// How a key that is missing can be set.
    pub(crate) fn hint(self, key: &str) -> String {
        let Some(name) = names::variable(self.application, key) else { return String::new() };
        // One with a single underscore is not ours, and no mistake by itself: systems set `CHAT_PORT` of their own accord.
        match self.environment.near(&name) {
            Some(near) => format!("; did you mean {name} by {near}?"),
            None => format!("; {name} can set it too"),
        }
    }

    /// Which of the known keys a variable was probably to set: the name that does.
    pub(crate) fn meant<'k>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'k String>,
    ) -> Option<String> {
        let names = known.into_iter().filter_map(|key| names::variable(self.application, key));
        names.into_iter().find(|name| names::is_near(written, name))
    }
}

fn unreadable(name: &str) -> Mistake {
    Mistake::new(Place::Variable(name.to_owned()), "", "its value is no UTF-8")
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn l5_a_variable_that_is_no_unicode_is_a_mistake_if_it_is_ours() {
        let broken = || OsString::from_vec(vec![0xFF]);
        let environment = Environment::of([
            ("CHAT__SECRET".into(), broken()),
            ("CHAT__PORT".into(), "1".into()),
            ("PORT".into(), broken()),
            (broken(), "1".into()),
        ]);
        let told: Vec<_> = environment.settings("chat").filter_map(Result::err).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].to_string(), "CHAT__SECRET: its value is no UTF-8");
        assert_eq!(environment.settings("chat").filter_map(Result::ok).count(), 1);
        assert!(environment.unreadable("PORT").is_some() && environment.unreadable("HOST").is_none());
    }
}
