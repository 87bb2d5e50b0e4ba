import { describe, expect, it } from 'vitest'
import { makeSteps } from './useZoom'

describe('a double click on a graph', () => {
  it('goes back step by step', () => {
    const steps = makeSteps()
    steps.into('6h', 'a..b')
    steps.into('a..b', 'c..d')
    expect(steps.back('c..d', true)).toEqual({ to: 'a..b' })
    expect(steps.back('a..b', true)).toEqual({ to: '6h' })
    expect(steps.back('6h', false)).toBeUndefined()
  })
  it('does not leave the page when nothing was zoomed', () => {
    expect(makeSteps().back(undefined, false)).toBeUndefined()
  })
  it('opens a range that came with the link', () => {
    expect(makeSteps().back('a..b', true)).toEqual({ to: undefined })
  })
})
