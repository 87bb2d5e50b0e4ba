// Grants: which role, to whom, where, until when and why.

import { Checkbox, NativeSelect, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Dialog } from '../../../ui/Dialog'
import { Mark } from '../../../ui/Glyph'
import { Empty, Section, TableBox, Tag } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { toast } from '../../../ui/toast'
import { PageError } from '../../shell/PageError'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import { Failure } from '../AskedNotice'
import { useTenants } from '../tenants/queries'
import { TenantField } from '../tenants/TenantField'
import { grantsQuery, groupsQuery, rightsChanged, rolesQuery } from './queries'
import styles from './Rights.module.css'
import { ROOT, whereOf } from './scope'
import { r } from './strings'

type Grant = components['schemas']['AccessGrant']
const w = r.grants

export function GrantsTab() {
  const grants = useQuery(grantsQuery)
  const may = useMay()('access.write')
  const [giving, setGiving] = useState(false)
  const [taking, setTaking] = useState<Grant | undefined>(undefined)
  if (grants.isError && grants.data === undefined) {
    return (
      <AccessFrame>
        <PageError error={grants.error} reset={() => void grants.refetch()} />
      </AccessFrame>
    )
  }
  const give = may ? (
    <Button look="primary" onClick={() => setGiving(true)}>
      {w.add}
    </Button>
  ) : undefined
  const rows = grants.data?.items ?? []
  return (
    <AccessFrame lead={w.lead} actions={give}>
      <div className={styles.stack}>
        {grants.isPending && t.common.loading}
        {grants.data !== undefined && rows.length === 0 && (
          <Empty title={w.none} action={give}>
            {w.noneDetail}
          </Empty>
        )}
        {rows.length > 0 && (
          <Section title={w.table} flush>
            <TableBox label={w.table}>
              <table className={styles.table}>
                <thead>
                  <tr>
                    <th scope="col" aria-label={w.effect} />
                    <th scope="col">{w.columns.role}</th>
                    <th scope="col">{w.columns.to}</th>
                    <th scope="col">{w.columns.where}</th>
                    <th scope="col">{w.columns.until}</th>
                    <th scope="col">{w.columns.why}</th>
                    <th scope="col">{w.columns.by}</th>
                    <th />
                  </tr>
                </thead>
                <tbody>
                  {rows.map((grant) => (
                    <tr key={grant.id}>
                      <td>
                        {grant.effect === 'deny' ? (
                          <Mark tone="danger" word={w.deny} chip />
                        ) : (
                          <Mark tone="good" word={w.allow} chip />
                        )}
                      </td>
                      <td>{grant.role}</td>
                      <td>
                        {grant.name} {grant.group && <Tag>{w.group}</Tag>}
                      </td>
                      <td className={styles.why}>{whereOf(grant.scope, ROOT)}</td>
                      <td>
                        {grant.expired && <Tag>{w.ranOut}</Tag>}{' '}
                        {grant.expires_at && <At at={grant.expires_at} />}
                      </td>
                      <td className={styles.why}>{grant.reason}</td>
                      <td>{grant.created_by}</td>
                      <td className={styles.act}>
                        {may && (
                          <Button size="small" onClick={() => setTaking(grant)}>
                            {w.take}
                          </Button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableBox>
          </Section>
        )}
      </div>
      {giving && <GiveDialog onClose={() => setGiving(false)} />}
      {taking !== undefined && <TakeDialog grant={taking} onClose={() => setTaking(undefined)} />}
    </AccessFrame>
  )
}

function TakeDialog({ grant, onClose }: { grant: Grant; onClose: () => void }) {
  const queries = useQueryClient()
  const [reason, setReason] = useState('')
  const take = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/grants/{id}/take', {
        params: { path: { id: grant.id } },
        body: { reason: reason.trim() },
      })
    },
    onSuccess: () => {
      rightsChanged(queries)
      toast(w.taken)
      onClose()
    },
  })
  return (
    <Dialog
      title={(grant.effect === 'deny' ? w.liftTitle : w.takeTitle)(grant.role, grant.name)}
      open
      onClose={onClose}
      onSubmit={() => take.mutate()}
      submit={w.take}
      danger
      busy={take.isPending}
      disabled={reason.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{w.takeDetail}</p>
      <TextInput
        label={r.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={500}
        required
        data-autofocus
      />
      <Failure error={take.error} />
    </Dialog>
  )
}

function GiveDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const roles = useQuery(rolesQuery)
  const groups = useQuery(groupsQuery)
  const [person, setPerson] = useState('')
  const [group, setGroup] = useState('')
  const [effect, setEffect] = useState('allow')
  const [role, setRole] = useState('viewer')
  const highest = useTenants()[0]?.id
  const [tenant, setTenant] = useState<string | undefined>(undefined)
  const within = tenant ?? highest
  const [labels, setLabels] = useState('')
  const [host, setHost] = useState('')
  const [owned, setOwned] = useState(false)
  const [sections, setSections] = useState<string[]>([])
  const [expires, setExpires] = useState('')
  const [reason, setReason] = useState('')
  const give = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/grants', {
          body: {
            ...(group === '' ? { person: person.trim() } : { group }),
            effect,
            role,
            ...(within === undefined ? {} : { tenant: within }),
            ...(labels.trim() === '' ? {} : { labels: labels.trim() }),
            ...(host.trim() === '' ? {} : { host: host.trim() }),
            owned,
            sections,
            reason: reason.trim(),
            ...(expires === '' ? {} : { expires_at: new Date(expires).toISOString() }),
          },
        }),
      ),
    onSuccess: (made) => {
      rightsChanged(queries)
      toast(w.given(made.name))
      onClose()
    },
  })
  const problem = give.error instanceof ApiError ? give.error : undefined
  const named = ['person', 'group', 'role', 'tenant', 'labels', 'host', 'sections', 'expires_at']
  const shown = named.some((field) => problem?.field(field) !== undefined)
  return (
    <Dialog
      title={w.add}
      open
      onClose={onClose}
      onSubmit={() => give.mutate()}
      submit={w.add}
      busy={give.isPending}
      disabled={reason.trim() === '' || (person.trim() === '' && group === '')}
      width={640}
      footer={t.acts.audited}
    >
      <div className={styles.pair}>
        <TextInput
          label={w.person}
          description={w.personHelp}
          value={person}
          disabled={group !== ''}
          onChange={(event) => setPerson(event.currentTarget.value)}
          error={problem?.field('person')}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          data-autofocus
        />
        <NativeSelect
          label={w.toGroup}
          value={group}
          onChange={(event) => setGroup(event.currentTarget.value)}
          error={problem?.field('group')}
          data={[
            { value: '', label: '–' },
            ...(groups.data?.items ?? []).map((each) => ({ value: each.id, label: each.name })),
          ]}
        />
        <NativeSelect
          label={w.columns.role}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value)}
          error={problem?.field('role')}
          data={(roles.data?.items ?? []).filter((each) => each.actions.length > 0).map((each) => each.name)}
        />
        <NativeSelect
          label={w.effect}
          description={w.effectHelp}
          value={effect}
          onChange={(event) => setEffect(event.currentTarget.value)}
          data={[
            { value: 'allow', label: w.allow },
            { value: 'deny', label: w.deny },
          ]}
        />
        <TenantField label={r.tenant} value={tenant} onChange={setTenant} error={problem?.field('tenant')} />
        <TextInput
          label={w.labels}
          description={w.labelsHelp}
          value={labels}
          onChange={(event) => setLabels(event.currentTarget.value)}
          error={problem?.field('labels')}
          spellCheck={false}
        />
        <TextInput
          label={w.host}
          description={w.hostHelp}
          value={host}
          onChange={(event) => setHost(event.currentTarget.value)}
          error={problem?.field('host')}
          spellCheck={false}
        />
        <TextInput
          type="datetime-local"
          label={w.expires}
          description={w.expiresHelp}
          value={expires}
          onChange={(event) => setExpires(event.currentTarget.value)}
          error={problem?.field('expires_at')}
        />
      </div>
      <Checkbox label={w.owned} checked={owned} onChange={(event) => setOwned(event.currentTarget.checked)} />
      <Checkbox.Group
        label={w.sections}
        value={sections}
        onChange={setSections}
        error={problem?.field('sections')}
      >
        <div className={styles.boxes}>
          {Object.entries(r.roles.sections).map(([id, label]) => (
            <Checkbox key={id} value={id} label={label} />
          ))}
        </div>
      </Checkbox.Group>
      <TextInput
        label={r.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        error={problem?.field('reason')}
        maxLength={500}
        required
      />
      {!shown && <Failure error={give.error} />}
    </Dialog>
  )
}
