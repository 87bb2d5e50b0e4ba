// What every list page needs: rows that come page by page, and the order, the open row and the counter that belong to
// them. The address says order and open row.

import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { useCallback, useMemo, useRef } from 'react'
import type { Page } from '../../api/types'
import type { Sort } from '../../ui/Grid'
import { parseSort, printSort, usePanel, useSearchState } from './useSearchState'

/** Rows read for one act or one file at most. More is no list any more, and would not fit in a browser. */
export const MOST = 100_000

export interface List<T> {
  rows: readonly T[]
  total: number | undefined
  loading: boolean
  /** There are rows that are not loaded. */
  more: boolean
  /** Reads on; absent at the end, while reading, and after a failure: that one is asked for by hand. */
  onEnd: (() => void) | undefined
  /** Reads on until `most` rows are there, and gives them. */
  all: (most?: number) => Promise<readonly T[]>
  error: Error | undefined
  retry: () => void
}

/** A list out of its pages. */
export function useList<T>(query: UseInfiniteQueryResult<InfiniteData<Page<T>>>): List<T> {
  const { data, error, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage, refetch } = query
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data])
  const readOn = useCallback(() => void fetchNextPage(), [fetchNextPage])
  const latest = useRef(data)
  latest.current = data
  const all = useCallback(
    async (most = MOST) => {
      const items = (pages: readonly Page<T>[] | undefined) => pages?.flatMap((page) => page.items) ?? []
      let loaded = items(latest.current?.pages)
      let goOn = hasNextPage
      while (goOn && loaded.length < most) {
        const answer = await fetchNextPage({ throwOnError: true })
        loaded = items(answer.data?.pages)
        goOn = answer.hasNextPage
      }
      return loaded.slice(0, most)
    },
    [hasNextPage, fetchNextPage],
  )
  return {
    rows,
    total: data?.pages[0]?.total ?? undefined,
    loading: query.isPending,
    more: hasNextPage,
    onEnd: hasNextPage && !isFetchingNextPage && !isFetchNextPageError ? readOn : undefined,
    all,
    error: error ?? undefined,
    retry: useCallback(
      () => void (isFetchNextPageError ? fetchNextPage() : refetch()),
      [isFetchNextPageError, fetchNextPage, refetch],
    ),
  }
}

/** The order and the open row of a list, as the address has them. `kind` is what the side panel calls its rows. */
export function useListState<T>(
  kind: string,
  idOf: (row: T) => string,
): {
  sort: Sort | undefined
  onSort: (sort: Sort | undefined) => void
  openId: string | undefined
  onOpen: (row: T) => void
} {
  const [search, setSearch] = useSearchState()
  const { panel, open } = usePanel()
  const { sort } = search
  return {
    sort: useMemo(() => parseSort(sort), [sort]),
    onSort: useCallback((next) => setSearch({ sort: printSort(next) }), [setSearch]),
    openId: panel?.startsWith(`${kind}:`) ? panel.slice(kind.length + 1) : undefined,
    onOpen: useCallback((row) => open(`${kind}:${idOf(row)}`), [open, kind, idOf]),
  }
}
