// The platform's opinion of itself: self-audit, ports, certificates, storage, queues, ways to reach people.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { certificatesQuery, channelsQuery, systemQuery } from '../../api/queries'
import type { Certificate, System } from '../../api/types'
import { t } from '../../strings'
import { bytes, count } from '../../ui/format'
import { Glyph, Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { Empty, Facts, Meter, Notice, Page, Section, TableBox } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Tabs } from '../../ui/Tabs'
import { Ago, At } from '../../ui/Time'
import { statusTone, statusWord } from '../checks/status'
import { PageError } from '../shell/PageError'
import { useMay } from '../shell/useMe'
import { parseSort, printSort, useSearchState } from '../shell/useSearchState'
import { Channels } from './Channels'
import { daysTone } from './days'
import styles from './System.module.css'

const none: readonly Certificate[] = []

type Tab = 'health' | 'certificates' | 'notifications'

export function SystemPage() {
  const system = useQuery(systemQuery)
  const certificates = useQuery(certificatesQuery)
  const may = useMay()
  const channels = useQuery({ ...channelsQuery, enabled: may('channel.read') })
  const [search, setSearch] = useSearchState()
  const tab: Tab =
    search.tab === 'certificates' || (search.tab === 'notifications' && may('channel.read'))
      ? search.tab
      : 'health'
  if (system.isError && system.data === undefined) {
    return <PageError error={system.error} reset={() => void system.refetch()} />
  }
  return (
    <Page
      title={t.system.title}
      lead={
        system.data !== undefined && (
          <span>
            {t.system.started} <Ago at={system.data.started_at} />
          </span>
        )
      }
      below={
        <Tabs<Tab>
          label={t.system.tabsLabel}
          open={tab}
          onOpen={(next) => setSearch({ tab: next === 'health' ? undefined : next }, { push: true })}
          tabs={[
            { id: 'health', label: t.system.tabs.health },
            { id: 'certificates', label: t.system.tabs.certificates, badge: certificates.data?.items.length },
            ...(may('channel.read')
              ? [
                  {
                    id: 'notifications' as const,
                    label: t.system.tabs.notifications,
                    badge: channels.data?.items.length,
                  },
                ]
              : []),
          ]}
        />
      }
    >
      <div className={styles.page}>
        {tab === 'health' && system.data !== undefined && <Health system={system.data} />}
        {tab === 'certificates' && (
          <>
            {certificates.isError && (
              <Notice tone="danger" title={t.system.cannotList}>
                {certificates.error.message}
              </Notice>
            )}
            <Section title={t.system.certificates} flush>
              <Certificates items={certificates.data?.items ?? none} loading={certificates.isPending} />
            </Section>
          </>
        )}
        {tab === 'notifications' && <Channels />}
      </div>
    </Page>
  )
}

