//! Command lines as a shell reads them: on Windows `cmd` and PowerShell, elsewhere any of POSIX.

/// One argument, in quotes where it needs them.
#[must_use]
pub fn quoted(argument: &str) -> String {
    let own = if cfg!(windows) { '\\' } else { '/' };
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c) || c == own;
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    match cfg!(windows) {
        true => format!("\"{}\"", argument.replace('"', "\\\"")),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

/// A whole command line.
#[cfg(feature = "files")]
pub fn command(arguments: impl IntoIterator<Item = String>) -> String {
    let quoted = arguments.into_iter().map(|argument| quoted(&argument));
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_stand_where_the_shell_needs_them() {
        for plain in ["runs/stacked", "--epochs=3", "Käthe", "C:/a"] {
            assert_eq!(quoted(plain), plain);
        }
        let (spaces, empty) = match cfg!(windows) {
            true => ("\"two words\"", "\"\""),
            false => ("'two words'", "''"),
        };
        assert_eq!(quoted("two words"), spaces);
        assert_eq!(quoted(""), empty);
        let path = r"C:\runs\one";
        assert_eq!(quoted(path) == path, cfg!(windows));
    }
}
