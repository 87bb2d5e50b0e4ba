// The first screen: what needs a person, then how everything else stands. All well is one quiet line.

import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { overviewQuery } from '../../api/queries'
import type { Overview } from '../../api/types'
import { t } from '../../strings'
import { quoteIfNeeded } from '../../ui/filterText'
import { count } from '../../ui/format'
import { Glyph } from '../../ui/Glyph'
import { type Cell, Honeycomb } from '../../ui/Honeycomb'
import { Empty, Page, Section } from '../../ui/Layout'
import { Ago, Lasted } from '../../ui/Time'
import type { Tone } from '../../ui/tone'
import { Handling, StatusMark } from '../checks/StatusMark'
import { statusTone, statusWord } from '../checks/status'
import { EventList } from '../checks/Timeline'
import { PageError } from '../shell/PageError'
import { useMay } from '../shell/useMe'
import { usePanel } from '../shell/useSearchState'
import styles from './NowPage.module.css'

export function NowPage() {
  const overview = useQuery(overviewQuery)
  if (overview.isError && overview.data === undefined) {
    return <PageError error={overview.error} reset={() => void overview.refetch()} />
  }
  const data = overview.data
  return (
    <Page title={t.now.title} lead={data === undefined ? t.common.loading : <Lead overview={data} />}>
      {data !== undefined && <Body overview={data} />}
    </Page>
  )
}

function Lead({ overview }: { overview: Overview }) {
  return (
    <span>
      {t.now.watching} <Link to="/hosts">{t.now.hostCount(overview.hosts.length)}</Link> {t.now.and}{' '}
      <Link to="/problems" search={{ scope: 'all' }}>
        {t.now.checkCount(total(overview))}
      </Link>{' '}
      · {t.now.asOf} <Ago at={overview.now} />
    </span>
  )
}

const total = ({ problems }: Overview): number =>
  problems.critical + problems.warning + problems.unknown + problems.ok + problems.pending

function Body({ overview }: { overview: Overview }) {
  const { problems, agents } = overview
  const may = useMay()
  const open = problems.critical + problems.warning + problems.unknown - problems.handled
  return (
    <div className={styles.page}>
      {open === 0 && overview.hosts.length > 0 && (
        <div className={styles.quiet} role="status">
          <Glyph tone="good" size={20} />
          <span>
            <strong>{t.now.allQuiet}</strong> {t.now.allQuietDetail(problems.ok)}
          </span>
        </div>
      )}
      <div className={styles.tiles}>
        <Tile tone="danger" word={statusWord.critical} value={problems.critical} q="state:critical" />
        <Tile tone="notice" word={statusWord.warning} value={problems.warning} q="state:warning" />
        <Tile tone="unclear" word={statusWord.unknown} value={problems.unknown} q="state:unknown" />
        <Tile tone="handled" word={t.now.handled} value={problems.handled} q="handled" />
        <Tile tone="good" word={statusWord.ok} value={problems.ok} q="state:ok" scope="all" />
        <Tile
          tone="waiting"
          word={statusWord.pending}
          value={problems.pending}
          q="state:pending"
          scope="all"
        />
      </div>
      <div className={styles.columns}>
        <div className={styles.main}>
          <Section
            title={t.now.open}
            flush
            aside={
              <Link to="/problems" search={{}}>
                {t.now.allProblems}
              </Link>
            }
          >
            <OpenProblems overview={overview} />
          </Section>
          {may('host.read') && (
            <Section
              title={t.now.hosts}
              aside={
                <Link to="/hosts" search={{}}>
                  {t.now.allHosts}
                </Link>
              }
            >
              <Hosts overview={overview} />
            </Section>
          )}
        </div>
        <div className={styles.side}>
          <Section title={t.now.agents} aside={<Link to="/agents">{t.now.allAgents}</Link>}>
            <dl className={styles.counts}>
              <Count tone="good" word={t.agents.connected} value={agents.connected} kind="connected" />
              <Count
                tone={agents.silent > 0 ? 'notice' : undefined}
                word={t.agents.silent}
                value={agents.silent}
                kind="silent"
              />
              <Count
                tone={agents.quarantined > 0 ? 'danger' : undefined}
                word={t.agents.quarantined}
                value={agents.quarantined}
                kind="quarantined"
              />
              <Count word={t.agents.revoked} value={agents.revoked} kind="revoked" />
            </dl>
          </Section>
          <Section title={t.now.selfAudit} aside={<Link to="/system">{t.now.system}</Link>}>
            <ul className={styles.self}>
              {overview.self_checks.map((check) => (
                <li key={check.key}>
                  <Glyph tone={statusTone[check.status]} label={statusWord[check.status]} />
                  <span>
                    {check.title}
                    <small>{check.detail}</small>
                  </span>
                </li>
              ))}
            </ul>
          </Section>
          <Section title={t.now.events}>
            {overview.events.length === 0 ? (
              <Empty title={t.timeline.empty}>{t.timeline.emptyDetail}</Empty>
            ) : (
              <EventList items={overview.events.slice(0, 12)} withHost />
            )}
          </Section>
        </div>
      </div>
    </div>
  )
}

