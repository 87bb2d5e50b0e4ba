// While many sign-ins fail, the server asks browsers that it does not know for a second of work before each try.

import { ApiError } from '../../api/client'
import { scriptUrl } from '../../trusted'
import workerUrl from './puzzle.worker.ts?worker&url'

/** Nobody's browser works this long for a try: something else is wrong then. */
const SOLVE_MOST_MS = 60_000

interface Solved {
  puzzle?: string
  solution?: number
}

/** Tries; when the server asks for a solved puzzle, solves it and tries once more. */
export async function withPuzzle<T>(
  attempt: (solved: Solved) => Promise<T>,
  onWork?: () => void,
): Promise<T> {
  try {
    return await attempt({})
  } catch (error) {
    const asked = error instanceof ApiError ? puzzleOf(error.puzzle) : undefined
    if (asked === undefined) throw error
    onWork?.()
    return attempt({ puzzle: asked.puzzle, solution: await solveBeside(asked) })
  }
}

/** `bits=18 puzzle=...`, as the header says it. */
export function puzzleOf(header: string | undefined): { puzzle: string; bits: number } | undefined {
  const match = /^bits=(\d{1,2}) puzzle=([\w-]{1,200})$/.exec(header ?? '')
  const [, bits, puzzle] = match ?? []
  return bits === undefined || puzzle === undefined || Number(bits) > 32
    ? undefined
    : { puzzle, bits: Number(bits) }
}

function solveBeside(asked: { puzzle: string; bits: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(scriptUrl(workerUrl) as string, { type: 'module' })
    const end = () => {
      clearTimeout(timer)
      worker.terminate()
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error('the puzzle took too long'))
    }, SOLVE_MOST_MS)
    worker.onmessage = (event: MessageEvent<number>) => {
      end()
      resolve(event.data)
    }
    worker.onerror = (event) => {
      end()
      reject(new Error(event.message))
    }
    worker.postMessage(asked)
  })
}
