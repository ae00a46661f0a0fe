//! Command lines as a POSIX shell reads them.

/// One argument, in quotes where it needs them.
#[must_use]
pub fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

/// A whole command line.
#[cfg(feature = "files")]
pub fn command(arguments: impl IntoIterator<Item = String>) -> String {
    let quoted = arguments.into_iter().map(|argument| quoted(&argument));
    quoted.collect::<Vec<_>>().join(" ")
}
