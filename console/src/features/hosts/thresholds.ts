// The thresholds of a graph: those of the check that judges what it shows, or of all of them where there is one a disk.

import type { CheckDetail, CheckView } from '../../api/types'
import { t } from '../../strings'
import type { Threshold } from '../../ui/chart/data'
import { quantity } from '../../ui/format'
import { limits } from '../checks/ranges'
import type { Graph } from './graphs'

/** The checks of a host whose thresholds a graph draws. */
export function checksOf(graph: Graph, checks: readonly CheckView[]): CheckView[] {
  const key = graph.check?.key
  if (key === undefined) return []
  return checks.filter((check) => (key.endsWith(':') ? check.key.startsWith(key) : check.key === key))
}

/** One line for each value; where not all agree, it says whose it is. */
export function thresholdsOf(graph: Graph, details: readonly CheckDetail[]): Threshold[] {
  if (graph.check === undefined) return []
  const { key, metric: label, times, about } = graph.check
  const found = new Map<string, { value: number; tone: Threshold['tone']; of: string[] }>()
  for (const detail of details) {
    const metric = detail.metrics.find((each) => each.label === label)
    const factor = times?.(detail.metrics) ?? 1
    for (const [range, tone] of [
      [metric?.warn, 'notice'],
      [metric?.crit, 'danger'],
    ] as const) {
      const read = limits(range)
      for (const end of read === undefined ? [] : [read.low, read.high]) {
        const value = end * factor
        // Without a finite limit there is nothing to draw, and a wrong line is worse than none. A lower end of zero
        // is none either: nothing that is measured here goes below it.
        if (!Number.isFinite(value) || end === 0) continue
        const id = `${tone} ${value}`
        const one = found.get(id) ?? { value, tone, of: [] }
        one.of.push(key.endsWith(':') ? detail.key.slice(key.length) : (about ?? ''))
        found.set(id, one)
      }
    }
  }
  return [...found.values()].map(({ value, tone, of }) => {
    const word = tone === 'danger' ? t.status.critical : t.status.warning
    const whose = of.length === details.length && about === undefined ? '' : whoseOf(of)
    return {
      value,
      tone,
      label: `${word} ${quantity(value, graph.unit)}${whose === '' ? '' : ` · ${whose}`}`,
    }
  })
}

const whoseOf = (of: readonly string[]): string =>
  of.length <= 2 ? of.filter(Boolean).join(', ') : `${of.slice(0, 2).join(', ')} +${of.length - 2}`
