// One agent: who it is, what it may do, what it ran. Revoking and releasing ask for a reason.

import { Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { body, client } from '../../api/client'
import { agentQuery, executionsQuery } from '../../api/queries'
import type { Agent, Execution } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { span } from '../../ui/format'
import { Mark } from '../../ui/Glyph'
import { Facts, Notice, Tag } from '../../ui/Layout'
import { Panel } from '../../ui/Panel'
import { Ago, At } from '../../ui/Time'
import { toast } from '../../ui/toast'
import { useMay } from '../shell/useMe'
import styles from './Agents.module.css'
import { furtherGrants, standing } from './standing'

export default function AgentPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const agent = useQuery(agentQuery(id))
  const executions = useQuery(executionsQuery(id))
  const [asking, setAsking] = useState<Act | undefined>(undefined)
  const may = useMay()
  const data = agent.data
  return (
    <Panel
      title={data === undefined ? t.agents.panel : t.agents.panelOf(data.host.name)}
      onClose={onClose}
      head={
        data !== undefined && (
          <>
            <Link
              to="/hosts/$id"
              params={{ id: data.host.id }}
              search={{ tab: 'agent' }}
              className={styles.link}
            >
              {t.hosts.openPage}
            </Link>
            <h2 className={styles.title}>{data.host.name}</h2>
          </>
        )
      }
    >
      {agent.isError && (
        <Notice tone="danger" title={t.agents.cannotShow}>
          {agent.error.message}
        </Notice>
      )}
      {data !== undefined && (
        <>
          <div>
            <Mark tone={standing(data).tone} word={standing(data).word} chip />
          </div>
          {data.standing === 'quarantined' && (
            <Notice tone="danger" title={t.agents.quarantineTitle(1)}>
              {t.agents.quarantineDetail}
            </Notice>
          )}
          {may('agent.revoke') && data.standing !== 'revoked' && (
            <div className={styles.acts}>
              {data.standing === 'quarantined' && (
                <Button size="small" onClick={() => setAsking('release')}>
                  {t.agents.release}
                </Button>
              )}
              {may('agent.write') && (
                <Button size="small" onClick={() => setAsking(data.read_only ? 'manage' : 'readOnly')}>
                  {data.read_only ? t.agents.manage : t.agents.readOnly}
                </Button>
              )}
              <Button size="small" look="danger" onClick={() => setAsking('revoke')}>
                {t.agents.revoke}
              </Button>
            </div>
          )}
          <AgentFacts agent={data} />
          <div>
            <h3>{t.agents.executions}</h3>
            {executions.data !== undefined && <Executions items={executions.data.items} />}
          </div>
          {asking !== undefined && (
            <ReasonDialog agent={data} act={asking} onClose={() => setAsking(undefined)} />
          )}
        </>
      )}
    </Panel>
  )
}

export function AgentFacts({ agent }: { agent: Agent }) {
  return (
    <Facts
      items={[
        [t.agents.columns.version, agent.version || '–'],
        [t.agents.columns.os, agent.os || '–'],
        [t.agents.columns.seen, <Ago key="seen" at={agent.last_seen_at} />],
        [t.agents.columns.address, agent.last_address || '–'],
        [t.agents.columns.enrolled, <At key="enrolled" at={agent.enrolled_at} />],
        [
          t.agents.columns.grants,
          furtherGrants(agent.grants).length === 0
            ? t.agents.ownHostOnly
            : furtherGrants(agent.grants).map((grant) => <Tag key={grant}>{grant}</Tag>),
        ],
        [t.agents.remote, remote(agent)],
        [
          t.agents.plugins,
          agent.plugins.length === 0 ? (
            t.agents.noPlugins
          ) : (
            <span className={styles.plugins} key="plugins">
              {agent.plugins.map((plugin) => (
                <Tag key={plugin.name} title={plugin.sha256}>
                  {plugin.name}
                </Tag>
              ))}
            </span>
          ),
        ],
        [t.agents.columns.certificate, <At key="cert" at={agent.cert_not_after} />],
        [t.agents.serial, <code key="serial">{agent.cert_serial}</code>],
        [t.agents.identifier, <code key="id">{agent.id}</code>],
        [t.agents.committed, String(agent.committed_seq)],
      ]}
    />
  )
}

export function Executions({ items }: { items: readonly Execution[] }) {
  if (items.length === 0) return <p className={styles.note}>{t.agents.noExecutions}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard.
    <section className={styles.executions} tabIndex={0} aria-label={t.agents.executions}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.agents.ran}</th>
            <th scope="col">{t.agents.outcome}</th>
            <th scope="col">{t.agents.grade}</th>
            <th scope="col">{t.agents.took}</th>
            <th scope="col">{t.agents.when}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((run) => (
            <tr key={run.id}>
              <th scope="row" title={run.argv.join(' ')}>
                {run.what}
              </th>
              <td>
                <code>{run.outcome}</code>
              </td>
              <td>{run.grade || '–'}</td>
              <td>{span(run.duration_ms)}</td>
              <td>
                <Ago at={run.started_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const remote = (agent: Agent) =>
  agent.remote_off ? t.agents.remoteOff : agent.read_only ? t.agents.remoteReadOnly : t.agents.remoteOn

type Act = 'revoke' | 'release' | 'readOnly' | 'manage'

const words = {
  revoke: [t.agents.revokeTitle, t.agents.revokeDetail, t.agents.revoke, t.agents.revokedToast],
  release: [t.agents.releaseTitle, t.agents.releaseDetail, t.agents.release, t.agents.releasedToast],
  readOnly: [t.agents.readOnlyTitle, t.agents.readOnlyDetail, t.agents.readOnly, t.agents.readOnlyToast],
  manage: [t.agents.manageTitle, t.agents.manageDetail, t.agents.manage, t.agents.managedToast],
} as const

function ReasonDialog({ agent, act, onClose }: { agent: Agent; act: Act; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const [title, detail, verb, done] = words[act]
  const queries = useQueryClient()
  const run = useMutation({
    mutationFn: () => {
      const params = { path: { id: agent.id } }
      const input = { reason: reason.trim() }
      if (act === 'revoke') return body(client.POST('/api/v1/agents/{id}/revoke', { params, body: input }))
      if (act === 'release') return body(client.POST('/api/v1/agents/{id}/release', { params, body: input }))
      const how = { ...input, read_only: act === 'readOnly' }
      return body(client.POST('/api/v1/agents/{id}/read-only', { params, body: how }))
    },
    onSuccess: () => {
      for (const key of ['agents', 'overview', 'hosts', 'host', 'certificates']) {
        void queries.invalidateQueries({ queryKey: [key] })
      }
      toast(done(agent.host.name))
      onClose()
    },
  })
  return (
    <Dialog
      title={title(agent.host.name)}
      open
      onClose={onClose}
      onSubmit={() => run.mutate()}
      submit={verb}
      danger={act === 'revoke'}
      busy={run.isPending}
      disabled={reason.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{detail}</p>
      <Textarea
        label={t.acts.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        rows={2}
        maxLength={1000}
        required
        data-autofocus
      />
      {run.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {run.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
