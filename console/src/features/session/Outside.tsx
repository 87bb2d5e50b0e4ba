// Signing in over a provider: a link that leaves, a form that is answered here, and the way back.

import { NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client } from '../../api/client'
import type { components } from '../../api/generated/schema'
import type { SignInChallenge } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Notice } from '../../ui/Layout'
import { methodsQuery, type SignInMethod } from '../access/providers/queries'
import { words } from '../access/providers/words'
import { Entrance } from './Entrance'
import styles from './Entrance.module.css'
import { withPuzzle } from './puzzle'
import { safeTarget } from './safeTarget'

type Next = components['schemas']['OutsideNext']
type Question = components['schemas']['OutsideQuestion']

const w = words.signIn

/** Why the browser was sent back with nothing. */
export function Refused({ why }: { why: string }) {
  return (
    <Notice tone="danger" title={w.refusedTitle}>
      {w.refused[why] ?? w.refusedUnknown}
    </Notice>
  )
}

/** A link for each provider that the browser goes to. Never a form: its answer may not lead elsewhere. */
export function ProviderLinks({ to }: { to: string | undefined }) {
  const methods = useQuery(methodsQuery)
  const away = (methods.data?.items ?? []).filter((each) => !each.asks_password)
  if (away.length === 0) return null
  const target = encodeURIComponent(safeTarget(to))
  return (
    <div className={styles.providers}>
      {away.map((each) => (
        <a key={each.id} className={styles.provider} href={`/api/v1/providers/${each.id}/begin?to=${target}`}>
          {w.with(each.name)}
        </a>
      ))}
    </div>
  )
}

/** Directories that are asked here, by name and password. */
export function useDirectories(): readonly SignInMethod[] {
  return (useQuery(methodsQuery).data?.items ?? []).filter((each) => each.asks_password)
}

/** Whether accounts of this server are for emergencies alone. */
export function useOnlyEmergency(): boolean {
  return useQuery(methodsQuery).data?.local === 'emergency'
}

/** Whose name and password are given: this server's, or a directory's. */
export function AccountOf({
  directories,
  value,
  onChange,
}: {
  directories: readonly SignInMethod[]
  value: string
  onChange: (id: string) => void
}) {
  if (directories.length === 0) return null
  return (
    <NativeSelect
      label={w.account}
      data={[
        ...directories.map((each) => ({ value: each.id, label: each.name })),
        { value: '', label: w.here },
      ]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

/** Name and password for a directory. */
export const askDirectory = (
  provider: string,
  name: string,
  password: string,
  working: () => void,
): Promise<Next> =>
  withPuzzle(
    (solved) =>
      body(
        client.POST('/api/v1/sign-in/outside', {
          body: { provider, name: name.trim(), password, ...solved },
        }),
      ),
    working,
  )

/** A question of the directory, such as for the digits of a token. */
export function Answer({
  question,
  onNext,
  onBack,
}: {
  question: Question
  onNext: (next: Next) => void
  onBack: () => void
}) {
  const [answer, setAnswer] = useState('')
  const send = useMutation({
    mutationFn: () =>
      body(client.POST('/api/v1/sign-in/outside/answer', { body: { ticket: question.ticket, answer } })),
    onSuccess: onNext,
    gcTime: 0,
  })
  const Input = question.echo ? TextInput : PasswordInput
  return (
    <Entrance title={w.question} lead={question.prompt}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          send.mutate()
        }}
      >
        <Input
          label={w.answer}
          value={answer}
          onChange={(event) => setAnswer(event.currentTarget.value)}
          autoComplete="one-time-code"
          autoFocus
        />
        {send.isError && (
          <Notice tone="danger" title={t.signIn.cannot}>
            {send.error.message}
          </Notice>
        )}
        <Button type="submit" look="primary" size="large" wide busy={send.isPending} disabled={send.isError}>
          {t.signIn.next}
        </Button>
        <button type="button" className={styles.link} onClick={onBack}>
          {t.signIn.other}
        </button>
      </form>
    </Entrance>
  )
}

/** The browser is back, and a factor of this server is still to be given. */
export function Back({
  onChallenge,
  onOver,
}: {
  onChallenge: (challenge: SignInChallenge) => void
  onOver: () => void
}) {
  const back = useQuery({
    queryKey: ['sign-in', 'outside'],
    queryFn: async () => {
      const next = await body(client.GET('/api/v1/sign-in/outside'))
      if (next.challenge != null) onChallenge(next.challenge)
      return next
    },
    gcTime: 0,
    retry: false,
  })
  return (
    <Entrance title={t.signIn.title}>
      {back.isError ? (
        <>
          <Notice tone="danger" title={w.refusedTitle}>
            {back.error.message}
          </Notice>
          <button type="button" className={styles.link} onClick={onOver}>
            {t.signIn.other}
          </button>
        </>
      ) : (
        <p>{w.back}</p>
      )}
    </Entrance>
  )
}
