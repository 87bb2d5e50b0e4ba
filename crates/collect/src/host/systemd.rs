//! The state of systemd's units, asked over the system bus by a D-Bus client of one method call.
//!
//! Only `org.freedesktop.systemd1.Manager.ListUnits` is ever called, as any user may. The answer is read as a stream:
//! names pass by, counts remain. Once a minute, because systemd has to walk all its units for it.

use std::io::{BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::sampler::{Sampler, SeriesRef};
use crate::text;

const CYCLES_PER_QUESTION: u32 = 6;
/// One wait for bytes, and the whole exchange. The bus is local: more means that it hangs.
const READ_TIMEOUT: Duration = Duration::from_millis(200);
const EXCHANGE_TIMEOUT: Duration = Duration::from_millis(600);
/// Longest answer taken: 20 000 units.
const REPLY_BYTES_MAX: u32 = 8 << 20;
/// Messages that may come before the answer (the reply to `Hello`, `NameAcquired`).
const MESSAGES_MAX: usize = 16;
/// Failed units named.
const FAILED_NAMES_MAX: usize = 32;

const STATES: [&str; 7] =
    ["active", "reloading", "inactive", "failed", "activating", "deactivating", "other"];
const FAILED: usize = 3;

#[derive(Debug)]
pub(crate) struct Systemd {
    booted: PathBuf,
    socket: PathBuf,
    cycle: u32,
    series: Option<[SeriesRef; 7]>,
    failed: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Units {
    counts: [u64; 7],
    failed: Vec<String>,
}

impl Systemd {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            booted: root.join("run/systemd/system"),
            socket: root.join("run/dbus/system_bus_socket"),
            cycle: 0,
            series: None,
            failed: Vec::new(),
        }
    }

    pub(crate) fn failed(&self) -> &[String] {
        &self.failed
    }

    pub(crate) fn sample(&mut self, out: &mut Sampler, notes: &mut Notes) {
        let due = self.cycle.is_multiple_of(CYCLES_PER_QUESTION);
        self.cycle = self.cycle.wrapping_add(1);
        // The same test as sd_booted(3).
        if !due || !self.booted.is_dir() {
            return;
        }
        let Some(units) = ask(&self.socket) else {
            notes.add("systemd", Problem::Unreadable);
            return;
        };
        out.put(Metric::SystemdUnitsFailed, units.counts[FAILED] as f64);
        let series = *self.series.get_or_insert_with(|| {
            STATES.map(|state| out.series(Metric::SystemdUnitsState, &[state.as_bytes()]))
        });
        for (series, count) in series.iter().zip(units.counts) {
            out.push(*series, count as f64);
        }
        self.failed = units.failed;
    }
}

fn ask(socket: &Path) -> Option<Units> {
    let mut stream = connect(socket)?;
    stream.set_read_timeout(Some(READ_TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(READ_TIMEOUT)).ok()?;
    let uid = rustix::process::geteuid().as_raw().to_string();
    let hex: String = uid.bytes().map(|b| format!("{b:02x}")).collect();
    let mut question = format!("\0AUTH EXTERNAL {hex}\r\nBEGIN\r\n").into_bytes();
    question.extend(call(
        1,
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        "org.freedesktop.DBus",
        "Hello",
    ));
    question.extend(call(
        2,
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1",
        "org.freedesktop.systemd1.Manager",
        "ListUnits",
    ));
    stream.write_all(&question).ok()?;
    let mut input = Input {
        inner: BufReader::with_capacity(16 << 10, stream),
        at: 0,
        until: Instant::now() + EXCHANGE_TIMEOUT,
    };
    if !input.line()?.starts_with(b"OK ") {
        return None;
    }
    for _ in 0..MESSAGES_MAX {
        if let Some(units) = input.message(2)? {
            return Some(units);
        }
    }
    None
}

/// Connects without ever waiting: a bus that no longer accepts has a full queue, and a plain `connect` would wait there.
fn connect(socket: &Path) -> Option<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    rustix::net::connect(&fd, &SocketAddrUnix::new(socket).ok()?).ok()?;
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false).ok()?;
    Some(stream)
}

