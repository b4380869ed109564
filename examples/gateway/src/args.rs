//! The command line. A few words need no parser library.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use crate::settings::fields;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the gateway, with settings from this file and the environment.
    Serve {
        config: Option<PathBuf>,
    },
    /// Run one demo backend and nothing else.
    DemoBackend {
        name: String,
        listen: SocketAddr,
        prefix: String,
    },
    Help,
    Version,
}

impl Command {
    /// # Errors
    /// A word that has no meaning here, in words for people.
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
                (true, Some("--prefix")) => prefix = text(value()?)?,
                (true, Some("--listen")) => {
                    let address = text(value()?)?;
                    let wrong = |_| format!("--listen = {address}: must be an IP address and a port");
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

/// What `--help` prints.
pub(crate) fn help() -> String {
    format!(
        "An HTTP gateway that keeps answering while its primary backend dies and comes back.\n\n\
         Usage:\n  \
           gateway [--config FILE]\n  \
           gateway demo-backend [--name NAME] [--listen ADDRESS] [--prefix PATH]\n\n\
         Settings are environment variables, or lines of the TOML file with the names in lower case.\n\
         The environment wins over the file.\n\n{}",
        fields::table()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Command, String> {
        Command::parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn words_that_mean_nothing_are_named() {
        assert_eq!(parse(""), Ok(Command::Serve { config: None }));
        assert_eq!(parse("--config a.toml"), Ok(Command::Serve { config: Some("a.toml".into()) }));
        assert_eq!(parse("--config"), Err("--config needs a value".to_owned()));
        assert!(parse("--confg a").unwrap_err().contains("--confg"));
        assert!(parse("--name x").is_err() && parse("demo-backend --config x").is_err());
        assert!(parse("demo-backend --listen nowhere").unwrap_err().contains("nowhere"));
        assert_eq!(parse("demo-backend --help"), Ok(Command::Help));
    }

    #[test]
    fn help_lists_every_setting() {
        let help = help();
        assert!(fields::FIELDS.iter().all(|field| help.contains(field.name)));
    }
}
