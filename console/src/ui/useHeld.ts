// Rows hold still under the pointer: while somebody points at the list, values change in place but order does not.

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

// A pointer that was forgotten on a wall screen must not freeze the list for ever.
const RELEASE_AFTER_MS = 20_000

export interface Held<T> {
  rows: readonly T[]
  /** Rows that came or went since the hold began. */
  waiting: number
  release: () => void
  handlers: { onPointerEnter: () => void; onPointerMove: () => void; onPointerLeave: () => void }
}

/** Pure: what to show for `fresh` rows while the order of `frozen` ids holds. */
export function holdOrder<T>(
  frozen: readonly T[],
  fresh: readonly T[],
  idOf: (row: T) => string,
): { rows: T[]; waiting: number } {
  const byId = new Map(fresh.map((row) => [idOf(row), row]))
  let gone = 0
  const rows = frozen.map((old) => {
    const now = byId.get(idOf(old))
    if (now === undefined) {
      gone += 1
      return old
    }
    byId.delete(idOf(old))
    return now
  })
  return { rows, waiting: gone + byId.size }
}

export function useHeld<T>(fresh: readonly T[], idOf: (row: T) => string, scope: string): Held<T> {
  const [frozen, setFrozen] = useState<readonly T[] | null>(null)
  const frozenScope = useRef(scope)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const latest = useRef(fresh)
  latest.current = fresh

  const release = useCallback(() => {
    clearTimeout(timer.current)
    setFrozen(null)
  }, [])
  const hold = useCallback(() => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setFrozen(null), RELEASE_AFTER_MS)
    setFrozen((now) => now ?? latest.current)
  }, [])
  useEffect(() => () => clearTimeout(timer.current), [])

  // A new filter or sort is a new list, not a change under the pointer.
  const sameScope = frozenScope.current === scope
  useEffect(() => {
    if (frozenScope.current !== scope) {
      frozenScope.current = scope
      setFrozen((now) => (now === null ? null : latest.current))
    }
  }, [scope])

  const { rows, waiting } = useMemo(
    () =>
      frozen === null || frozen.length === 0 || !sameScope
        ? { rows: fresh, waiting: 0 }
        : holdOrder(frozen, fresh, idOf),
    [frozen, fresh, idOf, sameScope],
  )
  return {
    rows,
    waiting,
    release,
    handlers: { onPointerEnter: hold, onPointerMove: hold, onPointerLeave: release },
  }
}
