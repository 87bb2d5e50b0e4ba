import { useNow } from './clock'
import { ago, instant, lasted, ms } from './format'

/** Relative, with the exact instant and zone on hover. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow()
  const value = ms(at)
  if (value === null) return <span>–</span>
  return (
    <time dateTime={at ?? ''} title={instant(value)}>
      {ago(value, Math.max(now, Date.now()))}
    </time>
  )
}

/** How long since, without the word. */
export function Lasted({ since }: { since: string | null | undefined }) {
  const now = useNow()
  const value = ms(since)
  if (value === null) return <span>–</span>
  return (
    <time dateTime={since ?? ''} title={instant(value)}>
      {lasted(value, Math.max(now, value))}
    </time>
  )
}

/** The exact instant. */
export function At({ at }: { at: string | null | undefined }) {
  const value = ms(at)
  return value === null ? <span>–</span> : <time dateTime={at ?? ''}>{instant(value)}</time>
}
