// Why somebody was to be told, or why nobody was: the gates in order, where it ended, and what became of it.

import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { eventsQuery } from '../../api/queries'
import { t } from '../../strings'
import { timeOfDay } from '../../ui/format'
import { IconCheck, IconMinus, IconX } from '../../ui/icons'
import { Ago } from '../../ui/Time'
import { useMay } from '../shell/useMe'
import styles from './Trace.module.css'
import type { StateChange } from './trace'

export function Trace({ change, check, at }: { change: StateChange; check: string | undefined; at: string }) {
  if (change.gates.length === 0) return <p className={styles.none}>{t.trace.none}</p>
  const last = change.gates.length - 1
  return (
    <div className={styles.trace}>
      <ol className={styles.gates}>
        {change.gates.map((gate, index) => {
          // A gate before the last that said no only did not apply: the decision went on.
          const kind = gate.passed ? 'passed' : index === last ? 'stopped' : 'skipped'
          return (
            <li key={gate.gate} data-kind={kind}>
              <span className={styles.mark}>
                {kind === 'passed' && <IconCheck size={12} stroke={2.4} aria-hidden />}
                {kind === 'stopped' && <IconX size={12} stroke={2.4} aria-hidden />}
                {kind === 'skipped' && <IconMinus size={12} stroke={2.4} aria-hidden />}
              </span>
              <div>
                <strong>{t.trace.gate(gate.gate)}</strong>
                <span className="sr-only">{t.trace[kind]}. </span>
                <span>{gate.detail}</span>
              </div>
            </li>
          )
        })}
      </ol>
      <div className={styles.verdict}>
        <strong>{t.trace.verdict(change.verdict.kind, change.verdict.notice)}</strong>
        <span>
          {change.verdict.untilMs !== undefined && `${t.trace.until(timeOfDay(change.verdict.untilMs))} `}
          {change.merged && `${t.trace.merged} `}
          {change.revision !== undefined && t.trace.revision(change.revision)}
        </span>
      </div>
      {change.verdict.kind === 'notify' && check !== undefined && <Deliveries check={check} from={at} />}
    </div>
  )
}

/** A decision to tell is no message yet: which went out, which did not arrive, or that there is none at all. */
function Deliveries({ check, from }: { check: string; from: string }) {
  const events = useInfiniteQuery(eventsQuery({ check, kind: 'notification', from }, 50))
  const may = useMay()
  if (!events.isSuccess) return null
  // The list is newest first; the decision's own messages are the oldest since.
  const items = (events.data.pages[0]?.items ?? []).toReversed().slice(0, 6)
  return (
    <div className={styles.became}>
      <strong>{t.trace.became}</strong>
      {items.length === 0 ? (
        <p>
          {t.trace.nothingSent}{' '}
          {may('channel.read') && (
            <Link to="/system" search={{ tab: 'notifications' }}>
              {t.trace.channels}
            </Link>
          )}
        </p>
      ) : (
        <ul>
          {items.map((event) => (
            <li key={event.id}>
              {event.summary} <Ago at={event.at} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
