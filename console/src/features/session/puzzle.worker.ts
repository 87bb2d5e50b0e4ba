// Solves the sign-in puzzle beside the page, which stays usable meanwhile.

import { solve } from './sha256'

self.onmessage = (event: MessageEvent<{ puzzle: string; bits: number }>) => {
  const { puzzle, bits } = event.data
  self.postMessage(solve(puzzle, bits))
}
