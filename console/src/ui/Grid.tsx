// The list of every screen: sorted, resized, chosen columns, windowed rows, selection by shift, keyboard, CSV.
//
// Rows are data, not markup: 100 000 of them cost what fits on the screen. The grid has the focus, and the row at hand
// is told to assistive technology by aria-activedescendant, so that scrolling never loses the place.

import {
  columnSizingFeature,
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useCallback, useEffect, useId, useMemo, useRef, useState } from 'react'
import { t } from '../strings'
import { Button } from './Button'
import { csv, downloadCsv } from './csv'
import styles from './Grid.module.css'
import { IconArrowDown, IconArrowUp } from './icons'
import { type Shortcut, useShortcuts } from './keys'
import { readPref, writePref } from './prefs'
import { toastError } from './toast'
import type { Tone } from './tone'
import { useHeld } from './useHeld'
import { useNarrow } from './useNarrow'
import { usePopup } from './usePopup'

export interface Column<T> {
  id: string
  header: string
  /** Pixels; the least when `grow` is set. */
  width: number
  /** Share of the room that is left over. */
  grow?: number
  end?: boolean
  cell: (row: T) => ReactNode
  /** What the cell says, for CSV and for the title. */
  text: (row: T) => string
  sort?: (row: T) => string | number
  /** What the server calls the order by this column; its id when absent. */
  order?: string
  /** Cannot be left out. */
  fixed?: boolean
  /** Left out until somebody chooses it. */
  optional?: boolean
}

export interface Sort {
  id: string
  desc: boolean
}

export interface GridProps<T> {
  label: string
  /** Names the preferences and the CSV file. */
  name: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  idOf: (row: T) => string
  /** How the row is called by assistive technology. */
  nameOf: (row: T) => string
  toneOf?: (row: T) => Tone | undefined
  /** Quieter: somebody deals with it. */
  mutedOf?: (row: T) => boolean
  onOpen?: (row: T) => void
  /** The row shown in the side panel. */
  openId?: string | undefined
  selection?: ReadonlySet<string>
  onSelect?: (ids: ReadonlySet<string>) => void
  sort?: Sort | undefined
  onSort?: (sort: Sort | undefined) => void
  /** The rows come in the order asked for: they are the first of a list that only the server has whole. */
  ordered?: boolean
  /** Further shortcuts for the row at hand. */
  shortcuts?: (current: T | undefined) => readonly Shortcut[]
  /** One row on a narrow screen, in two lines. */
  narrow: (row: T) => ReactNode
  empty: ReactNode
  loading?: boolean
  /** All that match, when more are on the server than loaded. */
  total?: number | undefined
  onEnd?: (() => void) | undefined
  /** There are rows that are not loaded, whether or not the server counted them. */
  more?: boolean
  /** All that match, also those not loaded yet: for the file. */
  all?: () => Promise<readonly T[]>
  toolbar?: ReactNode
  /** A change here means another list: nothing is held. */
  scope: string
  comfortable?: boolean
  /** As tall as its rows instead of filling the page. */
  fit?: boolean
}

/** The order asked for, as the server names it. */
export function orderOf<T>(columns: readonly Column<T>[], sort: Sort | undefined): string | undefined {
  const column = columns.find((each) => each.id === sort?.id)
  if (sort === undefined || column === undefined) return undefined
  return `${sort.desc ? '-' : ''}${column.order ?? column.id}`
}

const features = tableFeatures({
  rowSortingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
})

const isWidths = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each) => typeof each === 'number')
const isShown = (value: unknown): value is Record<string, boolean> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each) => typeof each === 'boolean')

// One for all comparisons: making one each time is what makes sorting a long list slow.
const collator = new Intl.Collator(undefined, { numeric: true })

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))

