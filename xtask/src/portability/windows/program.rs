//! What `trainer.exe` does with what only Windows has: its paths, line ends, consoles, and processes that end at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mnist_data::{embedded, png};
use ndarray::Axis;

use super::Environment;
use crate::portability::digests;

/// The recipe `quick`, so small that its digest is one of those that are pinned.
const SMALL_QUICK: [&str; 6] = [
    "--epochs",
    "1",
    "--set",
    "data.train_images=1000",
    "--set",
    "batch=50",
];

/// The longest that a program may take to write its first checkpoint.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs it in a folder whose name has spaces and an umlaut, and gives what was found.
pub(super) fn check(program: &Path, folder: &Path, environment: &Environment) -> Result<String> {
    let folder = folder.join("runs of Käthe");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let program = Program {
        program,
        folder,
        environment,
    };
    program.prints_the_book().context("book")?;
    let run = program.trains_again_after_a_kill().context("kill")?;
    program.predicts_and_reports(&run).context("predict")?;
    program
        .reads_recipes_with_crlf(&run)
        .context("recipe with CRLF")?;
    program.works_in_long_paths().context("long path")?;
    program.tells_of_errors().context("errors")?;
    program.writes_to_a_console().context("console")?;
    Ok(
        "trainer.exe has the digests of book, quick, and of stacked after a kill; spaces, umlauts, long paths, CRLF, \
         a console of code page 437"
            .to_owned(),
    )
}

struct Program<'a> {
    program: &'a Path,
    /// Where it runs, and what it writes into.
    folder: PathBuf,
    environment: &'a Environment,
}

/// What it wrote.
struct Said {
    stdout: String,
    stderr: String,
}

impl Said {
    /// Fails unless the digest on stderr is the pinned one.
    fn has_the_digest_of(&self, work: &str) -> Result<()> {
        let mut lines = self.stderr.lines();
        let digest = lines.find_map(|line| line.strip_prefix("SHA-256 of the parameters: "));
        let digest = digest.with_context(|| format!("no digest in {}", self.stderr))?;
        digests::check(work, digest.trim())
    }

    fn says(&self, text: &str) -> Result<()> {
        let all = format!("{}{}", self.stdout, self.stderr);
        ensure!(all.contains(text), "{text:?} is not in {all:?}");
        Ok(())
    }
}

