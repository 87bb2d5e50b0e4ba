// Lets in whoever has a one-time link: the first administrator, an invited person, or one whose factors were reset.
// Password, authenticator, recovery codes. The link's token comes in the fragment,
// which browsers do not send anywhere; it is taken out of the address at once.

import { PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { metaQuery } from '../../api/queries'
import type { Claimed, ClaimFor, FactorSetup } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { CopyLine } from '../../ui/CopyLine'
import { Notice } from '../../ui/Layout'
import { Qr } from '../../ui/Qr'
import { CodeList } from './Codes'
import { Entrance } from './Entrance'
import styles from './Entrance.module.css'
import { hasPasskeys, makePasskey } from './passkey'
import { Strength, useVerdict } from './Strength'
import { words } from './words'

const steps = [t.claim.stepPassword, t.claim.stepFactor, t.claim.stepCodes]

// Kept out of React state and of history: only this page load knows it.
let token = ''

export function ClaimPage() {
  const [known, setKnown] = useState(token !== '')
  const [setup, setSetup] = useState<FactorSetup | undefined>(undefined)
  const [claimed, setClaimed] = useState<Claimed | undefined>(undefined)
  useEffect(() => {
    const fragment = window.location.hash.slice(1)
    if (fragment !== '') {
      token = decodeURIComponent(fragment)
      window.history.replaceState(window.history.state, '', window.location.pathname)
      setKnown(true)
    }
    document.title = `${t.claim.title} · Watchkeep`
  }, [])
  const check = useQuery({
    queryKey: ['claim-check'],
    enabled: known && claimed === undefined,
    retry: false,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => body(client.POST('/api/v1/claim/check', { body: { token } })),
  })
  if (claimed !== undefined) return <Codes claimed={claimed} />
  if (!known || check.isError) {
    const gone = check.error instanceof ApiError && (check.error.status === 410 || check.error.status === 404)
    return (
      <Entrance title={t.claim.anyTitle}>
        <Notice tone="notice" title={!known ? t.claim.noToken : gone ? t.claim.used : t.claim.cannotCheck}>
          {!known || gone ? t.claim.noLinkDetail : check.error?.message}
        </Notice>
        <a href="/signin">{t.claim.toSignIn}</a>
      </Entrance>
    )
  }
  if (setup !== undefined) {
    return <Factor setup={setup} onBack={() => setSetup(undefined)} onDone={setClaimed} />
  }
  // Nothing is asked for before it is known for whom: the fields depend on it.
  if (check.data === undefined) return <Entrance title={t.claim.anyTitle}>{t.common.loading}</Entrance>
  return <Password whom={check.data} onDone={setSetup} />
}

function Password({ whom, onDone }: { whom: ClaimFor; onDone: (setup: FactorSetup) => void }) {
  const [name, setName] = useState(whom.name)
  const [displayName, setDisplayName] = useState(whom.display_name)
  const given = whom.name !== ''
  const reset = whom.kind === 'reset'
  const [password, setPassword] = useState('')
  const verdict = useVerdict(password, [name, displayName], { token })
  const begin = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/claim/begin', {
          body: { token, name: name.trim(), display_name: displayName.trim(), password },
        }),
      ),
    onSuccess: onDone,
    gcTime: 0,
  })
  const problem = begin.error instanceof ApiError ? begin.error : undefined
  return (
    <Entrance
      title={reset ? t.claim.resetTitle : given ? t.claim.joinTitle : t.claim.title}
      lead={
        reset
          ? t.claim.resetLead(whom.display_name || whom.name)
          : given
            ? t.claim.joinLead(t.shell.role(whom.role))
            : t.claim.lead
      }
      steps={steps}
      step={0}
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          begin.mutate()
        }}
      >
        <TextInput
          label={t.claim.name}
          description={given ? t.claim.nameGiven : t.claim.nameHelp}
          readOnly={given}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          autoCapitalize="off"
          spellCheck={false}
          error={problem?.field('name')}
          required
          autoFocus={!given}
        />
        {!reset && (
          <TextInput
            label={t.claim.displayName}
            value={displayName}
            onChange={(event) => setDisplayName(event.currentTarget.value)}
            autoComplete="name"
            error={problem?.field('display_name')}
          />
        )}
        <PasswordInput
          label={t.claim.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="new-password"
          error={problem?.field('password')}
          required
          autoFocus={given}
          visibilityToggleButtonProps={{ 'aria-label': t.password.show, tabIndex: 0 }}
        />
        <Strength verdict={verdict} />
        {begin.isError &&
          problem?.field('password') === undefined &&
          problem?.field('name') === undefined && (
            <Notice tone="danger" title={t.claim.cannotContinue}>
              {begin.error.message}
            </Notice>
          )}
        <Button
          type="submit"
          look="primary"
          size="large"
          wide
          busy={begin.isPending}
          disabled={name.trim() === '' || password === '' || verdict?.accepted === false}
        >
          {t.claim.continue}
        </Button>
      </form>
    </Entrance>
  )
}

