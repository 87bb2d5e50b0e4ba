import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { checksQuery, hostQuery } from '../../api/queries'
import { t } from '../../strings'
import { Mark } from '../../ui/Glyph'
import { Facts, Notice } from '../../ui/Layout'
import { Panel } from '../../ui/Panel'
import { Ago, Lasted } from '../../ui/Time'
import { StatusMark } from '../checks/StatusMark'
import { statusTone, statusWord } from '../checks/status'
import { Timeline } from '../checks/Timeline'
import { usePanel } from '../shell/useSearchState'
import styles from './HostPanel.module.css'

export default function HostPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const host = useQuery(hostQuery(id))
  const { open } = usePanel()
  const data = host.data
  const problems = useInfiniteQuery(checksQuery('problems', '', id))
  const rows = problems.data?.pages[0]?.items ?? []
  return (
    <Panel
      title={data === undefined ? t.hosts.panel : t.hosts.panelOf(data.name)}
      onClose={onClose}
      head={
        data !== undefined && (
          <>
            <h2 className={styles.title}>{data.name}</h2>
            <Link to="/hosts/$id" params={{ id }} className={styles.link}>
              {t.hosts.openPage}
            </Link>
          </>
        )
      }
    >
      {host.isError && (
        <Notice tone="danger" title={t.hosts.cannotShow}>
          {host.error.message}
        </Notice>
      )}
      {data !== undefined && (
        <>
          <div className={styles.marks}>
            <Mark tone={statusTone[data.status]} word={statusWord[data.status]} chip />
            {data.agent && (
              <Mark
                tone={data.connected ? 'good' : 'notice'}
                word={data.connected ? t.agents.connected : t.agents.silent}
              />
            )}
            {data.in_downtime && <span>{t.check.inDowntime}</span>}
          </div>
          {rows.length > 0 && (
            <ul className={styles.problems} aria-label={t.hosts.columns.problems}>
              {rows.slice(0, 10).map((check) => (
                <li key={check.id}>
                  <button type="button" onClick={() => open(`check:${check.id}`)}>
                    <StatusMark check={check} />
                    <span>{check.title}</span>
                    <Lasted since={check.since} />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <Facts
            items={[
              [t.hosts.columns.os, data.os || '–'],
              [t.hosts.columns.addresses, data.addresses.join(', ') || '–'],
              [t.hosts.columns.seen, <Ago key="s" at={data.last_seen_at} />],
              ...Object.entries(data.fields).map(
                ([name, value]) => [t.hosts.fieldLabel(name), value] as const,
              ),
            ]}
          />
          <div>
            <h3>{t.timeline.title}</h3>
            <Timeline ask={{ host: id }} limit={15} />
          </div>
        </>
      )}
    </Panel>
  )
}
