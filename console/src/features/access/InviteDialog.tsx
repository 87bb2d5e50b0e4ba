// Invites a person: a name and a role. What they sign in with they choose themselves, behind the link.

import { TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { invitationsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import styles from './Access.module.css'
import { Failure } from './AskedNotice'
import { LinkDialog } from './LinkDialog'
import type { Role } from './person'
import { RoleField } from './RoleField'
import { TenantField } from './tenants/TenantField'

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [displayName, setDisplayName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [reason, setReason] = useState('')
  const [tenant, setTenant] = useState<string | undefined>(undefined)
  const invite = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/users', {
          body: {
            name: name.trim(),
            display_name: displayName.trim(),
            role,
            reason: reason.trim(),
            ...(tenant === undefined ? {} : { tenant }),
          },
        }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
    gcTime: 0,
  })
  const problem = invite.error instanceof ApiError ? invite.error : undefined
  if (invite.data !== undefined) {
    return (
      <LinkDialog
        name={displayName.trim() || name.trim().toLowerCase()}
        invitation={invite.data}
        onClose={onClose}
      />
    )
  }
  return (
    <Dialog
      title={t.access.invite}
      open
      onClose={onClose}
      onSubmit={() => invite.mutate()}
      submit={t.access.makeLink}
      busy={invite.isPending}
      disabled={name.trim() === ''}
      width={520}
      footer={t.acts.audited}
    >
      <p className={styles.intro}>{t.access.inviteDetail}</p>
      <div className={styles.pair}>
        <TextInput
          label={t.access.inviteName}
          description={t.access.inviteNameHelp}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          error={problem?.field('name')}
          required
          data-autofocus
        />
        <TextInput
          label={t.access.inviteDisplay}
          description={t.access.inviteDisplayHelp}
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
          autoComplete="off"
          maxLength={100}
        />
      </div>
      <RoleField label={t.access.role} value={role} onChange={setRole} />
      <TenantField value={tenant} onChange={setTenant} error={problem?.field('tenant')} />
      {(role === 'admin' || problem?.field('reason') !== undefined) && (
        <TextInput
          label={t.acts.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={problem?.field('reason')}
          maxLength={500}
        />
      )}
      {invite.isError && problem?.field('name') === undefined && problem?.field('reason') === undefined && (
        <Failure error={invite.error} />
      )}
    </Dialog>
  )
}
