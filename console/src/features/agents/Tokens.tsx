import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from '../../api/client'
import { tokensQuery } from '../../api/queries'
import type { Token } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { Empty, Tag } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Ago } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import type { Tone } from '../../ui/tone'
import { furtherGrants } from './standing'

const stateTone: Record<string, Tone> = {
  open: 'notice',
  used: 'good',
  expired: 'waiting',
  withdrawn: 'waiting',
}

const idOf = (token: Token) => token.id
const none: readonly Token[] = []

export function Tokens({ onNew }: { onNew: () => void }) {
  const tokens = useQuery(tokensQuery)
  const queries = useQueryClient()
  const withdraw = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/enrolment-tokens/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['tokens'] })
      toast(t.tokens.withdrawn)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const columns: Column<Token>[] = [
    {
      id: 'state',
      header: t.tokens.state,
      width: 128,
      fixed: true,
      cell: (token) => (
        <Mark tone={stateTone[token.state] ?? 'unclear'} word={t.tokens.states(token.state)} chip />
      ),
      text: (token) => token.state,
      sort: (token) => token.state,
    },
    {
      id: 'pattern',
      header: t.agents.pattern,
      width: 160,
      grow: 1,
      fixed: true,
      cell: (token) => <code>{token.host_pattern}</code>,
      text: (token) => token.host_pattern,
    },
    {
      id: 'grants',
      header: t.agents.columns.grants,
      width: 130,
      cell: (token) =>
        furtherGrants(token.grants).length === 0 ? (
          <span className={cells.faint}>{t.agents.ownHostOnly}</span>
        ) : (
          furtherGrants(token.grants).map((grant) => <Tag key={grant}>{grant}</Tag>)
        ),
      text: (token) => token.grants.join(' '),
    },
    {
      id: 'by',
      header: t.tokens.by,
      width: 120,
      grow: 1,
      cell: (token) => <span className={cells.clip}>{token.created_by}</span>,
      text: (token) => token.created_by,
    },
    {
      id: 'created',
      header: t.tokens.created,
      width: 100,
      end: true,
      cell: (token) => <Ago at={token.created_at} />,
      text: (token) => token.created_at,
      sort: (token) => Date.parse(token.created_at),
    },
    {
      id: 'expires',
      header: t.tokens.expires,
      width: 100,
      end: true,
      cell: (token) => <Ago at={token.expires_at} />,
      text: (token) => token.expires_at,
      sort: (token) => Date.parse(token.expires_at),
    },
    {
      id: 'act',
      header: t.tokens.act,
      width: 120,
      end: true,
      cell: (token) =>
        token.state === 'open' && (
          <Button size="small" onClick={() => withdraw.mutate(token.id)}>
            {t.tokens.withdraw}
          </Button>
        ),
      text: () => '',
    },
  ]
  return (
    <Grid
      name="tokens"
      label={t.tokens.title}
      columns={columns}
      rows={tokens.data?.items ?? none}
      idOf={idOf}
      nameOf={(token) => `${token.host_pattern}, ${token.state}`}
      mutedOf={(token) => token.state !== 'open'}
      scope="tokens"
      loading={tokens.isPending}
      comfortable
      narrow={(token) => (
        <>
          <div className={cells.narrowTop}>
            <Mark tone={stateTone[token.state] ?? 'unclear'} word={t.tokens.states(token.state)} chip />
            <code>{token.host_pattern}</code>
            {token.state === 'open' && (
              <Button size="small" onClick={() => withdraw.mutate(token.id)}>
                {t.tokens.withdraw}
              </Button>
            )}
          </div>
          <div className={cells.narrowBottom}>
            <span>{token.created_by}</span>
            <Ago at={token.expires_at} />
          </div>
        </>
      )}
      empty={
        <Empty title={t.tokens.none} action={<Button onClick={onNew}>{t.agents.enrol}</Button>}>
          {t.tokens.noneDetail}
        </Empty>
      }
    />
  )
}
