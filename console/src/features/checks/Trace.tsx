// Why somebody was told, or why nobody was: the gates in order, and where it ended.

import { t } from '../../strings'
import { timeOfDay } from '../../ui/format'
import { IconCheck, IconMinus, IconX } from '../../ui/icons'
import styles from './Trace.module.css'
import type { StateChange } from './trace'

export function Trace({ change }: { change: StateChange }) {
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
          {change.revision !== undefined && t.trace.revision(change.revision)}
        </span>
      </div>
    </div>
  )
}
