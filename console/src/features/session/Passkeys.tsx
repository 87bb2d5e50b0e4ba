// My passkeys: which there are, adding, naming and removing them.

import { TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client, sessionRenewed } from '../../api/client'
import { factorsQuery, passkeysQuery, sessionsQuery } from '../../api/queries'
import type { Passkey } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Notice, Section } from '../../ui/Layout'
import { Ago } from '../../ui/Time'
import { toast } from '../../ui/toast'
import styles from './MePage.module.css'
import { hasPasskeys, makePasskey } from './passkey'
import { words } from './words'

export function useRefreshFactors() {
  const queries = useQueryClient()
  return () => {
    for (const each of [factorsQuery, passkeysQuery, sessionsQuery]) {
      void queries.invalidateQueries({ queryKey: each.queryKey })
    }
  }
}

type Open = { kind: 'add' } | { kind: 'rename' | 'remove'; passkey: Passkey } | undefined

export function Passkeys() {
  const passkeys = useQuery(passkeysQuery)
  const [open, setOpen] = useState<Open>(undefined)
  const items = passkeys.data?.items ?? []
  const close = () => setOpen(undefined)
  return (
    <Section
      title={words.passkey.title}
      flush
      aside={
        hasPasskeys() && (
          <Button size="small" onClick={() => setOpen({ kind: 'add' })}>
            {words.passkey.add}
          </Button>
        )
      }
    >
      {passkeys.isError && (
        <div className={styles.error}>
          <Notice tone="danger" title={words.passkey.cannotList}>
            {passkeys.error.message}
          </Notice>
        </div>
      )}
      <ul className={styles.rows}>
        {items.map((passkey) => (
          <li key={passkey.id}>
            <div>
              <strong>{passkey.name}</strong>
              <div className={styles.detail}>
                {passkey.works_here ? passkey.rp_id : words.passkey.elsewhere(passkey.rp_id)}
                {passkey.synced && ` · ${words.passkey.synced}`}
              </div>
              <small>
                {words.passkey.made} <Ago at={passkey.created_at} /> ·{' '}
                {passkey.last_used_at == null ? (
                  words.passkey.never
                ) : (
                  <>
                    {words.passkey.used} <Ago at={passkey.last_used_at} />
                  </>
                )}
              </small>
            </div>
            <span className={styles.acts}>
              <Button
                size="small"
                aria-label={words.passkey.renameOf(passkey.name)}
                onClick={() => setOpen({ kind: 'rename', passkey })}
              >
                {words.passkey.rename}
              </Button>
              <Button
                size="small"
                aria-label={words.passkey.removeOf(passkey.name)}
                onClick={() => setOpen({ kind: 'remove', passkey })}
              >
                {words.passkey.remove}
              </Button>
            </span>
          </li>
        ))}
      </ul>
      {passkeys.data !== undefined && items.length === 0 && (
        <p className={styles.note}>{words.passkey.none}</p>
      )}
      {open?.kind === 'add' && <AddPasskey onClose={close} />}
      {open?.kind === 'rename' && <Rename passkey={open.passkey} onClose={close} />}
      {open?.kind === 'remove' && <Remove passkey={open.passkey} onClose={close} />}
    </Section>
  )
}

export function AddPasskey({ onClose, onDone }: { onClose: () => void; onDone?: () => void }) {
  const refresh = useRefreshFactors()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const add = useMutation({
    mutationFn: async () => {
      const asked = await body(client.POST('/api/v1/me/passkeys/begin'))
      const passkey = await makePasskey(asked)
      return body(client.POST('/api/v1/me/passkeys', { body: { name: name.trim(), passkey } }))
    },
    onSuccess: (factors) => {
      sessionRenewed()
      queries.setQueryData(factorsQuery.queryKey, factors)
      refresh()
      toast(words.passkey.added)
      onDone?.()
      onClose()
    },
    gcTime: 0,
  })
  return (
    <Dialog
      title={words.passkey.add}
      open
      onClose={onClose}
      onSubmit={() => add.mutate()}
      submit={words.passkey.make}
      busy={add.isPending}
      disabled={name.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{words.passkey.addLead}</p>
      <TextInput
        label={words.passkey.name}
        placeholder={words.passkey.namePlaceholder}
        value={name}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        required
        data-autofocus
      />
      <Notice tone="calm" title={t.me.othersEnd} />
      {add.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {add.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

function Rename({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const refresh = useRefreshFactors()
  const [name, setName] = useState(passkey.name)
  const rename = useMutation({
    mutationFn: async () => {
      await client.PUT('/api/v1/me/passkeys/{id}', {
        params: { path: { id: passkey.id } },
        body: { name: name.trim() },
      })
    },
    onSuccess: () => {
      refresh()
      toast(words.passkey.renamed)
      onClose()
    },
  })
  return (
    <Dialog
      title={words.passkey.renameOf(passkey.name)}
      open
      onClose={onClose}
      onSubmit={() => rename.mutate()}
      busy={rename.isPending}
      disabled={name.trim() === ''}
    >
      <TextInput
        label={words.passkey.name}
        value={name}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        data-autofocus
      />
      {rename.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {rename.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

function Remove({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const refresh = useRefreshFactors()
  const factors = useQuery(factorsQuery).data
  const last = factors !== undefined && !factors.totp && factors.passkeys === 1
  const remove = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/me/passkeys/{id}', { params: { path: { id: passkey.id } } })
    },
    onSuccess: () => {
      refresh()
      toast(last ? words.factor.asked : words.passkey.removed)
      onClose()
    },
  })
  return (
    <Dialog
      title={words.passkey.removeTitle}
      open
      onClose={onClose}
      onSubmit={() => remove.mutate()}
      submit={words.passkey.remove}
      danger
      busy={remove.isPending}
      footer={t.acts.audited}
    >
      <p>{words.passkey.removeLead(passkey.name)}</p>
      {last ? (
        <Notice tone="notice" title={words.passkey.removeLast} />
      ) : (
        <Notice tone="calm" title={t.me.othersEnd} />
      )}
      {remove.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {remove.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
