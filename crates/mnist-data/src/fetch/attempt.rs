//! One attempt at one mirror: from which byte, and whether what comes is the file.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::Event;
use super::http::{self, Head, Message, Request};
use super::part::{Origin, Part};
use super::transfer::{Address, Failure, POLL, Transfer};
use crate::ErrorKind;
use crate::local::digest;

/// An attempt that brought so much more than there ever was: the same mirror goes on at once.
const PROGRESS: u64 = 64 * 1024;

impl Transfer<'_> {
    pub(super) fn attempt(&mut self, address: &Address, target: &Path) -> Result<(), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Failure::Stop(ErrorKind::Cancelled.into()));
        }
        let mut part = Part::open(target)?;
        // What a killed run left is no headway of this one.
        self.reached = self.reached.max(part.bytes());
        let result = self
            .fill(&mut part, address)
            .and_then(|()| self.check(&mut part));
        if result.is_err() {
            self.headway = part.bytes() >= self.reached + PROGRESS;
            self.reached = self.reached.max(part.bytes());
            part.tidy();
            return result;
        }
        part.install(target)?;
        Ok(())
    }

    /// Brings the part to its end, as far as the server tells where that is.
    fn fill(&mut self, part: &mut Part, address: &Address) -> Result<(), Failure> {
        if part.is_complete() {
            return Ok(());
        }
        let url = &*address.shown;
        let origin = part.origin().cloned();
        let same = origin.as_ref().filter(|origin| origin.url == url);
        // Another mirror goes on with a file of the same length; the digest decides in the end.
        let from = match &origin {
            Some(origin) if same.is_some() || origin.total.is_some() => part.bytes(),
            _ => 0,
        };
        let answers = http::send(Request {
            url: address.url.clone(),
            from,
            if_range: same.and_then(|origin| origin.validator.clone()),
            connect: self.policy.connect_timeout,
            read: self.policy.stall_timeout,
        });
        let mut received = 0;
        let mut window = (Instant::now(), 0);
        loop {
            match self.next(&answers, &mut window, received)? {
                Message::Head(head) => {
                    self.begin(part, url, from, origin.as_ref(), *head)?;
                    self.tell(part, url);
                }
                Message::Chunk(bytes) => {
                    received += bytes.len() as u64;
                    self.take(part, &bytes)?;
                    self.tell(part, url);
                }
                Message::Failed { cause, permanent } => {
                    let cause = match received {
                        0 => cause,
                        _ => format!("after {received} bytes: {cause}"),
                    };
                    return Err(match permanent {
                        true => Failure::Permanent(cause),
                        false => transient(cause),
                    });
                }
                Message::End => break,
            }
        }
        match part.total() {
            Some(total) if total != part.bytes() => {
                let cause = format!("expected {total} bytes, received {}", part.bytes());
                Err(transient(cause))
            }
            _ => Ok(()),
        }
    }

    /// Judges the server's answer, and prepares the part for what follows.
    fn begin(
        &self,
        part: &mut Part,
        url: &str,
        from: u64,
        before: Option<&Origin>,
        head: Head,
    ) -> Result<(), Failure> {
        let status = head.status;
        let says = || format!("the server answered {status}");
        match status {
            StatusCode::OK => {
                let most = self.file.most_bytes();
                if let Some(length) = head.length.filter(|&length| length > most) {
                    return Err(Failure::Permanent(format!(
                        "expected at most {most} bytes, the server promises {length}"
                    )));
                }
                refuse_page(head.content_type.as_deref())?;
                part.restart(Origin {
                    url: url.to_owned(),
                    validator: head.validator,
                    total: head.length,
                })?;
                Ok(())
            }
            StatusCode::PARTIAL_CONTENT if from > 0 => {
                refuse_page(head.content_type.as_deref())?;
                let same_file = before.is_some_and(|before| {
                    let range = head.content_range;
                    let other_mark = before.url == url
                        && before.validator.is_some()
                        && head.validator.is_some()
                        && before.validator != head.validator;
                    range.is_some_and(|range| range.start == from && range.total == before.total)
                        && !other_mark
                });
                if same_file {
                    return Ok(());
                }
                part.discard()?;
                Err(Failure::Again(format!(
                    "the server did not go on at byte {from}"
                )))
            }
            StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => {
                part.discard()?;
                Err(Failure::Again(format!(
                    "the server cannot go on at byte {from}"
                )))
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(self.busy(&head, says()))
            }
            _ if status.is_server_error() => Err(self.busy(&head, says())),
            _ => Err(Failure::Permanent(says())),
        }
    }

    fn busy(&self, head: &Head, cause: String) -> Failure {
        let pause = head.retry_after.unwrap_or_default();
        if pause > self.policy.max_pause {
            return Failure::Permanent(format!("{cause} and asks to wait {} s", pause.as_secs()));
        }
        Failure::Transient { cause, pause }
    }

    /// Writes bytes to the part, unless they cannot be the file's.
    fn take(&self, part: &mut Part, bytes: &[u8]) -> Result<(), Failure> {
        let before = part.bytes();
        let most = self.file.most_bytes();
        if before + bytes.len() as u64 > most {
            part.discard()?;
            return Err(Failure::Permanent(format!(
                "expected at most {most} bytes, received more"
            )));
        }
        part.append(bytes)?;
        let start = if before < 2 {
            part.start::<2>()?
        } else {
            Vec::new()
        };
        let magic: &[u8] = if self.file.name.ends_with(".zip") {
            b"PK"
        } else {
            &[0x1f, 0x8b]
        };
        if start.len() == 2 && start != magic {
            part.discard()?;
            return Err(Failure::Permanent(format!(
                "expected a file that starts with {magic:02x?}, received {start:02x?}{}",
                if start[0] == b'<' {
                    ", which is a web page"
                } else {
                    ""
                }
            )));
        }
        Ok(())
    }

    /// Looks at the digest. Bytes that are wrong are dropped; if they came from several requests,
    /// the file may have changed in between, and the mirror gets another chance.
    fn check(&self, part: &mut Part) -> Result<(), Failure> {
        part.sync()?;
        let Err(error) = digest::file(part.path(), self.file) else {
            return Ok(());
        };
        let cause = error.kind().to_string();
        let length_known = part.total().is_some();
        let mixed = part.is_mixed();
        part.discard()?;
        Err(match error.kind() {
            ErrorKind::Io(_) => Failure::Stop(error),
            _ if mixed => Failure::Again(cause),
            // Without a length, a cut looks like the end.
            _ if !length_known => transient(cause),
            _ => Failure::Permanent(cause),
        })
    }

    /// The next message, unless the fetch is cancelled or the transfer is too slow.
    fn next(
        &self,
        answers: &Receiver<Message>,
        window: &mut (Instant, u64),
        received: u64,
    ) -> Result<Message, Failure> {
        loop {
            if self.cancel.is_cancelled() {
                return Err(Failure::Stop(ErrorKind::Cancelled.into()));
            }
            let (start, before) = *window;
            let seconds = start.elapsed().as_secs_f64();
            if start.elapsed() >= self.policy.stall_timeout {
                let arrived = received - before;
                if (arrived as f64) < self.policy.min_bytes_per_second as f64 * seconds {
                    return Err(transient(format!(
                        "stalled: {arrived} bytes in {seconds:.1} s"
                    )));
                }
                *window = (Instant::now(), received);
            }
            match answers.recv_timeout(POLL) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(transient("the transfer broke off".to_owned()));
                }
            }
        }
    }

    fn tell(&mut self, part: &Part, url: &str) {
        let (bytes, total) = (part.bytes(), part.total());
        (self.observer)(&Event::Progress {
            file: self.file.name,
            url,
            bytes,
            total,
        });
    }
}

fn transient(cause: String) -> Failure {
    Failure::Transient {
        cause,
        pause: Duration::ZERO,
    }
}

/// No file of a data set is a web page, whatever the status says.
fn refuse_page(content_type: Option<&str>) -> Result<(), Failure> {
    match content_type {
        Some(kind)
            if kind
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html") =>
        {
            Err(Failure::Permanent(format!(
                "expected a file, the server sends a web page ({kind})"
            )))
        }
        _ => Ok(()),
    }
}
