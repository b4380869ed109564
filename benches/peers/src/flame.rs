//! Draws a flame graph from the output of `perf script`.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Cursor},
    process::ExitCode,
};

use inferno::{
    collapse::{
        Collapse,
        perf::{Folder, Options as Folding},
    },
    flamegraph::{Options, from_reader},
};

/// Reads `file` and writes a file of the same name that ends in `.svg`.
pub(crate) fn graph(file: &str, title: Option<String>) -> ExitCode {
    let picture = format!("{}.svg", file.trim_end_matches(".txt"));
    match draw(file, &picture, title) {
        Ok(()) => {
            println!("{picture}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("no flame graph of {file}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn draw(file: &str, picture: &str, title: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut folded = Vec::new();
    Folder::from(Folding::default()).collapse(BufReader::new(File::open(file)?), &mut folded)?;
    let mut options = Options::default();
    options.title = title.unwrap_or_else(|| "mainstay".to_owned());
    options.count_name = "samples".to_owned();
    from_reader(&mut options, Cursor::new(folded), BufWriter::new(File::create(picture)?))?;
    Ok(())
}
