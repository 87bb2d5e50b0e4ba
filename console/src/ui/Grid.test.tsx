// @vitest-environment jsdom

import { fireEvent, render, screen, within } from '@testing-library/react'
import { useState } from 'react'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Column, Grid } from './Grid'

interface Row {
  id: string
  name: string
}
const columns: Column<Row>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 200,
    cell: (row) => row.name,
    text: (row) => row.name,
    sort: (row) => row.name,
  },
]
const rows: Row[] = Array.from({ length: 6 }, (_, i) => ({ id: `r${i}`, name: `host <b>${i}</b>` }))
const idOf = (row: Row) => row.id
const nameOf = (row: Row) => row.name

beforeAll(() => {
  // jsdom lays nothing out: without a height no row is on the screen.
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, value: 600 })
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, value: 800 })
  Element.prototype.scrollTo = () => {}
})

function Example({ onOpen = () => {} }: { onOpen?: (row: Row) => void }) {
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set())
  return (
    <Grid
      name="test"
      label="Hosts"
      columns={columns}
      rows={rows}
      idOf={idOf}
      nameOf={nameOf}
      scope="x"
      narrow={nameOf}
      empty={null}
      onOpen={onOpen}
      selection={selection}
      onSelect={setSelection}
      toolbar={<output>{[...selection].sort().join(' ')}</output>}
    />
  )
}

const press = (key: string, options = {}) =>
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...options })

describe('the list', () => {
  it('shows monitored text as text', () => {
    render(<Example />)
    const row = screen.getByRole('row', { name: 'host <b>0</b>' })
    expect(within(row).getByText('host <b>0</b>')).toBeDefined()
    expect(row.querySelector('b')).toBeNull()
  })
  it('is worked by keyboard: j, k, x, Enter', () => {
    const onOpen = vi.fn()
    render(<Example onOpen={onOpen} />)
    press('j')
    press('j')
    press('k')
    press('Enter')
    expect(onOpen).toHaveBeenCalledWith(rows[0])
    press('x')
    expect(screen.getByRole('status').textContent).toBe('r0')
  })
  it('selects a span with shift', () => {
    render(<Example />)
    fireEvent.click(screen.getByRole('checkbox', { name: 'Select host <b>1</b>' }))
    fireEvent.click(screen.getByRole('checkbox', { name: 'Select host <b>4</b>' }), { shiftKey: true })
    expect(screen.getByRole('status').textContent).toBe('r1 r2 r3 r4')
  })
  it('selects all and none', () => {
    render(<Example />)
    const all = screen.getByRole('checkbox', { name: 'Select all rows' })
    fireEvent.click(all)
    expect(screen.getByRole('status').textContent).toBe('r0 r1 r2 r3 r4 r5')
    fireEvent.click(all)
    expect(screen.getByRole('status').textContent).toBe('')
  })
})

const many: Row[] = Array.from({ length: 100_000 }, (_, i) => ({ id: `r${i}`, name: `host ${i}` }))
const Long = (props: Partial<React.ComponentProps<typeof Grid<Row>>>) => (
  <Grid
    name="long"
    label="Hosts"
    columns={columns}
    rows={many}
    idOf={idOf}
    nameOf={nameOf}
    scope="long"
    narrow={nameOf}
    empty={null}
    {...props}
  />
)

describe('a long list', () => {
  it('costs what fits on the screen', () => {
    const { container } = render(<Long />)
    expect(screen.getAllByRole('row').length).toBeLessThan(80)
    expect(container.querySelectorAll('*').length).toBeLessThan(600)
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('100001')
  })
  it('that came in order is not put in another', () => {
    const first = () => screen.getAllByRole('row')[1]?.getAttribute('aria-label')
    const onEnd = vi.fn()
    const sort = { id: 'name', desc: true }
    const { unmount } = render(<Long sort={sort} onSort={() => {}} ordered onEnd={onEnd} />)
    expect(first()).toBe('host 0')
    // Nor is all of it fetched for the sake of an order that the server made.
    expect(onEnd).not.toHaveBeenCalled()
    unmount()
    render(<Long rows={many.slice(0, 10_000)} sort={sort} onSort={() => {}} onEnd={onEnd} />)
    expect(first()).toBe('host 9999')
    expect(onEnd).toHaveBeenCalled()
  })
  it('is saved whole, not as far as it was read', async () => {
    const saved: Blob[] = []
    vi.stubGlobal('URL', {
      createObjectURL: (blob: Blob) => {
        saved.push(blob)
        return 'blob:x'
      },
      revokeObjectURL: () => {},
    })
    const all = vi.fn(async () => many.slice(0, 2000))
    render(<Long rows={many.slice(0, 500)} total={2000} all={all} />)
    fireEvent.click(screen.getByRole('button', { name: 'CSV' }))
    await vi.waitFor(() => expect(saved).toHaveLength(1))
    expect((await saved[0]?.text())?.trim().split('\r\n')).toHaveLength(2001)
    vi.unstubAllGlobals()
  })
})

describe('columns that come with the rows', () => {
  const late: Column<Row>[] = [
    ...columns,
    { id: 'size', header: 'Size', width: 90, cell: () => '1', text: () => '1' },
    { id: 'more', header: 'More', width: 90, optional: true, cell: () => '2', text: () => '2' },
  ]
  it('appear without the list beginning anew under the hands of who types in its bar', () => {
    const bar = <input aria-label="Search" />
    const { rerender } = render(<Long rows={[]} toolbar={bar} />)
    const input = screen.getByRole('textbox', { name: 'Search' })
    rerender(<Long rows={rows} columns={late} toolbar={bar} />)
    expect(screen.getByRole('textbox', { name: 'Search' })).toBe(input)
    expect(screen.getByRole('columnheader', { name: 'Size' })).toBeDefined()
    expect(screen.queryByRole('columnheader', { name: 'More' })).toBeNull()
  })
  it('are counted honestly while there are more rows', () => {
    render(<Long rows={rows} more />)
    expect(screen.getByText('6+ rows')).toBeDefined()
  })
})

describe('the edge of a column', () => {
  it('is moved by keyboard and says how wide it is', () => {
    render(<Example />)
    const edge = screen.getByRole('separator', { name: 'Width of Name' })
    vi.spyOn(edge.parentElement ?? edge, 'getBoundingClientRect').mockReturnValue({ width: 300 } as DOMRect)
    fireEvent.keyDown(edge, { key: 'ArrowRight' })
    expect(edge.getAttribute('aria-valuenow')).toBe('300')
    expect(JSON.parse(localStorage.getItem('watchkeep.grid.test.widths') ?? '{}')).toEqual({ name: 316 })
  })
})

describe('a selection', () => {
  it('is let go with Escape', () => {
    render(<Example />)
    press('j')
    press('x')
    expect(screen.getByRole('status').textContent).toBe('r0')
    press('Escape')
    expect(screen.getByRole('status').textContent).toBe('')
  })
})
