// @vitest-environment jsdom

import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { type Cell, Honeycomb } from './Honeycomb'
import { tones } from './tone'

const cells = (n: number): Cell[] =>
  Array.from({ length: n }, (_, i) => ({
    id: `h${i}`,
    label: `host ${i}`,
    detail: '',
    tone: tones[i % tones.length] ?? 'good',
  }))

it('ten thousand hosts cost a handful of shapes', () => {
  const { container } = render(<Honeycomb cells={cells(10_000)} label="10 000 hosts" onOpen={() => {}} />)
  expect(screen.getByRole('img', { name: '10 000 hosts' })).toBeDefined()
  expect(container.querySelectorAll('*').length).toBeLessThan(40)
})

it.each([40, 500, 10_000])('of %i hosts no two states look the same without colour', (n) => {
  const { container } = render(<Honeycomb cells={cells(n)} label="hosts" onOpen={() => {}} />)
  // The outline of a cell and the sign in it, as pen strokes without their places.
  const looks = [...container.querySelectorAll('g')].map((group) =>
    [...group.querySelectorAll('path')].map((path) => strokes(path.getAttribute('d') ?? '')).join('|'),
  )
  expect(looks).toHaveLength(tones.length)
  expect(new Set(looks).size).toBe(tones.length)
})

// Relative strokes keep their lengths: a bar is no square.
const strokes = (d: string): string => {
  const pens = (d.match(/[a-zA-Z][^a-zA-Z]*/g) ?? []).map((pen) =>
    pen.charAt(0) === pen.charAt(0).toUpperCase() ? pen.charAt(0) : pen.trim(),
  )
  // One cell's worth: the shortest piece that the whole repeats.
  for (let length = 1; length < pens.length; length += 1) {
    if (pens.length % length === 0 && pens.every((pen, i) => pen === pens[i % length])) {
      return pens.slice(0, length).join('')
    }
  }
  return pens.join('')
}
