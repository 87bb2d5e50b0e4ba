// My own tokens, on my own page.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Notice, Section, Tag } from '../../../ui/Layout'
import { Ago } from '../../../ui/Time'
import machine from '../Machine.module.css'
import { type ApiToken, myTokensQuery } from '../machine'
import { tokenWords as w } from '../machineWords'
import { MakeToken, RevokeToken, RotateToken } from './TokenDialogs'
import { fromOf, scopesOf } from './TokensTab'

export function MyTokens() {
  const tokens = useQuery(myTokensQuery)
  const [making, setMaking] = useState(false)
  const [act, setAct] = useState<{ what: 'revoke' | 'rotate'; token: ApiToken } | undefined>(undefined)
  const live = (tokens.data?.items ?? []).filter((token) => token.state === 'live')
  return (
    <Section
      title={w.mine}
      flush
      aside={
        <Button size="small" onClick={() => setMaking(true)}>
          {w.make}
        </Button>
      }
    >
      <p className={machine.none}>{w.mineLead}</p>
      {tokens.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {tokens.error.message}
        </Notice>
      )}
      {tokens.data !== undefined && live.length === 0 && <p className={machine.none}>{w.mineNone}</p>}
      <ul className={machine.rows}>
        {live.map((token) => (
          <li key={token.id}>
            <div>
              <strong>{token.name}</strong> <Tag>{token.hint}…</Tag>
              <div className={machine.detail}>
                {scopesOf(token)} · {fromOf(token)}
              </div>
              <small>
                {w.columns.used}: {token.last_used_at ? <Ago at={token.last_used_at} /> : w.never} ·{' '}
                {w.columns.ends}: <Ago at={token.expires_at} />
              </small>
            </div>
            <div className={machine.acts}>
              <Button size="small" onClick={() => setAct({ what: 'rotate', token })}>
                {w.rotate}
              </Button>
              <Button size="small" look="danger" onClick={() => setAct({ what: 'revoke', token })}>
                {w.revoke}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      {making && <MakeToken onClose={() => setMaking(false)} />}
      {act?.what === 'rotate' && <RotateToken token={act.token} onClose={() => setAct(undefined)} />}
      {act?.what === 'revoke' && <RevokeToken token={act.token} own onClose={() => setAct(undefined)} />}
    </Section>
  )
}
