// One account: how it stands, what it signs in with, and what can be done about it. What cannot be done says why.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { usersQuery } from '../../api/queries'
import type { User } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { Facts, Notice, Tag } from '../../ui/Layout'
import { Panel } from '../../ui/Panel'
import { Ago, At } from '../../ui/Time'
import { useMay, useMe } from '../shell/useMe'
import styles from './Access.module.css'
import { type Act, ActDialog } from './ActDialog'
import { PersonSessions } from './PersonSessions'
import { isLastAdmin, nameOfUser, stateOf } from './person'
import { ExplainDialog } from './rights/Explain'
import { r as rights } from './rights/strings'

export default function PersonPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const users = useQuery(usersQuery)
  const me = useMe()
  const may = useMay()
  const [act, setAct] = useState<Act | undefined>(undefined)
  const [explaining, setExplaining] = useState(false)
  const all = users.data?.items ?? []
  const user = all.find((each) => each.id === id)
  return (
    <Panel
      title={user === undefined ? t.access.panel : t.access.panelOf(nameOfUser(user))}
      onClose={onClose}
      head={
        user !== undefined && (
          <>
            {may('audit.read') && (
              <Link to="/evidence" search={{ actor: user.name }} className={styles.link}>
                {t.access.log}
              </Link>
            )}
            <h2 className={styles.title}>{nameOfUser(user)}</h2>
          </>
        )
      }
    >
      {users.isError && (
        <Notice tone="danger" title={t.evidence.cannotList}>
          {users.error.message}
        </Notice>
      )}
      {users.data !== undefined && user === undefined && <Notice tone="notice" title={t.access.gone} />}
      {user !== undefined && (
        <>
          <div>
            <Mark tone={stateOf(user).tone} word={stateOf(user).word} chip />
          </div>
          {stateOf(user).id !== 'active' && (
            <Notice
              tone={stateOf(user).id === 'closed' ? 'danger' : 'notice'}
              title={t.access.stateDetail(stateOf(user).id)}
            />
          )}
          {user.id === me.id ? (
            <Notice
              tone="calm"
              title={t.access.own}
              action={
                <Link to="/me" className={styles.link}>
                  {t.access.toOwn}
                </Link>
              }
            >
              {isLastAdmin(user, all) ? t.access.lastDetail : t.access.ownDetail}
            </Notice>
          ) : (
            may('user.write') && <Acts user={user} last={isLastAdmin(user, all)} onAct={setAct} />
          )}
          <Facts
            items={[
              [t.access.inviteName, user.name],
              [
                t.access.columns.role,
                <span key="role">
                  {t.access.roleOf(user.role)}
                  <span className={styles.means}>{t.access.roleDetail(user.role)}</span>
                </span>,
              ],
              [
                t.access.columns.factors,
                user.factors.length === 0 ? (
                  '–'
                ) : (
                  <span className={styles.tags} key="factors">
                    <FactorTags user={user} />
                  </span>
                ),
              ],
              [
                t.access.columns.lastSignIn,
                user.last_sign_in_at ? <At key="last" at={user.last_sign_in_at} /> : t.access.never,
              ],
              [t.access.columns.failures, String(user.failures)],
              [t.access.columns.created, <Ago key="created" at={user.created_at} />],
            ]}
          />
          {may('access.read') && (
            <div className={styles.acts}>
              <Button size="small" onClick={() => setExplaining(true)}>
                {rights.explain.open}
              </Button>
            </div>
          )}
          {explaining && (
            <ExplainDialog who={user.id} name={nameOfUser(user)} onClose={() => setExplaining(false)} />
          )}
          {user.id !== me.id && <PersonSessions id={user.id} mayEnd={may('user.write')} />}
          {act !== undefined && <ActDialog user={user} act={act} onClose={() => setAct(undefined)} />}
        </>
      )}
    </Panel>
  )
}

export function FactorTags({ user }: { user: User }) {
  return user.factors
    .filter((factor) => factor !== 'password')
    .map((factor) => (
      <Tag key={factor}>
        {factor === 'recovery' ? t.access.codesLeft(user.recovery_codes_left) : t.access.factor(factor)}
      </Tag>
    ))
}

function Acts({ user, last, onAct }: { user: User; last: boolean; onAct: (act: Act) => void }) {
  return (
    <>
      <div className={styles.acts}>
        {user.closed && !user.disabled && (
          <Button size="small" look="primary" onClick={() => onAct('reopen')}>
            {t.access.acts.reopen}
          </Button>
        )}
        <Button size="small" disabled={last} onClick={() => onAct('role')}>
          {t.access.acts.role}
        </Button>
        {!user.disabled && (
          <Button size="small" onClick={() => onAct('reset')}>
            {t.access.acts.reset}
          </Button>
        )}
        {user.disabled ? (
          <Button size="small" onClick={() => onAct('enable')}>
            {t.access.acts.enable}
          </Button>
        ) : (
          <Button size="small" look="danger" disabled={last} onClick={() => onAct('disable')}>
            {t.access.acts.disable}
          </Button>
        )}
      </div>
      {last && (
        <Notice tone="calm" title={t.access.last}>
          {t.access.lastDetail}
        </Notice>
      )}
    </>
  )
}
