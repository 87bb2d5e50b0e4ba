// Draws lines with uPlot: drag zooms, double click goes back, cursors of one group move together, thresholds and
// happenings are drawn on it, gaps stay gaps, and a table says the same in words.

import { useEffect, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { t } from '../../strings'
import { Button } from '../Button'
import { csv, download, downloadCsv } from '../csv'
import { instant, quantity, timeOfDay } from '../format'
import styles from './Chart.module.css'
import { type Annotation, align, alone, figures, type Line, marksAt, type Threshold } from './data'

export interface ChartProps {
  title: string
  lines: readonly Line[]
  unit: string
  stepMs: number
  from: number
  to: number
  thresholds?: readonly Threshold[]
  annotations?: readonly Annotation[]
  /** Lines sit on top of each other. */
  stacked?: boolean
  /** At least this far up the axis: 100 for a share. */
  top?: number
  height?: number
  sync?: string
  /** No values yet is not the same as none. */
  loading?: boolean
  onZoom?: (from: number, to: number) => void
  onBack?: () => void
}

// Sizes are read in powers of two: their axis is divided the same way.
const binarySteps = Array.from({ length: 60 }, (_, power) => 2 ** power)

// After eight colours come dashes: two lines of one graph never look the same.
const COLORS = 8
const DASH = [6, 3]

/** Moving together is shared; choosing a span is each graph's own, or one drag would zoom once for every graph. */
const moves = new Set(['mousemove', 'mouseleave'])

// More lines than this are unreadable; the rest is in the table.
const MAX_LINES = 16

const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const seriesColor = (index: number): string => `--series-${(index % COLORS) + 1}`

export default function ChartCanvas(props: ChartProps) {
  const {
    lines,
    unit,
    stepMs,
    from,
    to,
    thresholds = [],
    annotations = [],
    stacked = false,
    height = 150,
  } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const dragging = useRef(false)
  const waiting = useRef<uPlot.AlignedData>(undefined)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [asTable, setAsTable] = useState(false)
  const [theme, setTheme] = useState(0)
  const callbacks = useRef(props)
  callbacks.current = props

  const drawn = useMemo(() => lines.slice(0, MAX_LINES), [lines])
  const data = useMemo(() => {
    const aligned = align(drawn, stepMs)
    const visible = aligned.ys.map((ys, i) => (hidden.has(drawn[i]?.id ?? '') ? ys.map(() => null) : ys))
    if (!stacked) return { x: aligned.x, ys: visible }
    const sums = new Array<number>(aligned.x.length).fill(0)
    const ys = visible.map((row) =>
      row.map((value, i) => {
        if (value === null) return null
        sums[i] = (sums[i] ?? 0) + value
        return sums[i] ?? null
      }),
    )
    return { x: aligned.x, ys }
  }, [drawn, stepMs, hidden, stacked])

  // The canvas cannot read CSS variables by itself: draw anew when the theme changes.
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme((n) => n + 1))
    observer.observe(document.documentElement, {
      attributeFilter: ['data-mantine-color-scheme', 'data-contrast'],
    })
    return () => observer.disconnect()
  }, [])

  const shape = drawn.map((line) => line.id).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: data goes in by setData below; this builds the axes.
  useEffect(() => {
    const host = box.current
    if (host === null || asTable) return
    const ink = cssColor('--ink-3')
    const grid = cssColor('--grid-line')
    const font = `11px ${cssColor('--font')}`
    const opts: uPlot.Options = {
      width: Math.max(120, host.clientWidth),
      height,
      // Room for half of the last time on the axis.
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, uni: 12 },
        points: { size: 6 },
        ...(props.sync === undefined
          ? {}
          : {
              sync: {
                key: props.sync,
                setSeries: false,
                filters: { pub: (type) => moves.has(type), sub: (type) => moves.has(type) },
              },
            }),
        bind: {
          dblclick: () => () => {
            callbacks.current.onBack?.()
            return null
          },
        },
      },
      scales: {
        x: { time: true, range: () => [callbacks.current.from / 1000, callbacks.current.to / 1000] },
        y: {
          range: (_u, low, high) => {
            const limits = (callbacks.current.thresholds ?? []).map((each) => each.value)
            const top = Math.max(high ?? 0, callbacks.current.top ?? 0)
            // A threshold far above the data would flatten it; within three times it is worth showing.
            const shownTop = Math.max(top, ...limits.filter((value) => value <= top * 3 || top === 0))
            const bottom = Math.min(0, low ?? 0)
            return [bottom, shownTop === bottom ? bottom + 1 : shownTop * (shownTop === 100 ? 1 : 1.06)]
          },
        },
      },
      axes: [
        {
          stroke: ink,
          font,
          size: 26,
          gap: 6,
          grid: { stroke: grid, width: 1 },
          ticks: { show: false },
          space: 70,
          values: timeTicks,
        },
        {
          stroke: ink,
          font,
          size: 62,
          gap: 6,
          space: 34,
          grid: { stroke: grid, width: 1 },
          ticks: { show: false },
          ...(unit === 'B' || unit === 'B/s' ? { incrs: binarySteps } : {}),
          values: (_u, ticks) => ticks.map((tick) => quantity(tick, unit)),
        },
      ],
      series: [
        {},
        ...drawn.map((line, i): uPlot.Series => {
          const color = cssColor(seriesColor(i))
          return {
            label: line.label,
            stroke: color,
            width: 1.5,
            spanGaps: false,
            // A value between two gaps has no line to be seen by.
            points: {
              show: true,
              size: 4,
              width: 0,
              fill: color,
              filter: (u, series) => alone(u.data[series] ?? []),
            },
            ...(i < COLORS ? {} : { dash: DASH }),
            ...(stacked || drawn.length === 1 ? { fill: `${color}${stacked ? '40' : '1f'}` } : {}),
          }
        }),
      ],
      ...(stacked ? { bands: drawn.slice(1).map((_, i): uPlot.Band => ({ series: [i + 2, i + 1] })) } : {}),
      hooks: {
        draw: [(u) => drawMarks(u, callbacks.current.thresholds ?? [], callbacks.current.annotations ?? [])],
        setSelect: [
          (u) => {
            const { left, width } = u.select
            if (width < 6) return
            const start = u.posToVal(left, 'x') * 1000
            const end = u.posToVal(left + width, 'x') * 1000
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            callbacks.current.onZoom?.(Math.round(start), Math.round(end))
          },
        ],
        setCursor: [
          (u) =>
            showReading(
              u,
              host,
              drawn,
              unit,
              stacked ? lines : undefined,
              stepMs,
              callbacks.current.annotations,
            ),
        ],
      },
    }
    const u = new uPlot(opts, [data.x, ...data.ys] as uPlot.AlignedData, host)
    plot.current = u
    // New values wait while somebody drags: they would end the drag.
    const press = () => {
      dragging.current = true
    }
    const letGo = () => {
      if (!dragging.current) return
      dragging.current = false
      const late = waiting.current
      waiting.current = undefined
      // After uPlot has taken the span.
      if (late !== undefined) setTimeout(() => plot.current === u && u.setData(late))
    }
    u.over.addEventListener('pointerdown', press)
    window.addEventListener('pointerup', letGo)
    const resize = new ResizeObserver(() => u.setSize({ width: Math.max(120, host.clientWidth), height }))
    resize.observe(host)
    return () => {
      resize.disconnect()
      window.removeEventListener('pointerup', letGo)
      dragging.current = false
      u.destroy()
      plot.current = null
    }
  }, [shape, unit, height, theme, asTable, stacked, props.sync])

  // biome-ignore lint/correctness/useExhaustiveDependencies: range, thresholds and annotations are read while drawing.
  useEffect(() => {
    const next = [data.x, ...data.ys] as uPlot.AlignedData
    if (dragging.current) waiting.current = next
    else plot.current?.setData(next)
  }, [data, from, to, thresholds, annotations])

  const toggle = (id: string, alone: boolean) =>
    setHidden((now) => {
      const others = drawn.filter((line) => line.id !== id).map((line) => line.id)
      if (alone) return others.every((other) => now.has(other)) && !now.has(id) ? new Set() : new Set(others)
      const next = new Set(now)
      if (next.has(id)) next.delete(id)
      else next.add(id)
      return next
    })

  const rows = () => {
    const aligned = align(lines, stepMs)
    return aligned.x.map((x, i) => ({ at: x * 1000, values: aligned.ys.map((ys) => ys[i] ?? null) }))
  }
  const saveCsv = () =>
    downloadCsv(
      `${props.title}.csv`,
      csv(
        [t.chart.time, ...lines.map((line) => line.label)],
        rows().map((row) => [
          new Date(row.at).toISOString(),
          ...row.values.map((v) => (v === null ? '' : String(v))),
        ]),
      ),
    )
  const savePng = () => {
    const plot = box.current?.querySelector('canvas')
    const picture = plot == null ? undefined : paint(plot, props.title, drawn, hidden, unit)
    picture?.toBlob((blob) => {
      if (blob !== null) download(`${props.title}.png`, blob)
    })
  }

  return (
    <figure className={styles.chart} aria-label={props.title}>
      <figcaption className={styles.caption}>
        <span className={styles.title}>{props.title}</span>
        <span className={styles.tools}>
          <Button size="small" look="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {asTable ? t.chart.asGraph : t.chart.asTable}
          </Button>
          <Button size="small" look="quiet" onClick={saveCsv}>
            CSV
          </Button>
          {!asTable && (
            <Button size="small" look="quiet" onClick={savePng}>
              PNG
            </Button>
          )}
        </span>
      </figcaption>
      {asTable ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard.
        <section className={styles.tableBox} tabIndex={0} aria-label={t.chart.values(props.title)}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">{t.chart.time}</th>
                {lines.map((line) => (
                  <th scope="col" key={line.id}>
                    {line.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows()
                .toReversed()
                .slice(0, 500)
                .map((row) => (
                  <tr key={row.at}>
                    <th scope="row">{instant(row.at)}</th>
                    {row.values.map((value, i) => (
                      <td key={lines[i]?.id ?? i}>{value === null ? t.chart.gap : quantity(value, unit)}</td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div ref={box} className={styles.plot} style={{ height }} aria-hidden>
          {data.x.length === 0 && (
            <div className={styles.nothing}>
              {props.loading === true ? t.common.loading : t.chart.nothing}
            </div>
          )}
        </div>
      )}
      <table className={styles.legend}>
        <caption className="sr-only">{t.chart.legend(props.title)}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">{t.chart.series}</span>
            </th>
            <th scope="col">{t.chart.min}</th>
            <th scope="col">{t.chart.avg}</th>
            <th scope="col">{t.chart.max}</th>
            <th scope="col">{t.chart.last}</th>
          </tr>
        </thead>
        <tbody>
          {drawn.map((line, i) => {
            const f = figures(line)
            return (
              <tr key={line.id} data-off={hidden.has(line.id)}>
                <th scope="row">
                  <button
                    type="button"
                    className={styles.key}
                    aria-pressed={!hidden.has(line.id)}
                    title={t.chart.toggle}
                    onClick={(event) => toggle(line.id, event.ctrlKey || event.metaKey)}
                  >
                    <span
                      className={styles.swatch}
                      data-dashed={i >= COLORS}
                      style={{ '--swatch': `var(${seriesColor(i)})` } as React.CSSProperties}
                    />
                    <span className={styles.keyLabel}>{line.label}</span>
                  </button>
                </th>
                <td>{quantity(f.min, unit)}</td>
                <td>{quantity(f.avg, unit)}</td>
                <td>{quantity(f.max, unit)}</td>
                <td>{quantity(f.last, unit)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {asTable && (thresholds.length > 0 || annotations.length > 0) && (
        <ul className={styles.marks} aria-label={t.chart.marks}>
          {thresholds.map((each) => (
            <li key={`${each.tone}${each.value}${each.label}`}>{each.label}</li>
          ))}
          {annotations.map((each) => (
            <li key={`${each.at}${each.label}`}>
              {instant(each.at)}
              {each.until !== undefined && ` – ${instant(each.until)}`} {each.label}
            </li>
          ))}
        </ul>
      )}
      {lines.length > drawn.length && (
        <p className={styles.more}>{t.chart.more(lines.length - drawn.length)}</p>
      )}
    </figure>
  )
}

/** The graph as a picture that stands alone: on its ground, with its title and what the lines are. */
function paint(
  plot: HTMLCanvasElement,
  title: string,
  lines: readonly Line[],
  hidden: ReadonlySet<string>,
  unit: string,
): HTMLCanvasElement | undefined {
  const ratio = devicePixelRatio
  const [pad, row] = [12 * ratio, 17 * ratio]
  const shown = lines.map((line, i) => ({ line, i })).filter(({ line }) => !hidden.has(line.id))
  const picture = document.createElement('canvas')
  picture.width = plot.width + 2 * pad
  picture.height = plot.height + 3 * pad + row * (shown.length + 1)
  const ctx = picture.getContext('2d')
  if (ctx === null) return undefined
  ctx.fillStyle = cssColor('--surface')
  ctx.fillRect(0, 0, picture.width, picture.height)
  ctx.textBaseline = 'middle'
  ctx.fillStyle = cssColor('--ink')
  ctx.font = `600 ${13 * ratio}px ${cssColor('--font')}`
  ctx.fillText(title, pad, pad + row / 2)
  ctx.drawImage(plot, pad, pad + row)
  ctx.font = `${11 * ratio}px ${cssColor('--font')}`
  shown.forEach(({ line, i }, at) => {
    const y = 2 * pad + row * (at + 1.5) + plot.height
    const f = figures(line)
    ctx.fillStyle = cssColor(seriesColor(i))
    ctx.fillRect(pad, y - ratio, 12 * ratio, 3 * ratio)
    ctx.fillStyle = cssColor('--ink')
    ctx.fillText(
      `${line.label}   ${t.chart.min} ${quantity(f.min, unit)}   ${t.chart.avg} ${quantity(f.avg, unit)}   ${t.chart.max} ${quantity(f.max, unit)}   ${t.chart.last} ${quantity(f.last, unit)}`,
      pad + 18 * ratio,
      y,
    )
  })
  return picture
}

function timeTicks(u: uPlot, ticks: number[]): string[] {
  const range = ((u.scales.x?.max ?? 0) - (u.scales.x?.min ?? 0)) * 1000
  const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
  return ticks.map((tick) => {
    const at = new Date(tick * 1000)
    if (range > 2 * 86_400_000) return at.getHours() === 0 ? date.format(at) : timeOfDay(tick * 1000)
    return timeOfDay(tick * 1000)
  })
}

function drawMarks(u: uPlot, thresholds: readonly Threshold[], annotations: readonly Annotation[]): void {
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  const ratio = devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, width, height)
  ctx.clip()
  ctx.font = `${10 * ratio}px ${cssColor('--font')}`
  const right: number[] = []
  for (const line of thresholds) {
    const y = u.valToPos(line.value, 'y', true)
    if (y < top - 1 || y > top + height + 1) continue
    const color = cssColor(line.tone === 'danger' ? '--critical-fill' : '--warning-fill')
    ctx.strokeStyle = color
    ctx.fillStyle = color
    ctx.lineWidth = ratio
    ctx.setLineDash(line.tone === 'danger' ? [] : [4 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(left, y)
    ctx.lineTo(left + width, y)
    ctx.stroke()
    ctx.setLineDash([])
    // Above the line, or below it where the top is near; at the other end where a label stands already.
    const at = y - top < 14 * ratio ? y + 11 * ratio : y - 3 * ratio
    const taken = right.some((other) => Math.abs(other - at) < 12 * ratio)
    ctx.textAlign = taken ? 'left' : 'right'
    if (!taken) right.push(at)
    ctx.fillText(line.label, taken ? left + 4 * ratio : left + width - 4 * ratio, at)
  }
  const tones = {
    good: '--ok-fill',
    notice: '--warning-fill',
    danger: '--critical-fill',
    unclear: '--unknown-fill',
    calm: '--ink-3',
  }
  for (const mark of annotations) {
    const x = u.valToPos(mark.at / 1000, 'x', true)
    if (mark.until !== undefined) {
      const end = Math.min(left + width, u.valToPos(mark.until / 1000, 'x', true))
      const start = Math.max(left, x)
      if (end > start) {
        ctx.fillStyle = cssColor(tones[mark.tone])
        ctx.globalAlpha = 0.12
        ctx.fillRect(start, top, end - start, height)
        ctx.globalAlpha = 1
      }
    }
    if (x < left || x > left + width) continue
    ctx.strokeStyle = cssColor(tones[mark.tone])
    ctx.fillStyle = ctx.strokeStyle
    ctx.globalAlpha = 0.7
    ctx.lineWidth = ratio
    ctx.beginPath()
    ctx.moveTo(x, top)
    ctx.lineTo(x, top + height)
    ctx.stroke()
    ctx.globalAlpha = 1
    ctx.beginPath()
    ctx.moveTo(x - 4 * ratio, top)
    ctx.lineTo(x + 4 * ratio, top)
    ctx.lineTo(x, top + 6 * ratio)
    ctx.fill()
  }
  ctx.restore()
}

// The reading under the cursor. Plain nodes: it moves with the pointer and must not re-render the page.
function showReading(
  u: uPlot,
  host: HTMLElement,
  drawn: readonly Line[],
  unit: string,
  raw: readonly Line[] | undefined,
  stepMs: number,
  annotations: readonly Annotation[] = [],
): void {
  let tip = host.querySelector<HTMLDivElement>(`.${styles.tip}`)
  const index = u.cursor.idx
  const left = u.cursor.left ?? -1
  if (index === null || index === undefined || left < 0) {
    tip?.remove()
    return
  }
  if (tip === null) {
    tip = document.createElement('div')
    tip.className = styles.tip ?? ''
    host.append(tip)
  }
  const at = (u.data[0][index] ?? 0) * 1000
  const unstacked = raw === undefined ? undefined : align(raw.slice(0, MAX_LINES), stepMs)
  const line = (text: string, value: string, color?: string) => {
    const row = document.createElement('div')
    const name = document.createElement('span')
    name.textContent = text
    if (color !== undefined) name.style.setProperty('--swatch', `var(${color})`)
    const figure = document.createElement('b')
    figure.textContent = value
    row.append(name, figure)
    return row
  }
  const head = document.createElement('div')
  head.textContent = instant(at)
  const rows = drawn.slice(0, 10).map((each, i) => {
    const value = unstacked === undefined ? u.data[i + 1]?.[index] : unstacked.ys[i]?.[index]
    return line(each.label, quantity(value, unit), seriesColor(i))
  })
  // A few pixels to either side of the cursor.
  const reach = (u.posToVal(left + 5, 'x') - u.posToVal(left, 'x')) * 1000
  const marks = marksAt(annotations, u.posToVal(left, 'x') * 1000, reach)
    .slice(0, 4)
    .map((mark) => {
      const row = document.createElement('p')
      row.textContent = `${timeOfDay(mark.at)} ${mark.label}`
      return row
    })
  tip.replaceChildren(head, ...rows, ...marks)
  // Beside the cursor, on the side with more room.
  const rightSide = left < u.over.clientWidth / 2
  tip.style.left = rightSide ? `${u.over.offsetLeft + left + 12}px` : 'auto'
  tip.style.right = rightSide ? 'auto' : `${host.clientWidth - u.over.offsetLeft - left + 12}px`
}
