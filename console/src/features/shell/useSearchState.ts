// Reads and changes the address. A change of filter or tab replaces the entry; opening an object adds one.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { Sort } from '../../ui/Grid'

export type AnySearch = Record<string, string | undefined>

export function useSearchState(): [AnySearch, (change: AnySearch, options?: { push?: boolean }) => void] {
  const search = useSearch({ strict: false }) as AnySearch
  const navigate = useNavigate()
  const set = useCallback(
    (change: AnySearch, options: { push?: boolean } = {}) => {
      void navigate({
        to: '.',
        replace: options.push !== true,
        resetScroll: false,
        search: ((now: AnySearch) => ({ ...now, ...change })) as never,
      })
    },
    [navigate],
  )
  return [search, set]
}

/** `-column` is descending. */
export const parseSort = (raw: string | undefined): Sort | undefined =>
  raw === undefined || raw === ''
    ? undefined
    : raw.startsWith('-')
      ? { id: raw.slice(1), desc: true }
      : { id: raw, desc: false }

export const printSort = (sort: Sort | undefined): string | undefined =>
  sort === undefined ? undefined : `${sort.desc ? '-' : ''}${sort.id}`

/** Opens objects in the side panel. */
export function usePanel(): { panel: string | undefined; open: (panel: string) => void; close: () => void } {
  const [search, set] = useSearchState()
  return {
    panel: search.panel,
    open: useCallback((panel: string) => set({ panel }), [set]),
    close: useCallback(() => set({ panel: undefined }), [set]),
  }
}
