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
