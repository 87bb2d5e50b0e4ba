// The sign-in of one person, step by step: for kinds that ask for a password here.

import { PasswordInput, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Mark } from '../../../ui/Glyph'
import { Notice } from '../../../ui/Layout'
import { directoryWords } from './kinds/directoryWords'
import styles from './Providers.module.css'
import type { ProviderView } from './queries'
import { words } from './words'

const w = directoryWords.person

export const takesPersons = (kind: string): boolean => kind === 'ldap' || kind === 'radius'

export function PersonTest({ provider }: { provider: ProviderView }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const test = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/providers/{id}/test-person', {
          params: { path: { id: provider.id } },
          body: { name, ...(password === '' ? {} : { password }) },
        }),
      ),
    onSettled: () => setPassword(''),
  })
  return (
    <fieldset className={styles.group}>
      <legend>{w.title}</legend>
      <p>{w.lead}</p>
      <div className={styles.pair}>
        <TextInput
          label={w.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
        <PasswordInput
          label={w.password}
          description={w.passwordHelp}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="off"
        />
      </div>
      <div>
        <Button onClick={() => test.mutate()} busy={test.isPending} disabled={name.trim() === ''}>
          {w.run}
        </Button>
      </div>
      {test.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {test.error.message}
        </Notice>
      )}
      {test.data !== undefined && (
        <>
          <Notice tone={test.data.ok ? 'calm' : 'danger'} title={test.data.ok ? w.good : w.bad}>
            {test.data.steps.at(-1)?.detail}
          </Notice>
          <ol className={styles.steps}>
            {test.data.steps.map((step, at) => (
              // Two steps may have one title: the directory is asked twice.
              // biome-ignore lint/suspicious/noArrayIndexKey: the list is shown once and never changes
              <li key={at}>
                <Mark tone={step.ok ? 'good' : 'danger'} word={step.ok ? words.good : words.bad} />
                <div>
                  <strong>{step.title}</strong>
                  <span>{step.detail}</span>
                </div>
              </li>
            ))}
          </ol>
        </>
      )}
    </fieldset>
  )
}