impl Program<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env_remove("CONV_CORE_SIMD")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    fn wine(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("wine");
        command.arg(self.program).args(arguments);
        command
    }

    /// Runs it to an end that is good or not, as expected; all that it says has one kind of slashes.
    fn ends(&self, well: bool, arguments: &[&str]) -> Result<Said> {
        let output = self.wine(arguments).output()?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("it writes no UTF-8");
        let said = Said {
            stdout: text(output.stdout)?,
            stderr: text(output.stderr)?,
        };
        ensure!(
            output.status.success() == well,
            "{arguments:?}: {}, {}",
            output.status,
            said.stderr
        );
        for line in said.stdout.lines().chain(said.stderr.lines()) {
            ensure!(!mixes_slashes(line), "two kinds of slashes in {line:?}");
        }
        Ok(said)
    }

    fn run(&self, arguments: &[&str]) -> Result<Said> {
        self.ends(true, arguments)
    }

    /// A file in the folder, as Windows calls it.
    fn path(&self, name: &str) -> String {
        windows_path(&self.folder.join(name))
    }

    fn prints_the_book(&self) -> Result<()> {
        let said = self.run(&["book", "--iterations", "3"])?;
        said.says("I:0 Test-Acc:0.0288 Train-Acc:0.055")?;
        said.has_the_digest_of("book-3-iterations")
    }

    /// Gives the folder of the run.
    fn trains_again_after_a_kill(&self) -> Result<String> {
        let run = self.path("stacked ü");
        let arguments = ["train", "stacked", "--epochs", "2", "--quiet", "--run"];
        let mut command = self.wine(&arguments);
        command.args([&run, "--checkpoint-every", "0"]);
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let here = self.folder.join("stacked ü");
        let begin = Instant::now();
        while !here.join("checkpoints/latest.safetensors").is_file() {
            if let Some(status) = child.try_wait()? {
                bail!("it ended before it wrote a checkpoint: {status}");
            }
            if begin.elapsed() > PATIENCE {
                child.kill()?;
                bail!("no checkpoint after {PATIENCE:?}");
            }
            sleep(Duration::from_millis(5));
        }
        child.kill()?;
        child.wait()?;
        ensure!(
            !here.join("result.json").exists(),
            "it ended before it was killed"
        );
        let said = self.run(&["train", "--resume", &run])?;
        said.says("going on from the checkpoint at")?;
        said.says(&format!(r"model: {run}\model.safetensors"))?;
        said.has_the_digest_of("stacked-2-epochs")?;
        Ok(run)
    }

    /// Pictures in files are read as the images that they are of, and the report is written into the folder.
    fn predicts_and_reports(&self, run: &str) -> Result<()> {
        let digits = embedded::load().test;
        let images = digits.images();
        for (at, image) in images.axis_iter(Axis(0)).take(3).enumerate() {
            let name = format!("Ziffer ä {at}.png");
            png::write(File::create(self.folder.join(&name))?, &image)?;
            let class = |image: &str| -> Result<serde_json::Value> {
                let said = self.run(&["predict", run, image, "--json"])?;
                let told: serde_json::Value = serde_json::from_str(&said.stdout)?;
                Ok(told["predictions"][0]["class"].clone())
            };
            let (file, image) = (class(&self.path(&name))?, class(&format!("test:{at}"))?);
            ensure!(file.is_string(), "no class of {name}");
            ensure!(
                file == image,
                "{name} is a {file}, the image of it a {image}"
            );
        }
        let report = self.run(&["report", run])?;
        report.says(&format!(r"{run}\report.html"))?;
        let page = fs::read_to_string(self.folder.join("stacked ü/report.html"))?;
        ensure!(page.contains("stacked ü"), "the report has another name");
        Ok(())
    }

    /// Given with the other kind of slashes, which Windows takes too.
    fn reads_recipes_with_crlf(&self, run: &str) -> Result<()> {
        let recipe = self.run(&["recipes", "show", "quick"])?.stdout;
        let recipe = recipe.replace("\r\n", "\n").replace('\n', "\r\n");
        ensure!(recipe.contains("\r\n"), "no recipe");
        fs::write(self.folder.join("rezept ß.toml"), recipe)?;
        let turned = |path: String| path.replace('\\', "/");
        let (recipe, new) = (
            turned(self.path("rezept ß.toml")),
            turned(self.path("quick")),
        );
        let arguments = [&["train", &recipe, "--run", &new], &SMALL_QUICK[..]].concat();
        let said = self.run(&arguments)?;
        said.says(&format!(r"model: {}\model.safetensors", self.path("quick")))?;
        said.has_the_digest_of("quick-20-steps")?;
        self.run(&["report", &turned(run.to_owned()), &new])?;
        self.run(&["evaluate", &new])?
            .says("10000 test images of mnist")
    }

    /// Of more than the 260 characters that a path may have without `\\?\`.
    fn works_in_long_paths(&self) -> Result<()> {
        let run = format!(
            r"\\?\{}\{}\{}",
            self.path(&"l".repeat(120)),
            "ö".repeat(60),
            "run"
        );
        let run = format!(r"{run}{}", "n".repeat(120));
        ensure!(run.chars().count() > 260);
        let arguments = [&["train", "quick", "--run", &run], &SMALL_QUICK[..]].concat();
        self.run(&arguments)?.has_the_digest_of("quick-20-steps")?;
        self.run(&["predict", &run, "test:0"])?.says("test:0")?;
        self.run(&["report", &run])?
            .says(&format!(r"{run}\report.html"))
    }

    /// Errors name files in one kind of slashes, whichever was given.
    fn tells_of_errors(&self) -> Result<()> {
        let missing = self.path("none").replace('\\', "/");
        for arguments in [
            &["predict", &missing, "test:0"][..],
            &["train", "--resume", &missing],
            &["report", &missing],
            &["evaluate", &missing],
            &["export", &missing, "--to", "onnx"],
            &["book", "--iterations", "1", "--data", &missing],
        ] {
            let said = self.ends(false, arguments)?;
            said.says(&self.path("none"))?;
        }
        Ok(())
    }

    /// On a console of another code page, letters come out as they are. `script` makes a terminal, of which Wine makes
    /// a console.
    fn writes_to_a_console(&self) -> Result<()> {
        let program = windows_path(self.program);
        let lines = format!("@chcp 437\r\n@\"{program}\" predict \"%~1\" \"%~2\"\r\n");
        fs::write(self.folder.join("console.bat"), lines)?;
        // Short names: a console breaks lines at its edge.
        let line = "wine cmd /c console.bat 'stacked ü' 'Ziffer ä 0.png'";
        let output = self
            .command("script")
            .args(["-qec", line, "/dev/null"])
            .output()
            .context("script does not start")?;
        let said = Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::new(),
        };
        ensure!(output.status.success(), "{}", said.stdout);
        said.says("437")?;
        said.says("Ziffer ä 0.png: ")
    }
}

/// What Wine calls a file of this machine.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// Words with a slash that are of no path of the line: a unit, and the examples of messages, as the help writes them.
const EXAMPLES: [&str; 3] = ["images/s", "RUN/model.safetensors", "such as runs/stacked"];

/// Whether a line has a path with both kinds of slashes; that of `3/10` is of no path.
fn mixes_slashes(line: &str) -> bool {
    let without = |line: String, example: &&str| line.replace(*example, "");
    let line = EXAMPLES.iter().fold(line.to_owned(), without);
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let of_path = |at: usize| bytes[at] == b'/' && !(at > 0 && digit(at - 1) && digit(at + 1));
    line.contains('\\') && (0..bytes.len()).any(of_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_two_kinds_in_one_line_are_found() {
        for mixed in [
            r"C:\runs\a b/model.safetensors",
            r"error: C:/runs\none: found no folder",
        ] {
            assert!(mixes_slashes(mixed), "{mixed}");
        }
        for pure in [
            r"C:\runs\a b\model.safetensors",
            "C:/runs/a b/model.safetensors",
            r"epoch 1/2 300 images/s in C:\runs",
            "",
        ] {
            assert!(!mixes_slashes(pure), "{pure}");
        }
    }

    #[test]
    fn a_digest_that_is_not_pinned_or_not_there_fails() {
        let said = |stderr: String| Said {
            stdout: String::new(),
            stderr,
        };
        let digest = |digest: &str| said(format!("done\nSHA-256 of the parameters: {digest}\n"));
        let book = "b5049f85abc2d71eac2bac787514611e87b187764359ef30b71446af3058797b";
        digest(book).has_the_digest_of("book-3-iterations").unwrap();
        let other = digest(book).has_the_digest_of("quick-20-steps");
        assert!(other.unwrap_err().to_string().contains("pinned is 989766"));
        assert!(
            said(String::new())
                .has_the_digest_of("quick-20-steps")
                .is_err()
        );
    }
}
