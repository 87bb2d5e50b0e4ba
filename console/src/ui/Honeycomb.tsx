// Many things at a glance: one cell each, in a place that does not move. One path per tone, so that 10 000 cells cost
// five shapes; the pointer finds its cell by arithmetic. People who do not see it get the list beside it.

import { useMemo, useRef, useState, useSyncExternalStore } from 'react'
import styles from './Honeycomb.module.css'
import { type Tone, tones } from './tone'

export interface Cell {
  id: string
  label: string
  detail: string
  tone: Tone
  /** Drawn hollow. */
  faint?: boolean
}

/** Below this radius a sign inside a cell cannot be seen. */
const SMALL = 6

const radiusFor = (n: number): number =>
  n <= 40 ? 20 : n <= 150 ? 14 : n <= 600 ? 10 : n <= 3000 ? 6.5 : 4.2

/** Where cell `index` sits. Rows are offset by half a cell. */
export function place(index: number, perRow: number, r: number): { x: number; y: number } {
  const w = Math.sqrt(3) * r
  const row = Math.floor(index / perRow)
  const col = index % perRow
  return { x: w * (col + 0.5 + (row % 2) * 0.5), y: r * (1 + 1.5 * row) }
}

/** The cell nearest to a point, or none when the point is outside of all. */
export function cellAt(x: number, y: number, perRow: number, r: number, n: number): number | undefined {
  const row = Math.round((y / r - 1) / 1.5)
  let best: number | undefined
  let bestDistance = r
  for (const each of [row - 1, row, row + 1]) {
    if (each < 0) continue
    const col = Math.round(x / (Math.sqrt(3) * r) - 0.5 - (each % 2) * 0.5)
    if (col < 0 || col >= perRow) continue
    const index = each * perRow + col
    if (index >= n) continue
    const at = place(index, perRow, r)
    const distance = Math.hypot(at.x - x, at.y - y)
    if (distance < bestDistance) {
      bestDistance = distance
      best = index
    }
  }
  return best
}

function hexagon(cx: number, cy: number, r: number): string {
  let d = ''
  for (let i = 0; i < 6; i += 1) {
    const angle = (Math.PI / 3) * i + Math.PI / 6
    d += `${i === 0 ? 'M' : 'L'}${(cx + r * Math.cos(angle)).toFixed(1)} ${(cy + r * Math.sin(angle)).toFixed(1)}`
  }
  return `${d}Z`
}

// Too small for a sign inside, the cell itself takes the shape of the glyph: what is well is a speck, what is not is
// large and of its own form. Colour alone never tells.
const silhouette: Record<Tone, (x: number, y: number, r: number) => string> = {
  good: (x, y, r) => hexagon(x, y, r * 0.55),
  notice: (x, y, r) => `M${f(x)} ${f(y - r)}L${f(x + r)} ${f(y + 0.8 * r)}H${f(x - r)}Z`,
  danger: (x, y, r) => `M${f(x)} ${f(y - r)}L${f(x + r)} ${f(y)}L${f(x)} ${f(y + r)}L${f(x - r)} ${f(y)}Z`,
  unclear: (x, y, r) => `M${f(x - 0.8 * r)} ${f(y - 0.8 * r)}h${f(1.6 * r)}v${f(1.6 * r)}h${f(-1.6 * r)}Z`,
  waiting: (x, y, r) => `M${f(x - 0.8 * r)} ${f(y - 0.25 * r)}h${f(1.6 * r)}v${f(0.5 * r)}h${f(-1.6 * r)}Z`,
}
const f = (value: number) => value.toFixed(1)