/// A method call without arguments.
fn call(serial: u32, path: &str, destination: &str, interface: &str, member: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    for (code, kind, value) in
        [(1u8, b'o', path), (2, b's', interface), (3, b's', member), (6, b's', destination)]
    {
        // The array begins at byte 16, a multiple of eight, so its own length tells the alignment.
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, kind, 0]);
        fields.extend((value.len() as u32).to_le_bytes());
        fields.extend(value.as_bytes());
        fields.push(0);
    }
    let mut message = vec![b'l', 1, 0, 1];
    message.extend(0u32.to_le_bytes());
    message.extend(serial.to_le_bytes());
    message.extend((fields.len() as u32).to_le_bytes());
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message
}

/// Reads little-endian D-Bus messages. `at` counts from the start of the message, for alignment.
struct Input<R> {
    inner: R,
    at: u32,
    until: Instant,
}

impl<R: Read> Input<R> {
    fn take(&mut self, into: &mut [u8]) -> Option<()> {
        if Instant::now() > self.until {
            return None;
        }
        self.inner.read_exact(into).ok()?;
        self.at = self.at.checked_add(u32::try_from(into.len()).ok()?)?;
        Some(())
    }

    fn skip(&mut self, mut bytes: u32) -> Option<()> {
        let mut sink = [0u8; 256];
        while bytes > 0 {
            let step = bytes.min(256);
            self.take(&mut sink[..step as usize])?;
            bytes -= step;
        }
        Some(())
    }

    fn align(&mut self, to: u32) -> Option<()> {
        self.skip(self.at.next_multiple_of(to) - self.at)
    }

