// One host: its checks, graphs, inventory, what happened, its agent.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import {
  agentQuery,
  checksQuery,
  downtimesQuery,
  eventsQuery,
  executionsQuery,
  hostQuery,
  inventoryQuery,
  seriesQuery,
} from '../../api/queries'
import type { CheckView, Event, HostView } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { orderOf } from '../../ui/Grid'
import { IconPencil, IconZzz } from '../../ui/icons'
import { Empty, Facts, Notice, Page, Section } from '../../ui/Layout'
import { Tabs } from '../../ui/Tabs'
import { Ago } from '../../ui/Time'
import { ConfigureButton } from '../access/tenants/ClosedButton'
import { useTenants } from '../access/tenants/queries'
import { tenantWords } from '../access/tenants/words'
import { AgentFacts, Executions } from '../agents/AgentPanel'
import { CheckList, checkColumns, idOfCheck } from '../checks/CheckList'
import { statusTone, statusWord } from '../checks/status'
import { Timeline } from '../checks/Timeline'
import { useActs } from '../problems/Acts'
import { PageError } from '../shell/PageError'
import { useRange } from '../shell/range'
import { useList, useListState } from '../shell/useList'
import { useMay } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import { CheckDialog } from './CheckDialog'
import { Downtimes } from './Downtimes'
import { GraphCard } from './GraphCard'
import graphStyles from './Graphs.module.css'
import { graphsFor, plainGraph } from './graphs'
import { HostDialog } from './HostDialog'
import styles from './HostPage.module.css'
import { Inventory } from './Inventory'
import { useZoom } from './useZoom'

const tabs = ['checks', 'graphs', 'inventory', 'timeline', 'agent', 'about'] as const
type Tab = (typeof tabs)[number]
const isTab = (value: unknown): value is Tab => tabs.includes(value as Tab)

export function HostPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const host = useQuery(hostQuery(id))
  const [search, setSearch] = useSearchState()
  const [editing, setEditing] = useState(false)
  const [adding, setAdding] = useState(false)
  const may = useMay()
  const acts = useActs()
  const inventory = useQuery({ ...inventoryQuery(id), staleTime: 60_000 })
  const tab: Tab = isTab(search.tab) ? search.tab : 'checks'
  if (host.isError && host.data === undefined) {
    return <PageError error={host.error} reset={() => void host.refetch()} />
  }
  const data = host.data
  if (data === undefined) return <Page title={t.common.loading}>{null}</Page>
  const items = inventory.data?.items.reduce((sum, each) => sum + each.items, 0)
  const checks =
    data.problems.ok +
    data.problems.critical +
    data.problems.warning +
    data.problems.unknown +
    data.problems.pending
  return (
    <Page
      fill
      title={
        <>
          <span>{data.name}</span>
          <Mark tone={statusTone[data.status]} word={statusWord[data.status]} chip />
        </>
      }
      lead={
        <>
          {data.agent ? (
            <Mark
              tone={data.connected ? 'good' : 'notice'}
              word={data.connected ? t.agents.connected : t.agents.silent}
            />
          ) : (
            <span>{t.hosts.noAgent}</span>
          )}
          {data.os !== '' && <span>{data.os}</span>}
          {data.addresses.length > 0 && <span>{data.addresses.slice(0, 3).join(', ')}</span>}
          <span>
            {t.hosts.seen} <Ago at={data.last_seen_at} />
          </span>
          {data.in_downtime && <Mark tone="waiting" word={t.check.inDowntime} />}
        </>
      }
      actions={
        <>
          {may('check.write') && (
            <ConfigureButton tenant={data.tenant} onClick={() => setAdding(true)}>
              {t.checkForm.add}
            </ConfigureButton>
          )}
          {may('problem.downtime') && (
            <Button icon={<IconZzz size={15} aria-hidden />} onClick={() => acts.hostDowntime(data)}>
              {t.acts.downtime}
            </Button>
          )}
          {may('host.write') && (
            <ConfigureButton
              tenant={data.tenant}
              icon={<IconPencil size={15} aria-hidden />}
              onClick={() => setEditing(true)}
            >
              {t.hosts.edit}
            </ConfigureButton>
          )}
        </>
      }
      below={
        <Tabs<Tab>
          label={t.hosts.tabsLabel}
          open={tab}
          onOpen={(next) =>
            setSearch({ tab: next === 'checks' ? undefined : next, part: undefined }, { push: true })
          }
          tabs={[
            { id: 'checks', label: t.hosts.tabs.checks, badge: checks },
            { id: 'graphs', label: t.hosts.tabs.graphs },
            { id: 'inventory', label: t.hosts.tabs.inventory, badge: items },
            { id: 'timeline', label: t.hosts.tabs.timeline },
            { id: 'agent', label: t.hosts.tabs.agent },
            { id: 'about', label: t.hosts.tabs.about },
          ]}
        />
      }
    >
      {tab === 'checks' && <Checks host={data} />}
      {tab === 'graphs' && <Graphs id={id} agent={data.agent ?? undefined} />}
      {tab === 'inventory' && <Inventory id={id} />}
      {tab === 'timeline' && <HostTimeline id={id} />}
      {tab === 'agent' && <HostAgent host={data} />}
      {tab === 'about' && <About host={data} onEdit={() => setEditing(true)} />}
      {editing && <HostDialog host={data} onClose={() => setEditing(false)} />}
      {adding && <CheckDialog host={data} onClose={() => setAdding(false)} />}
      {acts.dialog}
    </Page>
  )
}

