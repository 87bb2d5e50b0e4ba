// Which graphs a host gets, and what each line in them is called. Everything that is not named here still shows, one
// graph per metric, under "All series".

import type { PerfValue, RangeSeries, Series } from '../../api/types'
import { t } from '../../strings'
import type { Line } from '../../ui/chart/data'

export interface GraphAsk {
  /** Metric name, or the beginning of names when it ends in a dot. */
  name: string
  rate?: boolean
}

export interface Graph {
  id: string
  group: string
  title: string
  asks: readonly GraphAsk[]
  unit: string
  stacked?: boolean
  top?: number
  /** Takes a series of the answer, or leaves it out. */
  line: (series: RangeSeries) => string | undefined
  /** Turns the named lines into what is drawn, when that is not the same. */
  derive?: (series: readonly RangeSeries[]) => Line[]
  /** The check whose thresholds are drawn, or all whose key begins so when it ends in a colon, and the metric of it. */
  check?: {
    key: string
    metric: string
    times?: (metrics: readonly PerfValue[]) => number
    /** The line that the thresholds are about, when there are others in the graph. */
    about?: string
  }
  order?: readonly string[]
}

const byLabel = (label: string) => (series: RangeSeries) => series.labels[label]
const named = (names: Record<string, string>) => (series: RangeSeries) => names[series.name]

const direction: Record<string, string> = {
  'net.rx.bytes': t.graphs.in,
  'net.tx.bytes': t.graphs.out,
  'net.rx.errors': t.graphs.inErrors,
  'net.tx.errors': t.graphs.outErrors,
  'net.rx.drops': t.graphs.inDrops,
  'net.tx.drops': t.graphs.outDrops,
  'disk.read.bytes': t.graphs.read,
  'disk.write.bytes': t.graphs.write,
  'disk.read.ops': t.graphs.read,
  'disk.write.ops': t.graphs.write,
  'disk.latency.read': t.graphs.read,
  'disk.latency.write': t.graphs.write,
}

const directed = (label: string) => (series: RangeSeries) =>
  direction[series.name] === undefined ? undefined : `${series.labels[label] ?? ''} ${direction[series.name]}`

// Interfaces and disks that never carry anything are noise in a graph.
const isLoopback = (series: RangeSeries) => series.labels.interface === 'lo'

/** Used share of each file system, from its used and available bytes, as `df` computes it. */
export function usedShare(series: readonly RangeSeries[]): Line[] {
  const of = (name: string) =>
    new Map(series.filter((each) => each.name === name).map((each) => [each.labels.mount ?? '', each.points]))
  const used = of('fs.used')
  const available = of('fs.available')
  const lines: Line[] = []
  for (const [mount, points] of used) {
    const free = new Map((available.get(mount) ?? []).map((point) => [point[0], point]))
    const share = (u: number | undefined, a: number | undefined) =>
      u === undefined || a === undefined || u + a <= 0 ? Number.NaN : (100 * u) / (u + a)
    lines.push({
      id: mount,
      label: mount,
      points: points.flatMap((point) => {
        const other = free.get(point[0])
        if (other === undefined) return []
        return [
          [
            point[0] ?? 0,
            share(point[1], other[2]),
            share(point[2], other[1]),
            share(point[3], other[3]),
            share(point[4], other[4]),
          ],
        ]
      }),
    })
  }
  return lines
}

/** How many processors the load check counted: its two values tell. */
export function processors(metrics: readonly PerfValue[]): number {
  const of = (label: string) => metrics.find((each) => each.label === label)?.value ?? Number.NaN
  const count = Math.round(of('load5') / of('load5_per_core'))
  return Number.isFinite(count) && count >= 1 ? count : Number.NaN
}

/** Bytes that are one percent of memory: the check judges a share, the graph shows bytes. */
export function memoryPercent(metrics: readonly PerfValue[]): number {
  const of = (label: string) => metrics.find((each) => each.label === label)?.value ?? Number.NaN
  const bytes = of('available_bytes') / of('available')
  return Number.isFinite(bytes) && bytes > 0 ? bytes : Number.NaN
}

