// Changes of what I sign in with. Each says what it ends; a fresh code is asked for by Confirm where it is due.

import { PasswordInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { factorsQuery, sessionsQuery } from '../../api/queries'
import { t } from '../../strings'
import { CopyLine } from '../../ui/CopyLine'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { Qr } from '../../ui/Qr'
import { toast } from '../../ui/toast'
import { useMe } from '../shell/useMe'
import { CodeField } from './CodeField'
import { CodeList } from './Codes'
import styles from './Entrance.module.css'
import { Strength, useVerdict } from './Strength'

function useRefresh() {
  const queries = useQueryClient()
  return () => {
    void queries.invalidateQueries({ queryKey: sessionsQuery.queryKey })
    void queries.invalidateQueries({ queryKey: factorsQuery.queryKey })
  }
}

const show = { 'aria-label': t.password.show, tabIndex: 0 }

export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const me = useMe()
  const refresh = useRefresh()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const verdict = useVerdict(password, [me.name, me.display_name], { current })
  const change = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/me/password', { body: { current, password } })
    },
    onSuccess: () => {
      refresh()
      toast(t.me.passwordChanged, { detail: t.me.passwordChangedDetail })
      onClose()
    },
    gcTime: 0,
  })
  const problem = change.error instanceof ApiError ? change.error : undefined
  const fields = [problem?.field('current'), problem?.field('password')]
  const differ = again !== '' && again !== password
  return (
    <Dialog
      title={t.me.changePassword}
      open
      onClose={onClose}
      onSubmit={() => change.mutate()}
      submit={t.me.changePassword}
      busy={change.isPending}
      disabled={current === '' || password === '' || again !== password || verdict?.accepted === false}
      footer={t.acts.audited}
    >
      {/* For password managers: whose password it is. */}
      <input
        className="sr-only"
        type="text"
        autoComplete="username"
        value={me.name}
        readOnly
        tabIndex={-1}
        aria-hidden
      />
      <PasswordInput
        label={t.me.currentPassword}
        value={current}
        onChange={(event) => setCurrent(event.currentTarget.value)}
        autoComplete="current-password"
        error={fields[0]}
        required
        data-autofocus
        visibilityToggleButtonProps={show}
      />
      <PasswordInput
        label={t.me.newPassword}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="new-password"
        error={fields[1]}
        required
        visibilityToggleButtonProps={show}
      />
      <Strength verdict={verdict} />
      <PasswordInput
        label={t.me.repeatPassword}
        value={again}
        onChange={(event) => setAgain(event.currentTarget.value)}
        autoComplete="new-password"
        error={differ ? t.me.differ : undefined}
        required
        visibilityToggleButtonProps={show}
      />
      <Notice tone="calm" title={t.me.othersEnd} />
      {change.isError && fields.every((each) => each === undefined) && (
        <Notice tone="danger" title={t.acts.failed}>
          {change.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

export function AuthenticatorDialog({ onClose }: { onClose: () => void }) {
  const refresh = useRefresh()
  const [code, setCode] = useState('')
  // One secret for as long as the dialog is open: a query would ask again after a broken stream, and the code that was
  // scanned would be void.
  const setup = useMutation({
    mutationFn: () => body(client.POST('/api/v1/me/totp/begin')),
    gcTime: 0,
  })
  const begun = useRef(false)
  const { mutate: begin } = setup
  useEffect(() => {
    if (begun.current) return
    begun.current = true
    begin()
  }, [begin])
  const finish = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/me/totp/finish', { body: { code } })
    },
    onSuccess: () => {
      refresh()
      toast(t.me.authenticatorChanged, { detail: t.me.passwordChangedDetail })
      onClose()
    },
    onError: () => setCode(''),
    gcTime: 0,
  })
  const problem = finish.error instanceof ApiError ? finish.error : undefined
  return (
    <Dialog
      title={t.me.newAuthenticator}
      open
      onClose={onClose}
      onSubmit={() => finish.mutate()}
      submit={t.claim.confirm}
      busy={finish.isPending}
      disabled={code.length !== 6 || setup.data === undefined}
      footer={t.acts.audited}
    >
      <p>{t.me.newAuthenticatorLead}</p>
      {setup.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {setup.error.message}
        </Notice>
      )}
      {setup.data !== undefined && (
        <>
          <div className={styles.qr}>
            <Qr text={setup.data.uri} label={t.claim.qr} />
          </div>
          <details className={styles.manual}>
            <summary>{t.claim.manual}</summary>
            <div>
              <CopyLine text={setup.data.secret} label={t.claim.secret} />
            </div>
          </details>
          <CodeField value={code} onChange={setCode} error={problem?.field('code')} />
        </>
      )}
      <Notice tone="calm" title={t.me.othersEnd} />
      {finish.isError && problem?.field('code') === undefined && (
        <Notice tone="danger" title={t.acts.failed}>
          {finish.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

export function RecoveryDialog({ onClose }: { onClose: () => void }) {
  const refresh = useRefresh()
  const [kept, setKept] = useState(false)
  const make = useMutation({
    mutationFn: () => body(client.POST('/api/v1/me/recovery-codes')),
    onSuccess: refresh,
    gcTime: 0,
  })
  if (make.data !== undefined) {
    return (
      <Dialog
        title={t.me.recoveryMade}
        open
        onClose={onClose}
        onSubmit={onClose}
        submit={t.me.done}
        disabled={!kept}
      >
        <p>{t.me.recoveryMadeDetail}</p>
        <CodeList codes={make.data.recovery_codes} kept={kept} onKept={setKept} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title={t.me.newRecovery}
      open
      onClose={onClose}
      onSubmit={() => make.mutate()}
      submit={t.me.makeRecovery}
      busy={make.isPending}
      footer={t.acts.audited}
    >
      <p>{t.me.newRecoveryDetail}</p>
      <Notice tone="calm" title={t.me.othersEnd} />
      {make.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {make.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
