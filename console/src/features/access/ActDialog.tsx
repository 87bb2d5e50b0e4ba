// What an administrator does about somebody's account: first what it means, then why, then it is done.

import { Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import type { Invitation, User } from '../../api/types'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { toast } from '../../ui/toast'
import styles from './Access.module.css'
import { Failure } from './AskedNotice'
import { LinkDialog } from './LinkDialog'
import { nameOfUser, type Role } from './person'
import { RoleField } from './RoleField'

export type Act = 'role' | 'reset' | 'reopen' | 'disable' | 'enable'

export function ActDialog({ user, act, onClose }: { user: User; act: Act; onClose: () => void }) {
  const queries = useQueryClient()
  const [reason, setReason] = useState('')
  const [role, setRole] = useState<Role | undefined>(undefined)
  const name = nameOfUser(user)
  const run = useMutation({
    mutationFn: async (): Promise<Invitation | undefined> => {
      const params = { path: { id: user.id } }
      const input = { reason: reason.trim() }
      switch (act) {
        case 'role':
          await client.POST('/api/v1/users/{id}/role', { params, body: { ...input, role: role ?? '' } })
          return undefined
        case 'reset':
          return body(client.POST('/api/v1/users/{id}/reset', { params, body: input }))
        case 'reopen':
          await client.POST('/api/v1/users/{id}/reopen', { params, body: input })
          return undefined
        case 'disable':
          await client.POST('/api/v1/users/{id}/disable', { params, body: input })
          return undefined
        case 'enable':
          await client.POST('/api/v1/users/{id}/enable', { params, body: input })
          return undefined
      }
    },
    onSuccess: (made) => {
      for (const key of ['users', 'invitations']) void queries.invalidateQueries({ queryKey: [key] })
      toast(t.access.done[act](name))
      if (made === undefined) onClose()
    },
    gcTime: 0,
  })
  if (run.data !== undefined) return <LinkDialog name={name} invitation={run.data} onClose={onClose} />
  const problem = run.error instanceof ApiError ? run.error : undefined
  return (
    <Dialog
      title={t.access.titles[act](name)}
      open
      onClose={onClose}
      onSubmit={() => run.mutate()}
      submit={t.access.acts[act]}
      danger={act === 'disable' || act === 'reset'}
      busy={run.isPending}
      disabled={reason.trim() === '' || (act === 'role' && role === undefined)}
      width={500}
      footer={t.acts.audited}
    >
      {act === 'role' && (
        <RoleField label={t.access.newRole} value={role} now={user.role} onChange={setRole} />
      )}
      <section aria-label={t.access.whatHappens}>
        <ul className={styles.what}>
          {t.access.what[act].map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </section>
      <Textarea
        label={t.acts.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        error={problem?.field('reason')}
        rows={2}
        maxLength={500}
        required
        {...(act === 'role' ? {} : { 'data-autofocus': true })}
      />
      {run.isError &&
        problem?.field('reason') === undefined &&
        (problem?.field('role') !== undefined ? (
          <Notice tone="danger" title={t.acts.failed}>
            {problem.field('role')}
          </Notice>
        ) : (
          <Failure error={run.error} />
        ))}
    </Dialog>
  )
}
