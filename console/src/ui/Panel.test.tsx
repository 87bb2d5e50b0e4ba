// @vitest-environment jsdom

import { fireEvent, render, screen } from '@testing-library/react'
import { beforeAll, expect, it } from 'vitest'
import { Panel } from './Panel'

beforeAll(() => {
  Element.prototype.scrollTo = () => {}
})

const Page = ({ open }: { open: boolean }) => (
  <>
    <button type="button">row</button>
    {open && (
      <Panel title="Check" head="Disk /" onClose={() => {}}>
        <a href="/x">inside</a>
      </Panel>
    )}
  </>
)

it('a key leads into the panel, and closing it leads back', () => {
  const { rerender } = render(<Page open={false} />)
  const row = screen.getByRole('button', { name: 'row' })
  row.focus()
  rerender(<Page open />)
  // The list keeps the keyboard until somebody asks.
  expect(document.activeElement).toBe(row)
  fireEvent.keyDown(row, { key: 'i' })
  expect(document.activeElement).toBe(screen.getByRole('complementary', { name: 'Check' }))
  screen.getByRole('link', { name: 'inside' }).focus()
  rerender(<Page open={false} />)
  expect(document.activeElement).toBe(row)
})
