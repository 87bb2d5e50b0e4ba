// Makes an enrolment token and shows its one line, once.

import { Checkbox, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { t } from '../../strings'
import { CopyLine } from '../../ui/CopyLine'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { At } from '../../ui/Time'
import { TenantField } from '../access/tenants/TenantField'
import styles from './Agents.module.css'

const spans = [
  { value: '900', label: t.acts.minutes(15) },
  { value: '3600', label: t.acts.hours(1) },
  { value: '28800', label: t.acts.hours(8) },
  { value: '86400', label: t.acts.hours(24) },
]

export function EnrolDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [pattern, setPattern] = useState('*')
  const [tenant, setTenant] = useState<string | undefined>(undefined)
  const [probe, setProbe] = useState(false)
  const [ttl, setTtl] = useState<string | null>('3600')
  const make = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/enrolment-tokens', {
          body: {
            host_pattern: pattern.trim() === '' ? '*' : pattern.trim(),
            grants: probe ? ['probe'] : [],
            ttl_s: Number(ttl ?? 3600),
            ...(tenant === undefined ? {} : { tenant }),
          },
        }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['tokens'] }),
    gcTime: 0,
  })
  const problem = make.error instanceof ApiError ? make.error : undefined
  if (make.data !== undefined) {
    return (
      <Dialog title={t.agents.lineTitle} open onClose={onClose} width={620}>
        <p>{t.agents.lineDetail}</p>
        <CopyLine text={make.data.line} label={t.agents.lineLabel} />
        <ol className={styles.steps}>
          <li>{t.agents.step1}</li>
          <li>{t.agents.step2}</li>
          <li>{t.agents.step3}</li>
        </ol>
        <Notice tone="notice" title={t.agents.once}>
          {t.agents.validUntil} <At at={make.data.expires_at} />
        </Notice>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={t.agents.enrol}
      open
      onClose={onClose}
      onSubmit={() => make.mutate()}
      submit={t.agents.make}
      busy={make.isPending}
      footer={t.acts.audited}
    >
      <p className={styles.intro}>{t.agents.enrolDetail}</p>
      <TextInput
        label={t.agents.pattern}
        description={t.agents.patternHelp}
        value={pattern}
        onChange={(event) => setPattern(event.currentTarget.value)}
        error={problem?.field('host_pattern')}
        data-autofocus
      />
      <TenantField value={tenant} onChange={setTenant} error={problem?.field('tenant')} />
      <Select
        label={t.agents.ttl}
        description={t.agents.ttlHelp}
        data={spans}
        value={ttl}
        onChange={setTtl}
        allowDeselect={false}
      />
      <Checkbox
        label={t.agents.probe}
        description={t.agents.probeHelp}
        checked={probe}
        onChange={(event) => setProbe(event.currentTarget.checked)}
      />
      {make.isError &&
        problem?.field('tenant') === undefined &&
        problem?.field('host_pattern') === undefined && (
          <Notice tone="danger" title={t.acts.failed}>
            {make.error.message}
          </Notice>
        )}
    </Dialog>
  )
}
