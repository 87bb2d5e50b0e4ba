// Groups of people: what there is, who is in one and who says so.

import { TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Dialog } from '../../../ui/Dialog'
import { Empty, Section, TableBox, Tag } from '../../../ui/Layout'
import { toast } from '../../../ui/toast'
import { PageError } from '../../shell/PageError'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import { Failure } from '../AskedNotice'
import { useTenants } from '../tenants/queries'
import { TenantField } from '../tenants/TenantField'
import { groupsQuery, membersQuery, rightsChanged } from './queries'
import styles from './Rights.module.css'
import { r } from './strings'

type Group = components['schemas']['PeopleGroup']
const w = r.groups

export function GroupsTab() {
  const groups = useQuery(groupsQuery)
  const may = useMay()('access.write')
  const [adding, setAdding] = useState(false)
  const [open, setOpen] = useState<string | undefined>(undefined)
  if (groups.isError && groups.data === undefined) {
    return (
      <AccessFrame>
        <PageError error={groups.error} reset={() => void groups.refetch()} />
      </AccessFrame>
    )
  }
  const add = may ? (
    <Button look="primary" onClick={() => setAdding(true)}>
      {w.add}
    </Button>
  ) : undefined
  const rows = groups.data?.items ?? []
  const group = rows.find((each) => each.id === open)
  return (
    <AccessFrame lead={w.lead} actions={add}>
      <div className={styles.stack}>
        {groups.isPending && t.common.loading}
        {groups.data !== undefined && rows.length === 0 && (
          <Empty title={w.none} action={add}>
            {w.noneDetail}
          </Empty>
        )}
        {rows.length > 0 && (
          <Section title={w.table} flush>
            <TableBox label={w.table}>
              <table className={styles.table}>
                <thead>
                  <tr>
                    <th scope="col">{r.name}</th>
                    <th scope="col">{r.tenant}</th>
                    <th scope="col">{w.members}</th>
                    <th scope="col">{w.grants}</th>
                    <th scope="col">{r.about}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((each) => (
                    <tr key={each.id}>
                      <td>
                        <Button look="quiet" size="small" onClick={() => setOpen(each.id)}>
                          {each.name}
                        </Button>
                      </td>
                      <td>{each.tenant_title}</td>
                      <td>{each.members}</td>
                      <td>{each.grants}</td>
                      <td className={styles.why}>{each.about}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableBox>
          </Section>
        )}
      </div>
      {adding && <NewGroup onClose={() => setAdding(false)} />}
      {group !== undefined && (
        <GroupDialog key={group.revision} group={group} may={may} onClose={() => setOpen(undefined)} />
      )}
    </AccessFrame>
  )
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [about, setAbout] = useState('')
  const highest = useTenants()[0]?.id
  const [tenant, setTenant] = useState<string | undefined>(undefined)
  const within = tenant ?? highest
  const make = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/groups', {
          body: {
            name: name.trim(),
            about: about.trim(),
            ...(within === undefined ? {} : { tenant: within }),
          },
        }),
      ),
    onSuccess: (made) => {
      rightsChanged(queries)
      toast(w.made(made.name))
      onClose()
    },
  })
  const problem = make.error instanceof ApiError ? make.error : undefined
  return (
    <Dialog
      title={w.add}
      open
      onClose={onClose}
      onSubmit={() => make.mutate()}
      submit={w.add}
      busy={make.isPending}
      disabled={name.trim() === ''}
      footer={t.acts.audited}
    >
      <TextInput
        label={r.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={problem?.field('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <TextInput
        label={r.about}
        value={about}
        onChange={(event) => setAbout(event.currentTarget.value)}
        maxLength={500}
      />
      <TenantField label={r.tenant} value={tenant} onChange={setTenant} error={problem?.field('tenant')} />
      {make.isError && <Failure error={make.error} />}
    </Dialog>
  )
}

function GroupDialog({ group, may, onClose }: { group: Group; may: boolean; onClose: () => void }) {
  const queries = useQueryClient()
  const members = useQuery(membersQuery(group.id))
  const [person, setPerson] = useState('')
  const [reason, setReason] = useState('')
  const path = { id: group.id }
  const changed = () => {
    rightsChanged(queries)
    toast(w.done)
  }
  const add = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/groups/{id}/members', {
        params: { path },
        body: { person: person.trim(), reason: reason.trim() },
      })
    },
    onSuccess: () => {
      setPerson('')
      changed()
    },
  })
  const takeOut = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/groups/{id}/members/{person}', {
        params: { path: { ...path, person: id } },
      })
    },
    onSuccess: changed,
  })
  const remove = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/groups/{id}', { params: { path } })
    },
    onSuccess: () => {
      changed()
      onClose()
    },
  })
  const rows = members.data?.items ?? []
  return (
    <Dialog title={w.open(group.name)} open onClose={onClose} width={620}>
      {group.about !== '' && <p>{group.about}</p>}
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{w.members}</th>
            <th scope="col">{w.origin}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 && (
            <tr>
              <td colSpan={3} className={styles.faint}>
                {members.isPending ? t.common.loading : w.nobody}
              </td>
            </tr>
          )}
          {rows.map((member) => (
            <tr key={`${member.person} ${member.origin}`}>
              <td>
                {member.display_name || member.name}{' '}
                {member.disabled && <Tag>{t.access.state('disabled')}</Tag>}
              </td>
              <td>{member.origin === 'local' ? w.local : member.origin}</td>
              <td className={styles.act}>
                {may && member.origin === 'local' && (
                  <Button
                    size="small"
                    aria-label={w.takeOut(member.name)}
                    busy={takeOut.isPending}
                    onClick={() => takeOut.mutate(member.person)}
                  >
                    {r.remove}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {may && (
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault()
            add.mutate()
          }}
        >
          <div className={styles.pair}>
            <TextInput
              label={w.person}
              value={person}
              onChange={(event) => setPerson(event.currentTarget.value)}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
            />
            <TextInput
              label={r.reason}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={500}
            />
          </div>
          <div className={styles.row}>
            <Button type="submit" size="small" busy={add.isPending} disabled={person.trim() === ''}>
              {w.addMember}
            </Button>
            <Button
              size="small"
              look="danger"
              title={w.removeDetail}
              busy={remove.isPending}
              onClick={() => remove.mutate()}
            >
              {w.remove}
            </Button>
          </div>
        </form>
      )}
      <Failure error={add.error ?? takeOut.error ?? remove.error} />
    </Dialog>
  )
}