function Health({ system }: { system: System }) {
  const { storage } = system
  const may = useMay()
  return (
    <div className={styles.columns}>
      <Section title={t.system.selfAudit}>
        <ul className={styles.self}>
          {system.self_checks.map((check) => (
            <li key={check.key}>
              <Glyph tone={statusTone[check.status]} label={statusWord[check.status]} />
              <div>
                <strong>{check.title}</strong>
                <span>{check.detail}</span>
              </div>
            </li>
          ))}
        </ul>
      </Section>
      <Section title={t.system.queues}>
        <ul className={styles.queues}>
          {system.queues.map((queue) => {
            const share = queue.limit > 0 ? queue.length / queue.limit : 0
            return (
              <li key={queue.name}>
                <div className={styles.queueHead}>
                  <strong>{queue.name}</strong>
                  <span>
                    {queue.limit > 0 ? t.system.ofLimit(queue.length, queue.limit) : count(queue.length)}
                  </span>
                </div>
                {queue.limit > 0 && (
                  <Meter
                    value={share}
                    label={queue.name}
                    {...(share > 0.9
                      ? { tone: 'danger' as const }
                      : share > 0.5
                        ? { tone: 'notice' as const }
                        : {})}
                  />
                )}
                {queue.detail !== '' && <p>{queue.detail}</p>}
              </li>
            )
          })}
        </ul>
      </Section>
      <div className={styles.whole}>
        <Section title={t.system.ports} flush>
          <TableBox label={t.system.portsTable}>
            <table className={styles.table}>
              <thead>
                <tr>
                  <th scope="col">{t.system.direction}</th>
                  <th scope="col">{t.system.address}</th>
                  <th scope="col">{t.system.protocol}</th>
                  <th scope="col">{t.system.purpose}</th>
                  <th scope="col">{t.system.authentication}</th>
                </tr>
              </thead>
              <tbody>
                {system.ports.map((port) => (
                  <tr key={`${port.direction}${port.address}${port.protocol}${port.purpose}`}>
                    <td>{t.system.directions(port.direction)}</td>
                    <th scope="row">
                      <code>{port.address}</code>
                    </th>
                    <td>{port.protocol}</td>
                    <td>{port.purpose}</td>
                    <td>{port.authentication}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableBox>
        </Section>
      </div>
      <Section title={t.system.storage}>
        <Facts
          items={[
            [t.system.engine, storage.database_engine],
            [t.system.schema, String(storage.schema_version)],
            [t.system.database, bytes(storage.database_bytes)],
            [
              t.system.auditEntries,
              may('audit.read') ? (
                <Link key="a" to="/evidence">
                  {count(storage.audit_entries)}
                </Link>
              ) : (
                count(storage.audit_entries)
              ),
            ],
            [t.system.events, count(storage.events)],
            [t.system.series, count(storage.metrics_series)],
            [t.system.metrics, bytes(storage.metrics_bytes)],
            [t.system.wal, bytes(storage.metrics_wal_bytes)],
            [
              t.system.corrupt,
              storage.metrics_corrupt_blocks === 0 ? (
                <Mark key="c" tone="good" word={t.system.noCorrupt} />
              ) : (
                <Mark key="c" tone="danger" word={count(storage.metrics_corrupt_blocks)} />
              ),
            ],
          ]}
        />
        {storage.reports.length > 0 && (
          <ul className={styles.reports}>
            {storage.reports.map((report) => (
              <li key={report}>{report}</li>
            ))}
          </ul>
        )}
      </Section>
      <Section title={t.system.counters}>
        {Object.keys(system.counters).length === 0 ? (
          <Empty title={t.system.noCounters} />
        ) : (
          <Facts
            items={Object.entries(system.counters)
              .sort(([a], [b]) => a.localeCompare(b))
              .map(([name, value]) => [name, count(value)] as const)}
          />
        )}
      </Section>
    </div>
  )
}

const rank: Readonly<Record<string, number>> = { root: 0, intermediate: 1, server: 2, agent: 3 }

const certificateColumns: readonly Column<Certificate>[] = [
  {
    id: 'role',
    header: t.system.role,
    width: 120,
    cell: (certificate) => t.system.roles(certificate.role),
    text: (certificate) => t.system.roles(certificate.role),
    sort: (certificate) => rank[certificate.role] ?? 9,
  },
  {
    id: 'subject',
    header: t.system.subject,
    width: 260,
    grow: 2,
    fixed: true,
    cell: (certificate) => (
      <span className={cells.clip} title={certificate.subject}>
        {certificate.subject}
      </span>
    ),
    text: (certificate) => certificate.subject,
    sort: (certificate) => certificate.subject,
  },
  {
    id: 'left',
    header: t.system.left,
    width: 120,
    fixed: true,
    cell: (certificate) => <Left certificate={certificate} />,
    text: (certificate) => leftWord(certificate),
    sort: (certificate) => certificate.days_left,
  },
  {
    id: 'ends',
    header: t.system.ends,
    width: 220,
    cell: (certificate) => <At at={certificate.not_after} />,
    text: (certificate) => certificate.not_after,
    sort: (certificate) => Date.parse(certificate.not_after),
  },
  {
    id: 'algorithm',
    header: t.system.algorithm,
    width: 120,
    cell: (certificate) => certificate.algorithm,
    text: (certificate) => certificate.algorithm,
    sort: (certificate) => certificate.algorithm,
  },
  {
    id: 'fingerprint',
    header: t.system.fingerprint,
    width: 170,
    cell: (certificate) => (
      <code className={cells.clip} title={certificate.fingerprint_sha256}>
        {certificate.fingerprint_sha256.slice(0, 16)}…
      </code>
    ),
    text: (certificate) => certificate.fingerprint_sha256,
  },
]

const leftWord = (certificate: Certificate) =>
  certificate.revoked ? t.agents.revoked : t.system.days(certificate.days_left)

function Left({ certificate }: { certificate: Certificate }) {
  return <Mark tone={daysTone(certificate)} word={leftWord(certificate)} />
}

const serialOf = (certificate: Certificate) => certificate.serial

/** One for each agent, some for the platform: as long a list as there are machines. */
function Certificates({ items, loading }: { items: readonly Certificate[]; loading: boolean }) {
  const [search, setSearch] = useSearchState()
  const sorted = useMemo(
    () =>
      [...items].sort(
        (a, b) =>
          (rank[a.role] ?? 9) - (rank[b.role] ?? 9) ||
          a.days_left - b.days_left ||
          a.subject.localeCompare(b.subject),
      ),
    [items],
  )
  return (
    <Grid
      name="certificates"
      label={t.system.certificatesTable}
      columns={certificateColumns}
      rows={sorted}
      idOf={serialOf}
      nameOf={(certificate) =>
        `${t.system.roles(certificate.role)}: ${certificate.subject}, ${leftWord(certificate)}`
      }
      mutedOf={(certificate) => certificate.revoked}
      scope="certificates"
      loading={loading}
      sort={parseSort(search.sort)}
      onSort={(sort) => setSearch({ sort: printSort(sort) })}
      fit
      narrow={(certificate) => (
        <>
          <div className={cells.narrowTop}>
            <span className={cells.strong}>{certificate.subject}</span>
            <Left certificate={certificate} />
          </div>
          <div className={cells.narrowBottom}>
            <span>{t.system.roles(certificate.role)}</span>
            <At at={certificate.not_after} />
          </div>
        </>
      )}
      empty={<Empty title={t.system.noCertificates} />}
    />
  )
}