    fn byte(&mut self) -> Option<u8> {
        let mut b = [0];
        self.take(&mut b)?;
        Some(b[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let mut b = [0; 4];
        self.take(&mut b)?;
        Some(u32::from_le_bytes(b))
    }

    /// A string, of which the first bytes that fit are kept.
    fn string<'b>(&mut self, keep: &'b mut [u8]) -> Option<&'b [u8]> {
        let len = self.u32()?;
        if len > REPLY_BYTES_MAX {
            return None;
        }
        let kept = (len as usize).min(keep.len());
        self.take(&mut keep[..kept])?;
        self.skip(len - kept as u32 + 1)?;
        Some(&keep[..kept])
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() > 200 {
                return None;
            }
            line.push(self.byte()?);
        }
        Some(line)
    }

    /// One message: the units if it is the answer to `serial`, otherwise read past. The outer `None` is a failure.
    fn message(&mut self, serial: u32) -> Option<Option<Units>> {
        self.at = 0;
        let (order, kind) = (self.byte()?, self.byte()?);
        self.skip(2)?;
        let (body, _, fields) = (self.u32()?, self.u32()?, self.u32()?);
        if order != b'l' || body > REPLY_BYTES_MAX || fields > 4096 {
            return None;
        }
        let end = self.at.checked_add(fields)?;
        let mut reply_to = None;
        while self.at < end {
            self.align(8)?;
            let code = self.byte()?;
            let mut signature = [0u8; 3];
            self.take(&mut signature)?;
            match (signature, code) {
                ([1, b'u', 0], 5) => reply_to = Some(self.u32()?),
                ([1, b'u', 0], _) => _ = self.u32()?,
                ([1, b's' | b'o', 0], _) => _ = self.string(&mut [])?,
                ([1, b'g', 0], _) => {
                    let len = self.byte()?;
                    self.skip(u32::from(len) + 1)?;
                }
                _ => return None,
            }
        }
        self.align(8)?;
        if reply_to != Some(serial) {
            self.skip(body)?;
            return Some(None);
        }
        // 2 is a method's return, 3 an error.
        if kind != 2 { None } else { self.units(body).map(Some) }
    }

    /// The body of the answer: `a(ssssssouso)`.
    fn units(&mut self, body: u32) -> Option<Units> {
        let mut units = Units::default();
        let len = self.u32()?;
        if len > body {
            return None;
        }
        self.align(8)?;
        let end = self.at.checked_add(len)?;
        let (mut name, mut state) = ([0u8; 256], [0u8; 16]);
        while self.at < end {
            self.align(8)?;
            let name = self.string(&mut name)?;
            self.string(&mut [])?;
            self.string(&mut [])?;
            let state = self.string(&mut state)?;
            for _ in 0..3 {
                self.string(&mut [])?;
            }
            self.u32()?;
            self.string(&mut [])?;
            self.string(&mut [])?;
            let at = STATES.iter().position(|s| s.as_bytes() == state).unwrap_or(STATES.len() - 1);
            units.counts[at] += 1;
            if at == FAILED && units.failed.len() < FAILED_NAMES_MAX {
                units.failed.push(text::field(name));
            }
        }
        Some(units)
    }
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut input = Input { inner: bytes, at: 0, until: Instant::now() + EXCHANGE_TIMEOUT };
    let _ = (input.line(), input.message(2));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::net::UnixListener;

    fn string(out: &mut Vec<u8>, text: &str) {
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
        out.push(0);
    }

    /// A method return to `serial` with units of the given names and states.
    fn reply(serial: u32, units: &[(&str, &str)]) -> Vec<u8> {
        let mut list = Vec::new();
        for (name, state) in units {
            list.resize(list.len().next_multiple_of(8), 0);
            for text in
                [name, "a description", "loaded", state, "sub", "", "/org/freedesktop/systemd1/unit/x"]
            {
                string(&mut list, text);
            }
            list.resize(list.len().next_multiple_of(4), 0);
            list.extend(0u32.to_le_bytes());
            string(&mut list, "");
            string(&mut list, "/");
        }
        let mut fields = vec![5, 1, b'u', 0];
        fields.extend(serial.to_le_bytes());
        fields.extend([8, 1, b'g', 0, 13]);
        fields.extend(b"a(ssssssouso)\0");
        let mut message = vec![b'l', 2, 1, 1];
        message.extend((list.len() as u32 + 8).to_le_bytes());
        message.extend(9u32.to_le_bytes());
        message.extend((fields.len() as u32).to_le_bytes());
        message.extend(fields);
        message.resize(message.len().next_multiple_of(8), 0);
        message.extend((list.len() as u32).to_le_bytes());
        message.extend([0; 4]);
        message.extend(list);
        message
    }

    #[test]
    fn units_are_counted_by_state_and_failed_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        std::fs::create_dir_all(dir.path().join("run/dbus")).unwrap();
        let listener = UnixListener::bind(dir.path().join("run/dbus/system_bus_socket")).unwrap();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut question = vec![0; 1024];
            let len = peer.read(&mut question).unwrap();
            let hello = reply(1, &[]);
            let units = [("a.service", "active"), ("b.service", "failed"), ("c.mount", "strange")];
            peer.write_all(b"OK 1234deadbeef\r\n").unwrap();
            peer.write_all(&[hello, reply(2, &units)].concat()).unwrap();
            question.truncate(len);
            question
        });
        let (mut out, mut notes) = (Sampler::new(), Notes::default());
        let mut systemd = Systemd::new(dir.path());
        systemd.sample(&mut out, &mut notes);
        let question = server.join().unwrap();
        assert!(question.starts_with(b"\0AUTH EXTERNAL "));
        assert_eq!(notes.take(), []);
        assert_eq!(out.take_block(0).values, [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(systemd.failed(), ["b.service"]);
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..400, flip in 0usize..400) {
            let mut good = reply(2, &[("a.service", "active"), ("b.service", "failed")]);
            if let Some(b) = good.get_mut(flip) { *b ^= 0x41; }
            good.truncate(cut);
            for text in [&mut bytes, &mut good] {
                let mut input = Input { inner: text.as_slice(), at: 0, until: Instant::now() + Duration::from_secs(5) };
                let _ = input.message(2);
            }
        }
    }
}
