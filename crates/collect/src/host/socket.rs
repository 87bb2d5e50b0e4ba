//! Sockets and protocols: `/proc/net/{sockstat,snmp,netstat,tcp,tcp6}`, and the system's file table.

use std::path::Path;
use std::time::Duration;

use super::diag;
use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{decimal, fields, hex, lines, number};
use crate::sampler::{Sampler, SeriesRef};
use crate::source::Source;

/// Names by the kernel's number, from 1; see `include/net/tcp_states.h`.
pub(crate) const TCP_STATES: [&str; 12] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "new_syn_recv",
];

/// Above this many sockets, or when one count takes more processor time than this, sockets are counted once a minute.
const SOCKETS_EACH_CYCLE: u64 = 2_000;
const COUNT_TIME_MAX: Duration = Duration::from_millis(3);
const CYCLES_PER_SLOW_READ: u32 = 6;

type Wanted = (&'static [u8], &'static [u8], Metric);

const SNMP: &[Wanted] =
    &[(b"Tcp", b"RetransSegs", Metric::TcpRetransmits), (b"Udp", b"InErrors", Metric::UdpErrors)];
const SNMP_EXTENDED: &[Wanted] = &[
    (b"Ip", b"InReceives", Metric::IpReceived),
    (b"Ip", b"OutRequests", Metric::IpSent),
    (b"Ip", b"ForwDatagrams", Metric::IpForwarded),
    (b"Ip", b"InDiscards", Metric::IpInDiscards),
    (b"Ip", b"OutDiscards", Metric::IpOutDiscards),
    (b"Ip", b"OutNoRoutes", Metric::IpOutNoRoutes),
    (b"Ip", b"ReasmFails", Metric::IpReassemblyFails),
    (b"Icmp", b"InMsgs", Metric::IcmpReceived),
    (b"Icmp", b"OutMsgs", Metric::IcmpSent),
    (b"Icmp", b"InErrors", Metric::IcmpErrors),
    (b"Tcp", b"ActiveOpens", Metric::TcpOpensActive),
    (b"Tcp", b"PassiveOpens", Metric::TcpOpensPassive),
    (b"Tcp", b"AttemptFails", Metric::TcpAttemptFails),
    (b"Tcp", b"EstabResets", Metric::TcpEstablishedResets),
    (b"Tcp", b"CurrEstab", Metric::TcpConnections),
    (b"Tcp", b"InSegs", Metric::TcpSegmentsIn),
    (b"Tcp", b"OutSegs", Metric::TcpSegmentsOut),
    (b"Tcp", b"InErrs", Metric::TcpErrorsIn),
    (b"Tcp", b"OutRsts", Metric::TcpResetsOut),
    (b"Udp", b"InDatagrams", Metric::UdpReceived),
    (b"Udp", b"OutDatagrams", Metric::UdpSent),
    (b"Udp", b"NoPorts", Metric::UdpNoPorts),
    (b"Udp", b"RcvbufErrors", Metric::UdpBufferErrorsIn),
    (b"Udp", b"SndbufErrors", Metric::UdpBufferErrorsOut),
];
const NETSTAT: &[Wanted] = &[(b"TcpExt", b"ListenOverflows", Metric::TcpListenOverflows)];
const NETSTAT_EXTENDED: &[Wanted] = &[
    (b"TcpExt", b"ListenDrops", Metric::TcpListenDrops),
    (b"TcpExt", b"TCPTimeouts", Metric::TcpTimeouts),
    (b"TcpExt", b"SyncookiesSent", Metric::TcpSyncookiesSent),
    (b"TcpExt", b"TCPAbortOnMemory", Metric::TcpAbortOnMemory),
    (b"TcpExt", b"TCPBacklogDrop", Metric::TcpBacklogDrop),
    (b"TcpExt", b"SyncookiesRecv", Metric::TcpSyncookiesReceived),
    (b"TcpExt", b"SyncookiesFailed", Metric::TcpSyncookiesFailed),
    (b"TcpExt", b"TW", Metric::TcpTimeWaits),
    (b"TcpExt", b"TCPLossProbes", Metric::TcpLossProbes),
    (b"TcpExt", b"TCPFastRetrans", Metric::TcpRetransmitsFast),
    (b"TcpExt", b"TCPSlowStartRetrans", Metric::TcpRetransmitsSlowStart),
    (b"TcpExt", b"TCPLostRetransmit", Metric::TcpRetransmitsLost),
    (b"TcpExt", b"TCPSynRetrans", Metric::TcpRetransmitsSyn),
    (b"TcpExt", b"TCPOFOQueue", Metric::TcpOutOfOrder),
    (b"TcpExt", b"TCPRcvQDrop", Metric::TcpReceiveQueueDrops),
    (b"TcpExt", b"TCPReqQFullDrop", Metric::TcpRequestQueueDrops),
    (b"TcpExt", b"TCPAbortOnData", Metric::TcpAbortOnData),
    (b"TcpExt", b"TCPAbortOnTimeout", Metric::TcpAbortOnTimeout),
    (b"TcpExt", b"TCPAbortOnClose", Metric::TcpAbortOnClose),
    (b"TcpExt", b"PruneCalled", Metric::TcpPrunes),
    (b"IpExt", b"InOctets", Metric::IpBytesIn),
    (b"IpExt", b"OutOctets", Metric::IpBytesOut),
    (b"IpExt", b"InMcastPkts", Metric::IpMulticastIn),
    (b"IpExt", b"OutMcastPkts", Metric::IpMulticastOut),
    (b"IpExt", b"InBcastPkts", Metric::IpBroadcastIn),
    (b"IpExt", b"InCsumErrors", Metric::IpChecksumErrors),
];
/// Keys of `/proc/net/snmp6`.
const SNMP6: &[(&[u8], Metric)] = &[
    (b"Ip6InReceives", Metric::Ip6Received),
    (b"Ip6OutRequests", Metric::Ip6Sent),
    (b"Ip6InDiscards", Metric::Ip6InDiscards),
    (b"Ip6OutDiscards", Metric::Ip6OutDiscards),
    (b"Ip6OutNoRoutes", Metric::Ip6OutNoRoutes),
    (b"Ip6InOctets", Metric::Ip6BytesIn),
    (b"Ip6OutOctets", Metric::Ip6BytesOut),
    (b"Icmp6InMsgs", Metric::Icmp6Received),
    (b"Icmp6OutMsgs", Metric::Icmp6Sent),
    (b"Icmp6InErrors", Metric::Icmp6Errors),
    (b"Udp6InDatagrams", Metric::Udp6Received),
    (b"Udp6OutDatagrams", Metric::Udp6Sent),
    (b"Udp6NoPorts", Metric::Udp6NoPorts),
    (b"Udp6InErrors", Metric::Udp6Errors),
];