export function Grid<T>(props: GridProps<T>) {
  const { columns, rows, idOf, selection, onSelect, sort, onSort, name, onOpen, onEnd } = props
  const cameOrdered = props.ordered ?? false
  const narrow = useNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const domId = useId()
  const [currentId, setCurrentId] = useState<string | undefined>(props.openId)
  const anchor = useRef<string | undefined>(undefined)
  const [widths, setWidths] = useState(() => readPref(`grid.${name}.widths`, {}, isWidths))
  const [chosen, setChosen] = useState(() => readPref(`grid.${name}.columns`, {}, isShown))
  // Columns may come with the first rows: what nobody chose is as the column says.
  const shown = useMemo(
    () => ({
      ...Object.fromEntries(columns.map((each) => [each.id, each.optional !== true])),
      ...chosen,
    }),
    [columns, chosen],
  )
  useEffect(() => writePref(`grid.${name}.widths`, widths), [name, widths])
  useEffect(() => writePref(`grid.${name}.columns`, chosen), [name, chosen])

  const defs = useMemo(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: T) => (column.sort ?? column.text)(row),
        header: column.header,
        size: column.width,
        minSize: 48,
        enableSorting: column.sort !== undefined,
        enableHiding: column.fixed !== true,
        sortFn: (a: { original: T }, b: { original: T }) =>
          compare((column.sort ?? column.text)(a.original), (column.sort ?? column.text)(b.original)),
      })),
    [columns],
  )
  const data = useMemo(() => [...rows], [rows])
  const sorting = useMemo(() => (sort === undefined ? [] : [sort]), [sort])
  const table = useTable({
    features,
    // biome-ignore lint/suspicious/noExplicitAny: the row type is ours; Table's own generics add nothing here.
    columns: defs as any,
    data: data as object[],
    enableMultiSort: false,
    manualSorting: cameOrdered,
    state: { sorting, columnSizing: widths, columnVisibility: shown },
    onSortingChange: (update) => {
      const next = typeof update === 'function' ? update(sorting) : update
      onSort?.(next[0])
    },
    onColumnSizingChange: (update) =>
      setWidths((now) => (typeof update === 'function' ? update(now) : update)),
    onColumnVisibilityChange: (update) => setChosen(typeof update === 'function' ? update(shown) : update),
  })

  const sorted = table.getRowModel().rows
  const ordered = useMemo(() => sorted.map((row) => row.original as T), [sorted])
  const order = `${props.scope}|${sort?.id ?? ''}${sort?.desc ?? ''}`
  const held = useHeld(ordered, idOf, `${order}|${shownPage(rows.length)}`)
  const list = held.rows

  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns])
  const visible = table.getVisibleLeafColumns().flatMap((each) => {
    const column = byId.get(each.id)
    return column === undefined ? [] : [{ column, size: each.getSize() }]
  })
  const template = [
    ...(onSelect === undefined ? [] : ['36px']),
    ...visible.map(({ column, size }, index) =>
      column.grow !== undefined && widths[column.id] === undefined
        ? `minmax(${column.width}px, ${column.grow}fr)`
        : `${size + (onSelect === undefined && index === 0 && widths[column.id] === undefined ? 8 : 0)}px`,
    ),
    '8px',
  ].join(' ')
  // Said in pixels: by its content, a column that grows would push the last ones off the screen.
  const least = visible.reduce(
    (sum, { column, size }) =>
      sum + (column.grow !== undefined && widths[column.id] === undefined ? column.width : size),
    onSelect === undefined ? 16 : 44,
  )

  const rowHeight = narrow ? 60 : props.comfortable ? 40 : 32
  const virtual = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => {
      const row = list[index]
      return row === undefined ? index : idOf(row)
    },
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the row height changes.
  useEffect(() => virtual.measure(), [rowHeight])

  // Another list or another order is read from its top.
  const read = useRef(order)
  useEffect(() => {
    if (read.current !== order) scroller.current?.scrollTo(0, 0)
    read.current = order
  }, [order])

  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    // An order made here is only true of all rows: while one is asked for, the rest is fetched too.
    if (rows.length > 0 && ((sort !== undefined && !cameOrdered) || last >= rows.length - 40)) onEnd?.()
  }, [last, rows.length, sort, cameOrdered, onEnd])

  const currentIndex = useMemo(
    () => (currentId === undefined ? -1 : list.findIndex((row) => idOf(row) === currentId)),
    [list, currentId, idOf],
  )
  const current = currentIndex < 0 ? undefined : list[currentIndex]

  const moveTo = useCallback(
    (index: number) => {
      const clamped = Math.max(0, Math.min(list.length - 1, index))
      const row = list[clamped]
      if (row === undefined) return
      setCurrentId(idOf(row))
      virtual.scrollToIndex(clamped)
      scroller.current?.focus({ preventScroll: true })
    },
    [list, idOf, virtual],
  )

  const select = useCallback(
    (row: T, extend: boolean) => {
      if (onSelect === undefined || selection === undefined) return
      const next = new Set(selection)
      const id = idOf(row)
      const from = anchor.current === undefined ? -1 : list.findIndex((each) => idOf(each) === anchor.current)
      const to = list.findIndex((each) => idOf(each) === id)
      if (extend && from >= 0 && to >= 0) {
        for (const each of list.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(idOf(each))
      } else if (next.has(id)) {
        next.delete(id)
      } else {
        next.add(id)
      }
      anchor.current = id
      onSelect(next)
    },
    [onSelect, selection, idOf, list],
  )

  useShortcuts(t.keys.list, [
    { keys: 'j', label: t.keys.next, run: () => moveTo(currentIndex + 1) },
    { keys: 'k', label: t.keys.previous, run: () => moveTo(currentIndex < 0 ? 0 : currentIndex - 1) },
    ...(onOpen === undefined
      ? []
      : [{ keys: 'Enter', label: t.keys.open, run: () => current !== undefined && onOpen(current) }]),
    ...(onSelect === undefined
      ? []
      : [
          {
            keys: 'x',
            label: t.keys.select,
            run: (event: KeyboardEvent) => current !== undefined && select(current, event.shiftKey),
          },
          ...(selection === undefined || selection.size === 0
            ? []
            : [{ keys: 'Escape', label: t.grid.clearSelection, run: () => onSelect(new Set()) }]),
        ]),
    ...(props.shortcuts?.(current) ?? []),
  ])

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.target !== scroller.current) return
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 320) / rowHeight) - 2)
    const to: Record<string, number> = {
      ArrowDown: currentIndex + 1,
      ArrowUp: currentIndex < 0 ? 0 : currentIndex - 1,
      PageDown: currentIndex + page,
      PageUp: currentIndex - page,
      Home: 0,
      End: list.length - 1,
    }
    const index = to[event.key]
    if (index !== undefined) {
      event.preventDefault()
      moveTo(index)
    } else if (event.key === ' ' && current !== undefined && onSelect !== undefined) {
      event.preventDefault()
      select(current, event.shiftKey)
    }
  }

  const allSelected =
    selection !== undefined && list.length > 0 && list.every((row) => selection.has(idOf(row)))
  const whole = props.more !== true && (props.total === undefined || props.total <= list.length)
  const [saving, setSaving] = useState(false)
  const exportCsv = async () => {
    setSaving(true)
    try {
      // A file that silently held a part only would be worse than none.
      const lines = whole || props.all === undefined ? list : await props.all()
      downloadCsv(
        `${name}.csv`,
        csv(
          visible.map(({ column }) => column.header),
          lines.map((row) => visible.map(({ column }) => column.text(row))),
        ),
      )
    } catch (error) {
      toastError(t.grid.csvFailed, error instanceof Error ? error.message : '')
    } finally {
      setSaving(false)
    }
  }

  const choosable = columns.filter((column) => column.fixed !== true)
  const showEmpty = list.length === 0 && props.loading !== true

  return (
    <div className={styles.frame} data-fit={props.fit ?? false}>
      <div className={styles.bar}>
        <div className={styles.barStart}>{props.toolbar}</div>
        {held.waiting > 0 && (
          <Button size="small" look="soft" onClick={held.release}>
            {t.grid.waiting(held.waiting)}
          </Button>
        )}
        <div className={styles.barEnd}>
          <span className={styles.total}>
            {props.total !== undefined && props.total > list.length
              ? t.grid.partOf(list.length, props.total)
              : props.more === true
                ? t.grid.atLeast(list.length)
                : t.grid.rows(list.length)}
          </span>
          {!narrow && choosable.length > 0 && (
            <ColumnMenu
              columns={choosable}
              shown={shown}
              onChange={(id, on) => setChosen((now) => ({ ...now, [id]: on }))}
              onReset={() => setWidths({})}
            />
          )}
          <Button
            size="small"
            look="quiet"
            title={t.grid.csvTitle(props.all === undefined ? list.length : (props.total ?? list.length))}
            onClick={() => void exportCsv()}
            busy={saving}
            disabled={list.length === 0}
          >
            {t.grid.csv}
          </Button>
        </div>
      </div>
      <div
        ref={scroller}
        className={styles.scroller}
        role="grid"
        aria-label={props.label}
        aria-rowcount={(props.total ?? list.length) + 1}
        aria-multiselectable={onSelect !== undefined}
        aria-busy={props.loading ?? false}
        aria-activedescendant={
          items.some((item) => item.index === currentIndex) ? `${domId}-${currentIndex}` : undefined
        }
        tabIndex={0}
        onKeyDown={onKeyDown}
        {...held.handlers}
      >
        <div
          className={styles.body}
          role="presentation"
          style={
            {
              '--cols': template,
              '--least': narrow ? '0px' : `${least}px`,
              '--row-height': `${rowHeight}px`,
            } as React.CSSProperties
          }
        >
          <div className={styles.head} role="row" aria-rowindex={1} data-narrow={narrow}>
            {onSelect !== undefined && (
              <div className={styles.check} role="columnheader">
                <input
                  type="checkbox"
                  aria-label={t.grid.selectAll}
                  checked={allSelected}
                  onChange={() => onSelect(allSelected ? new Set() : new Set(list.map(idOf)))}
                />
              </div>
            )}
            {!narrow &&
              table.getHeaderGroups()[0]?.headers.map((header) => {
                const column = byId.get(header.column.id)
                if (column === undefined || !header.column.getIsVisible()) return null
                const direction = header.column.getIsSorted()
                return (
                  <div
                    key={header.id}
                    className={styles.headCell}
                    role="columnheader"
                    aria-label={column.header}
                    data-end={column.end ?? false}
                    aria-sort={
                      direction === 'asc' ? 'ascending' : direction === 'desc' ? 'descending' : undefined
                    }
                  >
                    {column.sort === undefined || onSort === undefined ? (
                      <span className={styles.headLabel}>{column.header}</span>
                    ) : (
                      <button
                        type="button"
                        className={styles.headButton}
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <span className={styles.headLabel}>{column.header}</span>
                        {direction === 'asc' && <IconArrowUp size={12} aria-hidden />}
                        {direction === 'desc' && <IconArrowDown size={12} aria-hidden />}
                      </button>
                    )}
                    <Resizer
                      label={t.grid.resize(column.header)}
                      onWidth={(width) => setWidths((now) => ({ ...now, [column.id]: width }))}
                      onReset={() => setWidths(({ [column.id]: _, ...rest }) => rest)}
                    />
                  </div>
                )
              })}
            {narrow && (
              <div className={styles.headCell} role="columnheader">
                <span className={styles.headLabel}>{props.label}</span>
              </div>
            )}
          </div>
          <div className={styles.rows} role="presentation" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = list[item.index]
              if (row === undefined) return null
              const id = idOf(row)
              const selected = selection?.has(id) ?? false
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keyboard for the row at hand.
                <div
                  key={id}
                  id={`${domId}-${item.index}`}
                  className={styles.row}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-label={props.nameOf(row)}
                  aria-selected={onSelect === undefined ? undefined : selected}
                  data-current={id === currentId}
                  data-open={id === props.openId}
                  data-selected={selected}
                  data-tone={props.toneOf?.(row)}
                  data-muted={props.mutedOf?.(row) ?? false}
                  data-narrow={narrow}
                  style={{ transform: `translateY(${item.start}px)` }}
                  onClick={(event) => {
                    if ((event.target as HTMLElement).closest('a, button, input') !== null) return
                    setCurrentId(id)
                    if (event.shiftKey || event.ctrlKey || event.metaKey) select(row, event.shiftKey)
                    else onOpen?.(row)
                  }}
                >
                  {onSelect !== undefined && (
                    <div className={styles.check} role="gridcell">
                      <input
                        type="checkbox"
                        aria-label={t.grid.selectOne(props.nameOf(row))}
                        checked={selected}
                        onChange={() => {}}
                        onClick={(event) => {
                          setCurrentId(id)
                          select(row, event.shiftKey)
                        }}
                      />
                    </div>
                  )}
                  {narrow ? (
                    <div className={styles.narrowCell} role="gridcell">
                      {props.narrow(row)}
                    </div>
                  ) : (
                    visible.map(({ column }) => (
                      <div
                        key={column.id}
                        className={styles.cell}
                        role="gridcell"
                        data-end={column.end ?? false}
                      >
                        {column.cell(row)}
                      </div>
                    ))
                  )}
                </div>
              )
            })}
          </div>
        </div>
      </div>
      {props.loading === true && list.length === 0 && (
        <div className={styles.skeleton} aria-hidden>
          {Array.from({ length: 8 }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: eight placeholders that never move.
            <div key={i} className={styles.skeletonRow} />
          ))}
        </div>
      )}
      {showEmpty && <div className={styles.empty}>{props.empty}</div>}
    </div>
  )
}

