// Ways to reach people, and what was sent. A secret goes in and never comes out.

import { Checkbox, PasswordInput, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { channelsQuery, notificationsQuery } from '../../api/queries'
import type { Channel, Notification } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Mark } from '../../ui/Glyph'
import { IconPlus } from '../../ui/icons'
import { Empty, Notice, Section, TableBox, Tag } from '../../ui/Layout'
import { Ago } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import type { Tone } from '../../ui/tone'
import { ConfigureButton } from '../access/tenants/ClosedButton'
import { TenantField } from '../access/tenants/TenantField'
import { useMay } from '../shell/useMe'
import { buildConfig, type ChannelDraft, draftOf, severities } from './channelConfig'
import styles from './System.module.css'

export function Channels() {
  const channels = useQuery(channelsQuery)
  const notifications = useQuery({ ...notificationsQuery, refetchInterval: 15_000 })
  const queries = useQueryClient()
  const may = useMay()
  const [editing, setEditing] = useState<Channel | 'new' | undefined>(undefined)
  const [removing, setRemoving] = useState<Channel | undefined>(undefined)
  const test = useMutation({
    mutationFn: (id: string) => body(client.POST('/api/v1/channels/{id}/test', { params: { path: { id } } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['notifications'] })
      toast(t.channels.testSent)
    },
    onError: (error) => toastError(t.channels.testFailed, error.message),
  })
  const remove = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/channels/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['channels'] })
      setRemoving(undefined)
      toast(t.channels.removed)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = channels.data?.items ?? []
  return (
    <>
      {channels.isError && (
        <Notice tone="danger" title={t.system.cannotList}>
          {channels.error.message}
        </Notice>
      )}
      <Section
        title={t.channels.title}
        flush
        aside={
          may('channel.write') && (
            <ConfigureButton
              size="small"
              icon={<IconPlus size={14} aria-hidden />}
              onClick={() => setEditing('new')}
            >
              {t.channels.add}
            </ConfigureButton>
          )
        }
      >
        {items.length === 0 ? (
          <Empty
            title={t.channels.none}
            action={
              may('channel.write') && (
                <ConfigureButton look="primary" onClick={() => setEditing('new')}>
                  {t.channels.add}
                </ConfigureButton>
              )
            }
          >
            {t.channels.noneDetail}
          </Empty>
        ) : (
          <ul className={styles.channels}>
            {items.map((channel) => (
              <li key={channel.id}>
                <div>
                  <strong>{channel.name}</strong> <Tag>{t.channels.kind(channel.kind)}</Tag>{' '}
                  {!channel.enabled && <Tag>{t.channels.off}</Tag>}
                  <p>{describe(channel)}</p>
                </div>
                {may('channel.write') && (
                  <span className={styles.acts}>
                    <Button size="small" onClick={() => test.mutate(channel.id)} busy={test.isPending}>
                      {t.channels.test}
                    </Button>
                    <ConfigureButton size="small" tenant={channel.tenant} onClick={() => setEditing(channel)}>
                      {t.hosts.edit}
                    </ConfigureButton>
                    <ConfigureButton
                      size="small"
                      look="quiet"
                      tenant={channel.tenant}
                      onClick={() => setRemoving(channel)}
                    >
                      {t.channels.remove}
                    </ConfigureButton>
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title={t.channels.sent} flush>
        <Sent items={notifications.data?.items ?? []} channels={items} />
      </Section>
      {editing !== undefined && (
        <ChannelDialog
          channel={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
      {removing !== undefined && (
        <Dialog
          title={t.channels.removeTitle(removing.name)}
          open
          onClose={() => setRemoving(undefined)}
          onSubmit={() => remove.mutate(removing.id)}
          submit={t.channels.remove}
          busy={remove.isPending}
          danger
        >
          <p>{t.channels.removeDetail}</p>
        </Dialog>
      )}
    </>
  )
}

function describe(channel: Channel): string {
  const draft = draftOf(channel)
  return channel.kind === 'email' ? `${draft.to} · ${draft.server}` : draft.url
}

const stateTone: Record<string, Tone> = { pending: 'waiting', delivered: 'good', failed: 'danger' }

function Sent({ items, channels }: { items: readonly Notification[]; channels: readonly Channel[] }) {
  if (items.length === 0) return <Empty title={t.channels.nothingSent}>{t.channels.nothingSentDetail}</Empty>
  return (
    <TableBox label={t.channels.sentTable}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t.channels.state}</th>
            <th scope="col">{t.channels.summary}</th>
            <th scope="col">{t.channels.channel}</th>
            <th scope="col">{t.channels.attempts}</th>
            <th scope="col">{t.channels.made}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((each) => (
            <tr key={each.id}>
              <td>
                <Mark tone={stateTone[each.state] ?? 'unclear'} word={t.channels.states(each.state)} />
              </td>
              <th scope="row" className={styles.subject}>
                {each.summary}
                {each.last_error && <span className={styles.failure}>{each.last_error}</span>}
              </th>
              <td>{channels.find((channel) => channel.id === each.channel)?.name ?? each.channel}</td>
              <td>{each.attempts}</td>
              <td>
                <Ago at={each.created_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

function ChannelDialog({ channel, onClose }: { channel: Channel | undefined; onClose: () => void }) {
  const [draft, setDraft] = useState<ChannelDraft>(() => draftOf(channel))
  const [secret, setSecret] = useState('')
  const [reason, setReason] = useState('')
  const [tenant, setTenant] = useState<string | undefined>(undefined)
  const queries = useQueryClient()
  const set = (change: Partial<ChannelDraft>) => setDraft((now) => ({ ...now, ...change }))
  const save = useMutation({
    mutationFn: () => {
      const input = {
        name: draft.name.trim(),
        kind: draft.kind,
        config: buildConfig(draft) as never,
        enabled: draft.enabled,
        reason: reason.trim(),
        ...(secret === '' ? {} : { secret }),
        ...(channel === undefined ? {} : { revision: channel.revision }),
        ...(tenant === undefined ? {} : { tenant }),
      }
      return channel === undefined
        ? body(client.POST('/api/v1/channels', { body: input }))
        : body(client.PUT('/api/v1/channels/{id}', { params: { path: { id: channel.id } }, body: input }))
    },
    onSuccess: (saved) => {
      void queries.invalidateQueries({ queryKey: ['channels'] })
      toast(t.channels.saved(saved.name))
      onClose()
    },
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  return (
    <Dialog
      title={channel === undefined ? t.channels.add : t.channels.editTitle(channel.name)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={draft.name.trim() === ''}
      width={520}
      footer={t.acts.audited}
    >
      <div className={styles.pair}>
        <TextInput
          label={t.channels.name}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={problem?.field('name')}
          required
          data-autofocus
        />
        <Select
          label={t.channels.kindLabel}
          data={[
            { value: 'email', label: t.channels.kind('email') },
            { value: 'webhook', label: t.channels.kind('webhook') },
          ]}
          value={draft.kind}
          onChange={(kind) => set({ kind: kind === 'webhook' ? 'webhook' : 'email' })}
          allowDeselect={false}
          disabled={channel !== undefined}
        />
      </div>
      {channel === undefined && (
        <TenantField value={tenant} onChange={setTenant} error={problem?.field('tenant')} />
      )}
      {draft.kind === 'email' ? (
        <>
          <div className={styles.pair}>
            <TextInput
              label={t.channels.server}
              description={t.channels.serverHelp}
              placeholder="mail.example:465"
              value={draft.server}
              onChange={(event) => set({ server: event.currentTarget.value })}
              error={problem?.field('config/server')}
            />
            <Select
              label={t.channels.security}
              description={t.channels.securityHelp}
              data={[
                { value: 'tls', label: 'TLS' },
                { value: 'starttls', label: 'STARTTLS' },
              ]}
              value={draft.security}
              onChange={(security) => set({ security: security ?? 'tls' })}
              allowDeselect={false}
            />
          </div>
          <TextInput
            label={t.channels.from}
            value={draft.from}
            onChange={(event) => set({ from: event.currentTarget.value })}
            error={problem?.field('config/from')}
          />
          <TextInput
            label={t.channels.to}
            description={t.channels.toHelp}
            value={draft.to}
            onChange={(event) => set({ to: event.currentTarget.value })}
            error={problem?.field('config/to')}
          />
          <TextInput
            label={t.channels.username}
            value={draft.username}
            onChange={(event) => set({ username: event.currentTarget.value })}
            autoComplete="off"
          />
        </>
      ) : (
        <TextInput
          label={t.channels.url}
          description={t.channels.urlHelp}
          placeholder="https://hooks.example/watchkeep"
          value={draft.url}
          onChange={(event) => set({ url: event.currentTarget.value })}
          error={problem?.field('config/url')}
        />
      )}
      <PasswordInput
        label={draft.kind === 'email' ? t.channels.password : t.channels.signingKey}
        description={channel?.has_secret ? t.channels.secretKept : t.channels.secretHelp}
        value={secret}
        onChange={(event) => setSecret(event.currentTarget.value)}
        autoComplete="new-password"
        error={problem?.field('secret')}
      />
      <fieldset className={styles.severities}>
        <legend>{t.channels.severities}</legend>
        {severities.map((severity) => (
          <Checkbox
            key={severity}
            label={t.status[severity]}
            checked={draft.severities.includes(severity)}
            onChange={(event) =>
              set({
                severities: event.currentTarget.checked
                  ? [...draft.severities, severity]
                  : draft.severities.filter((each) => each !== severity),
              })
            }
          />
        ))}
      </fieldset>
      <Checkbox
        label={t.channels.enabled}
        checked={draft.enabled}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
      {problem?.field('reason') !== undefined && (
        <TextInput
          label={t.acts.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={problem.field('reason')}
          maxLength={500}
        />
      )}
      {save.isError && problem?.problem?.errors?.some((each) => shown(each.pointer)) !== true && (
        <Notice tone="danger" title={t.acts.failed}>
          {problem?.problem?.errors?.map((each) => each.detail).join(' ') || save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

// Errors that stand beside their field need no second place.
const beside = [
  '/name',
  '/tenant',
  '/reason',
  '/secret',
  '/config/server',
  '/config/from',
  '/config/to',
  '/config/url',
]
const shown = (pointer: string): boolean =>
  beside.some((each) => pointer === each || pointer.startsWith(`${each}/`))