function Factor({
  setup,
  onBack,
  onDone,
}: {
  setup: FactorSetup
  onBack: () => void
  onDone: (claimed: Claimed) => void
}) {
  const [code, setCode] = useState('')
  const queries = useQueryClient()
  const finish = useMutation({
    mutationFn: async (how: 'code' | 'passkey') => {
      if (how === 'code')
        return body(client.POST('/api/v1/claim/finish', { body: { token, code: code.trim() } }))
      if (setup.passkey == null) throw new Error(setup.no_passkey ?? words.passkey.notDone)
      const passkey = { name: words.passkey.defaultName, passkey: await makePasskey(setup.passkey) }
      return body(client.POST('/api/v1/claim/finish', { body: { token, passkey } }))
    },
    onSuccess: (claimed) => {
      token = ''
      queries.setQueryData(['me'], claimed.me)
      void queries.invalidateQueries({ queryKey: metaQuery.queryKey })
      onDone(claimed)
    },
    onError: () => setCode(''),
    gcTime: 0,
  })
  return (
    <Entrance title={t.claim.factorTitle} lead={t.claim.factorLead} steps={steps} step={1}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          finish.mutate('code')
        }}
      >
        <div className={styles.qr}>
          <Qr text={setup.uri} label={t.claim.qr} />
        </div>
        <details className={styles.manual}>
          <summary>{t.claim.manual}</summary>
          <div>
            <CopyLine text={setup.secret} label={t.claim.secret} />
          </div>
        </details>
        <TextInput
          className={styles.code ?? ''}
          label={t.signIn.code}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value.replace(/\D/g, '').slice(0, 6))}
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          autoFocus
          error={
            (finish.error instanceof ApiError ? finish.error.field('code') : undefined) ??
            finish.error?.message
          }
        />
        <Button
          type="submit"
          look="primary"
          size="large"
          wide
          busy={finish.isPending}
          disabled={code.length !== 6}
        >
          {t.claim.confirm}
        </Button>
        {setup.passkey != null && hasPasskeys() && (
          <>
            <p className={styles.or}>{words.passkey.insteadLead}</p>
            <Button size="large" wide busy={finish.isPending} onClick={() => finish.mutate('passkey')}>
              {words.passkey.instead}
            </Button>
          </>
        )}
        {setup.no_passkey != null && <p className={styles.or}>{setup.no_passkey}</p>}
        <button type="button" className={styles.link} onClick={onBack}>
          {t.claim.back}
        </button>
      </form>
    </Entrance>
  )
}

function Codes({ claimed }: { claimed: Claimed }) {
  const [kept, setKept] = useState(false)
  return (
    <Entrance title={t.claim.codesTitle} lead={t.claim.codesLead} steps={steps} step={2}>
      <CodeList codes={claimed.recovery_codes} kept={kept} onKept={setKept} />
      <Button
        look="primary"
        size="large"
        wide
        disabled={!kept}
        onClick={() => {
          // A full load: the codes leave the page's memory.
          window.location.assign('/')
        }}
      >
        {t.claim.open}
      </Button>
    </Entrance>
  )
}
