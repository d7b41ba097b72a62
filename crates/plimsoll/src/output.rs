//! Where a result goes and in which form: one set of rules for every command.

use crate::cli::{Format, OutputArgs};
use crate::failure::Failure;
use crate::render::grid::{Digits, Ink, Style};
use clap::ValueEnum;
use lake::{Table, write_csv, write_parquet};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// A result that can be shown in every form.
pub(crate) trait Shown {
    /// Its flat tables.
    type TableName: TableNames;

    /// For reading in a terminal.
    fn text(&self, style: Style) -> String;
    /// For programs.
    fn json(&self) -> Result<String, serde_json::Error>;
    /// One self-contained page.
    fn html(&self) -> String;
    /// For spreadsheets and data frames.
    fn table(&self, name: Self::TableName) -> Table;
}

/// Names of flat tables; the first stands for all where only one can be printed.
pub(crate) trait TableNames: ValueEnum + Copy + 'static {
    /// File name without extension.
    fn stem(self) -> &'static str;
}

/// What the command line says about the output of a result.
pub(crate) struct Target<'a, T> {
    args: &'a OutputArgs,
    table: Option<T>,
}

impl<'a, T: TableNames> Target<'a, T> {
    pub(crate) const fn new(args: &'a OutputArgs, table: Option<T>) -> Self {
        Self { args, table }
    }

    /// What clap cannot say: options that only make sense together, inputs named twice, an input that would be overwritten.
    pub(crate) fn check<'p>(&self, inputs: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Failure> {
        if self.table.is_some() && !self.is_tabular() {
            return Err(Failure::Usage("--table goes with --format csv or parquet".into()));
        }
        let is_parquet = self.args.format == Format::Parquet;
        let is_missing = self.table.is_none() || std::io::stdout().is_terminal();
        if is_parquet && self.args.output.is_none() && is_missing {
            return Err(Failure::Usage(
                "--format parquet needs --output FOLDER, or --table NAME and a pipe or file".into(),
            ));
        }
        self.check_paths(inputs)
    }

    fn check_paths<'p>(&self, inputs: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Failure> {
        let same_file = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let mut seen = BTreeSet::new();
        for path in inputs {
            if !seen.insert(same_file(path)) {
                return Err(Failure::Usage(format!("{} is named twice", path.display())));
            }
        }
        let Some(output) = self.args.output.as_deref() else { return Ok(()) };
        let outputs: Vec<PathBuf> = if self.is_folder() {
            T::value_variants().iter().map(|name| self.path(output, *name)).collect()
        } else {
            vec![output.to_path_buf()]
        };
        match outputs.iter().find(|path| seen.contains(&same_file(path))) {
            Some(path) => {
                Err(Failure::Usage(format!("--output would overwrite the input {}", path.display())))
            }
            None => Ok(()),
        }
    }

    /// Renders and writes.
    pub(crate) fn write<S: Shown<TableName = T>>(&self, shown: &S) -> Result<(), Failure> {
        let text = match self.args.format {
            Format::Table => shown.text(self.style()),
            Format::Json => shown.json().map_err(|e| Failure::Input(format!("cannot write JSON: {e}")))?,
            Format::Html => shown.html(),
            Format::Csv | Format::Parquet => return self.write_tables(shown),
        };
        put(self.args.output.as_deref(), text.as_bytes())
    }

    fn write_tables<S: Shown<TableName = T>>(&self, shown: &S) -> Result<(), Failure> {
        let encode = |name: T| -> Result<Vec<u8>, Failure> {
            let table = shown.table(name);
            let mut bytes = Vec::new();
            if self.args.format == Format::Csv {
                write_csv(&table, &mut bytes)?;
            } else {
                write_parquet(&table, &mut bytes)?;
            }
            Ok(bytes)
        };
        let output = self.args.output.as_deref();
        let Some(folder) = output.filter(|_| self.is_folder()) else {
            let name = self.table.or_else(|| T::value_variants().first().copied());
            return name.map_or(Ok(()), |name| put(output, &encode(name)?));
        };
        std::fs::create_dir_all(folder).map_err(|source| Failure::Write { path: folder.into(), source })?;
        for name in T::value_variants().iter().copied() {
            put(Some(&self.path(folder, name)), &encode(name)?)?;
        }
        Ok(())
    }

    fn style(&self) -> Style {
        let colour = self.args.output.is_none()
            && std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none();
        Style {
            digits: if self.args.exact { Digits::Exact } else { Digits::Compact },
            ink: if colour { Ink::Colour } else { Ink::Plain },
            width: if self.args.output.is_some() { None } else { screen_width() },
        }
    }

    fn is_tabular(&self) -> bool {
        matches!(self.args.format, Format::Csv | Format::Parquet)
    }

    /// Several tables go to a folder, one file each.
    fn is_folder(&self) -> bool {
        self.is_tabular() && self.table.is_none()
    }

    fn path(&self, folder: &Path, name: T) -> PathBuf {
        let extension = if self.args.format == Format::Csv { "csv" } else { "parquet" };
        folder.join(name.stem()).with_extension(extension)
    }
}

/// Columns of the screen: `COLUMNS` where it is set, else the terminal's; a pipe has room for everything.
pub(crate) fn screen_width() -> Option<u16> {
    let asked = std::env::var_os("COLUMNS").and_then(|text| text.to_str()?.trim().parse().ok());
    let terminal = || std::io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten();
    asked.filter(|width| *width > 0).or_else(terminal)
}

/// To a file, or to standard output; a reader that closes the pipe early is not an error.
pub(crate) fn put(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    let Some(path) = path else {
        return match std::io::stdout().lock().write_all(bytes) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::Write { path: "standard output".into(), source: e })
            }
            _ => Ok(()),
        };
    };
    std::fs::write(path, bytes).map_err(|source| Failure::Write { path: path.into(), source })
}

/// Runs on so many threads, or on one a core.
pub(crate) fn on_threads<T: Send>(
    threads: Option<u16>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let Some(threads) = threads else { return work() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build();
    pool.map_err(|e| Failure::Usage(format!("--threads {threads}: {e}")))?.install(work)
}
