// Who I am here, what I sign in with, and where I am signed in. What is being changed is in the address.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { client } from '../../api/client'
import { factorsQuery, sessionsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { Facts, Notice, Page, Section } from '../../ui/Layout'
import { Ago, At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { Browsers } from '../access/passwords/Browsers'
import { MyOutside } from '../access/providers/MyOutside'
import { MyTokens } from '../access/tokens/MyTokens'
import { useMe } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import { Devices } from './Devices'
import { deviceOf } from './device'
import { FactorRemoval, RemoveTotp } from './FactorRemoval'
import { AuthenticatorDialog, PasswordDialog, RecoveryDialog } from './MeDialogs'
import styles from './MePage.module.css'
import { Passkeys } from './Passkeys'
import { words } from './words'

/** Fewer recovery codes than this are worth a word. */
const FEW_CODES = 4

export function MePage() {
  const me = useMe()
  const [search, setSearch] = useSearchState()
  const factors = useQuery(factorsQuery)
  const close = () => setSearch({ open: undefined })
  const open = (what: string) => setSearch({ open: what })
  const left = factors.data?.recovery_codes_left
  return (
    <Page title={t.me.title}>
      <div className={styles.page}>
        <FactorRemoval />
        <Section title={t.me.who}>
          <Facts
            items={[
              [t.me.name, me.name],
              [t.me.displayName, me.display_name || '–'],
              [t.me.role, t.shell.role(me.role)],
              [t.me.expires, <At key="e" at={me.session_expires_at} />],
            ]}
          />
        </Section>
        <Section title={t.me.signInWith} flush>
          <ul className={styles.rows}>
            <Row
              title={t.me.password}
              detail={t.me.passwordDetail}
              act={
                <Button size="small" onClick={() => open('password')}>
                  {t.me.changePassword}
                </Button>
              }
            />
            <Row
              title={t.me.authenticator}
              detail={factors.data?.totp === false ? words.factor.totpOff : t.me.authenticatorOn}
              act={
                <span className={styles.acts}>
                  <Button size="small" onClick={() => open('authenticator')}>
                    {t.me.newAuthenticator}
                  </Button>
                  {factors.data?.totp === true && factors.data.removal == null && (
                    <Button
                      size="small"
                      aria-label={words.factor.removeTotpOf}
                      onClick={() => open('remove-authenticator')}
                    >
                      {words.factor.removeTotp}
                    </Button>
                  )}
                </span>
              }
            />
            <Row
              title={t.me.recovery}
              detail={
                left === undefined ? (
                  factors.isError ? (
                    factors.error.message
                  ) : (
                    t.common.loading
                  )
                ) : left < FEW_CODES ? (
                  <Mark tone="notice" word={`${t.me.recoveryLeft(left)} ${t.me.recoveryLow}`} />
                ) : (
                  t.me.recoveryLeft(left)
                )
              }
              act={
                <Button size="small" onClick={() => open('recovery')}>
                  {t.me.newRecovery}
                </Button>
              }
            />
          </ul>
        </Section>
        <Passkeys />
        <Sessions />
        <Browsers />
        <Devices />
        <MyOutside />
        <MyTokens />
      </div>
      {search.open === 'password' && <PasswordDialog onClose={close} />}
      {search.open === 'authenticator' && <AuthenticatorDialog onClose={close} />}
      {search.open === 'remove-authenticator' && <RemoveTotp onClose={close} />}
      {search.open === 'recovery' && <RecoveryDialog onClose={close} />}
    </Page>
  )
}

function Row({ title, detail, act }: { title: string; detail: ReactNode; act: ReactNode }) {
  return (
    <li>
      <div>
        <strong>{title}</strong>
        <div className={styles.detail}>{detail}</div>
      </div>
      {act}
    </li>
  )
}

function Sessions() {
  const sessions = useQuery(sessionsQuery)
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: sessionsQuery.queryKey })
  const end = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void refresh()
      toast(t.me.ended)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const endOthers = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/me/sessions')
    },
    onSuccess: () => {
      void refresh()
      toast(t.me.othersEnded)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = sessions.data?.items ?? []
  const sorted = [...items].sort(
    (a, b) =>
      Number(b.current) - Number(a.current) || Date.parse(b.last_used_at) - Date.parse(a.last_used_at),
  )
  const others = items.some((session) => !session.current)
  return (
    <Section
      title={t.me.sessions}
      flush
      aside={
        others && (
          <Button size="small" onClick={() => endOthers.mutate()} busy={endOthers.isPending}>
            {t.me.endOthers}
          </Button>
        )
      }
    >
      {sessions.isError && (
        <div className={styles.error}>
          <Notice tone="danger" title={t.me.cannotList}>
            {sessions.error.message}
          </Notice>
        </div>
      )}
      <ul className={styles.rows}>
        {sorted.map((session) => {
          const device = deviceOf(session.user_agent)
          return (
            <li key={session.id} aria-current={session.current || undefined}>
              <div>
                <strong title={session.user_agent}>{device}</strong>
                {session.current && <Mark tone="good" word={t.me.thisOne} />}
                <div className={styles.detail}>
                  {session.address} · {t.me.method(session.method)}
                </div>
                <small>
                  {t.me.since} <Ago at={session.created_at} /> · {t.me.lastUsed}{' '}
                  <Ago at={session.last_used_at} />
                </small>
              </div>
              {!session.current && (
                <Button
                  size="small"
                  onClick={() => end.mutate(session.id)}
                  busy={end.isPending && end.variables === session.id}
                  aria-label={t.me.endOf(device)}
                >
                  {t.me.end}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      {sessions.data !== undefined && !others && <p className={styles.note}>{t.me.noOthers}</p>}
    </Section>
  )
}
