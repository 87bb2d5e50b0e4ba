// Making, renaming, moving and removing a tenant, and its read-only switch: first what it means, then it is done.

import { Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Dialog } from '../../../ui/Dialog'
import { Notice } from '../../../ui/Layout'
import { toast } from '../../../ui/toast'
import styles from '../Access.module.css'
import type { Tenant } from './queries'
import { TenantField } from './TenantField'
import { tenantWords as w } from './words'

export type TenantAct = 'add' | 'rename' | 'move' | 'remove' | 'switch'

interface Props {
  tenant: Tenant
  onClose: () => void
}

function useDone(said: string, onClose: () => void) {
  const queries = useQueryClient()
  return () => {
    void queries.invalidateQueries()
    toast(said)
    onClose()
  }
}

function Failed({ error }: { error: Error | null }) {
  if (error === null) return null
  return (
    <Notice tone="danger" title={t.acts.failed}>
      {error.message}
    </Notice>
  )
}

export function TenantDialog({ act, ...props }: Props & { act: TenantAct }) {
  switch (act) {
    case 'add':
      return <Add {...props} />
    case 'rename':
      return <Rename {...props} />
    case 'move':
      return <Move {...props} />
    case 'remove':
      return <Remove {...props} />
    case 'switch':
      return <Switch {...props} />
  }
}

function Add({ tenant, onClose }: Props) {
  const [name, setName] = useState('')
  const done = useDone(w.made(name.trim()), onClose)
  const save = useMutation({
    mutationFn: () =>
      body(client.POST('/api/v1/tenants', { body: { name: name.trim(), parent: tenant.id } })),
    onSuccess: done,
  })
  const error = save.error instanceof ApiError ? save.error : undefined
  return (
    <Dialog
      title={w.addBelow(tenant.title)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={w.add}
      busy={save.isPending}
      disabled={name.trim() === ''}
      width={480}
      footer={t.acts.audited}
    >
      <TextInput
        label={w.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={error?.field('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <Failed error={save.error} />
    </Dialog>
  )
}

function Rename({ tenant, onClose }: Props) {
  const [name, setName] = useState(tenant.name)
  const done = useDone(w.changed(name.trim()), onClose)
  const save = useMutation({
    mutationFn: () =>
      body(
        client.PUT('/api/v1/tenants/{id}', {
          params: { path: { id: tenant.id } },
          body: { name: name.trim(), revision: tenant.revision },
        }),
      ),
    onSuccess: done,
  })
  return (
    <Dialog
      title={w.renameTitle(tenant.title)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={w.rename}
      busy={save.isPending}
      disabled={name.trim() === '' || name.trim() === tenant.name}
      width={480}
      footer={t.acts.audited}
    >
      <TextInput
        label={w.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={100}
        required
        data-autofocus
      />
      <Failed error={save.error} />
    </Dialog>
  )
}

function Move({ tenant, onClose }: Props) {
  const [to, setTo] = useState<string | undefined>(tenant.parent ?? undefined)
  const elsewhere = to !== undefined && to !== tenant.parent
  const done = useDone(w.changed(tenant.name), onClose)
  const preview = useQuery({
    queryKey: ['tenants', tenant.id, 'move', to],
    queryFn: ({ signal }) =>
      body(
        client.GET('/api/v1/tenants/{id}/move', {
          params: { path: { id: tenant.id }, query: { to: to ?? '' } },
          signal,
        }),
      ),
    enabled: elsewhere,
    retry: false,
    gcTime: 0,
  })
  const save = useMutation({
    mutationFn: () =>
      body(
        client.PUT('/api/v1/tenants/{id}', {
          params: { path: { id: tenant.id } },
          body: { parent: to ?? null, revision: tenant.revision },
        }),
      ),
    onSuccess: done,
  })
  const would = elsewhere ? preview.data : undefined
  const stuck = (would?.stranded.length ?? 0) > 0
  return (
    <Dialog
      title={w.moveTitle(tenant.title)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={w.move}
      busy={save.isPending}
      disabled={would === undefined || stuck}
      width={520}
      footer={t.acts.audited}
    >
      <TenantField label={w.below} value={to} onChange={setTo} except={tenant.id} />
      {would !== undefined && (
        <section aria-label={w.previewLabel}>
          <ul className={styles.what}>
            <li>{w.moves(would.tenants, would.hosts, would.channels)}</li>
            {would.gains.length > 0 && <li>{w.gains(would.gains.join(', '))}</li>}
            {would.loses.length > 0 && <li>{w.loses(would.loses.join(', '))}</li>}
            {would.gains.length + would.loses.length === 0 && <li>{w.nobodyElse}</li>}
            {would.channels_gained.length > 0 && (
              <li>{w.channelsGained(would.channels_gained.join(', '))}</li>
            )}
            {would.channels_lost.length > 0 && <li>{w.channelsLost(would.channels_lost.join(', '))}</li>}
            {would.closed_after && <li>{w.closedAfter}</li>}
            {stuck && <li>{w.stranded(would.stranded.join(', '))}</li>}
          </ul>
        </section>
      )}
      <Failed error={preview.error ?? save.error} />
    </Dialog>
  )
}

function Remove({ tenant, onClose }: Props) {
  const done = useDone(w.removed(tenant.name), onClose)
  const save = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/tenants/{id}', { params: { path: { id: tenant.id } } })
    },
    onSuccess: done,
  })
  return (
    <Dialog
      title={w.removeTitle(tenant.title)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={w.remove}
      danger
      busy={save.isPending}
      width={480}
      footer={t.acts.audited}
    >
      <p>{w.removeDetail}</p>
      <Failed error={save.error} />
    </Dialog>
  )
}

function Switch({ tenant, onClose }: Props) {
  const [why, setWhy] = useState('')
  const done = useDone(w.changed(tenant.name), onClose)
  const save = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/tenants/{id}/read-only', {
          params: { path: { id: tenant.id } },
          body: { read_only: !tenant.read_only, why: why.trim() },
        }),
      ),
    onSuccess: done,
  })
  const error = save.error instanceof ApiError ? save.error : undefined
  return (
    <Dialog
      title={tenant.read_only ? w.openTitle(tenant.title) : w.closeTitle(tenant.title)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={tenant.read_only ? w.open : w.close}
      danger={!tenant.read_only}
      busy={save.isPending}
      disabled={why.trim() === ''}
      width={520}
      footer={t.acts.audited}
    >
      <p>{tenant.read_only ? w.openDetail : w.closeDetail}</p>
      <Textarea
        label={w.why}
        description={tenant.read_only ? undefined : w.whyHelp}
        value={why}
        onChange={(event) => setWhy(event.currentTarget.value)}
        error={error?.field('why')}
        rows={2}
        maxLength={500}
        required
        data-autofocus
      />
      <Failed error={save.error} />
    </Dialog>
  )
}
