// The live stream: changes as they happen, and an honest word when it is broken.
//
// The stream is told apart by its `event:` name. The server speaks at least every ten seconds, `alive` when there is
// nothing to say: a connection that a sleeping machine or a silent middle box cut looks open to the browser for minutes,
// but it says nothing. A break is never silent: the caller shows the state, and after
// every break all lists are read again, since nobody knows what was missed.

import { useSyncExternalStore } from 'react'
import type { CheckView, Event } from './types'

export type LiveState = 'connecting' | 'live' | 'broken'

export interface LiveHandlers {
  check: (check: CheckView) => void
  event: (event: Event) => void
  agent: () => void
  configuration: () => void
  resync: () => void
}

let state: { live: LiveState; since: number } = { live: 'connecting', since: Date.now() }
const listeners = new Set<() => void>()

function setState(live: LiveState): void {
  if (state.live === live) return
  state = { live, since: Date.now() }
  for (const each of listeners) each()
}

export const useLiveState = (): { live: LiveState; since: number } =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => state,
  )

const BACKOFF_MS = [1000, 2000, 5000, 10_000, 20_000] as const

/** Longer than three of the server's signs of life. */
const SILENCE_MS = 35_000

/**
 * Opens the stream and keeps it open until the returned function is called. `again`: in place of one that was closed, so
 * that something may have been missed.
 */
export function openLive(handlers: LiveHandlers, again = false): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempt = 0
  let wasBroken = false
  let closed = false
  let silence: ReturnType<typeof setTimeout> | undefined

  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(() => {
      source?.close()
      setState('broken')
      wasBroken = true
      open()
    }, SILENCE_MS)
  }
  const parsed = <T>(raw: MessageEvent, use: (value: T) => void) => {
    try {
      use(JSON.parse(String(raw.data)) as T)
    } catch {
      // A line we cannot read: read everything again rather than miss something.
      handlers.resync()
    }
  }

  const open = () => {
    setState(wasBroken ? 'broken' : 'connecting')
    const opened = new EventSource('/api/v1/live')
    source = opened
    heard()
    source.onopen = () => {
      heard()
      attempt = 0
      setState('live')
      if (wasBroken || again) handlers.resync()
      wasBroken = false
      again = false
    }
    source.onerror = () => {
      setState('broken')
      wasBroken = true
      // The browser retries by itself unless the server refused; then we do, ever more patiently.
      if (source?.readyState === EventSource.CLOSED && !closed) {
        clearTimeout(timer)
        clearTimeout(silence)
        timer = setTimeout(open, BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)])
        attempt += 1
      }
    }
    const on = (kind: string, use: (raw: MessageEvent) => void) =>
      opened.addEventListener(kind, (raw) => {
        heard()
        use(raw)
      })
    on('alive', () => {})
    on('check', (raw) => parsed<CheckView>(raw, handlers.check))
    on('event', (raw) => parsed<Event>(raw, handlers.event))
    on('agent', () => handlers.agent())
    on('configuration', () => handlers.configuration())
    on('resync', () => handlers.resync())
  }
  open()
  return () => {
    closed = true
    clearTimeout(timer)
    clearTimeout(silence)
    source?.close()
    setState('connecting')
  }
}
