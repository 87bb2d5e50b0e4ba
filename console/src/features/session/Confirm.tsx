// Asks for a fresh code when the server wants one before it does something dangerous, then lets it go on.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ApiError, body, client, onConfirm, sessionRenewed } from '../../api/client'
import { factorsQuery, passkeysQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { myOutsideQuery } from '../access/providers/queries'
import { words as outside } from '../access/providers/words'
import { CodeField } from './CodeField'
import styles from './Entrance.module.css'
import { givePasskey, hasPasskeys } from './passkey'
import { words } from './words'

export function Confirm() {
  const [answer, setAnswer] = useState<((done: boolean) => void) | undefined>(undefined)
  useEffect(() => onConfirm(() => new Promise((resolve) => setAnswer(() => resolve))), [])
  if (answer === undefined) return null
  return (
    <Ask
      onDone={(done) => {
        answer(done)
        setAnswer(undefined)
      }}
    />
  )
}

function Ask({ onDone }: { onDone: (done: boolean) => void }) {
  const queries = useQueryClient()
  const [recovery, setRecovery] = useState(false)
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error | undefined>(undefined)
  const usable = useQuery(passkeysQuery).data?.items.some((each) => each.works_here) === true && hasPasskeys()
  // A page of the provider's, and back: whoever came in over it may have no factor here at all.
  const known = useQuery(factorsQuery).data
  const elsewhere = useQuery(myOutsideQuery).data?.items.filter((each) => each.confirms) ?? []
  const codes = known === undefined || known.totp || known.recovery_codes_left > 0 || elsewhere.length === 0
  const leave = async (provider: string) => {
    setBusy(true)
    setError(undefined)
    try {
      const to = window.location.pathname + window.location.search
      const departure = await body(client.POST('/api/v1/me/outside/elevate', { body: { provider, to } }))
      window.location.assign(departure.url)
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)))
      setBusy(false)
    }
  }
  const submit = async (how: 'code' | 'passkey') => {
    setBusy(true)
    setError(undefined)
    try {
      const given =
        how === 'code'
          ? { code: code.trim() }
          : { passkey: await givePasskey(await body(client.POST('/api/v1/me/elevate/begin'))) }
      const factors = await body(client.POST('/api/v1/me/elevate', { body: given }))
      sessionRenewed()
      queries.setQueryData(factorsQuery.queryKey, factors)
      onDone(true)
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)))
      setCode('')
      setBusy(false)
    }
  }
  const field = error instanceof ApiError ? error.field('code') : undefined
  return (
    <Dialog
      title={t.confirm.title}
      open
      onClose={() => onDone(false)}
      {...(codes ? { onSubmit: () => void submit('code') } : {})}
      submit={t.confirm.submit}
      busy={busy}
      disabled={recovery ? code.trim() === '' : code.length !== 6}
      width={420}
    >
      <p>{t.confirm.lead}</p>
      {usable && (
        <Button wide busy={busy} onClick={() => void submit('passkey')}>
          {words.passkey.use}
        </Button>
      )}
      {elsewhere.map((each) => (
        <Button key={each.provider} wide busy={busy} onClick={() => void leave(each.provider)}>
          {outside.own.elevate(each.provider_name)}
        </Button>
      ))}
      {elsewhere.length > 0 && <p>{outside.own.elevateDetail}</p>}
      {codes && (
        <CodeField
          value={code}
          onChange={setCode}
          recovery={recovery}
          error={field}
          onEscape={() => onDone(false)}
        />
      )}
      {error !== undefined && field === undefined && (
        <Notice tone="danger" title={t.acts.failed}>
          {error.message}
        </Notice>
      )}
      {codes && (
        <button
          type="button"
          className={styles.link}
          onClick={() => {
            setRecovery(!recovery)
            setCode('')
          }}
        >
          {recovery ? t.signIn.useCode : t.signIn.useRecovery}
        </button>
      )}
    </Dialog>
  )
}
