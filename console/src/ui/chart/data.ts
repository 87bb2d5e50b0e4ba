// What a graph draws, apart from how: series aligned on one time axis, gaps kept as gaps, figures for the legend.

export interface Line {
  id: string
  label: string
  /** `[at_ms, min, max, avg, last]`, ascending. A step without samples is left out. */
  points: readonly (readonly number[])[]
}

export interface Threshold {
  value: number
  tone: 'notice' | 'danger'
  label: string
}

export interface Annotation {
  at: number
  /** Lasts until then: drawn as a span. */
  until?: number
  label: string
  tone: 'good' | 'notice' | 'danger' | 'unclear' | 'calm'
}

export interface Figures {
  min: number | null
  max: number | null
  avg: number | null
  last: number | null
}

/** Seconds on the shared axis, and one array of values or nulls per line. */
export interface Aligned {
  x: number[]
  ys: (number | null)[][]
}

/** Puts lines on one axis of whole steps. A step nobody measured is null, never joined up. */
export function align(lines: readonly Line[], stepMs: number): Aligned {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const line of lines) {
    const first = line.points[0]?.[0]
    const last = line.points.at(-1)?.[0]
    if (first !== undefined) from = Math.min(from, first)
    if (last !== undefined) to = Math.max(to, last)
  }
  if (!Number.isFinite(from) || stepMs <= 0) return { x: [], ys: lines.map(() => []) }
  // Bounded: an answer that claims a tiny step over a long range must not fill the memory.
  const steps = Math.min(20_000, Math.round((to - from) / stepMs))
  const step = steps === 20_000 ? (to - from) / 20_000 : stepMs
  const x = Array.from({ length: steps + 1 }, (_, i) => (from + i * step) / 1000)
  const ys = lines.map((line) => {
    const row: (number | null)[] = new Array(steps + 1).fill(null)
    for (const point of line.points) {
      const slot = Math.round(((point[0] ?? 0) - from) / step)
      const value = point[3]
      if (slot >= 0 && slot <= steps && value !== undefined && Number.isFinite(value)) row[slot] = value
    }
    return row
  })
  return { x, ys }
}

/** Least, greatest, mean and last: least and greatest of the raw samples, not of the means. */
export function figures(line: Line): Figures {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  let n = 0
  for (const point of line.points) {
    const [, low, high, avg] = point
    if (low !== undefined && low < min) min = low
    if (high !== undefined && high > max) max = high
    if (avg !== undefined && Number.isFinite(avg)) {
      sum += avg
      n += 1
    }
  }
  const last = line.points.at(-1)?.[4]
  return n === 0
    ? { min: null, max: null, avg: null, last: null }
    : { min, max, avg: sum / n, last: last ?? null }
}

/** Steps that have no neighbour with a value: a line alone would not show them. */
export function alone(ys: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = []
  const has = (i: number) => ys[i] !== null && ys[i] !== undefined
  for (let i = 0; i < ys.length; i += 1) {
    if (has(i) && !has(i - 1) && !has(i + 1)) found.push(i)
  }
  return found
}

/** What happened within `reach` of an instant, or lasted over it. */
export const marksAt = (annotations: readonly Annotation[], at: number, reach: number): Annotation[] =>
  annotations.filter((mark) => mark.at - reach <= at && at <= (mark.until ?? mark.at) + reach)