export const graphs: readonly Graph[] = [
  {
    id: 'cpu',
    group: t.graphs.groups.processor,
    title: t.graphs.cpu,
    asks: [{ name: 'cpu.usage' }],
    unit: '%',
    stacked: true,
    top: 100,
    line: (series) => (series.labels.mode === 'idle' ? undefined : series.labels.mode),
    order: ['user', 'system', 'iowait', 'steal', 'irq', 'softirq', 'nice'],
  },
  {
    id: 'load',
    group: t.graphs.groups.processor,
    title: t.graphs.load,
    asks: [{ name: 'load.' }],
    unit: '1',
    line: named({
      'load.1': t.graphs.minutes(1),
      'load.5': t.graphs.minutes(5),
      'load.15': t.graphs.minutes(15),
    }),
    // The check judges load per processor; the graph shows it whole.
    check: { key: 'load', metric: 'load5_per_core', times: processors },
    order: [t.graphs.minutes(1), t.graphs.minutes(5), t.graphs.minutes(15)],
  },
  {
    id: 'pressure',
    group: t.graphs.groups.processor,
    title: t.graphs.pressure,
    asks: [
      { name: 'pressure.cpu.some.avg10' },
      { name: 'pressure.memory.some.avg10' },
      { name: 'pressure.io.some.avg10' },
    ],
    unit: '%',
    line: named({
      'pressure.cpu.some.avg10': t.graphs.waitProcessor,
      'pressure.memory.some.avg10': t.graphs.waitMemory,
      'pressure.io.some.avg10': t.graphs.waitDisk,
    }),
  },
  {
    id: 'memory',
    group: t.graphs.groups.memory,
    title: t.graphs.memory,
    asks: [
      { name: 'memory.used' },
      { name: 'memory.available' },
      { name: 'memory.cached' },
      { name: 'memory.total' },
    ],
    unit: 'B',
    line: named({
      'memory.used': t.graphs.used,
      'memory.available': t.graphs.available,
      'memory.cached': t.graphs.cached,
      'memory.total': t.graphs.total,
    }),
    check: {
      key: 'memory',
      metric: 'available',
      times: memoryPercent,
      about: t.graphs.available,
    },
    order: [t.graphs.used, t.graphs.available, t.graphs.cached, t.graphs.total],
  },
  {
    id: 'swap',
    group: t.graphs.groups.memory,
    title: t.graphs.swap,
    asks: [{ name: 'swap.used' }, { name: 'swap.total' }],
    unit: 'B',
    line: named({ 'swap.used': t.graphs.used, 'swap.total': t.graphs.total }),
  },
  {
    id: 'fs',
    group: t.graphs.groups.disk,
    title: t.graphs.fsUsed,
    asks: [{ name: 'fs.used' }, { name: 'fs.available' }],
    unit: '%',
    top: 100,
    line: byLabel('mount'),
    derive: usedShare,
    check: { key: 'disk:', metric: 'used' },
  },
  {
    id: 'disk-bytes',
    group: t.graphs.groups.disk,
    title: t.graphs.diskBytes,
    asks: [
      { name: 'disk.read.bytes', rate: true },
      { name: 'disk.write.bytes', rate: true },
    ],
    unit: 'B/s',
    line: directed('device'),
  },
  {
    id: 'disk-busy',
    group: t.graphs.groups.disk,
    title: t.graphs.diskBusy,
    asks: [{ name: 'disk.utilisation' }],
    unit: '%',
    top: 100,
    line: byLabel('device'),
  },
  {
    id: 'disk-latency',
    group: t.graphs.groups.disk,
    title: t.graphs.diskLatency,
    asks: [{ name: 'disk.latency.read' }, { name: 'disk.latency.write' }],
    unit: 's',
    line: directed('device'),
  },
  {
    id: 'net-bytes',
    group: t.graphs.groups.network,
    title: t.graphs.netBytes,
    asks: [
      { name: 'net.rx.bytes', rate: true },
      { name: 'net.tx.bytes', rate: true },
    ],
    unit: 'B/s',
    line: (series) => (isLoopback(series) ? undefined : directed('interface')(series)),
  },
  {
    id: 'net-faults',
    group: t.graphs.groups.network,
    title: t.graphs.netFaults,
    asks: [
      { name: 'net.rx.errors', rate: true },
      { name: 'net.tx.errors', rate: true },
      { name: 'net.rx.drops', rate: true },
      { name: 'net.tx.drops', rate: true },
    ],
    unit: '1/s',
    line: (series) => (isLoopback(series) ? undefined : directed('interface')(series)),
  },
  {
    id: 'tcp',
    group: t.graphs.groups.network,
    title: t.graphs.tcp,
    asks: [{ name: 'tcp.state' }],
    unit: '1',
    line: byLabel('state'),
  },
  {
    id: 'processes',
    group: t.graphs.groups.system,
    title: t.graphs.processes,
    asks: [{ name: 'processes.state' }],
    unit: '1',
    line: byLabel('state'),
  },
  {
    id: 'fd',
    group: t.graphs.groups.system,
    title: t.graphs.fd,
    asks: [{ name: 'fd.open' }],
    unit: '1',
    line: () => t.graphs.open,
  },
  {
    id: 'temperature',
    group: t.graphs.groups.system,
    title: t.graphs.temperature,
    asks: [{ name: 'sensor.temperature' }],
    unit: '°C',
    line: byLabel('sensor'),
  },
  {
    id: 'clock',
    group: t.graphs.groups.system,
    title: t.graphs.clock,
    asks: [{ name: 'clock.offset' }],
    unit: 's',
    line: () => t.graphs.offset,
  },
  {
    id: 'agent-memory',
    group: t.graphs.groups.agent,
    title: t.graphs.agentMemory,
    asks: [{ name: 'agent.memory.resident' }],
    unit: 'B',
    line: () => t.graphs.resident,
  },
  {
    id: 'agent-spool',
    group: t.graphs.groups.agent,
    title: t.graphs.agentSpool,
    asks: [{ name: 'agent.spool.bytes' }],
    unit: 'B',
    line: () => t.graphs.waiting,
  },
  {
    id: 'agent-late',
    group: t.graphs.groups.agent,
    title: t.graphs.agentLate,
    asks: [{ name: 'agent.collect.duration' }, { name: 'agent.collect.lateness' }],
    unit: 's',
    line: named({ 'agent.collect.duration': t.graphs.duration, 'agent.collect.lateness': t.graphs.lateness }),
  },
]

