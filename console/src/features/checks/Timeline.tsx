// What happened, newest first, and for a change of state: why somebody was told or not.

import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type EventsAsk, eventsQuery } from '../../api/queries'
import type { Event } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { day, ms } from '../../ui/format'
import { Glyph } from '../../ui/Glyph'
import { Empty } from '../../ui/Layout'
import { Ago } from '../../ui/Time'
import { severityTone } from './status'
import styles from './Timeline.module.css'
import { Trace } from './Trace'
import { stateChange, whyNot } from './trace'

export function Timeline({
  ask,
  limit = 50,
  withHost = false,
}: {
  ask: EventsAsk
  limit?: number
  withHost?: boolean
}) {
  const events = useInfiniteQuery(eventsQuery(ask, limit))
  const items = events.data?.pages.flatMap((page) => page.items) ?? []
  if (events.isError) return <p className={styles.note}>{events.error.message}</p>
  if (events.isPending) return <p className={styles.note}>{t.common.loading}</p>
  if (items.length === 0) return <Empty title={t.timeline.empty}>{t.timeline.emptyDetail}</Empty>
  return (
    <div>
      <EventList items={items} withHost={withHost} />
      {events.hasNextPage && (
        <div className={styles.more}>
          <Button size="small" onClick={() => void events.fetchNextPage()} busy={events.isFetchingNextPage}>
            {t.timeline.older}
          </Button>
        </div>
      )}
    </div>
  )
}

export function EventList({ items, withHost = false }: { items: readonly Event[]; withHost?: boolean }) {
  let last = ''
  return (
    <ol className={styles.list}>
      {items.map((event) => {
        const date = day(ms(event.at) ?? 0)
        const newDay = date !== last
        last = date
        return <Line key={event.id} event={event} withHost={withHost} date={newDay ? date : undefined} />
      })}
    </ol>
  )
}

function Line({ event, withHost, date }: { event: Event; withHost: boolean; date: string | undefined }) {
  const [open, setOpen] = useState(false)
  const change =
    event.kind === 'state' || event.kind === 'notification' ? stateChange(event.detail) : undefined
  const tone = severityTone(event.severity)
  return (
    <li>
      {date !== undefined && <div className={styles.day}>{date}</div>}
      <div className={styles.line}>
        <span className={styles.mark}>
          {tone === undefined ? <span className={styles.dot} aria-hidden /> : <Glyph tone={tone} size={13} />}
        </span>
        <div className={styles.text}>
          <div>
            {withHost && event.host && <span className={styles.host}>{event.host.name}</span>}
            {event.check_title && !event.summary.startsWith(event.check_title) && (
              <span className={styles.check}>{event.check_title}</span>
            )}
            <span className={styles.summary}>{event.summary}</span>
          </div>
          <div className={styles.meta}>
            <span>{t.timeline.kind(event.kind)}</span>
            <Ago at={event.at} />
            {change !== undefined && change.gates.length > 0 && (
              <span className={styles.decided}>
                {t.trace.verdict(change.verdict.kind, change.verdict.notice)}
                {whyNot(change) !== '' && `: ${whyNot(change)}`}
              </span>
            )}
            {change !== undefined && change.gates.length > 0 && (
              <button
                type="button"
                className={styles.why}
                aria-expanded={open}
                onClick={() => setOpen(!open)}
              >
                {open ? t.trace.hide : t.trace.show}
              </button>
            )}
          </div>
          {open && change !== undefined && (
            <Trace change={change} check={event.check ?? undefined} at={event.at} />
          )}
        </div>
      </div>
    </li>
  )
}
