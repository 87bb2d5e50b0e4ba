// Agents and how new ones come in: the token whose one line is pasted on a machine.

import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { agentsQuery, tokensQuery } from '../../api/queries'
import type { Agent } from '../../api/types'
import { t } from '../../strings'
import { Choice } from '../../ui/Choice'
import { count } from '../../ui/format'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { IconPlus } from '../../ui/icons'
import { Empty, Notice, Page, Tag } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Tabs } from '../../ui/Tabs'
import { Ago } from '../../ui/Time'
import { ConfigureButton } from '../access/tenants/ClosedButton'
import { PageError } from '../shell/PageError'
import { useListState } from '../shell/useList'
import { useMay } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import styles from './Agents.module.css'
import { EnrolDialog } from './EnrolDialog'
import { furtherGrants, standing, standings } from './standing'
import { Tokens } from './Tokens'

const columns: readonly Column<Agent>[] = [
  {
    id: 'standing',
    header: t.agents.columns.standing,
    width: 128,
    fixed: true,
    cell: (agent) => <Mark tone={standing(agent).tone} word={standing(agent).word} chip />,
    text: (agent) => standing(agent).word,
    sort: (agent) => standing(agent).rank,
  },
  {
    id: 'host',
    header: t.agents.columns.host,
    width: 180,
    grow: 2,
    fixed: true,
    cell: (agent) => <span className={cells.strong}>{agent.host.name}</span>,
    text: (agent) => agent.host.name,
    sort: (agent) => agent.host.name,
  },
  {
    id: 'grants',
    header: t.agents.columns.grants,
    width: 130,
    cell: (agent) =>
      furtherGrants(agent.grants).length === 0 ? (
        <span className={cells.faint}>{t.agents.ownHostOnly}</span>
      ) : (
        furtherGrants(agent.grants).map((grant) => <Tag key={grant}>{grant}</Tag>)
      ),
    text: (agent) => agent.grants.join(' '),
  },
  {
    id: 'version',
    header: t.agents.columns.version,
    width: 84,
    cell: (agent) => agent.version,
    text: (agent) => agent.version,
    sort: (agent) => agent.version,
  },
  {
    id: 'os',
    header: t.agents.columns.os,
    width: 160,
    grow: 1,
    cell: (agent) => <span className={cells.clip}>{agent.os}</span>,
    text: (agent) => agent.os,
    sort: (agent) => agent.os,
  },
  {
    id: 'address',
    header: t.agents.columns.address,
    width: 140,
    cell: (agent) => <span className={cells.clip}>{agent.last_address}</span>,
    text: (agent) => agent.last_address,
    sort: (agent) => agent.last_address,
  },
  {
    id: 'seen',
    header: t.agents.columns.seen,
    width: 96,
    end: true,
    cell: (agent) => <Ago at={agent.last_seen_at} />,
    text: (agent) => agent.last_seen_at ?? '',
    sort: (agent) => (agent.last_seen_at ? Date.parse(agent.last_seen_at) : 0),
  },
  {
    id: 'certificate',
    header: t.agents.columns.certificate,
    width: 110,
    end: true,
    cell: (agent) => <Ago at={agent.cert_not_after} />,
    text: (agent) => agent.cert_not_after,
    sort: (agent) => Date.parse(agent.cert_not_after),
  },
  {
    id: 'enrolled',
    header: t.agents.columns.enrolled,
    width: 100,
    end: true,
    optional: true,
    cell: (agent) => <Ago at={agent.enrolled_at} />,
    text: (agent) => agent.enrolled_at,
    sort: (agent) => Date.parse(agent.enrolled_at),
  },
]

const idOf = (agent: Agent) => agent.id
const nameOf = (agent: Agent) => `${agent.host.name}, ${standing(agent).word}`
type Tab = 'agents' | 'enrol'

