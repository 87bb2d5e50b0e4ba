// One entry of the audit log: who, from where, why, what changed, and the entry itself to check by hand.

import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { auditQuery } from '../../api/queries'
import { t } from '../../strings'
import { CopyLine } from '../../ui/CopyLine'
import { Diff } from '../../ui/Diff'
import { Mark } from '../../ui/Glyph'
import { Empty, Facts } from '../../ui/Layout'
import { Panel } from '../../ui/Panel'
import { At } from '../../ui/Time'
import { useRange } from '../shell/range'
import { useSearchState } from '../shell/useSearchState'
import styles from './Evidence.module.css'
import { outcomeTone } from './EvidencePage'
import { readEntry } from './entry'
import { useAuditAsk } from './useAuditAsk'

export default function AuditPanel({ seq, onClose }: { seq: string; onClose: () => void }) {
  const [search] = useSearchState()
  const [range] = useRange()
  const ask = useAuditAsk(search, range)
  const list = useInfiniteQuery(auditQuery(ask))
  const entry = useMemo(
    () => list.data?.pages.flatMap((page) => page.items).find((each) => String(each.seq) === seq),
    [list.data, seq],
  )
  const read = useMemo(() => (entry === undefined ? undefined : readEntry(entry.entry)), [entry])
  return (
    <Panel
      title={t.evidence.panelOf(seq)}
      onClose={onClose}
      head={
        <>
          <span className={styles.panelSeq}>{t.evidence.panelOf(seq)}</span>
          <h2 className={styles.panelTitle}>{entry?.action ?? ''}</h2>
        </>
      }
    >
      {entry === undefined && list.isSuccess && (
        <Empty title={t.evidence.notLoaded}>{t.evidence.notLoadedDetail}</Empty>
      )}
      {entry !== undefined && read !== undefined && (
        <>
          <div>
            <Mark tone={outcomeTone(entry.outcome)} word={t.evidence.outcome(entry.outcome)} chip />
          </div>
          <Facts
            items={[
              [t.evidence.columns.at, <At key="at" at={entry.at} />],
              [t.evidence.columns.actor, entry.actor],
              ...(read.onBehalfOf === '' ? [] : ([[t.evidence.onBehalfOf, read.onBehalfOf]] as const)),
              [
                t.evidence.method,
                [read.actor.method, read.actor.level && `AAL ${read.actor.level}`]
                  .filter(Boolean)
                  .join(', ') || '–',
              ],
              [t.evidence.source, read.source || t.evidence.local],
              ...(read.userAgent === ''
                ? []
                : ([[t.evidence.userAgent, <code key="u">{read.userAgent}</code>]] as const)),
              [t.evidence.columns.object, <code key="o">{entry.object || '–'}</code>],
              ...(read.object.revision === ''
                ? []
                : ([[t.evidence.revision, read.object.revision]] as const)),
              ...(read.reason === '' ? [] : ([[t.evidence.reason, read.reason]] as const)),
              ...(read.request === ''
                ? []
                : ([[t.evidence.request, <code key="r">{read.request}</code>]] as const)),
              [t.evidence.policy, <code key="p">{read.policy || '–'}</code>],
              [t.evidence.tenant, read.tenant || '–'],
              [t.evidence.node, read.node || '–'],
            ]}
          />
          <div>
            <h3 className={styles.sub}>{t.evidence.changes}</h3>
            {read.changes.length === 0 ? (
              <p className={styles.quiet}>{t.evidence.noChanges}</p>
            ) : (
              <Diff changes={read.changes} />
            )}
            {read.cut !== null && (
              <p className={styles.quiet}>{t.evidence.cut(read.cut.total, read.cut.sha256)}</p>
            )}
          </div>
          <div>
            <h3 className={styles.sub}>{t.evidence.images}</h3>
            <p className={styles.quiet}>{t.evidence.imagesDetail}</p>
            <Facts
              items={[
                [t.evidence.before, <code key="b">{read.before || t.evidence.wasNot}</code>],
                [t.evidence.after, <code key="a">{read.after || t.evidence.wasNot}</code>],
              ]}
            />
          </div>
          <div>
            <h3 className={styles.sub}>{t.evidence.proof}</h3>
            <p className={styles.quiet}>{t.evidence.proofDetail}</p>
            <CopyLine text={entry.leaf_hash} label={t.evidence.columns.hash} />
            <Facts
              items={[
                [t.evidence.processClock, <code key="m">{read.processClock}</code>],
                [t.evidence.sinceLast, <code key="s">{read.sinceLast}</code>],
              ]}
            />
          </div>
          <details className={styles.raw}>
            <summary>{t.evidence.raw}</summary>
            <pre>{read.raw}</pre>
          </details>
        </>
      )}
    </Panel>
  )
}
