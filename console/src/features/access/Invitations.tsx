// Links that wait to be used. The link itself is nowhere: only that there is one, for whom, and until when.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../api/client'
import { invitationsQuery } from '../../api/queries'
import type { OpenInvitation } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { Empty, Notice } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Ago } from '../../ui/Time'
import { toast } from '../../ui/toast'
import styles from './Access.module.css'
import { nameOfUser } from './person'

const words = t.access.invitations
const idOf = (link: OpenInvitation) => link.id
const none: readonly OpenInvitation[] = []

function StateMark({ link }: { link: OpenInvitation }) {
  return (
    <Mark tone={link.expired ? 'waiting' : 'notice'} word={link.expired ? words.expired : words.open} chip />
  )
}

export function Invitations({ onNew }: { onNew: () => void }) {
  const links = useQuery(invitationsQuery)
  const [withdrawing, setWithdrawing] = useState<OpenInvitation | undefined>(undefined)
  const act = (link: OpenInvitation) => (
    <Button size="small" onClick={() => setWithdrawing(link)}>
      {link.expired ? words.remove : words.withdraw}
    </Button>
  )
  const columns: Column<OpenInvitation>[] = [
    {
      id: 'state',
      header: words.columns.state,
      width: 112,
      fixed: true,
      cell: (link) => <StateMark link={link} />,
      text: (link) => (link.expired ? words.expired : words.open),
    },
    {
      id: 'name',
      header: words.columns.name,
      width: 180,
      grow: 2,
      fixed: true,
      cell: (link) => (
        <span className={styles.who}>
          <span className={cells.strong}>{nameOfUser(link)}</span>
          {link.display_name !== '' && <small>{link.name}</small>}
        </span>
      ),
      text: (link) => link.name,
      sort: (link) => link.name,
    },
    {
      id: 'kind',
      header: words.columns.kind,
      width: 120,
      cell: (link) => words.kind(link.kind),
      text: (link) => words.kind(link.kind),
    },
    {
      id: 'role',
      header: words.columns.role,
      width: 120,
      cell: (link) => t.access.roleOf(link.role),
      text: (link) => link.role,
    },
    {
      id: 'by',
      header: words.columns.by,
      width: 120,
      grow: 1,
      cell: (link) => <span className={cells.clip}>{link.created_by}</span>,
      text: (link) => link.created_by,
    },
    {
      id: 'created',
      header: words.columns.created,
      width: 110,
      end: true,
      cell: (link) => <Ago at={link.created_at} />,
      text: (link) => link.created_at,
    },
    {
      id: 'expires',
      header: words.columns.expires,
      width: 110,
      end: true,
      cell: (link) => <Ago at={link.expires_at} />,
      text: (link) => link.expires_at,
    },
    { id: 'act', header: words.columns.act, width: 110, end: true, cell: act, text: () => '' },
  ]
  return (
    <>
      {links.isError && (
        <Notice tone="danger" title={t.evidence.cannotList}>
          {links.error.message}
        </Notice>
      )}
      <Grid
        name="invitations"
        label={words.title}
        columns={columns}
        rows={links.data?.items ?? none}
        idOf={idOf}
        nameOf={(link) => `${link.name}, ${words.kind(link.kind)}`}
        mutedOf={(link) => link.expired}
        scope="invitations"
        loading={links.isPending}
        comfortable
        narrow={(link) => (
          <>
            <div className={styles.narrowTop}>
              <StateMark link={link} />
              <span className={cells.strong}>{nameOfUser(link)}</span>
              {act(link)}
            </div>
            <div className={styles.narrowBottom}>
              <span>
                {words.kind(link.kind)} · {t.access.roleOf(link.role)}
              </span>
              <Ago at={link.expires_at} />
            </div>
          </>
        )}
        empty={
          <Empty title={words.none} action={<Button onClick={onNew}>{t.access.invite}</Button>}>
            {words.noneDetail}
          </Empty>
        }
      />
      {withdrawing !== undefined && <Withdraw link={withdrawing} onClose={() => setWithdrawing(undefined)} />}
    </>
  )
}

function Withdraw({ link, onClose }: { link: OpenInvitation; onClose: () => void }) {
  const queries = useQueryClient()
  const withdraw = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/invitations/{id}', { params: { path: { id: link.id } } })
    },
    onSuccess: () => {
      toast(words.withdrawn(nameOfUser(link)))
      onClose()
    },
    // Also when it was used meanwhile: the list is old then.
    onSettled: () => void queries.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  })
  return (
    <Dialog
      title={words.withdrawOf(nameOfUser(link))}
      open
      onClose={onClose}
      onSubmit={() => withdraw.mutate()}
      submit={link.expired ? words.remove : words.withdraw}
      danger
      busy={withdraw.isPending}
      footer={t.acts.audited}
    >
      <p>{words.withdrawDetail}</p>
      {link.kind === 'reset' && <Notice tone="notice" title={words.resetStays} />}
      {withdraw.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {withdraw.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
