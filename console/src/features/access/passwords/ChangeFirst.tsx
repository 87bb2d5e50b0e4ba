// What somebody sees whose password must be changed before anything else: that, and the way out.

import { PasswordInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, client } from '../../../api/client'
import { meQuery } from '../../../api/queries'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Notice } from '../../../ui/Layout'
import { Confirm } from '../../session/Confirm'
import { Entrance } from '../../session/Entrance'
import styles from '../../session/Entrance.module.css'
import { Strength, useVerdict } from '../../session/Strength'
import { useMe } from '../../shell/useMe'
import { p } from './strings'

const show = { 'aria-label': t.password.show, tabIndex: 0 }

export function ChangeFirst({ reason }: { reason: string }) {
  const me = useMe()
  const queries = useQueryClient()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const verdict = useVerdict(password, [me.name, me.display_name], { current })
  const change = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/me/password', { body: { current, password } })
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: meQuery.queryKey }),
    gcTime: 0,
  })
  const signOut = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/session')
    },
    onSettled: () => window.location.assign('/signin'),
  })
  const problem = change.error instanceof ApiError ? change.error : undefined
  const fields = [problem?.field('current'), problem?.field('password')]
  return (
    <Entrance title={p.mustTitle} lead={p.mustLead}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Notice tone="notice" title={reason} />
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
          label={p.mustCurrent}
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          autoComplete="current-password"
          error={fields[0]}
          required
          autoFocus
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
        {change.isError && fields.every((each) => each === undefined) && (
          <Notice tone="danger" title={t.acts.failed}>
            {change.error.message}
          </Notice>
        )}
        <Button
          type="submit"
          look="primary"
          size="large"
          wide
          busy={change.isPending}
          disabled={current === '' || password === '' || verdict?.accepted === false}
        >
          {p.mustSubmit}
        </Button>
        <button type="button" className={styles.link} onClick={() => signOut.mutate()}>
          {p.mustSignOut}
        </button>
      </form>
      <Confirm />
    </Entrance>
  )
}