const hostColumns = checkColumns.filter((column) => column.id !== 'host')

function Checks({ host }: { host: HostView }) {
  const state = useListState('check', idOfCheck)
  const order = orderOf(hostColumns, state.sort)
  const list = useList(useInfiniteQuery(checksQuery('checks', '', host.id, order)))
  return (
    <CheckList
      name="host-checks"
      label={t.hosts.checksOf(host.name)}
      list={list}
      state={state}
      columns={hostColumns}
      scope={host.id}
      oneHost
      empty={<Empty title={t.hosts.noChecksYet}>{t.hosts.noChecksYetDetail}</Empty>}
    />
  )
}

const noChecks: readonly CheckView[] = []
const noEvents: readonly Event[] = []

function Graphs({ id, agent }: { id: string; agent: string | undefined }) {
  const [range, setRange] = useRange()
  const [search, setSearch] = useSearchState()
  // A machine that came minutes ago would show an hour of nothing: begin with what there is.
  const enrolled = useQuery({ ...agentQuery(agent ?? ''), enabled: agent !== undefined }).data?.enrolled_at
  const isYoung = enrolled !== undefined && Date.now() - Date.parse(enrolled) < 30 * 60_000
  useEffect(() => {
    if (isYoung && search.range === undefined) setSearch({ range: '15m' })
  }, [isYoung, search.range, setSearch])
  const series = useQuery(seriesQuery(id))
  const checks = useInfiniteQuery(checksQuery('checks', '', id))
  // Read again only when the range jumps, not with every tick of a moving one.
  const anchor = range.preset === undefined ? range.from : Math.floor(range.from / 60_000) * 60_000
  const events = useInfiniteQuery(eventsQuery({ host: id, from: new Date(anchor).toISOString() }, 200))
  const downtimes = useQuery(downtimesQuery).data
  const down = useMemo(() => downtimes?.items.filter((each) => each.host.id === id) ?? [], [downtimes, id])
  const { onZoom, onBack } = useZoom(search.range, range, setRange)
  const all = series.data?.items ?? []
  const shown = graphsFor(all)
  const names = [...new Set(all.map((each) => each.name))].sort()
  const part = search.part
  const extra = part === undefined || !names.includes(part) ? [] : [plainGraph(part, all)]
  const groups = [...new Set(shown.map((graph) => graph.group))]
  const card = (graph: (typeof shown)[number]) => (
    <GraphCard
      key={graph.id}
      host={id}
      graph={graph}
      range={range}
      checks={checks.data?.pages[0]?.items ?? noChecks}
      events={events.data?.pages[0]?.items ?? noEvents}
      downtimes={down}
      onZoom={onZoom}
      onBack={onBack}
    />
  )
  if (series.isError)
    return (
      <Notice tone="danger" title={t.graphs.cannotList}>
        {series.error.message}
      </Notice>
    )
  if (series.isSuccess && all.length === 0) return <Empty title={t.graphs.none}>{t.graphs.noneDetail}</Empty>
  return (
    <div className={graphStyles.groups}>
      {groups.map((group) => (
        <section key={group} className={graphStyles.group} aria-label={group}>
          <h2>{group}</h2>
          <div className={graphStyles.cards}>{shown.filter((graph) => graph.group === group).map(card)}</div>
        </section>
      ))}
      {names.length > 0 && (
        <section className={graphStyles.group} aria-label={t.graphs.groups.all}>
          <h2>{t.graphs.allSeries(names.length, all.length)}</h2>
          <div className={graphStyles.pick}>
            <div className={graphStyles.names}>
              {names.map((name) => (
                <button
                  key={name}
                  type="button"
                  className={graphStyles.name}
                  aria-pressed={part === name}
                  onClick={() => setSearch({ part: part === name ? undefined : name })}
                >
                  {name}
                </button>
              ))}
            </div>
          </div>
          {extra.length > 0 && <div className={graphStyles.cards}>{extra.map(card)}</div>}
        </section>
      )}
    </div>
  )
}

