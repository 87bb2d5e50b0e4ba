// Numbers, sizes, spans and instants as people read them, in the reader's locale. Pure.

const locale = typeof navigator === 'undefined' ? 'en' : navigator.language

const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 })
const percent = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
const exact = new Intl.DateTimeFormat(locale, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
})
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const dayOnly = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' })

export const count = (value: number): string => integer.format(value)

export const number = (value: number): string =>
  Number.isFinite(value) ? (Math.abs(value) >= 1000 ? integer.format(value) : short.format(value)) : '–'

const scaled = (value: number, base: number, units: readonly string[]): string => {
  let rest = Math.abs(value)
  let step = 0
  while (rest >= base && step < units.length - 1) {
    rest /= base
    step += 1
  }
  const digits = rest >= 100 || Number.isInteger(rest) ? 0 : rest >= 10 ? 1 : 2
  const text = new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(rest)
  return `${value < 0 ? '−' : ''}${text} ${units[step] ?? ''}`.trimEnd()
}

/** Binary multiples, as memory and filesystems are sold to operators. */
export const bytes = (value: number): string => scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'])

const si = (value: number): string => scaled(value, 1000, ['', 'k', 'M', 'G', 'T'])

/** A span, at most two units: `3 d 4 h`, `12 min`, `8 s`, `240 ms`. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  const abs = Math.abs(ms)
  if (abs < 1) return ms === 0 ? '0 s' : `${short.format(ms * 1000)} µs`
  if (abs < 1000) return `${short.format(ms)} ms`
  const s = Math.floor(abs / 1000)
  const parts: [number, string][] = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor((s % 86_400) / 3600), 'h'],
    [Math.floor((s % 3600) / 60), 'min'],
    [s % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  const shown = parts
    .slice(first, first + 2)
    .filter(([n], i) => n > 0 && !(i === 1 && first === 2 && parts[2] !== undefined && parts[2][0] >= 10))
  return `${ms < 0 ? '−' : ''}${shown.map(([n, u]) => `${n} ${u}`).join(' ')}`
}

/** `12 min ago`, `in 3 d`, `now`. One unit: the exact instant is a hover away. */
export function ago(at: number, now: number): string {
  const delta = now - at
  const abs = Math.abs(delta)
  if (abs < 5000) return 'now'
  const unit: [number, string] =
    abs < 60_000
      ? [1000, 's']
      : abs < 3_600_000
        ? [60_000, 'min']
        : abs < 86_400_000
          ? [3_600_000, 'h']
          : [86_400_000, 'd']
  const n = Math.floor(abs / unit[0])
  return delta >= 0 ? `${n} ${unit[1]} ago` : `in ${n} ${unit[1]}`
}

/** How long something has lasted, short: `12 min`, `3 d`. */
export const lasted = (at: number, now: number): string => {
  const text = ago(at, now)
  return text === 'now' ? '< 5 s' : text.replace(' ago', '')
}

export const instant = (at: number): string => exact.format(at)
export const timeOfDay = (at: number): string => clock.format(at)
export const day = (at: number): string => dayOnly.format(at)
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** A value with the unit a series carries: `B`, `B/s`, `%`, `s`, `ms`, `1`, `1/s`, ... */
export function quantity(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  switch (unit) {
    case 'B':
      return bytes(value)
    case 'B/s':
      return `${bytes(value)}/s`
    case 'KB':
      return bytes(value * 1024)
    case 'MB':
      return bytes(value * 1024 * 1024)
    case 'GB':
      return bytes(value * 1024 ** 3)
    case '%':
      return `${percent.format(Math.abs(value) < 0.005 ? 0 : value)} %`
    case 's':
      return span(value * 1000)
    case 'ms':
      return span(value)
    case 'us':
      return span(value / 1000)
    case '1':
    case '':
    case 'c':
      return Math.abs(value) >= 10_000 ? si(value) : number(value)
    case '1/s':
      return `${Math.abs(value) >= 10_000 ? si(value) : number(value)}/s`
    default:
      return `${number(value)} ${unit}`
  }
}

/** Milliseconds of an RFC 3339 text, or null where there is none. */
export function ms(at: string | null | undefined): number | null {
  if (at === null || at === undefined || at === '') return null
  const value = Date.parse(at)
  return Number.isNaN(value) ? null : value
}
