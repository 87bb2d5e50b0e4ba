// One graph of a host: asks for its series, draws thresholds of the check beside it and what happened on it.

import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import { checkQuery, rangeQuery } from '../../api/queries'
import type { CheckView, Event } from '../../api/types'
import { t } from '../../strings'
import { Chart } from '../../ui/chart/Chart'
import type { Annotation, Threshold } from '../../ui/chart/data'
import { ms, quantity } from '../../ui/format'
import { printRange, type Range, stepFor } from '../shell/range'
import styles from './Graphs.module.css'
import { type Graph, linesOf, upperBound } from './graphs'
import { useSeen } from './useSeen'

export function GraphCard({
  host,
  graph,
  range,
  checks,
  events,
  onRange,
}: {
  host: string
  graph: Graph
  range: Range
  checks: readonly CheckView[]
  events: readonly Event[]
  onRange: (range: string | undefined) => void
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
  const check = checks.find((each) =>
    graph.check?.key.endsWith(':') ? each.key === `${graph.check.key}/` : each.key === graph.check?.key,
  )
  const detail = useQuery({ ...checkQuery(check?.id ?? ''), enabled: seen && check !== undefined })

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

  const thresholds = useMemo(() => {
    const out: Threshold[] = []
    const metrics = detail.data?.metrics ?? []
    const metric = metrics.find((each) => each.label === graph.check?.metric)
    const times = graph.check?.times?.(metrics) ?? 1
    for (const [range, tone, word] of [
      [metric?.warn, 'notice', t.status.warning],
      [metric?.crit, 'danger', t.status.critical],
    ] as const) {
      const value = (upperBound(range ?? undefined) ?? Number.NaN) * times
      // Without a finite limit there is nothing to draw, and a wrong line is worse than none.
      if (Number.isFinite(value)) out.push({ value, tone, label: `${word} ${quantity(value, graph.unit)}` })
    }
    return out
  }, [detail.data, graph])

  const annotations = useMemo(
    () =>
      events.flatMap((event): Annotation[] => {
        const at = ms(event.at)
        if (at === null || !marked.has(event.kind)) return []
        const about = check === undefined ? false : event.check === check.id
        if (event.kind === 'state' && !about) return []
        const tone =
          event.severity === 'ok'
            ? 'good'
            : event.severity === 'warning'
              ? 'notice'
              : event.severity === 'critical'
                ? 'danger'
                : event.severity === 'unknown'
                  ? 'unclear'
                  : 'calm'
        return [{ at, label: event.summary, tone }]
      }),
    [events, check],
  )

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
          onZoom={(from, to) => to - from >= 30_000 && onRange(printRange(from, to))}
          onBack={() => window.history.back()}
        />
      )}
    </div>
  )
}

const marked = new Set(['state', 'ack', 'downtime-start', 'downtime-end', 'agent'])