#[derive(Debug)]
pub(crate) struct Sockets {
    sockstat: Source,
    sockstat6: Source,
    snmp: Source,
    netstat: Source,
    snmp6: Source,
    softnet: Source,
    tcp: Source,
    tcp6: Source,
    file_nr: Source,
    entropy: Source,
    uptime: Source,
    extended: bool,
    states: Option<[SeriesRef; 12]>,
    cycle: u32,
    page_bytes: u64,
    live: bool,
    count_time: Duration,
    slow: bool,
}

impl Sockets {
    pub(crate) fn new(root: &Path, extended: bool) -> Self {
        Self {
            sockstat: Source::new(root, "proc/net/sockstat"),
            sockstat6: Source::new(root, "proc/net/sockstat6"),
            snmp: Source::new(root, "proc/net/snmp"),
            netstat: Source::new(root, "proc/net/netstat"),
            snmp6: Source::new(root, "proc/net/snmp6"),
            softnet: Source::new(root, "proc/net/softnet_stat"),
            tcp: Source::new(root, "proc/net/tcp"),
            tcp6: Source::new(root, "proc/net/tcp6"),
            file_nr: Source::new(root, "proc/sys/fs/file-nr"),
            entropy: Source::new(root, "proc/sys/kernel/random/entropy_avail"),
            uptime: Source::new(root, "proc/uptime"),
            extended,
            states: None,
            cycle: 0,
            page_bytes: rustix::param::page_size() as u64,
            live: root == Path::new("/"),
            count_time: Duration::ZERO,
            slow: false,
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        let mut tcp_sockets = 0u64;
        if let Some(text) = self.sockstat.read(buffer, notes) {
            for line in lines(text) {
                let of = |key| sockstat_value(line, key);
                if line.starts_with(b"sockets:") {
                    match of(b"used") {
                        Some(used) => out.put(Metric::SocketsUsed, used as f64),
                        None => notes.add("proc/net/sockstat", Problem::Malformed),
                    }
                } else if line.starts_with(b"TCP:") {
                    let waiting = of(b"tw").unwrap_or(0);
                    tcp_sockets = of(b"inuse").unwrap_or(0).saturating_add(waiting);
                    if self.extended {
                        for (key, metric, factor) in [
                            (&b"inuse"[..], Metric::TcpSockets, 1),
                            (b"orphan", Metric::TcpOrphans, 1),
                            (b"tw", Metric::TcpTimeWait, 1),
                            (b"mem", Metric::TcpMemory, self.page_bytes),
                        ] {
                            if let Some(value) = of(key) {
                                out.put(metric, value.saturating_mul(factor) as f64);
                            }
                        }
                    }
                } else if line.starts_with(b"UDP:") && self.extended {
                    for (key, metric, factor) in
                        [(&b"inuse"[..], Metric::UdpSockets, 1), (b"mem", Metric::UdpMemory, self.page_bytes)]
                    {
                        if let Some(value) = of(key) {
                            out.put(metric, value.saturating_mul(factor) as f64);
                        }
                    }
                }
            }
        }
        if let Some(text) = self.sockstat6.read(buffer, notes) {
            for line in lines(text).filter(|l| l.starts_with(b"TCP6:")) {
                tcp_sockets = tcp_sockets.saturating_add(sockstat_value(line, b"inuse").unwrap_or(0));
            }
        }
        let more = |list: &'static [Wanted]| if self.extended { list } else { &[] };
        if let Some(text) = self.snmp.read(buffer, notes) {
            columns(text, &[SNMP, more(SNMP_EXTENDED)], out);
        }
        if let Some(text) = self.netstat.read(buffer, notes) {
            columns(text, &[NETSTAT, more(NETSTAT_EXTENDED)], out);
        }
        if self.extended {
            self.protocols(buffer, out, notes);
        }
        let slow = self.slow || tcp_sockets > SOCKETS_EACH_CYCLE;
        if !slow || self.cycle.is_multiple_of(CYCLES_PER_SLOW_READ) {
            let begun = cpu_time();
            self.states(buffer, out, notes);
            // The walk over the kernel's table costs by the machine's memory, even without a connection.
            // Averaged, so that one slow walk does not make gaps.
            self.count_time = (self.count_time * 3 + cpu_time().saturating_sub(begun)) / 4;
            // And with a distance between the two limits, so that the interval does not go to and fro.
            let limit = if self.slow { COUNT_TIME_MAX / 2 } else { COUNT_TIME_MAX };
            self.slow = self.live && self.count_time > limit;
        }
        self.cycle = self.cycle.wrapping_add(1);

        if let Some(text) = self.file_nr.read(buffer, notes) {
            let mut words = fields(text.trim_ascii());
            let (open, max) = (words.next().and_then(number), words.nth(1).and_then(number));
            if let (Some(open), Some(max)) = (open, max) {
                out.put(Metric::FdOpen, open as f64);
                out.put(Metric::FdMax, max as f64);
            } else {
                notes.add("proc/sys/fs/file-nr", Problem::Malformed);
            }
        }
        if let Some(text) = self.entropy.read(buffer, notes) {
            match number(text.trim_ascii()) {
                Some(bits) => out.put(Metric::EntropyAvailable, bits as f64),
                None => notes.add("proc/sys/kernel/random/entropy_avail", Problem::Malformed),
            }
        }
        if let Some(text) = self.uptime.read(buffer, notes) {
            match fields(text).next().and_then(decimal) {
                Some(seconds) => out.put(Metric::Uptime, seconds),
                None => notes.add("proc/uptime", Problem::Malformed),
            }
        }
    }

    fn protocols(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        if let Some(text) = self.snmp6.read(buffer, notes) {
            for line in lines(text) {
                let mut words = fields(line);
                let (Some(key), Some(value)) = (words.next(), words.next().and_then(number)) else {
                    continue;
                };
                if let Some((_, metric)) = SNMP6.iter().find(|(k, _)| *k == key) {
                    out.put(*metric, value as f64);
                }
            }
        }
        if let Some(text) = self.softnet.read(buffer, notes) {
            // A line per processor, hexadecimal: processed, dropped, squeezed, ...
            let mut sums = [0u64; 3];
            for line in lines(text) {
                for (sum, word) in sums.iter_mut().zip(fields(line)) {
                    *sum = sum.saturating_add(hex(word).unwrap_or(0));
                }
            }
            for (metric, sum) in [Metric::SoftnetProcessed, Metric::SoftnetDropped, Metric::SoftnetSqueezed]
                .into_iter()
                .zip(sums)
            {
                out.put(metric, sum as f64);
            }
        }
    }

    fn states(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        let mut counts = [0u64; 12];
        let diagnosed = if self.live {
            diag::tcp_sockets(diag::STATES_ALL, &mut |s| _ = count(&mut counts, s.state.into()))
        } else {
            None
        };
        let mut read = diagnosed.is_some();
        if !read {
            counts = [0; 12];
            for (source, name) in [(&mut self.tcp, "proc/net/tcp"), (&mut self.tcp6, "proc/net/tcp6")] {
                let Some(text) = source.read(buffer, notes) else { continue };
                read = true;
                for line in lines(text).skip(1).filter(|l| !l.is_empty()) {
                    if !fields(line).nth(3).and_then(hex).is_some_and(|state| count(&mut counts, state)) {
                        notes.add(name, Problem::Malformed);
                    }
                }
            }
        }
        if read {
            let series = *self
                .states
                .get_or_insert_with(|| TCP_STATES.map(|s| out.series(Metric::TcpState, &[s.as_bytes()])));
            for (series, count) in series.iter().zip(counts) {
                out.push(*series, count as f64);
            }
        }
    }
}

/// Processor time of this thread: unlike the clock on the wall it does not grow while others run.
fn cpu_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(t.tv_sec).unwrap_or(0), u32::try_from(t.tv_nsec).unwrap_or(0))
}

