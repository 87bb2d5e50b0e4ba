// Ways to sign in: who vouches for people, and what opens the door when they cannot.

import { Select, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client } from '../../../api/client'
import { usersQuery } from '../../../api/queries'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Dialog } from '../../../ui/Dialog'
import { Mark } from '../../../ui/Glyph'
import { IconPlus } from '../../../ui/icons'
import { Empty, Notice, Section, Tag } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { toast, toastError } from '../../../ui/toast'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import { formOf } from './kinds'
import type { Config } from './kinds/form'
import { PersonTest, takesPersons } from './PersonTest'
import { Addresses, ProviderDialog } from './ProviderDialog'
import styles from './Providers.module.css'
import { emergencyQuery, methodsQuery, type ProviderView, providersQuery } from './queries'
import { words as w } from './words'

export function ProvidersTab() {
  const providers = useQuery(providersQuery)
  const queries = useQueryClient()
  const may = useMay()('provider.write')
  const [editing, setEditing] = useState<ProviderView | 'new' | undefined>(undefined)
  const [testing, setTesting] = useState<ProviderView | undefined>(undefined)
  const [removing, setRemoving] = useState<ProviderView | undefined>(undefined)
  const remove = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/providers/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['providers'] })
      setRemoving(undefined)
      toast(w.removed)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = providers.data?.items ?? []
  const add = may && (
    <Button size="small" icon={<IconPlus size={14} aria-hidden />} onClick={() => setEditing('new')}>
      {w.add}
    </Button>
  )
  return (
    <AccessFrame lead={w.lead}>
      <div className={styles.page}>
        {providers.isError && (
          <Notice tone="danger" title={t.acts.failed}>
            {providers.error.message}
          </Notice>
        )}
        <Section title={w.title} flush aside={add}>
          {items.length === 0 ? (
            <Empty title={w.none}>{w.noneDetail}</Empty>
          ) : (
            <ul className={styles.list}>
              {items.map((each) => (
                <li key={each.id}>
                  <div>
                    <strong>{each.name}</strong> <Tag>{w.kinds[each.kind] ?? each.kind}</Tag>{' '}
                    {!each.enabled && <Tag>{w.off}</Tag>}
                    <p>
                      {[
                        formOf(each.kind).describe(each.config as Config),
                        w.people(each.people),
                        w.rules(each.rules.length),
                        each.create_accounts ? w.makesAccounts : '',
                      ]
                        .filter((part) => part !== '')
                        .join(' · ')}
                    </p>
                  </div>
                  {may && (
                    <span className={styles.acts}>
                      <Button size="small" onClick={() => setTesting(each)}>
                        {w.test}
                      </Button>
                      <Button size="small" onClick={() => setEditing(each)}>
                        {w.edit}
                      </Button>
                      <Button size="small" look="quiet" onClick={() => setRemoving(each)}>
                        {w.remove}
                      </Button>
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )}
        </Section>
        <Emergency />
      </div>
      {editing !== undefined && (
        <ProviderDialog
          provider={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
      {testing !== undefined && <TestDialog provider={testing} onClose={() => setTesting(undefined)} />}
      {removing !== undefined && (
        <Dialog
          title={w.removeTitle(removing.name)}
          open
          onClose={() => setRemoving(undefined)}
          onSubmit={() => remove.mutate(removing.id)}
          submit={w.remove}
          busy={remove.isPending}
          danger
        >
          <p>{w.removeDetail}</p>
        </Dialog>
      )}
    </AccessFrame>
  )
}

function TestDialog({ provider, onClose }: { provider: ProviderView; onClose: () => void }) {
  const test = useQuery({
    queryKey: ['providers', provider.id, 'test'],
    queryFn: () =>
      body(client.POST('/api/v1/providers/{id}/test', { params: { path: { id: provider.id } } })),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  return (
    <Dialog title={w.testTitle(provider.name)} open onClose={onClose} width={620}>
      {test.isPending && <p>{w.testing}</p>}
      {test.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {test.error.message}
        </Notice>
      )}
      {test.data !== undefined && (
        <>
          <Notice tone={test.data.ok ? 'calm' : 'danger'} title={test.data.ok ? w.testGood : w.testBad}>
            {takesPersons(provider.kind) ? undefined : w.testPerson}
          </Notice>
          <ol className={styles.steps}>
            {test.data.steps.map((step, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: titles come twice with two servers; the list never changes
              <li key={at}>
                <Mark tone={step.ok ? 'good' : 'danger'} word={step.ok ? w.good : w.bad} />
                <div>
                  <strong>{step.title}</strong>
                  <span>{step.detail}</span>
                </div>
              </li>
            ))}
          </ol>
          <Addresses
            provider={provider}
            which={formOf(provider.kind).addresses}
            called={formOf(provider.kind).addressWords}
          />
        </>
      )}
      {takesPersons(provider.kind) && <PersonTest provider={provider} />}
    </Dialog>
  )
}

function Emergency() {
  const e = w.emergency
  const accounts = useQuery(emergencyQuery)
  const methods = useQuery(methodsQuery)
  const may = useMay()
  const [keeping, setKeeping] = useState(false)
  const [stopping, setStopping] = useState<{ id: string; name: string } | undefined>(undefined)
  const [local, setLocal] = useState<'everybody' | 'emergency' | undefined>(undefined)
  const items = accounts.data?.items ?? []
  const now = methods.data?.local === 'emergency' ? 'emergency' : 'everybody'
  return (
    <Section
      title={e.title}
      flush
      aside={
        may('user.write') && (
          <Button size="small" onClick={() => setKeeping(true)}>
            {e.keep}
          </Button>
        )
      }
    >
      {items.length === 0 ? (
        <Empty title={e.none}>{e.lead}</Empty>
      ) : (
        <ul className={styles.list}>
          {items.map((each) => (
            <li key={each.id}>
              <div>
                <strong>{each.name}</strong>{' '}
                <Mark tone={each.ready ? 'good' : 'danger'} word={each.ready ? e.ready : e.notReady} />
                {!each.ready && <p>{e.missing(each.detail)}</p>}
                <p>
                  {e.since} <At at={each.since} />
                </p>
              </div>
              {may('user.write') && (
                <Button size="small" look="quiet" onClick={() => setStopping(each)}>
                  {e.stop}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <div className={styles.choice}>
        <div>
          <strong>{e.local}</strong>: {now === 'everybody' ? e.everybody : e.only}
        </div>
        {may('provider.write') && (
          <Button size="small" onClick={() => setLocal(now === 'everybody' ? 'emergency' : 'everybody')}>
            {e.change}
          </Button>
        )}
      </div>
      {keeping && <EmergencyDialog title={e.keep} onClose={() => setKeeping(false)} />}
      {stopping !== undefined && (
        <EmergencyDialog
          title={e.stopTitle(stopping.name)}
          stop={stopping.id}
          onClose={() => setStopping(undefined)}
        />
      )}
      {local !== undefined && <LocalDialog local={local} onClose={() => setLocal(undefined)} />}
    </Section>
  )
}

function EmergencyDialog({ title, stop, onClose }: { title: string; stop?: string; onClose: () => void }) {
  const users = useQuery({ ...usersQuery, enabled: stop === undefined })
  const queries = useQueryClient()
  const [person, setPerson] = useState(stop ?? '')
  const [reason, setReason] = useState('')
  const save = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/users/{id}/emergency', {
        params: { path: { id: person } },
        body: { emergency: stop === undefined, reason },
      })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['sign-in'] })
      toast(w.emergency.saved)
      onClose()
    },
  })
  return (
    <Dialog
      title={title}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={person === '' || reason.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{w.emergency.lead}</p>
      {stop === undefined && (
        <Select
          label={w.emergency.person}
          data={(users.data?.items ?? [])
            .filter((user) => user.role === 'admin' && !user.disabled)
            .map((user) => ({ value: user.id, label: user.name }))}
          value={person === '' ? null : person}
          onChange={(id) => setPerson(id ?? '')}
          searchable
        />
      )}
      <Textarea
        label={w.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        required
      />
      {save.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

function LocalDialog({ local, onClose }: { local: 'everybody' | 'emergency'; onClose: () => void }) {
  const queries = useQueryClient()
  const [reason, setReason] = useState('')
  const save = useMutation({
    mutationFn: async () => {
      await client.PUT('/api/v1/sign-in/local', { body: { local, reason } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['sign-in'] })
      toast(w.emergency.saved)
      onClose()
    },
  })
  return (
    <Dialog
      title={w.emergency.local}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={reason.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{local === 'everybody' ? w.emergency.everybody : w.emergency.only}.</p>
      <Textarea
        label={w.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        required
      />
      {save.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
