//! The table of all metrics: name, unit, kind, labels and meaning. `docs/src/reference/metrics.md` is drawn from it.

use std::fmt::Write as _;

use wk_wire::v1::SeriesKind;

/// One metric as the reference describes it.
#[derive(Debug, Clone, Copy)]
pub struct MetricInfo {
    /// Dotted name.
    pub name: &'static str,
    /// `B`, `s`, `%`, `C` (degrees Celsius), or `1` for a plain number.
    pub unit: &'static str,
    pub kind: SeriesKind,
    /// Label names in alphabetic order.
    pub labels: &'static [&'static str],
    /// Sent only when the configuration asks for it.
    pub on_demand: bool,
    pub help: &'static str,
}

macro_rules! metrics {
    ($( $id:ident $name:literal $unit:literal $kind:ident [$($label:literal)*] $(@$demand:ident)? $help:literal )*) => {
        /// A metric by name. Its number is an index into [`METRICS`] and means nothing outside this process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Metric { $( #[doc = $help] $id ),* }

        /// All metrics, in the order of the reference.
        pub const METRICS: &[MetricInfo] = &[ $( MetricInfo {
            name: $name, unit: $unit, kind: SeriesKind::$kind, labels: &[$($label),*],
            on_demand: metrics!(@ $($demand)?), help: $help,
        } ),* ];
    };
    (@ ) => { false };
    (@ demand) => { true };
}

