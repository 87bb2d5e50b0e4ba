// Why somebody was told, or why nobody was: the gates in order, and where it ended.

import { t } from '../../strings'
import { Glyph } from '../../ui/Glyph'
import styles from './Trace.module.css'
import type { StateChange } from './trace'

export function Trace({ change }: { change: StateChange }) {
  if (change.gates.length === 0) return <p className={styles.none}>{t.trace.none}</p>
  return (
    <div className={styles.trace}>
      <ol className={styles.gates}>
        {change.gates.map((gate) => (
          <li key={gate.gate} data-passed={gate.passed}>
            <Glyph
              tone={gate.passed ? 'good' : 'unclear'}
              size={14}
              label={gate.passed ? t.trace.passed : t.trace.stopped}
            />
            <div>
              <strong>{t.trace.gate(gate.gate)}</strong>
              <span>{gate.detail}</span>
            </div>
          </li>
        ))}
      </ol>
      <div className={styles.verdict}>
        <strong>{t.trace.verdict(change.verdict)}</strong>
        {change.revision !== undefined && <span>{t.trace.revision(change.revision)}</span>}
      </div>
    </div>
  )
}
