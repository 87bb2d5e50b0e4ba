// Invites a person: a name and a role. What they sign in with they choose themselves, behind the link.

import { TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { invitationsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import styles from './Access.module.css'
import { LinkDialog } from './LinkDialog'
import type { Role } from './person'
import { RoleField } from './RoleField'

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [displayName, setDisplayName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const invite = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/users', {
          body: { name: name.trim(), display_name: displayName.trim(), role },
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
      {invite.isError && problem?.field('name') === undefined && (
        <Notice tone="danger" title={t.acts.failed}>
          {invite.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