function Tile({
  tone,
  word,
  value,
  q,
  scope,
}: {
  tone: Tone | 'handled'
  word: string
  value: number
  q: string
  scope?: string
}) {
  return (
    <Link
      to="/problems"
      search={{ q, ...(scope === undefined ? {} : { scope }) }}
      className={styles.tile}
      data-tone={tone}
      data-zero={value === 0}
    >
      <span className={styles.tileWord}>
        {tone !== 'handled' && <Glyph tone={tone} size={15} />}
        {word}
      </span>
      <span className={styles.tileValue}>{count(value)}</span>
    </Link>
  )
}

function Count({
  word,
  value,
  kind,
  tone,
}: {
  word: string
  value: number
  kind: string
  tone?: Tone | undefined
}) {
  return (
    <div>
      <dt>
        {tone === undefined ? <span className={styles.noGlyph} /> : <Glyph tone={tone} />}
        {word}
      </dt>
      <dd>
        <Link to="/agents" search={{ q: kind }} aria-label={`${word}: ${count(value)}`}>
          {count(value)}
        </Link>
      </dd>
    </div>
  )
}

function OpenProblems({ overview }: { overview: Overview }) {
  const { open } = usePanel()
  if (overview.open.length === 0) {
    return <Empty title={t.now.noOpen}>{t.now.noOpenDetail}</Empty>
  }
  return (
    <ul className={styles.open}>
      {overview.open.map((check) => (
        <li key={check.id} data-tone={statusTone[check.status]}>
          <button type="button" onClick={() => open(`check:${check.id}`)}>
            <span className={styles.openMark}>
              <StatusMark check={check} />
            </span>
            <span className={styles.openName}>
              <strong>{check.host.name}</strong> {check.title}
            </span>
            <span className={styles.openOutput}>{check.output}</span>
            <span className={styles.openEnd}>
              <Handling check={check} />
              <Lasted since={check.since} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}

function Hosts({ overview }: { overview: Overview }) {
  const navigate = useNavigate()
  if (overview.hosts.length === 0) {
    return (
      <Empty title={t.hosts.none} action={<Link to="/agents">{t.hosts.enrol}</Link>}>
        {t.hosts.noneDetail}
      </Empty>
    )
  }
  const cells: Cell[] = overview.hosts.map((host) => ({
    id: host.id,
    label: host.name,
    detail: `${host.connected ? statusWord[host.status] : t.hosts.silent}${host.problems > 0 ? ` · ${t.hosts.problems(host.problems)}` : ''}`,
    tone: statusTone[host.status],
    faint: !host.connected && host.status === 'ok',
  }))
  const troubled = overview.hosts.filter((host) => host.problems > 0 || !host.connected)
  return (
    <div className={styles.hosts}>
      <Honeycomb
        cells={cells}
        label={t.now.combLabel(overview.hosts.length, troubled.length)}
        onOpen={(id) => void navigate({ to: '/hosts/$id', params: { id } })}
      />
      {troubled.length > 0 && (
        <ul className={styles.troubled} aria-label={t.now.troubled}>
          {troubled.slice(0, 12).map((host) => (
            <li key={host.id}>
              <Glyph tone={statusTone[host.status]} label={statusWord[host.status]} />
              <Link to="/hosts/$id" params={{ id: host.id }}>
                {host.name}
              </Link>
              {host.connected ? (
                <Link to="/problems" search={{ q: `host:${quoteIfNeeded(host.name)} -handled` }}>
                  {t.hosts.problems(host.problems)}
                </Link>
              ) : (
                <span>{t.hosts.silent}</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