metrics! {
    CpuUsage "cpu.usage" "%" Gauge ["mode"] "Share of all processors' time spent in a mode since the last cycle: `user`, `nice`, `system`, `idle`, `iowait`, `irq`, `softirq`, `steal`. The eight add up to 100, but for the rounding to hundredths."
    CpuCoreUsage "cpu.core.usage" "%" Gauge ["core"] @demand "Busy share of one processor since the last cycle: all but idle and iowait."
    CpuCount "cpu.count" "1" Gauge [] "Processors online."
    Load1 "load.1" "1" Gauge [] "Load average over 1 minute."
    Load5 "load.5" "1" Gauge [] "Load average over 5 minutes."
    Load15 "load.15" "1" Gauge [] "Load average over 15 minutes."
    ContextSwitches "context.switches" "1" Counter [] "Context switches since boot."
    Interrupts "interrupts" "1" Counter [] "Interrupts served since boot."
    Forks "forks" "1" Counter [] "Processes and threads created since boot."
    PressureCpuSomeAvg10 "pressure.cpu.some.avg10" "%" Gauge [] "Time in which some task waited for a processor, average of 10 s."
    PressureCpuSomeAvg60 "pressure.cpu.some.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureCpuSomeTotal "pressure.cpu.some.total" "s" Counter [] "The same, time since boot."
    PressureCpuFullAvg10 "pressure.cpu.full.avg10" "%" Gauge [] "Time in which all tasks waited for a processor, average of 10 s. Zero for the whole system by the kernel's definition."
    PressureCpuFullAvg60 "pressure.cpu.full.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureCpuFullTotal "pressure.cpu.full.total" "s" Counter [] "The same, time since boot."
    PressureMemorySomeAvg10 "pressure.memory.some.avg10" "%" Gauge [] "Time in which some task waited for memory, average of 10 s."
    PressureMemorySomeAvg60 "pressure.memory.some.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureMemorySomeTotal "pressure.memory.some.total" "s" Counter [] "The same, time since boot."
    PressureMemoryFullAvg10 "pressure.memory.full.avg10" "%" Gauge [] "Time in which all tasks waited for memory, average of 10 s."
    PressureMemoryFullAvg60 "pressure.memory.full.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureMemoryFullTotal "pressure.memory.full.total" "s" Counter [] "The same, time since boot."
    PressureIoSomeAvg10 "pressure.io.some.avg10" "%" Gauge [] "Time in which some task waited for a disk, average of 10 s."
    PressureIoSomeAvg60 "pressure.io.some.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureIoSomeTotal "pressure.io.some.total" "s" Counter [] "The same, time since boot."
    PressureIoFullAvg10 "pressure.io.full.avg10" "%" Gauge [] "Time in which all tasks waited for a disk, average of 10 s."
    PressureIoFullAvg60 "pressure.io.full.avg60" "%" Gauge [] "The same, average of 60 s."
    PressureIoFullTotal "pressure.io.full.total" "s" Counter [] "The same, time since boot."
    MemoryTotal "memory.total" "B" Gauge [] "Memory the kernel manages."
    MemoryFree "memory.free" "B" Gauge [] "Memory used for nothing at all."
    MemoryAvailable "memory.available" "B" Gauge [] "Memory that programs could get without swapping, by the kernel's estimate."
    MemoryUsed "memory.used" "B" Gauge [] "`memory.total` minus `memory.available`."
    MemoryCached "memory.cached" "B" Gauge [] "Page cache, shared memory included."
    MemoryBuffers "memory.buffers" "B" Gauge [] "Buffers of block devices."
    MemoryDirty "memory.dirty" "B" Gauge [] "Data waiting to be written to disk."
    MemoryShmem "memory.shmem" "B" Gauge [] "Shared memory and tmpfs."
    MemorySlab "memory.slab" "B" Gauge [] "The kernel's own data structures."
    SwapTotal "swap.total" "B" Gauge [] "Swap space."
    SwapUsed "swap.used" "B" Gauge [] "Swap space in use."
    SwapFree "swap.free" "B" Gauge [] "Swap space not in use."
    SwapInPages "swap.in.pages" "1" Counter [] "Pages read from swap since boot."
    SwapOutPages "swap.out.pages" "1" Counter [] "Pages written to swap since boot."
    PageFaults "vm.page.faults" "1" Counter [] "Page faults since boot, minor and major."
    PageFaultsMajor "vm.page.faults.major" "1" Counter [] "Page faults that had to read from disk since boot."
    FsSize "fs.size" "B" Gauge ["device" "mount" "type"] "Size of a local file system."
    FsUsed "fs.used" "B" Gauge ["device" "mount" "type"] "Space in use, as `df` shows it."
    FsFree "fs.free" "B" Gauge ["device" "mount" "type"] "Free space, what is reserved for the superuser included."
    FsAvailable "fs.available" "B" Gauge ["device" "mount" "type"] "Free space for ordinary users."
    FsInodesTotal "fs.inodes.total" "1" Gauge ["mount"] "Inodes. Absent where the file system has no fixed number."
    FsInodesFree "fs.inodes.free" "1" Gauge ["mount"] "Free inodes."
    FsReadonly "fs.readonly" "1" Gauge ["mount"] "1 when mounted read-only, by the mount or by the file system itself after an error."
    DiskReadOps "disk.read.ops" "1" Counter ["device"] "Reads completed."
    DiskReadBytes "disk.read.bytes" "B" Counter ["device"] "Bytes read."
    DiskReadTime "disk.read.time" "s" Counter ["device"] "Time spent in reads, added up over all of them."
    DiskWriteOps "disk.write.ops" "1" Counter ["device"] "Writes completed."
    DiskWriteBytes "disk.write.bytes" "B" Counter ["device"] "Bytes written."
    DiskWriteTime "disk.write.time" "s" Counter ["device"] "Time spent in writes, added up over all of them."
    DiskIoTime "disk.io.time" "s" Counter ["device"] "Time in which at least one request was in flight."
    DiskInflight "disk.inflight" "1" Gauge ["device"] "Requests in flight."
    DiskUtilisation "disk.utilisation" "%" Gauge ["device"] "Share of the last cycle in which a request was in flight. 100 means saturated only for devices that serve one request at a time."
    DiskLatencyRead "disk.latency.read" "s" Gauge ["device"] "Mean time of the reads completed in the last cycle. Absent without reads."
    DiskLatencyWrite "disk.latency.write" "s" Gauge ["device"] "Mean time of the writes completed in the last cycle. Absent without writes."
    NetRxBytes "net.rx.bytes" "B" Counter ["interface"] "Bytes received."
    NetRxPackets "net.rx.packets" "1" Counter ["interface"] "Packets received."
    NetRxErrors "net.rx.errors" "1" Counter ["interface"] "Packets received with an error."
    NetRxDrops "net.rx.drops" "1" Counter ["interface"] "Packets received and dropped."
    NetTxBytes "net.tx.bytes" "B" Counter ["interface"] "Bytes sent."
    NetTxPackets "net.tx.packets" "1" Counter ["interface"] "Packets sent."
    NetTxErrors "net.tx.errors" "1" Counter ["interface"] "Packets that could not be sent."
    NetTxDrops "net.tx.drops" "1" Counter ["interface"] "Packets dropped before they were sent."
    NetUp "net.up" "1" Gauge ["interface"] "1 when the interface can carry traffic (`operstate` is `up` or `unknown`)."
    TcpState "tcp.state" "1" Gauge ["state"] "TCP sockets of IPv4 and IPv6 by state. Counted once a minute when there are more than 2 000, or when one count takes more than 3 ms of processor time."
    SocketsUsed "sockets.used" "1" Gauge [] "Sockets of all kinds in use."
    TcpRetransmits "tcp.retransmits" "1" Counter [] "TCP segments sent again since boot."
    TcpListenOverflows "tcp.listen.overflows" "1" Counter [] "Connections lost because a program did not accept them in time, since boot."
    UdpErrors "udp.errors" "1" Counter [] "UDP datagrams of IPv4 that could not be delivered for another reason than a missing receiver, since boot."
    ProcessesState "processes.state" "1" Gauge ["state"] "Processes by state: `running`, `sleeping`, `blocked` (uninterruptible, mostly disk), `stopped`, `zombie`, `idle` (kernel threads), `other`. Counted once a minute when there are more than 1 000."
    ProcessesTotal "processes.total" "1" Gauge [] "Processes, kernel threads included."
    ProcessesThreads "processes.threads" "1" Gauge [] "Threads of all processes."
    FdOpen "fd.open" "1" Gauge [] "Open file descriptions of the whole system."
    FdMax "fd.max" "1" Gauge [] "Their limit."
    EntropyAvailable "entropy.available" "1" Gauge [] "Bits of entropy the kernel counts. Constant 256 in kernels since 5.18."
    Uptime "uptime" "s" Gauge [] "Time since boot."
    ClockOffset "clock.offset" "s" Gauge [] "This machine's clock minus true time, as chronyd estimates it or as the kernel still has to correct it for ntpd and systemd-timesyncd. Absent while nobody knows."
    ClockSynchronised "clock.synchronised" "1" Gauge [] "1 when the clock is held in step, by whichever program: as chronyd says or, without it, as the kernel does, whose greatest possible error stays below 16 s only while somebody corrects it."
    ClockErrorMax "clock.error.max" "s" Gauge [] "Greatest possible error of the clock by the kernel's count: grows by 0.5 ms a second since the last correction, up to 16 s."
    ClockErrorEstimated "clock.error.estimated" "s" Gauge [] "Error of the clock as the program that corrects it estimates it. 16 s when nobody does."
    SensorTemperature "sensor.temperature" "C" Gauge ["sensor"] "Temperature by chip and label."
    SystemdUnitsFailed "systemd.units.failed" "1" Gauge [] "Units of systemd in state failed. Absent where systemd does not run."
    SystemdUnitsState "systemd.units.state" "1" Gauge ["state"] "Loaded units of systemd by active state: `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, `other`."
    AgentCpuSeconds "agent.cpu.seconds" "s" Counter [] "Processor time the agent has used since it started."
    AgentMemoryResident "agent.memory.resident" "B" Gauge [] "Memory of the agent that is in RAM."
    AgentCollectDuration "agent.collect.duration" "s" Gauge [] "Time the previous cycle took."
    AgentCollectLateness "agent.collect.lateness" "s" Gauge [] "How much later than planned this cycle began."
    AgentSpoolBytes "agent.spool.bytes" "B" Gauge [] "Size of what waits to be sent."
    AgentSpoolBatches "agent.spool.batches" "1" Gauge [] "Batches that wait to be sent."
    AgentSpoolAge "agent.spool.age" "s" Gauge [] "Time for which something has been waiting to be sent, without a break."
    AgentSpoolDropped "agent.spool.dropped" "1" Counter [] "Batches given up because the spool was full or they were too old."
    MemoryActive "memory.active" "B" Gauge [] @demand "Memory used recently."
    MemoryInactive "memory.inactive" "B" Gauge [] @demand "Memory not used recently."
    MemoryAnonymous "memory.anonymous" "B" Gauge [] @demand "Memory of programs that no file stands behind."
    MemoryMapped "memory.mapped" "B" Gauge [] @demand "Files mapped into programs."
    MemoryMlocked "memory.mlocked" "B" Gauge [] @demand "Memory that may not be swapped."
    MemoryWriteback "memory.writeback" "B" Gauge [] @demand "Data being written to disk now."
    MemoryCommitted "memory.committed" "B" Gauge [] @demand "Memory promised to programs."
    MemoryCommitLimit "memory.commit.limit" "B" Gauge [] @demand "Memory that could be promised under strict accounting."
    MemorySlabReclaimable "memory.slab.reclaimable" "B" Gauge [] @demand "Part of `memory.slab` that can be given back."
    MemorySlabUnreclaimable "memory.slab.unreclaimable" "B" Gauge [] @demand "Part of `memory.slab` that cannot."
    MemoryKernelStack "memory.kernel.stack" "B" Gauge [] @demand "Kernel stacks of all threads."
    MemoryPageTables "memory.page.tables" "B" Gauge [] @demand "Page tables."
    MemoryVmalloc "memory.vmalloc" "B" Gauge [] @demand "The kernel's vmalloc area in use."
    MemoryPercpu "memory.percpu" "B" Gauge [] @demand "The kernel's per-processor memory."
    MemoryAnonHugepages "memory.anon.hugepages" "B" Gauge [] @demand "Transparent huge pages in use by programs."
    MemoryHugepagesTotal "memory.hugepages.total" "1" Gauge [] @demand "Reserved huge pages."
    MemoryHugepagesFree "memory.hugepages.free" "1" Gauge [] @demand "Reserved huge pages not in use."
    SwapCached "swap.cached" "B" Gauge [] @demand "Memory that is also in swap."
    VmPagedIn "vm.paged.in" "B" Counter [] @demand "Bytes read from block devices by the memory manager since boot."
    VmPagedOut "vm.paged.out" "B" Counter [] @demand "Bytes written to block devices by the memory manager since boot."
    VmScanBackground "vm.scan.background" "1" Counter [] @demand "Pages looked at by the background reclaimer since boot."
    VmScanDirect "vm.scan.direct" "1" Counter [] @demand "Pages looked at by programs that had to wait for memory since boot."
    VmStealBackground "vm.steal.background" "1" Counter [] @demand "Pages won by the background reclaimer since boot."
    VmStealDirect "vm.steal.direct" "1" Counter [] @demand "Pages won by programs that had to wait for memory since boot."
    VmOomKills "vm.oom.kills" "1" Counter [] @demand "Processes killed for lack of memory since boot."
    VmCompactStalls "vm.compact.stalls" "1" Counter [] @demand "Times a program waited for memory to be compacted since boot."
    CpuSoftirqs "cpu.softirqs" "1" Counter ["vector"] @demand "Deferred interrupts by vector since boot."
    IpReceived "ip.received" "1" Counter [] @demand "IPv4 packets received since boot."
    IpSent "ip.sent" "1" Counter [] @demand "IPv4 packets that programs sent since boot."
    IpForwarded "ip.forwarded" "1" Counter [] @demand "IPv4 packets forwarded since boot."
    IpInDiscards "ip.in.discards" "1" Counter [] @demand "IPv4 packets received and discarded for lack of resources since boot."
    IpOutDiscards "ip.out.discards" "1" Counter [] @demand "IPv4 packets not sent for lack of resources since boot."
    IpOutNoRoutes "ip.out.noroutes" "1" Counter [] @demand "IPv4 packets without a route since boot."
    IpReassemblyFails "ip.reassembly.fails" "1" Counter [] @demand "IPv4 fragments that could not be put together since boot."
    IcmpReceived "icmp.received" "1" Counter [] @demand "ICMP messages received since boot."
    IcmpSent "icmp.sent" "1" Counter [] @demand "ICMP messages sent since boot."
    IcmpErrors "icmp.errors" "1" Counter [] @demand "ICMP messages received with an error since boot."
    TcpOpensActive "tcp.opens.active" "1" Counter [] @demand "TCP connections opened from here since boot."
    TcpOpensPassive "tcp.opens.passive" "1" Counter [] @demand "TCP connections accepted since boot."
    TcpAttemptFails "tcp.attempt.fails" "1" Counter [] @demand "TCP connections that did not come about since boot."
    TcpEstablishedResets "tcp.established.resets" "1" Counter [] @demand "TCP connections broken off since boot."
    TcpConnections "tcp.connections" "1" Gauge [] @demand "TCP connections in state established or close-wait."
    TcpSegmentsIn "tcp.segments.in" "1" Counter [] @demand "TCP segments received since boot."
    TcpSegmentsOut "tcp.segments.out" "1" Counter [] @demand "TCP segments sent since boot."
    TcpErrorsIn "tcp.errors.in" "1" Counter [] @demand "TCP segments received with an error since boot."
    TcpResetsOut "tcp.resets.out" "1" Counter [] @demand "TCP resets sent since boot."
    TcpListenDrops "tcp.listen.drops" "1" Counter [] @demand "Connection requests dropped by listening sockets since boot."
    TcpTimeouts "tcp.timeouts" "1" Counter [] @demand "TCP retransmission timeouts since boot."
    TcpSyncookiesSent "tcp.syncookies.sent" "1" Counter [] @demand "SYN cookies sent since boot."
    TcpAbortOnMemory "tcp.abort.memory" "1" Counter [] @demand "TCP connections aborted for lack of memory since boot."
    TcpBacklogDrop "tcp.backlog.drops" "1" Counter [] @demand "TCP segments dropped because a socket's backlog was full since boot."
    UdpReceived "udp.received" "1" Counter [] @demand "UDP datagrams of IPv4 delivered since boot."
    UdpSent "udp.sent" "1" Counter [] @demand "UDP datagrams of IPv4 sent since boot."
    UdpNoPorts "udp.noports" "1" Counter [] @demand "UDP datagrams of IPv4 for ports nobody listens on since boot."
    UdpBufferErrorsIn "udp.buffer.errors.in" "1" Counter [] @demand "UDP datagrams of IPv4 lost because a receive buffer was full since boot."
    UdpBufferErrorsOut "udp.buffer.errors.out" "1" Counter [] @demand "UDP datagrams of IPv4 lost because a send buffer was full since boot."
    TcpSockets "sockets.tcp.inuse" "1" Gauge [] @demand "TCP sockets of IPv4 in use."
    TcpOrphans "sockets.tcp.orphans" "1" Gauge [] @demand "TCP sockets that no program holds any more."
    TcpTimeWait "sockets.tcp.timewait" "1" Gauge [] @demand "TCP sockets in state time-wait."
    TcpMemory "sockets.tcp.memory" "B" Gauge [] @demand "Memory of all TCP buffers."
    UdpSockets "sockets.udp.inuse" "1" Gauge [] @demand "UDP sockets of IPv4 in use."
    UdpMemory "sockets.udp.memory" "B" Gauge [] @demand "Memory of all UDP buffers."
    NetRxFifo "net.rx.fifo" "1" Counter ["interface"] @demand "Packets lost because a receive buffer of the device was full."
    NetRxFrame "net.rx.frame" "1" Counter ["interface"] @demand "Packets received with a framing error."
    NetRxMulticast "net.rx.multicast" "1" Counter ["interface"] @demand "Multicast packets received."
    NetTxFifo "net.tx.fifo" "1" Counter ["interface"] @demand "Packets lost because a send buffer of the device was empty too early."
    NetTxCollisions "net.tx.collisions" "1" Counter ["interface"] @demand "Collisions on the wire."
    NetTxCarrier "net.tx.carrier" "1" Counter ["interface"] @demand "Packets not sent because the carrier was lost."
    DiskReadMerged "disk.read.merged" "1" Counter ["device"] @demand "Reads merged with another before they were issued."
    DiskWriteMerged "disk.write.merged" "1" Counter ["device"] @demand "Writes merged with another before they were issued."
    DiskIoTimeWeighted "disk.io.time.weighted" "s" Counter ["device"] @demand "Time of all requests in flight, added up. Its rate is the mean queue length."
    DiskDiscardOps "disk.discard.ops" "1" Counter ["device"] @demand "Discards completed. Absent before Linux 4.18."
    DiskDiscardBytes "disk.discard.bytes" "B" Counter ["device"] @demand "Bytes discarded."
    DiskDiscardTime "disk.discard.time" "s" Counter ["device"] @demand "Time spent in discards."
    DiskFlushOps "disk.flush.ops" "1" Counter ["device"] @demand "Cache flushes completed. Absent before Linux 5.5."
    DiskFlushTime "disk.flush.time" "s" Counter ["device"] @demand "Time spent in cache flushes."
    SoftnetProcessed "net.softnet.processed" "1" Counter [] @demand "Packets taken from the devices by all processors since boot."
    SoftnetDropped "net.softnet.dropped" "1" Counter [] @demand "Packets dropped because a processor's backlog was full since boot."
    SoftnetSqueezed "net.softnet.squeezed" "1" Counter [] @demand "Times a processor ran out of its share before all packets were taken since boot."
    VmPagesFreed "vm.pages.freed" "1" Counter [] @demand "Pages freed since boot."
    VmPagesActivated "vm.pages.activated" "1" Counter [] @demand "Pages moved to the active list since boot."
    VmPagesDeactivated "vm.pages.deactivated" "1" Counter [] @demand "Pages moved to the inactive list since boot."
    VmPagesRefilled "vm.pages.refilled" "1" Counter [] @demand "Pages of the active list looked at since boot."
    VmSlabsScanned "vm.slabs.scanned" "1" Counter [] @demand "Kernel objects looked at for reclaim since boot."
    VmReclaimRuns "vm.reclaim.runs" "1" Counter [] @demand "Runs of the background reclaimer since boot."
    VmRefaultsFile "vm.refaults.file" "1" Counter [] @demand "File pages read again soon after they were dropped, since boot."
    VmRefaultsAnonymous "vm.refaults.anonymous" "1" Counter [] @demand "Anonymous pages read again soon after they were swapped out, since boot."
    VmHugeFaults "vm.huge.faults" "1" Counter [] @demand "Transparent huge pages given on a fault since boot."
    VmHugeFallbacks "vm.huge.fallbacks" "1" Counter [] @demand "Faults that got small pages for lack of a huge one since boot."
    VmCompactFails "vm.compact.fails" "1" Counter [] @demand "Compactions that did not help since boot."
    VmCompactSuccesses "vm.compact.successes" "1" Counter [] @demand "Compactions that helped since boot."
    VmCacheDrops "vm.cache.drops" "1" Counter [] @demand "Times somebody dropped the page cache by hand since boot."
    MemoryUnevictable "memory.unevictable" "B" Gauge [] @demand "Memory that cannot be reclaimed."
    MemoryActiveAnonymous "memory.active.anonymous" "B" Gauge [] @demand "Anonymous part of `memory.active`."
    MemoryInactiveAnonymous "memory.inactive.anonymous" "B" Gauge [] @demand "Anonymous part of `memory.inactive`."
    MemoryActiveFile "memory.active.file" "B" Gauge [] @demand "File part of `memory.active`."
    MemoryInactiveFile "memory.inactive.file" "B" Gauge [] @demand "File part of `memory.inactive`."
    MemoryKernelReclaimable "memory.kernel.reclaimable" "B" Gauge [] @demand "Kernel memory that can be given back."
    MemoryShmemHugepages "memory.shmem.hugepages" "B" Gauge [] @demand "Huge pages in use by shared memory."
    TcpSyncookiesReceived "tcp.syncookies.received" "1" Counter [] @demand "Valid SYN cookies received since boot."
    TcpSyncookiesFailed "tcp.syncookies.failed" "1" Counter [] @demand "Invalid SYN cookies received since boot."
    TcpTimeWaits "tcp.timewaits" "1" Counter [] @demand "Connections that went through time-wait since boot."
    TcpLossProbes "tcp.loss.probes" "1" Counter [] @demand "Loss probes sent since boot."
    TcpRetransmitsFast "tcp.retransmits.fast" "1" Counter [] @demand "Fast retransmissions since boot."
    TcpRetransmitsSlowStart "tcp.retransmits.slowstart" "1" Counter [] @demand "Retransmissions in slow start since boot."
    TcpRetransmitsLost "tcp.retransmits.lost" "1" Counter [] @demand "Retransmissions lost again since boot."
    TcpRetransmitsSyn "tcp.retransmits.syn" "1" Counter [] @demand "Connection requests sent again since boot."
    TcpOutOfOrder "tcp.outoforder" "1" Counter [] @demand "Segments received out of order since boot."
    TcpReceiveQueueDrops "tcp.receive.queue.drops" "1" Counter [] @demand "Segments dropped because a receive queue was full since boot."
    TcpRequestQueueDrops "tcp.request.queue.drops" "1" Counter [] @demand "Connection requests dropped because their queue was full since boot."
    TcpAbortOnData "tcp.abort.data" "1" Counter [] @demand "Connections aborted with data unread since boot."
    TcpAbortOnTimeout "tcp.abort.timeout" "1" Counter [] @demand "Connections aborted after too many retransmissions since boot."
    TcpAbortOnClose "tcp.abort.close" "1" Counter [] @demand "Connections aborted by a close before all was read since boot."
    TcpPrunes "tcp.prunes" "1" Counter [] @demand "Times receive queues were pruned for lack of memory since boot."
    IpBytesIn "ip.bytes.in" "B" Counter [] @demand "Bytes of IPv4 packets received since boot."
    IpBytesOut "ip.bytes.out" "B" Counter [] @demand "Bytes of IPv4 packets sent since boot."
    IpMulticastIn "ip.multicast.in" "1" Counter [] @demand "IPv4 multicast packets received since boot."
    IpMulticastOut "ip.multicast.out" "1" Counter [] @demand "IPv4 multicast packets sent since boot."
    IpBroadcastIn "ip.broadcast.in" "1" Counter [] @demand "IPv4 broadcast packets received since boot."
    IpChecksumErrors "ip.checksum.errors" "1" Counter [] @demand "IPv4 packets with a wrong checksum since boot."
    Ip6Received "ip6.received" "1" Counter [] @demand "IPv6 packets received since boot."
    Ip6Sent "ip6.sent" "1" Counter [] @demand "IPv6 packets that programs sent since boot."
    Ip6InDiscards "ip6.in.discards" "1" Counter [] @demand "IPv6 packets received and discarded since boot."
    Ip6OutDiscards "ip6.out.discards" "1" Counter [] @demand "IPv6 packets not sent for lack of resources since boot."
    Ip6OutNoRoutes "ip6.out.noroutes" "1" Counter [] @demand "IPv6 packets without a route since boot."
    Ip6BytesIn "ip6.bytes.in" "B" Counter [] @demand "Bytes of IPv6 packets received since boot."
    Ip6BytesOut "ip6.bytes.out" "B" Counter [] @demand "Bytes of IPv6 packets sent since boot."
    Icmp6Received "icmp6.received" "1" Counter [] @demand "ICMPv6 messages received since boot."
    Icmp6Sent "icmp6.sent" "1" Counter [] @demand "ICMPv6 messages sent since boot."
    Icmp6Errors "icmp6.errors" "1" Counter [] @demand "ICMPv6 messages received with an error since boot."
    Udp6Received "udp6.received" "1" Counter [] @demand "UDP datagrams of IPv6 delivered since boot."
    Udp6Sent "udp6.sent" "1" Counter [] @demand "UDP datagrams of IPv6 sent since boot."
    Udp6NoPorts "udp6.noports" "1" Counter [] @demand "UDP datagrams of IPv6 for ports nobody listens on since boot."
    Udp6Errors "udp6.errors" "1" Counter [] @demand "UDP datagrams of IPv6 that could not be delivered since boot."
}

