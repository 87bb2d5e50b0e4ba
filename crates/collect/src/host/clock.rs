//! Is this machine's clock right? Asks chronyd by its own monitoring protocol, else believes the kernel, which knows what
//! ntpd, systemd-timesyncd or any other program makes of its clock.
//!
//! The kernel's answer (`adjtimex(2)`) is handed in by the caller: no safe binding for reading it exists and this crate
//! holds no unsafe code. Where the kernel may not be asked, systemd-timesyncd's mark remains. The question to chronyd goes
//! out in one cycle and the answer is picked up in the next, so nothing here ever waits.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};

use crate::metrics::Metric;
use crate::sampler::{Sampler, rounded};

/// chronyd's command port on the loopback device; answers monitoring questions to anybody on the machine.
const CHRONY_PORT: u16 = 323;
/// Version 6 of the protocol, in use since chrony 2.2 (2015); see `candm.h` of chrony.
const CHRONY_PROTOCOL: u8 = 6;
const REQ_TRACKING: u16 = 33;
const RPY_TRACKING: u16 = 5;
/// Size of the answer. Questions must be as long, so that chronyd cannot amplify an attack.
const TRACKING_BYTES: usize = 104;
/// Cycles between two questions, and how long an answer counts.
const CYCLES_PER_QUESTION: u32 = 3;
const ANSWER_CYCLES_MAX: u32 = 10;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tracking {
    /// This clock minus true time, in seconds.
    pub offset: f64,
    pub synchronised: bool,
}

/// The kernel corrects the clock itself, by the offset it was told (`STA_PLL`).
const STATUS_PLL: i32 = 0x0001;
/// The offset is in nanoseconds (`STA_NANO`).
const STATUS_NANO: i32 = 0x2000;
/// Where the kernel stops to count the error and calls the clock unsynchronised (`NTP_PHASE_LIMIT`).
const ERROR_LIMIT_US: i64 = 16_000_000;

/// What the kernel says of its clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelClock {
    offset: Option<f64>,
    error_max: f64,
    error_estimated: f64,
    synchronised: bool,
}

impl KernelClock {
    /// From the fields `status`, `offset`, `maxerror` and `esterror` of adjtimex(2), as they come.
    ///
    /// Whether the clock is in step shows by the greatest error, not by the bit `STA_UNSYNC`: chronyd leaves that one set
    /// unless it is told to care for the hardware's clock.
    pub fn new(status: i32, offset: i64, error_max_us: i64, error_estimated_us: i64) -> Self {
        let synchronised = (0..ERROR_LIMIT_US).contains(&error_max_us);
        let per_second = if status & STATUS_NANO != 0 { 1e9 } else { 1e6 };
        let seconds = |us: i64| us.clamp(0, ERROR_LIMIT_US) as f64 / 1e6;
        // What is still to be added to a clock that is slow. Zero, so that no minus stands before it, when there is nothing.
        let offset = (synchronised && status & STATUS_PLL != 0).then(|| 0.0 - offset as f64 / per_second);
        Self {
            offset,
            error_max: seconds(error_max_us),
            error_estimated: seconds(error_estimated_us),
            synchronised,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Clock {
    timesync: PathBuf,
    chrony: bool,
    socket: Option<UdpSocket>,
    cycle: u32,
    sequence: u32,
    answer: Option<(u32, Tracking)>,
    /// For the next cycle only: an old answer must not pass for a new one.
    kernel: Option<KernelClock>,
}

impl Clock {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            timesync: root.join("run/systemd/timesync"),
            chrony: root == Path::new("/"),
            socket: None,
            cycle: 0,
            sequence: 0,
            answer: None,
            kernel: None,
        }
    }

    pub(crate) fn set_kernel(&mut self, told: KernelClock) {
        self.kernel = Some(told);
    }

    pub(crate) fn sample(&mut self, out: &mut Sampler) {
        if self.chrony {
            self.ask();
        }
        self.cycle = self.cycle.wrapping_add(1);
        let kernel = self.kernel.take();
        if let Some(kernel) = kernel {
            out.put(Metric::ClockErrorMax, kernel.error_max);
            out.put(Metric::ClockErrorEstimated, kernel.error_estimated);
        }
        let fresh = self.answer.filter(|(at, _)| self.cycle.wrapping_sub(*at) <= ANSWER_CYCLES_MAX);
        if let Some((_, tracking)) = fresh {
            out.put(Metric::ClockOffset, rounded(tracking.offset, 6));
            out.put(Metric::ClockSynchronised, f64::from(u8::from(tracking.synchronised)));
        } else if let Some(kernel) = kernel {
            if let Some(offset) = kernel.offset {
                out.put(Metric::ClockOffset, rounded(offset, 6));
            }
            out.put(Metric::ClockSynchronised, f64::from(u8::from(kernel.synchronised)));
        } else if self.timesync.is_dir() {
            let synchronised = self.timesync.join("synchronized").exists();
            out.put(Metric::ClockSynchronised, f64::from(u8::from(synchronised)));
        }
    }

    fn ask(&mut self) {
        if let Some(socket) = &self.socket {
            let mut reply = [0u8; 512];
            // Bounded: whoever floods this port does not keep us here.
            for _ in 0..8 {
                let Ok(len) = socket.recv(&mut reply) else { break };
                if let Some(tracking) = tracking_reply(&reply[..len], self.sequence) {
                    self.answer = Some((self.cycle, tracking));
                }
            }
        }
        if self.cycle.is_multiple_of(CYCLES_PER_QUESTION) {
            if self.socket.is_none() {
                self.socket = connect().ok();
            }
            self.sequence = self.sequence.wrapping_add(1);
            let sent = self.socket.as_ref().map(|s| s.send(&tracking_request(self.sequence)));
            if !matches!(sent, Some(Ok(_))) {
                // Refused: no chronyd now. A new socket forgets the refusal.
                self.socket = None;
            }
        }
    }
}

fn connect() -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, CHRONY_PORT))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn tracking_request(sequence: u32) -> [u8; TRACKING_BYTES] {
    let mut packet = [0u8; TRACKING_BYTES];
    packet[0] = CHRONY_PROTOCOL;
    packet[1] = 1;
    packet[4..6].copy_from_slice(&REQ_TRACKING.to_be_bytes());
    packet[8..12].copy_from_slice(&sequence.to_be_bytes());
    packet
}

