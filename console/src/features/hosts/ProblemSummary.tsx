import type { ProblemCounts } from '../../api/types'
import { t } from '../../strings'
import { count } from '../../ui/format'
import { Glyph } from '../../ui/Glyph'
import cells from '../../ui/List.module.css'
import { statusTone, statusWord } from '../checks/status'
import styles from './Hosts.module.css'

/** Counts by state, worst first; all well is one quiet word. */
export function ProblemSummary({ counts }: { counts: ProblemCounts }) {
  const parts = (['critical', 'warning', 'unknown'] as const).filter((status) => counts[status] > 0)
  if (parts.length === 0) {
    return <span className={cells.faint}>{counts.ok > 0 ? t.hosts.allOk(counts.ok) : t.hosts.noChecks}</span>
  }
  return (
    <span className={styles.summary}>
      {parts.map((status) => (
        <span key={status} title={`${counts[status]} ${statusWord[status]}`}>
          <Glyph tone={statusTone[status]} label={statusWord[status]} />
          {count(counts[status])}
        </span>
      ))}
      {counts.handled > 0 && <span className={cells.faint}>{t.hosts.handled(counts.handled)}</span>}
    </span>
  )
}
