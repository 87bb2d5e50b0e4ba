// Password, then the second factor. One answer for everything that is wrong; a wait is said with its length.

import { PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { metaQuery } from '../../api/queries'
import type { SignInChallenge } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { span } from '../../ui/format'
import { Notice } from '../../ui/Layout'
import { p } from '../access/passwords/strings'
import { words as outsideWords } from '../access/providers/words'
import { Entrance } from './Entrance'
import styles from './Entrance.module.css'
import {
  AccountOf,
  Answer,
  askDirectory,
  Back,
  ProviderLinks,
  Refused,
  useDirectories,
  useOnlyEmergency,
} from './Outside'
import { PasskeyButton } from './PasskeyButton'
import { givePasskey, hasPasskeys } from './passkey'
import { withPuzzle } from './puzzle'
import { safeTarget } from './safeTarget'
import { words } from './words'

export function SignInPage() {
  const [challenge, setChallenge] = useState<SignInChallenge | undefined>(undefined)
  const search = useSearch({ strict: false }) as { outside?: unknown }
  const [isBack, setIsBack] = useState(search.outside !== undefined)
  const meta = useQuery(metaQuery)
  useEffect(() => {
    document.title = `${t.signIn.title} · Watchkeep`
  }, [])
  if (meta.data?.claimed === false) {
    return (
      <Entrance title={t.signIn.unclaimedTitle}>
        <Notice tone="notice" title={t.signIn.unclaimed}>
          {t.signIn.unclaimedDetail}
        </Notice>
      </Entrance>
    )
  }
  if (isBack && challenge === undefined) {
    return <Back onChallenge={setChallenge} onOver={() => setIsBack(false)} />
  }
  return challenge === undefined ? (
    <Name onDone={setChallenge} />
  ) : (
    <Factor challenge={challenge} onBack={() => setChallenge(undefined)} />
  )
}

function Failure({ error }: { error: Error }) {
  const api = error instanceof ApiError ? error : undefined
  if (api?.status === 429) {
    return (
      <Notice tone="danger" title={t.signIn.slow}>
        {api.retryAfterS === undefined ? t.signIn.slowDetail : t.signIn.slowFor(span(api.retryAfterS * 1000))}
      </Notice>
    )
  }
  return (
    <Notice tone="danger" title={api?.status === 401 ? t.signIn.wrong : t.signIn.cannot}>
      {api?.status === 401 ? t.signIn.wrongDetail : error.message}
    </Notice>
  )
}

function Name({ onDone }: { onDone: (challenge: SignInChallenge) => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [working, setWorking] = useState(false)
  const search = useSearch({ strict: false }) as { to?: string; refused?: string }
  const directories = useDirectories()
  const onlyEmergency = useOnlyEmergency()
  const [chosen, setChosen] = useState<string | undefined>(undefined)
  const of = chosen ?? directories[0]?.id ?? ''
  const [question, setQuestion] = useState<Parameters<typeof Answer>[0]['question'] | undefined>(undefined)
  const next = (said: Awaited<ReturnType<typeof askDirectory>>) => {
    if (said.challenge != null) onDone(said.challenge)
    else if (said.question != null) setQuestion(said.question)
    else window.location.assign(safeTarget(search.to))
  }
  const directory = useMutation({
    mutationFn: () => askDirectory(of, name, password, () => setWorking(true)),
    onSettled: () => setWorking(false),
    onSuccess: next,
    onError: () => setPassword(''),
    gcTime: 0,
  })
  const start = useMutation({
    mutationFn: () =>
      withPuzzle(
        (solved) =>
          body(client.POST('/api/v1/session', { body: { name: name.trim(), password, ...solved } })),
        () => setWorking(true),
      ),
    onSettled: () => setWorking(false),
    onSuccess: onDone,
    onError: () => setPassword(''),
    gcTime: 0,
  })
  if (question !== undefined) {
    return (
      <Answer key={question.ticket} question={question} onNext={next} onBack={() => setQuestion(undefined)} />
    )
  }
  const asked = of === '' ? start : directory
  return (
    <Entrance title={t.signIn.title}>
      {search.refused !== undefined && <Refused why={search.refused} />}
      <ProviderLinks to={search.to} />
      {onlyEmergency && <p className={styles.or}>{outsideWords.signIn.onlyEmergency}</p>}
      <PasskeyButton />
      {hasPasskeys() && <p className={styles.or}>{words.passkey.orPassword}</p>}
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          asked.mutate()
        }}
      >
        <AccountOf directories={directories} value={of} onChange={setChosen} />
        <TextInput
          label={t.signIn.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          autoCapitalize="off"
          spellCheck={false}
          required
          autoFocus
        />
        <PasswordInput
          label={t.signIn.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
          visibilityToggleButtonProps={{ 'aria-label': t.password.show, tabIndex: 0 }}
        />
        {asked.isError && <Failure error={asked.error} />}
        {working && <Notice tone="calm" title={p.working} />}
        <Button
          type="submit"
          look="primary"
          size="large"
          wide
          busy={asked.isPending}
          disabled={name.trim() === '' || password === ''}
        >
          {t.signIn.next}
        </Button>
      </form>
    </Entrance>
  )
}

function Factor({ challenge, onBack }: { challenge: SignInChallenge; onBack: () => void }) {
  const [recovery, setRecovery] = useState(!challenge.factors.includes('totp'))
  const [code, setCode] = useState('')
  const search = useSearch({ strict: false }) as { to?: string }
  const asked = hasPasskeys() ? challenge.passkey : undefined
  const [typing, setTyping] = useState(asked == null)
  const key = useMutation({
    mutationFn: async () => {
      if (asked == null) throw new Error(words.passkey.notDone)
      const passkey = await givePasskey(asked)
      return body(
        client.POST('/api/v1/session/factor', { body: { challenge: challenge.challenge, passkey } }),
      )
    },
    onSuccess: () => window.location.assign(safeTarget(search.to)),
    gcTime: 0,
  })
  const enrol = useMutation({
    mutationFn: () =>
      body(client.POST('/api/v1/session/enrol', { body: { challenge: challenge.challenge } })),
    onSuccess: () => window.location.assign('/'),
    gcTime: 0,
  })
  const finish = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/session/factor', {
          body: { challenge: challenge.challenge, code: code.trim() },
        }),
      ),
    onSuccess: () => window.location.assign(safeTarget(search.to)),
    onError: () => setCode(''),
    gcTime: 0,
  })
  if (challenge.factors.includes('enrol')) {
    return (
      <Entrance title={words.enrol.title} lead={words.enrol.lead}>
        <Button look="primary" size="large" wide busy={enrol.isPending} onClick={() => enrol.mutate()}>
          {t.signIn.next}
        </Button>
        {enrol.isError && <Failure error={enrol.error} />}
      </Entrance>
    )
  }
  if (!typing) {
    return (
      <Entrance title={t.signIn.factorTitle} lead={words.passkey.lead}>
        <div className={styles.form}>
          <Button
            look="primary"
            size="large"
            wide
            busy={key.isPending}
            onClick={() => key.mutate()}
            autoFocus
          >
            {words.passkey.use}
          </Button>
          {key.isError && (
            <Notice tone="danger" title={t.signIn.cannot}>
              {key.error.message}
            </Notice>
          )}
          <button type="button" className={styles.link} onClick={() => setTyping(true)}>
            {recovery ? t.signIn.useRecovery : words.passkey.insteadCode}
          </button>
          <button type="button" className={styles.link} onClick={onBack}>
            {t.signIn.other}
          </button>
        </div>
      </Entrance>
    )
  }
  return (
    <Entrance title={t.signIn.factorTitle} lead={recovery ? t.signIn.recoveryLead : t.signIn.factorLead}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          finish.mutate()
        }}
      >
        {recovery ? (
          <TextInput
            key="recovery"
            label={t.signIn.recoveryCode}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            required
            autoFocus
          />
        ) : (
          <TextInput
            key="totp"
            className={styles.code ?? ''}
            label={t.signIn.code}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value.replace(/\D/g, '').slice(0, 6))}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            autoFocus
          />
        )}
        {finish.isError && <Failure error={finish.error} />}
        <Button
          type="submit"
          look="primary"
          size="large"
          wide
          busy={finish.isPending}
          disabled={recovery ? code.trim() === '' : code.length !== 6}
        >
          {t.signIn.enter}
        </Button>
        {challenge.factors.includes('recovery') && challenge.factors.includes('totp') && (
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
        <button type="button" className={styles.link} onClick={onBack}>
          {t.signIn.other}
        </button>
      </form>
    </Entrance>
  )
}