/// Reads an answer to question `sequence`.
fn tracking_reply(packet: &[u8], sequence: u32) -> Option<Tracking> {
    let u16_at = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?));
    if packet.len() < TRACKING_BYTES
        || packet[0] != CHRONY_PROTOCOL
        || packet[1] != 2
        || u16_at(4)? != REQ_TRACKING
        || u16_at(6)? != RPY_TRACKING
        || u16_at(8)? != 0
        || u32_at(16)? != sequence
    {
        return None;
    }
    // After the header of 28 bytes: reference id 4, address 20, stratum 2, leap 2, reference time 12, correction 4.
    let leap = u16_at(28 + 26)?;
    let correction = chrony_float(u32_at(28 + 40)?);
    // A positive correction means that this clock is slow.
    Some(Tracking { offset: 0.0 - correction, synchronised: leap != 3 })
}

/// chrony's own floating point: 7 bits of exponent, 25 of coefficient, both signed.
fn chrony_float(raw: u32) -> f64 {
    let exponent = (raw as i32 >> 25) - 25;
    let coefficient = (raw << 7) as i32 >> 7;
    f64::from(coefficient) * 2f64.powi(exponent)
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = tracking_reply(bytes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(sequence: u32, leap: u16, correction: u32) -> Vec<u8> {
        let mut packet = vec![0u8; TRACKING_BYTES];
        packet[0] = 6;
        packet[1] = 2;
        packet[4..6].copy_from_slice(&33u16.to_be_bytes());
        packet[6..8].copy_from_slice(&5u16.to_be_bytes());
        packet[16..20].copy_from_slice(&sequence.to_be_bytes());
        packet[54..56].copy_from_slice(&leap.to_be_bytes());
        packet[68..72].copy_from_slice(&correction.to_be_bytes());
        packet
    }

    #[test]
    fn an_answer_says_how_far_off_the_clock_is() {
        // 1.0 = 2^24 * 2^(1-25): coefficient 2^23 with exponent 2 keeps the sign bit clear.
        let one = 2 << 25 | 1 << 23;
        let got = tracking_reply(&reply(7, 0, one), 7).unwrap();
        assert_eq!(got, Tracking { offset: -1.0, synchronised: true });
        assert!(!tracking_reply(&reply(7, 3, 0), 7).unwrap().synchronised);
        assert_eq!(tracking_reply(&reply(7, 0, one), 8), None, "an answer to another question");
        assert_eq!(chrony_float((-3i32 << 25) as u32 | (0x1ff_ffff & -8i32 as u32)), -8.0 * 2f64.powi(-28));
    }

    #[test]
    fn the_kernel_is_believed_whoever_corrects_its_clock() {
        // systemd-timesyncd: the kernel corrects 1.5 ms, in nanoseconds. A positive offset means that the clock is slow.
        let told = KernelClock::new(STATUS_PLL | STATUS_NANO, 1_500_000, 250_000, 0);
        assert_eq!((told.offset, told.error_max, told.synchronised), (Some(-0.0015), 0.25, true));
        // ntpd on an old kernel, in microseconds.
        assert_eq!(KernelClock::new(STATUS_PLL, -1_500, 9_000, 400).offset, Some(0.0015));
        // chronyd without rtcsync: marked unsynchronised (0x40), and yet in step; it keeps the offset to itself.
        let told = KernelClock::new(0x40, 0, 9_000, 400);
        assert_eq!((told.offset, told.synchronised, told.error_estimated), (None, true, 0.0004));
        // Nobody.
        let told = KernelClock::new(0x40 | STATUS_PLL, 5, 16_000_000, 16_000_000);
        assert_eq!((told.offset, told.error_max, told.synchronised), (None, 16.0, false));
    }

    proptest! {
        #[test]
        fn no_figure_breaks_it(status: i32, offset: i64, most: i64, about: i64) {
            let told = KernelClock::new(status, offset, most, about);
            prop_assert!(told.offset.is_none_or(f64::is_finite));
            prop_assert!((0.0..=16.0).contains(&told.error_max) && (0.0..=16.0).contains(&told.error_estimated));
        }

        #[test]
        fn no_packet_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(tracking_reply(&bytes, 0).is_none_or(|t| t.offset.is_finite()));
        }
    }
}
