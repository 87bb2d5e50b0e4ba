// Making a token, giving it a new secret, ending it. A secret is shown once, in the dialog that made it.

import { NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import { t } from '../../../strings'
import { CopyLine } from '../../../ui/CopyLine'
import { Dialog } from '../../../ui/Dialog'
import { Notice } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { toast } from '../../../ui/toast'
import { Failure } from '../AskedNotice'
import type { ApiToken, ApiTokenMade, ServiceAccount } from '../machine'
import { tokenWords as w } from '../machineWords'

const roles = ['viewer', 'operator', 'responder', 'author', 'auditor', 'approver', 'admin']
const keys = [['api-tokens'], ['me', 'tokens'], ['service-accounts']]

function useRefresh() {
  const queries = useQueryClient()
  return () => {
    for (const queryKey of keys) void queries.invalidateQueries({ queryKey })
  }
}

const lines = (text: string) =>
  text
    .split(/[\s,]+/)
    .map((each) => each.trim())
    .filter((each) => each !== '')

function Secret({ made, onClose }: { made: ApiTokenMade; onClose: () => void }) {
  return (
    <Dialog title={w.secretTitle} open onClose={onClose} width={640} footer={w.secretUse}>
      <p>{w.secretLead}</p>
      <CopyLine text={made.secret} label={w.secretTitle} />
      {made.token.old_secret_until && (
        <Notice tone="notice" title={w.oldUntil}>
          <At at={made.token.old_secret_until} />
        </Notice>
      )}
    </Dialog>
  )
}

/** `account`: the service account it is for; one's own without. */
export function MakeToken({ account, onClose }: { account?: ServiceAccount; onClose: () => void }) {
  const refresh = useRefresh()
  const [name, setName] = useState('')
  const [role, setRole] = useState(account?.role ?? 'viewer')
  const [networks, setNetworks] = useState('')
  const [days, setDays] = useState<number | string>(90)
  const make = useMutation({
    mutationFn: () => {
      const input = {
        name: name.trim(),
        scopes: [{ role }],
        networks: lines(networks),
        days: Number(days),
      }
      return account === undefined
        ? body(client.POST('/api/v1/me/tokens', { body: input }))
        : body(
            client.POST('/api/v1/service-accounts/{id}/tokens', {
              params: { path: { id: account.id } },
              body: input,
            }),
          )
    },
    onSuccess: refresh,
    gcTime: 0,
  })
  if (make.data !== undefined) return <Secret made={make.data} onClose={onClose} />
  const problem = make.error instanceof ApiError ? make.error : undefined
  const shown = problem?.field('networks') ?? problem?.field('name') ?? problem?.field('days')
  return (
    <Dialog
      title={account === undefined ? w.make : w.makeFor(account.name)}
      open
      onClose={onClose}
      onSubmit={() => make.mutate()}
      submit={w.make}
      busy={make.isPending}
      disabled={name.trim() === ''}
      width={520}
      footer={t.acts.audited}
    >
      <TextInput
        label={w.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={problem?.field('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <Select
        label={w.role}
        data={roles.map((each) => ({ value: each, label: t.access.roleOf(each) }))}
        value={role}
        onChange={(next) => setRole(next ?? 'viewer')}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
      />
      <Textarea
        label={w.networks}
        description={w.networksHelp}
        value={networks}
        onChange={(event) => setNetworks(event.currentTarget.value)}
        error={problem?.field('networks')}
        rows={2}
      />
      <NumberInput
        label={w.days}
        value={days}
        onChange={setDays}
        min={1}
        max={365}
        error={problem?.field('days')}
      />
      {make.isError && shown === undefined && <Failure error={make.error} />}
    </Dialog>
  )
}

export function RotateToken({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const refresh = useRefresh()
  const [hours, setHours] = useState<number | string>(24)
  const [days, setDays] = useState<number | string>(90)
  const rotate = useMutation({
    mutationFn: () => {
      const params = { path: { id: token.id } }
      const input = { overlap_hours: Number(hours), days: Number(days) }
      return token.owner.kind === 'service'
        ? body(client.POST('/api/v1/api-tokens/{id}/rotate', { params, body: input }))
        : body(client.POST('/api/v1/me/tokens/{id}/rotate', { params, body: input }))
    },
    onSuccess: refresh,
    gcTime: 0,
  })
  if (rotate.data !== undefined) return <Secret made={rotate.data} onClose={onClose} />
  return (
    <Dialog
      title={w.rotateOf(token.name)}
      open
      onClose={onClose}
      onSubmit={() => rotate.mutate()}
      submit={w.rotate}
      busy={rotate.isPending}
      footer={t.acts.audited}
    >
      <p>{w.rotateDetail}</p>
      <NumberInput label={w.overlap} value={hours} onChange={setHours} min={0} max={168} data-autofocus />
      <NumberInput label={w.days} value={days} onChange={setDays} min={1} max={365} />
      <Failure error={rotate.error} />
    </Dialog>
  )
}

/** `own`: under one's own account, where no right over others is needed. */
export function RevokeToken({ token, own, onClose }: { token: ApiToken; own: boolean; onClose: () => void }) {
  const refresh = useRefresh()
  const revoke = useMutation({
    mutationFn: async () => {
      const params = { path: { id: token.id } }
      if (own) await client.DELETE('/api/v1/me/tokens/{id}', { params })
      else await client.DELETE('/api/v1/api-tokens/{id}', { params })
    },
    onSuccess: () => {
      toast(w.revoked(token.name))
      onClose()
    },
    onSettled: refresh,
  })
  return (
    <Dialog
      title={w.revokeOf(token.name)}
      open
      onClose={onClose}
      onSubmit={() => revoke.mutate()}
      submit={w.revoke}
      danger
      busy={revoke.isPending}
      footer={t.acts.audited}
    >
      <p>{w.revokeDetail}</p>
      <Failure error={revoke.error} />
    </Dialog>
  )
}

export function AddService({ onClose }: { onClose: () => void }) {
  const refresh = useRefresh()
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [owner, setOwner] = useState('')
  const [purpose, setPurpose] = useState('')
  const [days, setDays] = useState<number | string>(180)
  const [reason, setReason] = useState('')
  const add = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/service-accounts', {
          body: { name: name.trim(), role, owner: owner.trim(), purpose, review_days: Number(days), reason },
        }),
      ),
    onSuccess: onClose,
    onSettled: refresh,
  })
  const problem = add.error instanceof ApiError ? add.error : undefined
  const opens = role === 'admin' || role === 'approver'
  const field = (known: string) => problem?.field(known)
  const shown = ['name', 'owner', 'purpose', 'reason'].some((known) => field(known) !== undefined)
  return (
    <Dialog
      title={w.addService}
      open
      onClose={onClose}
      onSubmit={() => add.mutate()}
      submit={w.addService}
      busy={add.isPending}
      disabled={[name, owner, purpose].some((each) => each.trim() === '')}
      width={520}
      footer={t.acts.audited}
    >
      <TextInput
        label={w.serviceName}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={field('name')}
        autoComplete="off"
        spellCheck={false}
        required
        data-autofocus
      />
      <TextInput
        label={w.purpose}
        value={purpose}
        onChange={(event) => setPurpose(event.currentTarget.value)}
        error={field('purpose')}
        maxLength={500}
        required
      />
      <TextInput
        label={w.owner}
        value={owner}
        onChange={(event) => setOwner(event.currentTarget.value)}
        error={field('owner')}
        autoComplete="off"
        spellCheck={false}
        required
      />
      <Select
        label={w.role}
        data={roles.map((each) => ({ value: each, label: t.access.roleOf(each) }))}
        value={role}
        onChange={(next) => setRole(next ?? 'viewer')}
        allowDeselect={false}
        error={field('role')}
        comboboxProps={{ withinPortal: false }}
      />
      <NumberInput label={w.review} value={days} onChange={setDays} min={1} max={365} />
      {opens && (
        <TextInput
          label={w.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={field('reason')}
          maxLength={500}
        />
      )}
      {add.isError && !shown && <Failure error={add.error} />}
    </Dialog>
  )
}
