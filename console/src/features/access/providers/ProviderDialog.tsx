// One provider: its settings, its secret, who comes in over it.

import { Checkbox, MultiSelect, PasswordInput, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { CopyLine } from '../../../ui/CopyLine'
import { Dialog } from '../../../ui/Dialog'
import { Notice } from '../../../ui/Layout'
import { toast } from '../../../ui/toast'
import { Failure } from '../AskedNotice'
import { formOf } from './kinds'
import type { Config } from './kinds/form'
import styles from './Providers.module.css'
import { groupsQuery, type MappingRule, type ProviderView } from './queries'
import { words as w } from './words'

const roles = ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin', 'none']

interface Draft {
  kind: string
  name: string
  enabled: boolean
  config: Config
  rules: MappingRule[]
  createAccounts: boolean
  trustsFactor: boolean
}

const draftOf = (provider: ProviderView | undefined): Draft =>
  provider === undefined
    ? {
        kind: 'oidc',
        name: '',
        enabled: true,
        config: formOf('oidc').initial,
        rules: [{ group: '', role: 'viewer', groups: [] }],
        createAccounts: true,
        trustsFactor: false,
      }
    : {
        kind: provider.kind,
        name: provider.name,
        enabled: provider.enabled,
        config: provider.config as Config,
        rules: provider.rules,
        createAccounts: provider.create_accounts,
        trustsFactor: provider.trusts_factor,
      }

export function ProviderDialog({
  provider,
  onClose,
}: {
  provider: ProviderView | undefined
  onClose: () => void
}) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(provider))
  const [secret, setSecret] = useState('')
  const [renew, setRenew] = useState(false)
  const [reason, setReason] = useState('')
  const queries = useQueryClient()
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }))
  const form = formOf(draft.kind)
  const secretLabel = form.secret(draft.config)
  const save = useMutation({
    mutationFn: () => {
      const input = {
        kind: draft.kind,
        name: draft.name.trim(),
        enabled: draft.enabled,
        config: draft.config as never,
        rules: draft.rules.filter((rule) => rule.group !== ''),
        create_accounts: draft.createAccounts,
        trusts_factor: draft.trustsFactor,
        reason: reason.trim(),
        ...(secret === '' || secretLabel === undefined ? {} : { secret }),
        ...(renew ? { renew_secret: true } : {}),
        ...(provider === undefined ? {} : { revision: provider.revision }),
      }
      return provider === undefined
        ? body(client.POST('/api/v1/providers', { body: input }))
        : body(client.PUT('/api/v1/providers/{id}', { params: { path: { id: provider.id } }, body: input }))
    },
    onSuccess: (saved) => {
      void queries.invalidateQueries({ queryKey: ['providers'] })
      toast(w.saved(saved.name))
      onClose()
    },
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  const error = (field: string) =>
    field === ''
      ? problem?.problem?.errors?.find((each) => each.pointer === '/config')?.detail
      : problem?.field(`config/${field}`)
  return (
    <Dialog
      title={provider === undefined ? w.add : w.editTitle(provider.name)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={draft.name.trim() === ''}
      width={680}
      footer={provider === undefined ? t.acts.audited : w.endsSessions}
    >
      <div className={styles.pair}>
        <Select
          label={w.kind}
          data={Object.entries(w.kinds).map(([value, label]) => ({ value, label }))}
          value={draft.kind}
          onChange={(kind) => kind !== null && set({ kind, config: formOf(kind).initial })}
          allowDeselect={false}
          disabled={provider !== undefined}
          error={problem?.field('kind')}
        />
        <TextInput
          label={w.name}
          description={w.nameHelp}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={problem?.field('name')}
          required
          data-autofocus
        />
      </div>
      <form.Form
        key={draft.kind}
        config={draft.config}
        onChange={(config) => set({ config })}
        error={error}
      />
      {secretLabel !== undefined &&
        (form.secretLines === true ? (
          <Textarea
            label={secretLabel}
            description={provider?.has_secret === true ? w.secretKept : w.secretHelp}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            error={problem?.field('secret')}
            autoComplete="off"
            autosize
            minRows={2}
            maxRows={8}
            spellCheck={false}
          />
        ) : (
          <PasswordInput
            label={secretLabel}
            description={provider?.has_secret === true ? w.secretKept : w.secretHelp}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            error={problem?.field('secret')}
            autoComplete="new-password"
          />
        ))}
      {provider !== undefined && form.renew !== undefined && (
        <Checkbox
          label={form.renew.label}
          description={form.renew.help}
          checked={renew}
          onChange={(event) => setRenew(event.currentTarget.checked)}
          error={problem?.field('secret')}
        />
      )}
      <Rules
        rules={draft.rules}
        onChange={(rules) => set({ rules })}
        error={(at) => problem?.field(`rules/${at}`)}
      />
      <Checkbox
        label={w.createAccounts}
        checked={draft.createAccounts}
        onChange={(event) => set({ createAccounts: event.currentTarget.checked })}
      />
      <Checkbox
        label={w.trustsFactor}
        description={w.trustsFactorHelp}
        checked={draft.trustsFactor}
        onChange={(event) => set({ trustsFactor: event.currentTarget.checked })}
      />
      <Checkbox
        label={w.enabled}
        checked={draft.enabled}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
      {provider !== undefined && (
        <Addresses provider={provider} which={form.addresses} called={form.addressWords} />
      )}
      <Textarea
        label={w.reason}
        description={w.reasonHelp}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        error={problem?.field('reason')}
        rows={2}
        maxLength={500}
      />
      {save.isError &&
        (problem?.problem?.errors !== undefined && problem.problem.errors.length > 0 ? (
          <Notice tone="danger" title={t.acts.failed}>
            {problem.problem.errors.map((each) => each.detail).join(' ')}
          </Notice>
        ) : (
          <Failure error={save.error} />
        ))}
    </Dialog>
  )
}

/** What is entered over there: exactly these texts. */
export function Addresses({
  provider,
  which,
  called = w,
}: {
  provider: ProviderView
  which: readonly ('callback' | 'logout' | 'metadata')[]
  called?: Record<'callback' | 'logout' | 'metadata', string> | undefined
}) {
  if (which.length === 0) return null
  return (
    <fieldset className={styles.group}>
      <legend>{w.there}</legend>
      <div className={styles.addresses}>
        {which.map((each) => (
          <div key={each}>
            <span>{called[each]}</span>
            <CopyLine text={provider[each]} label={called[each]} />
          </div>
        ))}
      </div>
    </fieldset>
  )
}

function Rules({
  rules,
  onChange,
  error,
}: {
  rules: MappingRule[]
  onChange: (rules: MappingRule[]) => void
  error: (at: string) => string | undefined
}) {
  const groups = useQuery(groupsQuery)
  const known = (groups.data?.items ?? []).map((group) => ({ value: group.id, label: group.name }))
  const change = (at: number, rule: Partial<MappingRule>) =>
    onChange(rules.map((each, i) => (i === at ? { ...each, ...rule } : each)))
  const up = (at: number) => {
    const next = [...rules]
    const [rule] = next.splice(at, 1)
    if (rule !== undefined) next.splice(at - 1, 0, rule)
    onChange(next)
  }
  return (
    <fieldset className={styles.group}>
      <legend>{w.rulesTitle}</legend>
      <p>{w.rulesLead}</p>
      {rules.map((rule, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a rule is its place.
        <div className={styles.rule} key={i}>
          <TextInput
            label={w.group}
            placeholder={w.groupHelp}
            value={rule.group}
            onChange={(event) => change(i, { group: event.currentTarget.value })}
            error={error(`${i}/group`)}
            spellCheck={false}
          />
          <Select
            label={w.role}
            placeholder={w.noRole}
            data={roles}
            value={rule.role ?? null}
            onChange={(role) => change(i, { role: role ?? undefined } as Partial<MappingRule>)}
            clearable
            error={error(`${i}/role`)}
          />
          <MultiSelect
            label={w.groups}
            data={known}
            value={rule.groups ?? []}
            onChange={(chosen) => change(i, { groups: chosen })}
            error={error(`${i}/groups`)}
            searchable
          />
          <span className={styles.ruleActs}>
            <Button
              size="small"
              look="quiet"
              disabled={i === 0}
              aria-label={w.up(i + 1)}
              onClick={() => up(i)}
            >
              ↑
            </Button>
            <Button
              size="small"
              look="quiet"
              aria-label={w.removeRule(i + 1)}
              onClick={() => onChange(rules.filter((_, other) => other !== i))}
            >
              ×
            </Button>
          </span>
        </div>
      ))}
      <div>
        <Button size="small" onClick={() => onChange([...rules, { group: '', role: 'viewer', groups: [] }])}>
          {w.addRule}
        </Button>
      </div>
    </fieldset>
  )
}
