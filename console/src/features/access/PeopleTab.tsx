// Who has an account here. Acts are in the person's panel, each with what it does said before.

import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { usersQuery } from '../../api/queries'
import type { User } from '../../api/types'
import { t } from '../../strings'
import { FilterBar } from '../../ui/FilterBar'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { IconPlus } from '../../ui/icons'
import { Empty, Tag } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Ago } from '../../ui/Time'
import { PageError } from '../shell/PageError'
import { useListState } from '../shell/useList'
import { useMay, useMe } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import styles from './Access.module.css'
import { AccessFrame } from './AccessFrame'
import { InviteDialog } from './InviteDialog'
import { FactorTags } from './PersonPanel'
import { completePerson, matches, nameOfUser, roles, stateOf } from './person'
import { ConfigureButton } from './tenants/ClosedButton'

const idOf = (user: User) => user.id
const nameOf = (user: User) => `${nameOfUser(user)}, ${t.access.roleOf(user.role)}, ${stateOf(user).word}`
const rankOf = (role: string) => (roles as readonly string[]).indexOf(role)

function LastSignIn({ user }: { user: User }) {
  return user.last_sign_in_at ? (
    <Ago at={user.last_sign_in_at} />
  ) : (
    <span className={cells.faint}>{t.access.never}</span>
  )
}

export function PeopleTab() {
  const users = useQuery(usersQuery)
  const me = useMe()
  const may = useMay()
  const [search, setSearch] = useSearchState()
  const state = useListState('person', idOf)
  const [inviting, setInviting] = useState(false)
  const filter = search.q ?? ''
  const all = users.data?.items
  const rows = useMemo(
    () =>
      (all ?? [])
        .filter((user) => matches(filter, user))
        .sort((a, b) => stateOf(a).rank - stateOf(b).rank || nameOfUser(a).localeCompare(nameOfUser(b))),
    [all, filter],
  )
  const columns = useMemo((): readonly Column<User>[] => {
    const name = (user: User) => (
      <span className={styles.who}>
        <span className={cells.strong}>{nameOfUser(user)}</span>
        {user.display_name !== '' && <small>{user.name}</small>}
        {user.id === me.id && <Tag>{t.access.you}</Tag>}
      </span>
    )
    return [
      {
        id: 'state',
        header: t.access.columns.state,
        width: 124,
        fixed: true,
        cell: (user) => <Mark tone={stateOf(user).tone} word={stateOf(user).word} chip />,
        text: (user) => stateOf(user).word,
        sort: (user) => stateOf(user).rank,
      },
      {
        id: 'name',
        header: t.access.columns.name,
        width: 200,
        grow: 2,
        fixed: true,
        cell: name,
        text: (user) => user.name,
        sort: nameOfUser,
      },
      {
        id: 'role',
        header: t.access.columns.role,
        width: 120,
        cell: (user) => t.access.roleOf(user.role),
        text: (user) => user.role,
        sort: (user) => rankOf(user.role),
      },
      {
        id: 'factors',
        header: t.access.columns.factors,
        width: 230,
        grow: 1,
        cell: (user) => (
          <span className={styles.tags}>
            <FactorTags user={user} />
          </span>
        ),
        text: (user) => user.factors.join(' '),
      },
      {
        id: 'last',
        header: t.access.columns.lastSignIn,
        width: 110,
        end: true,
        cell: (user) => <LastSignIn user={user} />,
        text: (user) => user.last_sign_in_at ?? '',
        sort: (user) => (user.last_sign_in_at ? Date.parse(user.last_sign_in_at) : 0),
      },
      {
        id: 'failures',
        header: t.access.columns.failures,
        width: 130,
        end: true,
        optional: true,
        cell: (user) => user.failures,
        text: (user) => String(user.failures),
        sort: (user) => user.failures,
      },
      {
        id: 'created',
        header: t.access.columns.created,
        width: 110,
        end: true,
        optional: true,
        cell: (user) => <Ago at={user.created_at} />,
        text: (user) => user.created_at,
        sort: (user) => Date.parse(user.created_at),
      },
    ]
  }, [me.id])
  if (users.isError && users.data === undefined) {
    return <PageError error={users.error} reset={() => void users.refetch()} />
  }
  const invite = may('user.write') ? (
    <ConfigureButton
      look="primary"
      icon={<IconPlus size={15} aria-hidden />}
      onClick={() => setInviting(true)}
    >
      {t.access.invite}
    </ConfigureButton>
  ) : undefined
  return (
    <AccessFrame
      fill
      actions={invite}
      below={
        <div className={styles.filters}>
          <FilterBar
            label={t.access.filter}
            placeholder={t.access.placeholder}
            value={filter}
            onChange={(q) => setSearch({ q: q === '' ? undefined : q })}
            complete={completePerson}
          />
        </div>
      }
    >
      <Grid
        name="people"
        label={t.access.tabs.people}
        columns={columns}
        rows={rows}
        idOf={idOf}
        nameOf={nameOf}
        toneOf={(user) => stateOf(user).tone}
        mutedOf={(user) => user.disabled}
        scope={`people|${filter}`}
        loading={users.isPending}
        {...state}
        narrow={(user) => (
          <>
            <div className={styles.narrowTop}>
              <Mark tone={stateOf(user).tone} word={stateOf(user).word} chip />
              <span className={cells.strong}>{nameOfUser(user)}</span>
              {user.id === me.id && <Tag>{t.access.you}</Tag>}
            </div>
            <div className={styles.narrowBottom}>
              <span>{t.access.roleOf(user.role)}</span>
              <LastSignIn user={user} />
            </div>
          </>
        )}
        empty={
          filter === '' ? (
            <Empty title={t.access.none} action={invite}>
              {t.access.noneDetail}
            </Empty>
          ) : (
            <Empty title={t.access.noMatch}>{t.access.noMatchDetail}</Empty>
          )
        }
      />
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </AccessFrame>
  )
}
