import { QueryClient } from '@tanstack/react-query'
import { describe, expect, it, vi } from 'vitest'
import { everyPage, patchChecks } from './queries'
import type { CheckView } from './types'

describe('a list read whole', () => {
  it('follows the pages to the end', async () => {
    const read = vi.fn(async ({ after }: { after?: string }) =>
      after === undefined ? { items: [1, 2], next: 'x' } : { items: [3], next: null },
    )
    expect(await everyPage(read)).toEqual({ items: [1, 2, 3], total: 3 })
    expect(read).toHaveBeenLastCalledWith({ limit: 500, after: 'x' })
  })
  it('ends also when the server never does', async () => {
    await expect(everyPage(async () => ({ items: [1], next: 'again' }))).rejects.toThrow()
  })
})

describe('a change of a check', () => {
  it('replaces the row, and leaves pages without it the same', () => {
    const queries = new QueryClient()
    const row = (id: string, status: string) => ({ id, status }) as CheckView
    const pages = [{ items: [row('a', 'ok')] }, { items: [row('b', 'ok'), row('c', 'ok')] }]
    queries.setQueryData(['checks', 'problems'], { pages, pageParams: [] })
    patchChecks(queries, new Map([['c', row('c', 'critical')]]))
    const now = queries.getQueryData<{ pages: typeof pages }>(['checks', 'problems'])
    expect(now?.pages[0]).toBe(pages[0])
    expect(now?.pages[1]?.items.map((each) => each.status)).toEqual(['ok', 'critical'])
    const before = now
    patchChecks(queries, new Map([['z', row('z', 'critical')]]))
    expect(queries.getQueryData(['checks', 'problems'])).toBe(before)
  })
})