impl Metric {
    /// The metric's entry in the table.
    pub fn info(self) -> &'static MetricInfo {
        &METRICS[self as usize]
    }
}

/// The reference as a Markdown page, exactly as `docs/src/reference/metrics.md` holds it.
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics of a host\n\n\
         <!-- Drawn from the table in crates/collect/src/metrics.rs. After a change there run\n     \
         UPDATE_REFERENCE=1 cargo nextest run -p wk-collect reference -->\n\n\
         The agent sends these every 10 seconds by default. A value that cannot be read is left out; it is never replaced\n\
         by zero. Counters start again from zero when the machine boots or a device is replaced. Metrics marked *on demand*\n\
         are sent when the agent's configuration asks for them (`per_core`, `extended`).\n\n\
         | metric | labels | unit | kind | meaning |\n|---|---|---|---|---|\n",
    );
    for m in METRICS {
        let labels: Vec<String> = m.labels.iter().map(|l| format!("`{l}`")).collect();
        let kind = match m.kind {
            SeriesKind::Gauge => "gauge",
            SeriesKind::Counter => "counter",
        };
        let demand = if m.on_demand { " *On demand.*" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {kind} | {}{demand} |",
            m.name,
            labels.join(", "),
            m.unit,
            m.help
        );
    }
    page.push_str(
        "\nShares and times that are computed are rounded: percentages to hundredths, times to microseconds, the agent's own\n\
         processor time to milliseconds. Counts and sizes come as the kernel gives them.\n\
         \nUnits: `B` bytes, `s` seconds, `%` percent from 0 to 100, `C` degrees Celsius, `1` a plain number.\n\n\
         ## What is counted\n\n\
         - File systems: `bcachefs`, `btrfs`, `exfat`, `ext2`, `ext3`, `ext4`, `f2fs`, `jfs`, `ntfs3`, `reiserfs`, `vfat`, `xfs`, `zfs`,\n  \
         `tmpfs` on `/tmp`, `/run` and `/dev/shm`, and `overlay` as the root of a container. Network file systems are\n  \
         left out because asking a server that does not answer blocks. A device mounted twice is counted once.\n\
         - Disks: whole devices, no partitions, loop devices, RAM disks, floppies or optical drives.\n\
         - Interfaces: all but the host ends of containers' links (`veth*`, `cali*`, `lxc*`).\n\
         - `/proc` shows a process of another user in part only when mounted with `hidepid`; the figures then cover what\n  \
         the agent may see.\n",
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_labels_in_order() {
        let mut names: Vec<_> = METRICS.iter().map(|m| m.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        for m in METRICS {
            assert!(m.labels.is_sorted(), "{}", m.name);
            assert!(
                m.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.'),
                "{}",
                m.name
            );
        }
    }

    #[test]
    fn the_reference_page_shows_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/metrics.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            page == reference(),
            "docs/src/reference/metrics.md has drifted: run UPDATE_REFERENCE=1 cargo nextest run -p wk-collect reference"
        );
    }
}