const kinds = [
  'state',
  'notification',
  'ack',
  'downtime-start',
  'comment',
  'inventory',
  'agent',
  'security',
] as const

function HostTimeline({ id }: { id: string }) {
  const [range] = useRange()
  const [search, setSearch] = useSearchState()
  const part = search.part ?? ''
  const kind = part === 'ack' ? 'ack,unack' : part === 'downtime-start' ? 'downtime-start,downtime-end' : part
  return (
    <div className={styles.timeline}>
      <div className={graphStyles.names} role="group" aria-label={t.timeline.filter}>
        <button
          type="button"
          className={graphStyles.name}
          aria-pressed={part === ''}
          onClick={() => setSearch({ part: undefined })}
        >
          {t.timeline.everything}
        </button>
        {kinds.map((each) => (
          <button
            key={each}
            type="button"
            className={graphStyles.name}
            aria-pressed={part === each}
            onClick={() => setSearch({ part: each })}
          >
            {t.timeline.kind(each)}
          </button>
        ))}
      </div>
      <Timeline
        ask={{
          host: id,
          ...(kind === '' ? {} : { kind }),
          // A moving range shows everything up to now; a chosen one is honoured to the second.
          ...(range.preset === undefined
            ? { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() }
            : {}),
        }}
      />
    </div>
  )
}

function HostAgent({ host }: { host: HostView }) {
  const agent = useQuery({ ...agentQuery(host.agent ?? ''), enabled: Boolean(host.agent) })
  const executions = useQuery({ ...executionsQuery(host.agent ?? ''), enabled: Boolean(host.agent) })
  if (!host.agent) {
    return (
      <Empty
        title={t.hosts.noAgentTitle}
        action={
          <Link to="/agents" search={{ tab: 'enrol' }}>
            {t.hosts.enrol}
          </Link>
        }
      >
        {t.hosts.noAgentDetail}
      </Empty>
    )
  }
  return (
    <div className={styles.columns}>
      <Section title={t.hosts.tabs.agent}>
        {agent.isError && <p>{agent.error.message}</p>}
        {agent.data !== undefined && <AgentFacts agent={agent.data} />}
      </Section>
      <Section title={t.agents.executions} flush>
        {executions.isError && <p>{executions.error.message}</p>}
        {executions.data !== undefined && <Executions items={executions.data.items} />}
      </Section>
    </div>
  )
}

function About({ host, onEdit }: { host: HostView; onEdit: () => void }) {
  const may = useMay()
  const tenants = useTenants()
  // Worth a line where there are several.
  const place = tenants.length > 1 ? tenants.find((each) => each.id === host.tenant)?.title : undefined
  const known = ['description', 'group', 'department', 'responsible', 'location']
  const fields = [
    ...known.map((key) => [t.hosts.fieldLabel(key), host.fields[key] || '–'] as const),
    ...Object.entries(host.fields)
      .filter(([key]) => !known.includes(key))
      .map(([key, value]) => [key, value] as const),
  ]
  return (
    <div className={styles.columns}>
      <Section
        title={t.hosts.fieldsTitle}
        aside={
          may('host.write') && (
            <Button size="small" onClick={onEdit}>
              {t.hosts.edit}
            </Button>
          )
        }
      >
        <Facts
          items={[
            [t.hosts.columns.name, host.name],
            [t.hosts.columns.addresses, host.addresses.join(', ') || '–'],
            ...(Object.keys(host.labels ?? {}).length === 0
              ? []
              : [
                  [
                    tenantWords.labels,
                    Object.entries(host.labels)
                      .map(([key, value]) => `${key}=${value}`)
                      .join(', '),
                  ] as const,
                ]),
            ...(place === undefined ? [] : [[tenantWords.label, place] as const]),
            ...fields,
            [t.hosts.identifier, <code key="id">{host.id}</code>],
          ]}
        />
      </Section>
      <Section title={t.downtimes.title} flush>
        <Downtimes host={host.id} />
      </Section>
    </div>
  )
}