/** All, and each standing that there is. */
const kindsOf = (agents: readonly Agent[]) => [
  { id: 'all', label: t.agents.allKinds, detail: count(agents.length) },
  ...standings.map((each) => ({
    id: each.id,
    label: each.word,
    detail: count(agents.filter((agent) => standing(agent).id === each.id).length),
  })),
]

export function AgentsPage() {
  const agents = useQuery(agentsQuery)
  const may = useMay()
  const tokens = useQuery({ ...tokensQuery, enabled: may('agent.enrol') })
  const [search, setSearch] = useSearchState()
  const state = useListState('agent', idOf)
  const [enrolling, setEnrolling] = useState(false)
  const tab: Tab = search.tab === 'enrol' && may('agent.enrol') ? 'enrol' : 'agents'
  const all = useMemo(
    () =>
      [...(agents.data?.items ?? [])].sort(
        (a, b) => standing(a).rank - standing(b).rank || a.host.name.localeCompare(b.host.name),
      ),
    [agents.data],
  )
  if (agents.isError && agents.data === undefined) {
    return <PageError error={agents.error} reset={() => void agents.refetch()} />
  }
  const quarantined = all.filter((agent) => agent.standing === 'quarantined')
  const kinds = kindsOf(all)
  const kind = kinds.find((each) => each.id === search.q)?.id ?? 'all'
  const rows = kind === 'all' ? all : all.filter((agent) => standing(agent).id === kind)
  const pending = tokens.data?.items.filter((token) => token.state === 'open').length
  return (
    <Page
      fill
      title={t.agents.title}
      actions={
        may('agent.enrol') && (
          <ConfigureButton
            look="primary"
            icon={<IconPlus size={15} aria-hidden />}
            onClick={() => setEnrolling(true)}
          >
            {t.agents.enrol}
          </ConfigureButton>
        )
      }
      below={
        <>
          {quarantined.length > 0 && (
            <div className={styles.alarm}>
              <Notice tone="danger" title={t.agents.quarantineTitle(quarantined.length)}>
                {t.agents.quarantineDetail}
              </Notice>
            </div>
          )}
          {may('agent.enrol') && (
            <Tabs<Tab>
              label={t.agents.tabsLabel}
              open={tab}
              onOpen={(next) => setSearch({ tab: next === 'agents' ? undefined : next }, { push: true })}
              tabs={[
                { id: 'agents', label: t.agents.tabs.agents, badge: all.length },
                { id: 'enrol', label: t.agents.tabs.enrol, badge: pending },
              ]}
            />
          )}
        </>
      }
    >
      {tab === 'agents' ? (
        <Grid
          name="agents"
          label={t.agents.title}
          columns={columns}
          rows={rows}
          idOf={idOf}
          nameOf={nameOf}
          toneOf={(agent) => standing(agent).tone}
          mutedOf={(agent) => agent.standing === 'revoked'}
          scope={`agents|${kind}`}
          toolbar={
            <Choice
              label={t.agents.kinds}
              options={kinds}
              chosen={kind}
              onChoose={(next) => setSearch({ q: next === 'all' ? undefined : next })}
            />
          }
          loading={agents.isPending}
          {...state}
          narrow={(agent) => (
            <>
              <div className={cells.narrowTop}>
                <Mark tone={standing(agent).tone} word={standing(agent).word} chip />
                <span className={cells.strong}>{agent.host.name}</span>
              </div>
              <div className={cells.narrowBottom}>
                <span className={cells.clip}>
                  {agent.version} · {agent.last_address}
                </span>
                <Ago at={agent.last_seen_at} />
              </div>
            </>
          )}
          empty={
            <Empty
              title={t.agents.none}
              action={
                may('agent.enrol') && (
                  <ConfigureButton look="primary" onClick={() => setEnrolling(true)}>
                    {t.agents.enrol}
                  </ConfigureButton>
                )
              }
            >
              {t.agents.noneDetail}
            </Empty>
          }
        />
      ) : (
        <Tokens onNew={() => setEnrolling(true)} />
      )}
      {enrolling && <EnrolDialog onClose={() => setEnrolling(false)} />}
    </Page>
  )
}