/** The graphs for which the host has any series. */
export const graphsFor = (series: readonly Series[]): Graph[] =>
  graphs.filter((graph) =>
    graph.asks.some((ask) =>
      series.some((each) =>
        ask.name.endsWith('.') ? each.name.startsWith(ask.name) : each.name === ask.name,
      ),
    ),
  )

/** The graph for one metric that has none of its own. */
export function plainGraph(name: string, series: readonly Series[]): Graph {
  const first = series.find((each) => each.name === name)
  const counter = first?.counter ?? false
  const unit = first?.unit ?? '1'
  return {
    id: `plain-${name}`,
    group: t.graphs.groups.all,
    title: name,
    asks: [{ name, rate: counter }],
    unit: counter ? (unit === '1' ? '1/s' : unit === 'B' ? 'B/s' : `${unit}/s`) : unit,
    line: (each) =>
      Object.entries(each.labels)
        .map(([, value]) => value)
        .join(' · ') || name,
  }
}

/** The lines of a graph out of the answers to its asks. */
export function linesOf(graph: Graph, answers: readonly (readonly RangeSeries[])[]): Line[] {
  const all = answers.flat()
  if (graph.derive !== undefined) return sorted(graph, graph.derive(all))
  return sorted(
    graph,
    all.flatMap((series): Line[] => {
      const label = graph.line(series)
      return label === undefined
        ? []
        : [{ id: `${series.name}|${JSON.stringify(series.labels)}`, label, points: series.points }]
    }),
  )
}

function sorted(graph: Graph, lines: Line[]): Line[] {
  const rank = (label: string) => {
    const index = graph.order?.indexOf(label) ?? -1
    return index < 0 ? 1000 : index
  }
  return lines.sort(
    (a, b) => rank(a.label) - rank(b.label) || a.label.localeCompare(b.label, undefined, { numeric: true }),
  )
}
