//! Reading the environment. Values never appear in an error: some are secrets.

/// What is wrong with a variable, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("environment: {name} {problem}")]
pub struct EnvError {
    pub name: &'static str,
    pub problem: &'static str,
}

/// The variable's value; an empty one counts as missing.
pub fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variable's value, or an error that names it.
pub fn required(name: &'static str) -> Result<String, EnvError> {
    optional(name).ok_or(EnvError { name, problem: "is not set" })
}
