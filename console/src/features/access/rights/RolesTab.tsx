// Which role may do what, as a table of roles beside actions; and roles that somebody put together.

import { Checkbox, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Fragment, useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Dialog } from '../../../ui/Dialog'
import { Glyph } from '../../../ui/Glyph'
import { Notice, Section, TableBox, Tag } from '../../../ui/Layout'
import { toast } from '../../../ui/toast'
import { PageError } from '../../shell/PageError'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import { Failure } from '../AskedNotice'
import { actionsQuery, rightsChanged, rolesQuery } from './queries'
import styles from './Rights.module.css'
import { r } from './strings'

type Role = components['schemas']['AccessRole']
type Action = components['schemas']['AccessAction']
const w = r.roles

const sectionsOf = (actions: readonly Action[]): readonly (readonly [string, readonly Action[]])[] =>
  [...new Set(actions.map((action) => action.section))].map((section) => [
    section,
    actions.filter((action) => action.section === section),
  ])

export function RolesTab() {
  const roles = useQuery(rolesQuery)
  const actions = useQuery(actionsQuery)
  const may = useMay()('access.write')
  const [editing, setEditing] = useState<Role | 'new' | undefined>(undefined)
  const error = roles.error ?? actions.error
  if (error !== null && (roles.data === undefined || actions.data === undefined)) {
    return (
      <AccessFrame>
        <PageError error={error} reset={() => void roles.refetch()} />
      </AccessFrame>
    )
  }
  const add = may ? (
    <Button look="primary" onClick={() => setEditing('new')}>
      {w.add}
    </Button>
  ) : undefined
  const columns = roles.data?.items ?? []
  const rows = sectionsOf(actions.data?.items ?? [])
  return (
    <AccessFrame lead={w.lead} actions={add}>
      <div className={styles.stack}>
        <Section title={w.table} flush>
          <TableBox label={w.table}>
            <table className={`${styles.table} ${styles.grid}`}>
              <thead>
                <tr>
                  <th scope="col">{w.action}</th>
                  {columns.map((role) => (
                    <th key={role.name} scope="col" title={role.about}>
                      {role.id && may ? (
                        <Button look="quiet" size="small" onClick={() => setEditing(role)}>
                          {role.name}
                        </Button>
                      ) : (
                        role.name
                      )}
                      {role.id && <Tag>{w.custom}</Tag>}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map(([section, list]) => (
                  <Fragment key={section}>
                    <tr data-section={section}>
                      <th scope="rowgroup" colSpan={columns.length + 1}>
                        {w.sections[section] ?? section}
                      </th>
                    </tr>
                    {list.map((action) => (
                      <tr key={action.name}>
                        <th scope="row" title={action.fresh_factor ? w.fresh : undefined}>
                          {action.name}
                        </th>
                        {columns.map((role) => {
                          const has = role.actions.includes(action.name)
                          return (
                            <td key={role.name} className={styles.mark}>
                              {has ? (
                                <Glyph tone="good" label={w.yes} />
                              ) : (
                                <span className={styles.faint} role="img" aria-label={w.no}>
                                  ·
                                </span>
                              )}
                            </td>
                          )
                        })}
                      </tr>
                    ))}
                  </Fragment>
                ))}
              </tbody>
            </table>
          </TableBox>
        </Section>
      </div>
      {editing !== undefined && actions.data !== undefined && (
        <RoleDialog
          role={editing === 'new' ? undefined : editing}
          actions={actions.data.items}
          onClose={() => setEditing(undefined)}
        />
      )}
    </AccessFrame>
  )
}

function RoleDialog({
  role,
  actions,
  onClose,
}: {
  role: Role | undefined
  actions: readonly Action[]
  onClose: () => void
}) {
  const queries = useQueryClient()
  const [name, setName] = useState(role?.name ?? '')
  const [about, setAbout] = useState(role?.about ?? '')
  const [reason, setReason] = useState('')
  const [chosen, setChosen] = useState<readonly string[]>(role?.actions ?? [])
  const done = () => {
    rightsChanged(queries)
    toast(w.saved(name))
    onClose()
  }
  const input = { name: name.trim(), about: about.trim(), actions: [...chosen] }
  const save = useMutation({
    mutationFn: () =>
      role?.id
        ? body(
            client.PUT('/api/v1/roles/{id}', {
              params: { path: { id: role.id } },
              body: { ...input, revision: role.revision, reason: reason.trim() },
            }),
          )
        : body(client.POST('/api/v1/roles', { body: input })),
    onSuccess: done,
  })
  const remove = useMutation({
    mutationFn: async () => {
      if (role?.id) await client.DELETE('/api/v1/roles/{id}', { params: { path: { id: role.id } } })
    },
    onSuccess: done,
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  const turn = (action: string, on: boolean) =>
    setChosen(on ? [...chosen, action] : chosen.filter((each) => each !== action))
  return (
    <Dialog
      title={role === undefined ? w.add : w.edit(role.name)}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={name.trim() === '' || chosen.length === 0}
      width={720}
      footer={t.acts.audited}
    >
      <div className={styles.pair}>
        <TextInput
          label={r.name}
          description={w.nameHelp}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={problem?.field('name')}
          autoCapitalize="off"
          spellCheck={false}
          required
          data-autofocus
        />
        <TextInput
          label={r.about}
          value={about}
          onChange={(event) => setAbout(event.currentTarget.value)}
          maxLength={500}
        />
      </div>
      {role !== undefined && role.grants > 0 && (
        <>
          <Notice tone="calm" title={w.held(role.grants)} />
          <TextInput
            label={r.reason}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
      {sectionsOf(actions).map(([section, list]) => (
        <Checkbox.Group key={section} label={w.sections[section] ?? section} value={[...chosen]}>
          <div className={styles.boxes}>
            {list.map((action) => (
              <Checkbox
                key={action.name}
                value={action.name}
                label={action.name}
                onChange={(event) => turn(action.name, event.currentTarget.checked)}
              />
            ))}
          </div>
        </Checkbox.Group>
      ))}
      {role !== undefined && role.grants === 0 && (
        <div className={styles.row}>
          <Button size="small" look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            {r.remove}
          </Button>
        </div>
      )}
      <Failure error={save.error ?? remove.error} />
    </Dialog>
  )
}
