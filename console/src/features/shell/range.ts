// The time range of graphs and timelines, as the address says it.

import { useMemo } from 'react'
import { t } from '../../strings'
import { useNow } from '../../ui/clock'
import { instant } from '../../ui/format'
import { useSearchState } from './useSearchState'

export const presets = [
  { id: '15m', ms: 900_000 },
  { id: '1h', ms: 3_600_000 },
  { id: '6h', ms: 21_600_000 },
  { id: '24h', ms: 86_400_000 },
  { id: '7d', ms: 604_800_000 },
  { id: '30d', ms: 2_592_000_000 },
] as const

export interface Range {
  from: number
  to: number
  /** Set when the range moves with the clock. */
  preset: string | undefined
  label: string
}

const DEFAULT = '1h'
const fallback = presets[1]

/** Pure: `1h`, or `FROM..TO`. Nonsense gives the default. */
export function parseRange(raw: string | undefined, now: number): Range {
  if (raw?.includes('..')) {
    const [from, to] = raw.split('..').map((each) => Date.parse(each))
    if (from !== undefined && to !== undefined && Number.isFinite(from) && Number.isFinite(to) && from < to) {
      return { from, to, preset: undefined, label: `${instant(from)} – ${instant(to)}` }
    }
  }
  const preset = presets.find((each) => each.id === (raw ?? DEFAULT)) ?? fallback
  // Whole steps of 10 s: the newest sample is there, and the cache key does not change with every tick.
  const to = Math.ceil(now / 10_000) * 10_000
  return { from: to - preset.ms, to, preset: preset.id, label: t.range.last(preset.id) }
}

export const printRange = (from: number, to: number): string =>
  `${new Date(from).toISOString()}..${new Date(to).toISOString()}`

/** About 240 points, on steps people know. */
export function stepFor(from: number, to: number): number {
  const steps = [10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]
  const wanted = (to - from) / 240 / 1000
  return (steps.find((step) => step >= wanted) ?? 86_400) * 1000
}

export function useRange(): [Range, (range: string | undefined) => void] {
  const [search, set] = useSearchState()
  const now = useNow()
  const slot = Math.ceil(now / 10_000)
  const range = useMemo(() => parseRange(search.range, slot * 10_000), [search.range, slot])
  return [range, (next) => set({ range: next }, { push: true })]
}
