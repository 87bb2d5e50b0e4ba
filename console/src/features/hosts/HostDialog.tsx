// What people say about a host: name, addresses, description, group, department, responsible, location, and any
// further field. Refused when somebody else changed the host since it was read.

import { TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import type { HostView } from '../../api/types'
import { t } from '../../strings'
import { Button, IconButton } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { IconPlus, IconTrash } from '../../ui/icons'
import { Notice } from '../../ui/Layout'
import { toast } from '../../ui/toast'
import { useClosed } from '../access/tenants/queries'
import { TenantField } from '../access/tenants/TenantField'
import { tenantWords } from '../access/tenants/words'
import styles from './Hosts.module.css'

const known = ['description', 'group', 'department', 'responsible', 'location'] as const

export function HostDialog({
  host,
  onClose,
  onDone,
}: {
  host?: HostView
  onClose: () => void
  onDone?: (host: HostView) => void
}) {
  const queries = useQueryClient()
  const [name, setName] = useState(host?.name ?? '')
  const [addresses, setAddresses] = useState(host?.addresses.join(', ') ?? '')
  const [fields, setFields] = useState<Record<string, string>>(() =>
    Object.fromEntries(known.map((key) => [key, host?.fields[key] ?? ''])),
  )
  const [more, setMore] = useState<{ key: number; name: string; value: string }[]>(() =>
    Object.entries(host?.fields ?? {})
      .filter(([key]) => !(known as readonly string[]).includes(key))
      .map(([each, value], key) => ({ key, name: each, value })),
  )
  const [labels, setLabels] = useState(
    Object.entries(host?.labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(', '),
  )
  const [tenant, setTenant] = useState(host?.tenant)
  const closed = useClosed(tenant)
  const pairs = labelsOf(labels)
  const save = useMutation({
    mutationFn: () => {
      const input = {
        name: name.trim(),
        addresses: addresses
          .split(/[\s,]+/)
          .map((each) => each.trim())
          .filter(Boolean),
        fields: Object.fromEntries(
          [...Object.entries(fields), ...more.map((each) => [each.name.trim(), each.value] as const)]
            .map(([key, value]) => [key, value.trim()] as const)
            .filter(([key, value]) => key !== '' && value !== ''),
        ),
        labels: pairs ?? {},
        ...(tenant === undefined ? {} : { tenant }),
        ...(host === undefined ? {} : { revision: host.revision }),
      }
      return host === undefined
        ? body(client.POST('/api/v1/hosts', { body: input }))
        : body(client.PUT('/api/v1/hosts/{id}', { params: { path: { id: host.id } }, body: input }))
    },
    onSuccess: (saved) => {
      void queries.invalidateQueries({ queryKey: ['hosts'] })
      void queries.invalidateQueries({ queryKey: ['host'] })
      toast(host === undefined ? t.hosts.added(saved.name) : t.hosts.saved(saved.name))
      onClose()
      onDone?.(saved)
    },
  })
  const error = save.error instanceof ApiError ? save.error : undefined
  return (
    <Dialog
      title={host === undefined ? t.hosts.addTitle : t.hosts.editTitle(host.name)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={name.trim() === '' || pairs === undefined || closed !== undefined}
      width={520}
      footer={t.acts.audited}
    >
      <TextInput
        label={t.hosts.columns.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={error?.field('name')}
        maxLength={253}
        required
        data-autofocus
      />
      <TextInput
        label={t.hosts.columns.addresses}
        description={t.hosts.addressesHelp}
        value={addresses}
        onChange={(event) => setAddresses(event.currentTarget.value)}
        error={error?.field('addresses')}
      />
      <TenantField value={tenant} onChange={setTenant} error={error?.field('tenant')} />
      <TextInput
        label={tenantWords.labels}
        description={tenantWords.labelsHelp}
        value={labels}
        onChange={(event) => setLabels(event.currentTarget.value)}
        error={pairs === undefined ? tenantWords.labelsWrong : error?.field('labels')}
      />
      <div className={styles.formGrid}>
        {known.map((key) => (
          <TextInput
            key={key}
            label={t.hosts.fields[key]}
            value={fields[key] ?? ''}
            onChange={(event) => {
              const { value } = event.currentTarget
              setFields((now) => ({ ...now, [key]: value }))
            }}
            maxLength={1000}
          />
        ))}
      </div>
      {more.map((each, index) => (
        <div key={each.key} className={styles.moreField}>
          <TextInput
            aria-label={t.hosts.fieldName}
            placeholder={t.hosts.fieldName}
            value={each.name}
            onChange={(event) => {
              const { value } = event.currentTarget
              setMore((now) => now.map((one, i) => (i === index ? { ...one, name: value } : one)))
            }}
          />
          <TextInput
            aria-label={t.hosts.fieldValue}
            placeholder={t.hosts.fieldValue}
            value={each.value}
            onChange={(event) => {
              const { value } = event.currentTarget
              setMore((now) => now.map((one, i) => (i === index ? { ...one, value } : one)))
            }}
          />
          <IconButton
            label={t.hosts.removeField}
            onClick={() => setMore((now) => now.filter((_, i) => i !== index))}
          >
            <IconTrash size={15} aria-hidden />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<IconPlus size={14} aria-hidden />}
          onClick={() => setMore((now) => [...now, { key: Date.now(), name: '', value: '' }])}
        >
          {t.hosts.addField}
        </Button>
      </div>
      {closed !== undefined && <Notice tone="notice" title={closed} />}
      {save.isError && (
        <Notice tone="danger" title={error?.status === 409 ? t.hosts.conflict : t.hosts.cannotSave}>
          {error?.status === 409 ? t.hosts.conflictDetail : save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

/** `env=prod, group=web`; undefined for what is no such list. */
export function labelsOf(text: string): Record<string, string> | undefined {
  const parts = text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each) => each.split('=').map((side) => side.trim()))
  if (parts.some((part) => part.length !== 2 || part.some((side) => side === ''))) return undefined
  return Object.fromEntries(parts)
}
