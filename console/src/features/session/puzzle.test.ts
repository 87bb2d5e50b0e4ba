import { expect, test, vi } from 'vitest'
import { ApiError } from '../../api/client'

vi.mock('./puzzle.worker.ts?worker&url', () => ({ default: '/assets/worker.js' }))

import { puzzleOf, withPuzzle } from './puzzle'

test('a puzzle is read from its header, and nothing else is', () => {
  expect(puzzleOf('bits=18 puzzle=Abc_-9')).toEqual({ puzzle: 'Abc_-9', bits: 18 })
  for (const bad of [undefined, '', 'bits=18', 'bits=99 puzzle=a', 'bits=18 puzzle=a b', 'puzzle=a bits=1']) {
    expect(puzzleOf(bad)).toBeUndefined()
  }
})

test('what fails for another reason is not tried again', async () => {
  const attempt = vi.fn().mockRejectedValue(new ApiError(401, undefined))
  await expect(withPuzzle(attempt)).rejects.toThrow()
  expect(attempt).toHaveBeenCalledTimes(1)
})
