// Programs: the accounts that no person signs in with, and everybody's tokens.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Mark } from '../../../ui/Glyph'
import { type Column, Grid } from '../../../ui/Grid'
import { IconPlus } from '../../../ui/icons'
import { Empty, Notice, Section, Tag } from '../../../ui/Layout'
import cells from '../../../ui/List.module.css'
import { Ago } from '../../../ui/Time'
import type { Tone } from '../../../ui/tone'
import { useMay } from '../../shell/useMe'
import styles from '../Access.module.css'
import { AccessFrame } from '../AccessFrame'
import machine from '../Machine.module.css'
import { type ApiToken, apiTokensQuery, type ServiceAccount, serviceAccountsQuery } from '../machine'
import { tokenWords as w } from '../machineWords'
import { AddService, MakeToken, RevokeToken, RotateToken } from './TokenDialogs'

const none: readonly ApiToken[] = []
const tones: Record<string, Tone> = { live: 'good', expired: 'waiting', revoked: 'waiting' }
const toneOf = (token: ApiToken): Tone => tones[token.state] ?? 'notice'

export const scopesOf = (token: ApiToken): string =>
  token.scopes
    .map((scope) => {
      const place = [scope.tenant, scope.labels, scope.host, ...(scope.sections ?? [])].filter(Boolean)
      return place.length === 0
        ? t.access.roleOf(scope.role)
        : `${t.access.roleOf(scope.role)} (${place.join(' ')})`
    })
    .join(', ')

export const fromOf = (token: ApiToken): string =>
  token.networks.length === 0 ? w.anywhere : token.networks.join(' ')

type Act = { what: 'revoke' | 'rotate'; token: ApiToken }

export function TokensTab() {
  const tokens = useQuery(apiTokensQuery)
  const services = useQuery(serviceAccountsQuery)
  const may = useMay()
  const [adding, setAdding] = useState(false)
  const [making, setMaking] = useState<ServiceAccount | undefined>(undefined)
  const [act, setAct] = useState<Act | undefined>(undefined)
  const acts = (token: ApiToken) =>
    token.state === 'live' ? (
      <span className={styles.tags}>
        {token.owner.kind === 'service' && may('service.write') && (
          <Button size="small" onClick={() => setAct({ what: 'rotate', token })}>
            {w.rotate}
          </Button>
        )}
        {may('token.revoke') && (
          <Button size="small" look="danger" onClick={() => setAct({ what: 'revoke', token })}>
            {w.revoke}
          </Button>
        )}
      </span>
    ) : null
  const columns: Column<ApiToken>[] = [
    {
      id: 'state',
      header: w.columns.state,
      width: 110,
      fixed: true,
      cell: (token) => <Mark tone={toneOf(token)} word={w.stateOf(token.state)} chip />,
      text: (token) => w.stateOf(token.state),
      sort: (token) => token.state,
    },
    {
      id: 'name',
      header: w.columns.name,
      width: 160,
      grow: 2,
      fixed: true,
      cell: (token) => (
        <span className={styles.who}>
          <span className={cells.strong}>{token.name}</span>
          <small>{token.hint}…</small>
        </span>
      ),
      text: (token) => token.name,
      sort: (token) => token.name,
    },
    {
      id: 'owner',
      header: w.columns.owner,
      width: 90,
      cell: (token) => <span className={cells.clip}>{token.owner.name}</span>,
      text: (token) => token.owner.name,
      sort: (token) => token.owner.name,
    },
    {
      id: 'scopes',
      header: w.columns.scopes,
      width: 90,
      grow: 1,
      cell: (token) => <span className={cells.clip}>{scopesOf(token)}</span>,
      text: scopesOf,
    },
    {
      id: 'networks',
      header: w.columns.networks,
      width: 100,
      grow: 1,
      cell: (token) => <span className={cells.clip}>{fromOf(token)}</span>,
      text: fromOf,
    },
    {
      id: 'used',
      header: w.columns.used,
      width: 92,
      end: true,
      cell: (token) => (token.last_used_at ? <Ago at={token.last_used_at} /> : w.never),
      text: (token) => token.last_used_at ?? '',
      sort: (token) => (token.last_used_at ? Date.parse(token.last_used_at) : 0),
    },
    {
      id: 'ends',
      header: w.columns.ends,
      width: 80,
      end: true,
      cell: (token) => <Ago at={token.expires_at} />,
      text: (token) => token.expires_at,
      sort: (token) => Date.parse(token.expires_at),
    },
    { id: 'act', header: w.columns.act, width: 190, end: true, cell: acts, text: () => '' },
  ]
  const error = tokens.error ?? services.error
  return (
    <AccessFrame
      fill
      lead={w.lead}
      actions={
        may('service.write') && (
          <Button look="primary" icon={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
            {w.addService}
          </Button>
        )
      }
    >
      {error !== null && (
        <Notice tone="danger" title={t.evidence.cannotList}>
          {error.message}
        </Notice>
      )}
      <div className={machine.above}>
        <Services
          items={services.data?.items ?? []}
          loading={services.isPending}
          onMake={may('service.write') ? setMaking : undefined}
        />
      </div>
      <Grid
        name="api-tokens"
        label={w.tokens}
        columns={columns}
        rows={tokens.data?.items ?? none}
        idOf={(token) => token.id}
        nameOf={(token) => `${token.name}, ${token.owner.name}, ${w.stateOf(token.state)}`}
        mutedOf={(token) => token.state !== 'live'}
        scope="api-tokens"
        loading={tokens.isPending}
        comfortable
        narrow={(token) => (
          <>
            <div className={styles.narrowTop}>
              <Mark tone={toneOf(token)} word={w.stateOf(token.state)} chip />
              <span className={cells.strong}>{token.name}</span>
              {acts(token)}
            </div>
            <div className={styles.narrowBottom}>
              <span>
                {token.owner.name} · {scopesOf(token)}
              </span>
              <Ago at={token.expires_at} />
            </div>
          </>
        )}
        empty={<Empty title={w.none}>{w.noneDetail}</Empty>}
      />
      {adding && <AddService onClose={() => setAdding(false)} />}
      {making !== undefined && <MakeToken account={making} onClose={() => setMaking(undefined)} />}
      {act?.what === 'rotate' && <RotateToken token={act.token} onClose={() => setAct(undefined)} />}
      {act?.what === 'revoke' && (
        <RevokeToken token={act.token} own={false} onClose={() => setAct(undefined)} />
      )}
    </AccessFrame>
  )
}

function Services({
  items,
  loading,
  onMake,
}: {
  items: readonly ServiceAccount[]
  loading: boolean
  onMake: ((account: ServiceAccount) => void) | undefined
}) {
  return (
    <Section title={w.services} flush>
      {!loading && items.length === 0 && <p className={machine.none}>{w.servicesNone}</p>}
      <ul className={machine.rows}>
        {items.map((account) => (
          <li key={account.id}>
            <div>
              <strong>{account.name}</strong> <Tag>{t.access.roleOf(account.role)}</Tag>{' '}
              {account.disabled && <Tag>{w.disabled}</Tag>}{' '}
              {!account.owner_living && <Tag>{w.ownerGone}</Tag>}{' '}
              {account.review_overdue && <Tag>{w.overdue}</Tag>}
              <div className={machine.detail}>{account.purpose}</div>
              <small>
                {account.owner ? w.ownedBy(account.owner.name) : w.ownerGone} · {w.live(account.live_tokens)}
              </small>
            </div>
            {onMake !== undefined && !account.disabled && (
              <Button size="small" onClick={() => onMake(account)}>
                {w.make}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  )
}