const LEAST_WIDTH = 48

/** The edge of a column: dragged, or moved with the arrow keys. Measures the column as it is drawn, grown or not. */
function Resizer({
  label,
  onWidth,
  onReset,
}: {
  label: string
  onWidth: (width: number) => void
  onReset: () => void
}) {
  const box = useRef<HTMLHRElement>(null)
  const width = () => box.current?.parentElement?.getBoundingClientRect().width ?? 0
  const to = (wanted: number) => onWidth(Math.max(LEAST_WIDTH, Math.round(wanted)))
  return (
    <hr
      ref={box}
      className={styles.resize}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuemin={LEAST_WIDTH}
      aria-valuenow={Math.round(width()) || LEAST_WIDTH}
      tabIndex={0}
      onPointerDown={(event) => {
        event.preventDefault()
        const handle = event.currentTarget
        const [x, before] = [event.clientX, width()]
        handle.setPointerCapture(event.pointerId)
        handle.onpointermove = (move) => to(before + move.clientX - x)
        handle.onlostpointercapture = () => {
          handle.onpointermove = null
        }
      }}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key]
        if (step === undefined) return
        event.preventDefault()
        to(width() + step)
      }}
      onDoubleClick={onReset}
    />
  )
}

// Loading further pages appends; a hold taken before must let the new rows in.
const shownPage = (length: number): number => Math.floor(length / 500)

function ColumnMenu<T>({
  columns,
  shown,
  onChange,
  onReset,
}: {
  columns: readonly Column<T>[]
  shown: Record<string, boolean>
  onChange: (id: string, on: boolean) => void
  onReset: () => void
}) {
  const { open, setOpen, box } = usePopup<HTMLDivElement>()
  return (
    <div className={styles.menuBox} ref={box}>
      <Button size="small" look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t.grid.columns}
      </Button>
      {open && (
        <fieldset className={styles.menu}>
          <legend className="sr-only">{t.grid.columns}</legend>
          {columns.map((column) => (
            <label key={column.id} className={styles.menuItem}>
              <input
                type="checkbox"
                checked={shown[column.id] !== false}
                onChange={(event) => onChange(column.id, event.currentTarget.checked)}
              />
              {column.header}
            </label>
          ))}
          <Button size="small" look="quiet" onClick={onReset}>
            {t.grid.resetWidths}
          </Button>
        </fieldset>
      )}
    </div>
  )
}