/// Counts a socket in this state. False when there is no such state.
fn count(counts: &mut [u64; 12], state: u64) -> bool {
    let slot = usize::try_from(state).ok().and_then(|n| counts.get_mut(n.wrapping_sub(1)));
    slot.map(|count| *count += 1).is_some()
}

/// The number after `key` in a line such as `TCP: inuse 5 orphan 0`.
fn sockstat_value(line: &[u8], key: &[u8]) -> Option<u64> {
    let mut words = fields(line);
    words.find(|w| *w == key)?;
    number(words.next()?)
}

/// Reads the pairs of lines of `snmp` and `netstat`: names, then values in the same order, both after `Proto:`.
fn columns(text: &[u8], wanted: &[&[Wanted]], out: &mut Sampler) {
    let mut rows = lines(text);
    while let (Some(names), Some(values)) = (rows.next(), rows.next()) {
        let (mut names, mut values) = (fields(names), fields(values));
        let Some(proto) = names.next().and_then(|p| p.strip_suffix(b":")) else { continue };
        values.next();
        if !wanted.iter().any(|list| list.iter().any(|(p, _, _)| *p == proto)) {
            continue;
        }
        for (name, value) in names.zip(values) {
            let found =
                wanted.iter().flat_map(|list| list.iter()).find(|(p, n, _)| *n == name && *p == proto);
            // Some columns are signed (MaxConn is -1); none of those wanted is.
            if let (Some((_, _, metric)), Some(value)) = (found, number(value)) {
                out.put(*metric, value as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_found_by_the_name_above_them() {
        let text = b"Tcp: RtoMin MaxConn RetransSegs\nTcp: 200 -1 77\nUdp: InErrors NoPorts\nUdp: 3\n";
        let mut out = Sampler::new();
        columns(text, &[SNMP, SNMP_EXTENDED], &mut out);
        assert_eq!(out.take_block(0).values, [77.0, 3.0]);
        assert_eq!(sockstat_value(b"TCP: inuse 5 orphan 0 tw 9", b"tw"), Some(9));
    }

    proptest! {
        #[test]
        fn no_table_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            columns(&bytes, &[SNMP], &mut Sampler::new());
            let _ = sockstat_value(&bytes, b"inuse");
        }
    }
}
