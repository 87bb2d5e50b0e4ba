// Adds a check that an agent runs: a native probe, or a plugin that the agent's own policy file allows.

import { NumberInput, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { agentsQuery } from '../../api/queries'
import type { HostView } from '../../api/types'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { toast } from '../../ui/toast'
import { useMay } from '../shell/useMe'
import { usePanel } from '../shell/useSearchState'
import { buildSpec, type Draft, emptyDraft, kinds, metricOf } from './checkSpec'
import styles from './Hosts.module.css'

export function CheckDialog({ host, onClose }: { host: HostView; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(host.addresses[0] ?? host.name))
  const queries = useQueryClient()
  const { open } = usePanel()
  const may = useMay()
  const agents = useQuery({ ...agentsQuery, enabled: may('agent.read') })
  const runners = (agents.data?.items ?? []).filter(
    (agent) => agent.standing === 'active' && (agent.host.id === host.id || agent.grants.includes('probe')),
  )
  const runner = runners.find((agent) => agent.id === draft.runner) ?? runners[0]
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }))
  const save = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/checks', {
          body: {
            host: host.id,
            key: `${draft.kind}:${draft.name.trim()}`,
            title: draft.name.trim(),
            spec: buildSpec(draft) as never,
            interval_s: draft.interval,
            volatile: false,
            enabled: true,
            ...(draft.runner === '' ? {} : { runner: draft.runner }),
          },
        }),
      ),
    onSuccess: (check) => {
      void queries.invalidateQueries({ queryKey: ['checks'] })
      void queries.invalidateQueries({ queryKey: ['host', host.id] })
      toast(t.checkForm.added(check.title))
      onClose()
      open(`check:${check.id}`)
    },
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  const metric = metricOf[draft.kind]
  return (
    <Dialog
      title={t.checkForm.title(host.name)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      submit={t.checkForm.add}
      busy={save.isPending}
      disabled={draft.name.trim() === '' || (draft.kind === 'plugin' && draft.plugin === '')}
      width={540}
      footer={t.acts.audited}
    >
      <div className={styles.pair}>
        <Select
          label={t.checkForm.kind}
          data={kinds.map((kind) => ({ value: kind, label: t.checkForm.kinds[kind] }))}
          value={draft.kind}
          onChange={(kind) => kind !== null && set({ kind: kind as Draft['kind'] })}
          allowDeselect={false}
        />
        <TextInput
          label={t.checkForm.name}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={problem?.field('key')}
          placeholder={t.checkForm.namePlaceholder}
          maxLength={100}
          required
          data-autofocus
        />
      </div>
      {draft.kind === 'http' ? (
        <>
          <TextInput
            label={t.checkForm.url}
            value={draft.url}
            onChange={(event) => set({ url: event.currentTarget.value })}
            placeholder="https://intranet.example/"
          />
          <TextInput
            label={t.checkForm.expectBody}
            description={t.checkForm.regex}
            value={draft.expect}
            onChange={(event) => set({ expect: event.currentTarget.value })}
          />
        </>
      ) : draft.kind === 'dns' ? (
        <div className={styles.pair}>
          <TextInput
            label={t.checkForm.dnsName}
            value={draft.dnsName}
            onChange={(event) => set({ dnsName: event.currentTarget.value })}
          />
          <TextInput
            label={t.checkForm.dnsServer}
            description={t.checkForm.dnsServerHelp}
            value={draft.address}
            onChange={(event) => set({ address: event.currentTarget.value })}
          />
        </div>
      ) : draft.kind === 'plugin' ? (
        <>
          <Select
            label={t.checkForm.plugin}
            description={t.checkForm.pluginHelp}
            data={(runner?.plugins ?? []).map((plugin) => plugin.name)}
            value={draft.plugin === '' ? null : draft.plugin}
            onChange={(plugin) => set({ plugin: plugin ?? '', params: {} })}
            nothingFoundMessage={t.checkForm.noPlugins}
            searchable
          />
          {(runner?.plugins.find((plugin) => plugin.name === draft.plugin)?.params ?? []).map((name) => (
            <TextInput
              key={name}
              label={name}
              value={draft.params[name] ?? ''}
              onChange={(event) => set({ params: { ...draft.params, [name]: event.currentTarget.value } })}
            />
          ))}
        </>
      ) : (
        <div className={styles.pair}>
          <TextInput
            label={t.checkForm.address}
            value={draft.address}
            onChange={(event) => set({ address: event.currentTarget.value })}
          />
          {draft.kind !== 'ping' && (
            <NumberInput
              label={t.checkForm.port}
              value={draft.port}
              onChange={(port) => set({ port: Number(port) || 0 })}
              min={1}
              max={65_535}
              allowDecimal={false}
              hideControls
            />
          )}
        </div>
      )}
      {metric !== undefined && (
        <div className={styles.pair}>
          <TextInput
            label={t.checkForm.warn(t.checkForm.metrics[metric] ?? metric)}
            description={t.checkForm.rangeHelp}
            value={draft.warn}
            onChange={(event) => set({ warn: event.currentTarget.value })}
          />
          <TextInput
            label={t.checkForm.crit(t.checkForm.metrics[metric] ?? metric)}
            value={draft.crit}
            onChange={(event) => set({ crit: event.currentTarget.value })}
          />
        </div>
      )}
      <div className={styles.pair}>
        <NumberInput
          label={t.checkForm.interval}
          value={draft.interval}
          onChange={(value) => set({ interval: Number(value) || 60 })}
          min={10}
          max={86_400}
          allowDecimal={false}
          hideControls
          suffix=" s"
        />
        <Select
          label={t.checkForm.runner}
          data={runners.map((agent) => ({
            value: agent.id,
            label: agent.host.id === host.id ? t.checkForm.ownAgent : agent.host.name,
          }))}
          value={runner?.id ?? null}
          onChange={(id) => set({ runner: id ?? '' })}
          placeholder={t.checkForm.noRunner}
        />
      </div>
      {save.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {problem?.problem?.errors?.map((each) => each.detail).join(' ') || save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
