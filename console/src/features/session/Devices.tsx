// Browsers from which I may administer, where that is asked for.

import { TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client, sessionRenewed } from '../../api/client'
import { devicesQuery, passkeysQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Mark } from '../../ui/Glyph'
import { Notice, Section } from '../../ui/Layout'
import { Ago, At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { deviceOf } from './device'
import styles from './MePage.module.css'
import { givePasskey } from './passkey'
import { words } from './words'

export function Devices() {
  const devices = useQuery(devicesQuery)
  const usable = useQuery(passkeysQuery).data?.items.some((each) => each.works_here) === true
  const queries = useQueryClient()
  const [adding, setAdding] = useState(false)
  const refresh = () => queries.invalidateQueries({ queryKey: devicesQuery.queryKey })
  const remove = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/me/devices/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void refresh()
      toast(words.device.removed)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = devices.data?.items ?? []
  const here = items.some((each) => each.current)
  return (
    <Section
      title={words.device.title}
      flush
      aside={
        usable &&
        !here && (
          <Button size="small" onClick={() => setAdding(true)}>
            {words.device.add}
          </Button>
        )
      }
    >
      <ul className={styles.rows}>
        {items.map((device) => (
          <li key={device.id}>
            <div>
              <strong>{device.name}</strong>
              {device.current && <Mark tone="good" word={words.device.this} />}
              <div className={styles.detail}>
                {deviceOf(device.user_agent)} · {device.address}
              </div>
              <small>
                {t.me.lastUsed} <Ago at={device.last_used_at} /> · {words.device.until}{' '}
                <At at={device.expires_at} />
              </small>
            </div>
            <Button
              size="small"
              aria-label={words.device.removeOf(device.name)}
              onClick={() => remove.mutate(device.id)}
              busy={remove.isPending && remove.variables === device.id}
            >
              {words.device.remove}
            </Button>
          </li>
        ))}
      </ul>
      {devices.data !== undefined && items.length === 0 && (
        <p className={styles.note}>
          {words.device.none} {usable ? words.device.lead : words.device.needPasskey}
        </p>
      )}
      {adding && <Enrol onClose={() => setAdding(false)} onDone={() => void refresh()} />}
    </Section>
  )
}

function Enrol({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState('')
  const enrol = useMutation({
    mutationFn: async () => {
      const asked = await body(client.POST('/api/v1/me/elevate/begin'))
      const passkey = await givePasskey(asked)
      return body(client.POST('/api/v1/me/devices', { body: { name: name.trim(), passkey } }))
    },
    onSuccess: () => {
      sessionRenewed()
      onDone()
      toast(words.device.enrolled)
      onClose()
    },
    gcTime: 0,
  })
  return (
    <Dialog
      title={words.device.add}
      open
      onClose={onClose}
      onSubmit={() => enrol.mutate()}
      submit={words.passkey.use}
      busy={enrol.isPending}
      disabled={name.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{words.device.lead}</p>
      <TextInput
        label={words.device.name}
        value={name}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        data-autofocus
      />
      {enrol.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {enrol.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
