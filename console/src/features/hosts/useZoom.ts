// Zooming into graphs and back out again, one step at a time, without ever leaving the page.

import { useCallback, useRef } from 'react'
import type { Range } from '../shell/range'

/** Which range each zoom came from. Pure, so that it can be looked at: `undefined` is the range by itself. */
export function makeSteps() {
  const before = new Map<string, string | undefined>()
  return {
    into: (from: string | undefined, to: string) => void before.set(to, from),
    /** Where to go from `now`; nothing when there is no way back. A range that came with the link leads to the default. */
    back: (now: string | undefined, chosen: boolean): { to: string | undefined } | undefined => {
      if (now !== undefined && before.has(now)) {
        const to = before.get(now)
        before.delete(now)
        return { to }
      }
      return chosen ? { to: undefined } : undefined
    },
  }
}

export function useZoom(
  asked: string | undefined,
  range: Range,
  setRange: (range: string | undefined) => void,
): { onZoom: (to: string) => void; onBack: () => void } {
  const steps = useRef<ReturnType<typeof makeSteps>>(undefined)
  steps.current ??= makeSteps()
  const { current } = steps
  const chosen = range.preset === undefined
  return {
    onZoom: useCallback(
      (to) => {
        current.into(asked, to)
        setRange(to)
      },
      [current, asked, setRange],
    ),
    onBack: useCallback(() => {
      const step = current.back(asked, chosen)
      if (step !== undefined) setRange(step.to)
    }, [current, asked, chosen, setRange]),
  }
}
