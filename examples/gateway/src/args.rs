//! The command line. It is small enough to parse by hand.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use crate::settings::table;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the gateway, with settings from this file and the environment.
    Serve {
        config: Option<PathBuf>,
    },
    /// Run one demo backend only.
    DemoBackend {
        name: String,
        listen: SocketAddr,
        prefix: String,
    },
    Help,
    Version,
}

impl Command {
    /// Parses the arguments, without the program's name.
    ///
    /// # Errors
    /// An argument that does not exist or has a wrong value, as a message for the user.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut words = words.into_iter().peekable();
        let demo = words.next_if(|word| word == "demo-backend").is_some();
        let (mut config, mut name, mut prefix) = (None, "demo".to_owned(), "/api/v1".to_owned());
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{} needs a value", word.display()));
            match (demo, word.to_str()) {
                (_, Some("--help" | "-h")) => return Ok(Self::Help),
                (_, Some("--version" | "-V")) => return Ok(Self::Version),
                (false, Some("--config")) => config = Some(value()?.into()),
                (true, Some("--name")) => name = text(value()?)?,
                (true, Some("--prefix")) => prefix = path(text(value()?)?)?,
                (true, Some("--listen")) => {
                    let address = text(value()?)?;
                    let wrong =
                        |_| format!("--listen = {address}: must be an IP address and a port, such as 127.0.0.1:9001");
                    listen = address.parse().map_err(wrong)?;
                }
                _ => return Err(format!("{:?} is not an argument; try --help", word.display().to_string())),
            }
        }
        Ok(if demo { Self::DemoBackend { name, listen, prefix } } else { Self::Serve { config } })
    }
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("{} is not UTF-8", word.display()))
}

/// Returns the path, if a router can nest routes below it.
fn path(text: String) -> Result<String, String> {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    match text.strip_prefix('/').is_some_and(|path| path.split('/').all(is_segment)) {
        true => Ok(text),
        false => Err(format!("--prefix = {text:?}: must be a path such as /api/v1, of letters, digits and - . _ ~")),
    }
}

/// Returns the text of `--help`.
pub(crate) fn help() -> String {
    format!(
        "An HTTP gateway that keeps answering while its primary backend fails and recovers.\n\n\
         Usage:\n  \
           gateway [--config FILE]\n  \
           gateway demo-backend [--name NAME] [--listen ADDRESS] [--prefix PATH]\n\n\
         Settings are keys of the TOML file or environment variables; variables win. Each has both names, below as\n\
         KEY, VARIABLE. The file may also have the names of the variables, in lower case, at its top. FILE ends in .toml.\n\
         \n{}",
        table::help()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Command, String> {
        Command::parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn unknown_arguments_are_named_in_errors() {
        assert_eq!(parse(""), Ok(Command::Serve { config: None }));
        assert_eq!(parse("--config a.toml"), Ok(Command::Serve { config: Some("a.toml".into()) }));
        assert_eq!(parse("--config"), Err("--config needs a value".to_owned()));
        assert!(parse("--confg a").unwrap_err().contains("--confg"));
        assert!(parse("--name x").is_err() && parse("demo-backend --config x").is_err());
        assert!(parse("demo-backend --listen nowhere").unwrap_err().contains("nowhere"));
        for prefix in ["x", "/", "/a/", "//a", "/{id}", "/*a"] {
            assert!(parse(&format!("demo-backend --prefix {prefix}")).unwrap_err().contains(prefix));
        }
        assert!(parse("demo-backend --prefix /api/v2").is_ok());
        assert_eq!(parse("demo-backend --help"), Ok(Command::Help));
    }

    #[test]
    fn help_lists_every_key_and_variable() {
        let help = help();
        assert!(
            table::SETTINGS
                .iter()
                .all(|setting| help.contains(&format!("{}, {}\n", setting.flat.path, setting.flat.name)))
        );
        let expected = "  health.probe_backoff_base, BACKEND_HEALTH_PROBE_BACKOFF_BASE_SECONDS\n      \
                        the wait before the first further attempt; it doubles with each\n      \
                        file: \"1ms\" to \"60s\", default \"500ms\"; variable: 0.001 to 60, default 0.5\n";
        assert!(help.contains(expected), "{help}");
    }
}
