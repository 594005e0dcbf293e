//! What `SAMOVAR_TRACE` asks for, and the files that come of it.
//!
//! The variable exists because the program to be looked at is often one that nobody wants to change, or can. A word that is
//! not understood is named on stderr, and the rest counts: a program must not fail for how it is watched.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Trace;
use super::hook::Attached;
use super::record::Recorder;
use super::story::Teller;

/// The variable's name.
const VARIABLE: &str = "SAMOVAR_TRACE";

/// The time between two versions of a file.
const PAUSE: Duration = Duration::from_secs(1);

/// How many runtimes of this process have asked for files. Relaxed: each gets another number, in whatever order.
static RUNTIMES: AtomicUsize = AtomicUsize::new(0);

/// A runtime that is traced: its recording, and what is to be made of it.
#[derive(Debug)]
pub(crate) struct Tracing {
    /// Switches the hook on.
    attached: Attached,
    /// The files to write.
    files: Vec<File>,
    /// When they were last written. Held while they are, so that two threads do not write the same one.
    written: Mutex<Option<Instant>>,
}

/// A file to write.
#[derive(Debug)]
struct File {
    /// Where.
    path: PathBuf,
    /// What it contains.
    format: Format,
}

/// What a file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// A page.
    Html,
    /// A picture.
    Svg,
    /// Chrome's trace format.
    Json,
}

/// What the variable says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wishes {
    /// Tell the story; `true`: with nothing left out.
    tell: Option<bool>,
    /// Take notes for dumps and warnings.
    observe: bool,
    /// Write these files.
    files: Vec<(PathBuf, Format)>,
    /// What was not understood.
    wrong: Vec<String>,
}

impl Wishes {
    /// Reads the variable's value.
    fn read(value: &OsStr) -> Wishes {
        let mut wishes = Wishes::default();
        let value = value.to_string_lossy();
        let words = value.split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            let extension = Path::new(word).extension().and_then(OsStr::to_str);
            match (word, extension) {
                ("tell", _) => wishes.tell = wishes.tell.or(Some(false)),
                ("tell-all", _) => wishes.tell = Some(true),
                ("observe", _) => wishes.observe = true,
                (_, Some("html")) => wishes.files.push((word.into(), Format::Html)),
                (_, Some("svg")) => wishes.files.push((word.into(), Format::Svg)),
                (_, Some("json")) => wishes.files.push((word.into(), Format::Json)),
                _ => wishes.wrong.push(word.to_owned()),
            }
        }
        wishes
    }
}

/// Says what is wrong. Not with `eprintln!`, which panics when nobody reads.
fn complain(what: &str) {
    let _ = writeln!(stderr(), "samovar: {VARIABLE}: {what}");
}

/// What the builder's trace and the environment together ask of a runtime that is about to be built.
pub(crate) fn wanted(trace: Option<&Trace>, observe: bool) -> Option<Tracing> {
    let wishes = env::var_os(VARIABLE).map_or_else(Wishes::default, |value| Wishes::read(&value));
    for word in &wishes.wrong {
        complain(&format!(
            "{word:?} is not understood. It can be `tell`, `tell-all`, `observe`, or a file that ends in \
             .html, .svg or .json; several are separated by commas"
        ));
    }
    let nothing_asked = wishes.tell.is_none() && wishes.files.is_empty();
    let recorder = match trace {
        Some(trace) => trace.recorder().clone(),
        // Only the table of living tasks is wanted, and no events.
        None if nothing_asked && (observe || wishes.observe) => {
            Trace::with_capacity(0).recorder().clone()
        }
        None if nothing_asked => return None,
        None => Trace::new().recorder().clone(),
    };
    if let Some(all) = wishes.tell {
        recorder.tell(Teller::on_stderr(all));
    }
    let nth = if wishes.files.is_empty() {
        0
    } else {
        RUNTIMES.fetch_add(1, Relaxed) + 1
    };
    let files = wishes.files.into_iter().map(|(path, format)| {
        let path = numbered(&path, nth);
        File { path, format }
    });
    Some(Tracing {
        files: files.collect(),
        attached: Attached::new(recorder),
        written: Mutex::new(None),
    })
}

/// The file of the `nth` runtime: the first has the name as it was given, so no runtime overwrites another's.
fn numbered(path: &Path, nth: usize) -> PathBuf {
    if nth < 2 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{nth}.{extension}"))
}

impl Tracing {
    /// The recording.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        self.attached.recorder()
    }

    /// A `block_on` has ended: writes the files, unless that was done a moment ago.
    pub(crate) fn pause(&self) {
        self.write(PAUSE);
    }

    /// The runtime is gone: writes the files for the last time.
    pub(crate) fn end(&self) {
        self.write(Duration::ZERO);
    }

    /// Writes the files, if the last time was so long ago.
    fn write(&self, pause: Duration) {
        if self.files.is_empty() {
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        let trace = Trace::of(self.recorder().clone());
        for File { path, format } in &self.files {
            if let Err(error) = fs::write(path, format.of(&trace)) {
                let path = path.display();
                complain(&format!("{path} cannot be written: {error}"));
            }
        }
        *written = Some(Instant::now());
    }
}

impl Format {
    /// The file's content.
    fn of(self, trace: &Trace) -> String {
        match self {
            Format::Html => trace.to_html(),
            Format::Svg => trace.to_svg(),
            Format::Json => trace.to_json(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn read(value: &str) -> Wishes {
        Wishes::read(OsStr::new(value))
    }

    #[test]
    fn several_wishes_are_separated_by_commas() {
        let wishes = read(" tell, a/run.html ,run.svg,run.json,");
        assert_eq!(wishes.tell, Some(false));
        let files = [
            ("a/run.html".into(), Format::Html),
            ("run.svg".into(), Format::Svg),
            ("run.json".into(), Format::Json),
        ];
        assert_eq!(wishes.files, files);
        assert!(wishes.wrong.is_empty());
        assert_eq!(read("tell-all,tell").tell, Some(true));
        assert_eq!(read(""), Wishes::default());
    }

    #[test]
    fn what_is_not_understood_is_kept_for_the_message() {
        let wishes = read("told,run.png,.html,tell");
        assert_eq!(wishes.wrong, ["told", "run.png", ".html"]);
        assert_eq!(wishes.tell, Some(false), "and the rest counts");
    }

    #[test]
    fn the_second_runtime_has_a_file_of_its_own() {
        let names = (0..4).map(|nth| numbered(Path::new("a.b/run.html"), nth));
        let names: Vec<_> = names.map(|path| path.display().to_string()).collect();
        assert_eq!(
            names,
            [
                "a.b/run.html",
                "a.b/run.html",
                "a.b/run-2.html",
                "a.b/run-3.html"
            ]
        );
    }
}
