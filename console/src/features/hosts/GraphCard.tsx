// One graph of a host: asks for its series, draws thresholds of the check beside it and what happened on it.

import { useQueries } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import { checkQuery, rangeQuery } from '../../api/queries'
import type { CheckView, Downtime, Event } from '../../api/types'
import { t } from '../../strings'
import { Chart } from '../../ui/chart/Chart'
import type { Annotation } from '../../ui/chart/data'
import { ms } from '../../ui/format'
import { severityTone } from '../checks/status'
import { printRange, type Range, stepFor } from '../shell/range'
import styles from './Graphs.module.css'
import { type Graph, linesOf } from './graphs'
import { checksOf, thresholdsOf } from './thresholds'
import { useSeen } from './useSeen'

export function GraphCard({
  host,
  graph,
  range,
  checks,
  events,
  downtimes,
  onZoom,
  onBack,
}: {
  host: string
  graph: Graph
  range: Range
  checks: readonly CheckView[]
  events: readonly Event[]
  downtimes: readonly Downtime[]
  onZoom: (range: string) => void
  onBack: () => void
}) {
  const box = useRef<HTMLDivElement>(null)
  // Graphs below the fold ask when they come near.
  const seen = useSeen(box)
  const stepMs = stepFor(range.from, range.to)
  const answers = useQueries({
    queries: graph.asks.map((ask) => ({
      ...rangeQuery(host, {
        name: ask.name,
        from: range.from,
        to: range.to,
        stepMs,
        rate: ask.rate ?? false,
      }),
      enabled: seen,
    })),
  })
  const judged = useMemo(() => checksOf(graph, checks), [graph, checks])
  const details = useQueries({
    queries: judged.slice(0, JUDGES_MOST).map((check) => ({ ...checkQuery(check.id), enabled: seen })),
  })

  const dataKey = answers.map((each) => each.dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers change exactly when dataKey does.
  const lines = useMemo(
    () =>
      linesOf(
        graph,
        answers.map((each) => each.data?.series ?? []),
      ),
    [graph, dataKey],
  )

  const detailKey = details.map((each) => each.dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the details change exactly when detailKey does.
  const thresholds = useMemo(
    () =>
      thresholdsOf(
        graph,
        details.flatMap((each) => each.data ?? []),
      ),
    [graph, detailKey],
  )

  const annotations = useMemo(() => {
    const about = new Set(judged.map((check) => check.id))
    return [
      ...downtimes.flatMap((downtime): Annotation[] => {
        const [at, until] = [ms(downtime.start_at), ms(downtime.end_at)]
        if (at === null || until === null || (downtime.check && !about.has(downtime.check))) return []
        return [{ at, until, label: `${t.check.inDowntime}: ${downtime.note}`, tone: 'calm' }]
      }),
      ...events.flatMap((event): Annotation[] => {
        const at = ms(event.at)
        // What happened to other checks of the host says nothing about this graph.
        if (at === null || !marked.has(event.kind) || (event.check && !about.has(event.check))) return []
        return [{ at, label: event.summary, tone: severityTone(event.severity) ?? 'calm' }]
      }),
    ]
  }, [events, downtimes, judged])

  const failed = answers.find((each) => each.isError)
  return (
    <div className={styles.card} ref={box}>
      {failed?.error ? (
        <p className={styles.error}>
          {graph.title}: {failed.error.message}
        </p>
      ) : (
        <Chart
          title={graph.title}
          lines={lines}
          unit={graph.unit}
          stepMs={answers[0]?.data?.step_ms ?? stepMs}
          from={range.from}
          to={range.to}
          thresholds={thresholds}
          annotations={annotations}
          stacked={graph.stacked ?? false}
          top={graph.top ?? 0}
          sync="host"
          loading={answers.some((each) => each.isPending)}
          onZoom={(from, to) => to - from >= 30_000 && onZoom(printRange(from, to))}
          onBack={onBack}
        />
      )}
    </div>
  )
}

const marked = new Set(['state', 'ack', 'downtime-start', 'downtime-end', 'agent', 'configuration'])

// Thresholds of more checks than this in one graph nobody could tell apart.
const JUDGES_MOST = 16