// Inside a cell that is large enough: the same signs as the glyphs.
const sign: Record<Tone, (x: number, y: number, s: number) => string> = {
  good: (x, y, s) => `M${x - 0.8 * s} ${y}l${0.6 * s} ${0.6 * s}l${s} ${-1.1 * s}`,
  notice: (x, y, s) => `M${x} ${y - s}v${1.2 * s}M${x} ${y + 0.9 * s}v0.1`,
  danger: (x, y, s) =>
    `M${x - 0.7 * s} ${y - 0.7 * s}l${1.4 * s} ${1.4 * s}M${x + 0.7 * s} ${y - 0.7 * s}l${-1.4 * s} ${1.4 * s}`,
  unclear: (x, y, s) =>
    `M${x - 0.6 * s} ${y - 0.4 * s}a${0.6 * s} ${0.6 * s} 0 1 1 ${0.6 * s} ${0.7 * s}v${0.2 * s}M${x} ${y + s}v0.1`,
  waiting: (x, y, s) => `M${x - 0.7 * s} ${y}h${1.4 * s}`,
}

export function Honeycomb({
  cells,
  label,
  onOpen,
}: {
  cells: readonly Cell[]
  label: string
  onOpen: (id: string) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<{ index: number; x: number; y: number } | undefined>(undefined)
  const width = useWidth(box)
  const r = radiusFor(cells.length)
  const w = Math.sqrt(3) * r
  const perRow = Math.max(1, Math.floor(width / w - 0.5))
  const rows = Math.ceil(cells.length / perRow)
  const height = cells.length === 0 ? 0 : r * (2 + 1.5 * (rows - 1))

  const paths = useMemo(() => {
    const fills = Object.fromEntries(tones.map((tone) => [tone, ''])) as Record<Tone, string>
    const hollow = { ...fills }
    const signs = { ...fills }
    cells.forEach((cell, index) => {
      const { x, y } = place(index, perRow, r)
      const target = cell.faint === true ? hollow : fills
      target[cell.tone] +=
        r < SMALL ? silhouette[cell.tone](x, y, r - 0.3) : hexagon(x, y, r - (r > 8 ? 1.6 : 0.6))
      if (r >= SMALL && cell.tone !== 'good') signs[cell.tone] += sign[cell.tone](x, y, r * 0.3)
    })
    return { fills, hollow, signs }
  }, [cells, perRow, r])

  const find = (event: React.PointerEvent | React.MouseEvent) => {
    const rect = box.current?.getBoundingClientRect()
    if (rect === undefined) return undefined
    const x = event.clientX - rect.left
    const y = event.clientY - rect.top
    const index = cellAt(x, y, perRow, r, cells.length)
    return index === undefined ? undefined : { index, x, y }
  }
  const hovered = at === undefined ? undefined : cells[at.index]
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same hosts are links in the list beside it.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above.
    <div
      ref={box}
      className={styles.comb}
      onPointerMove={(event) => setAt(find(event))}
      onPointerLeave={() => setAt(undefined)}
      onClick={(event) => {
        const cell = cells[find(event)?.index ?? -1]
        if (cell !== undefined) onOpen(cell.id)
      }}
      data-over={hovered !== undefined}
      data-tiny={r < SMALL}
    >
      <svg width={width} height={height} role="img" aria-label={label}>
        {tones.map((tone) => (
          <g key={tone} data-tone={tone} className={styles.tone}>
            <path d={paths.fills[tone]} className={styles.fill} />
            <path d={paths.hollow[tone]} className={styles.hollow} />
            <path d={paths.signs[tone]} className={styles.sign} strokeWidth={Math.max(1, r / 8)} />
          </g>
        ))}
        {at !== undefined && (
          <path
            d={hexagon(place(at.index, perRow, r).x, place(at.index, perRow, r).y, r)}
            className={styles.cursor}
          />
        )}
      </svg>
      {hovered !== undefined && at !== undefined && (
        <div
          className={styles.tip}
          style={{
            top: at.y + 16,
            ...(at.x < width / 2 ? { left: at.x + 8 } : { right: Math.max(0, width - at.x + 8) }),
          }}
        >
          <strong>{hovered.label}</strong>
          <span>{hovered.detail}</span>
        </div>
      )}
    </div>
  )
}

function useWidth(box: React.RefObject<HTMLDivElement | null>): number {
  return useSyncExternalStore(
    (listener) => {
      if (box.current === null) return () => {}
      const observer = new ResizeObserver(listener)
      observer.observe(box.current)
      return () => observer.disconnect()
    },
    () => box.current?.clientWidth ?? 600,
  )
}
