// A list of checks with what one does about them: choose one or thousands, act, take it back. Problems and the host page
// show the same list.

import { useMemo, useState } from 'react'
import type { CheckView } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { count } from '../../ui/format'
import { type Column, Grid, type Sort } from '../../ui/Grid'
import styles from '../../ui/List.module.css'
import { Ago, Lasted } from '../../ui/Time'
import { toastError } from '../../ui/toast'
import { useActs } from '../problems/Acts'
import { ListError } from '../shell/ListError'
import type { List } from '../shell/useList'
import { useMay } from '../shell/useMe'
import { Handling, StatusMark } from './StatusMark'
import { statusRank, statusTone, statusWord } from './status'

const time = (at: string | null | undefined): number => (at ? Date.parse(at) : 0)

export const checkColumns: readonly Column<CheckView>[] = [
  {
    id: 'status',
    order: 'state',
    header: t.problems.columns.status,
    width: 112,
    fixed: true,
    cell: (check) => <StatusMark check={check} />,
    text: (check) => statusWord[check.status],
    sort: (check) => statusRank[check.status],
  },
  {
    id: 'host',
    header: t.problems.columns.host,
    width: 150,
    grow: 1,
    cell: (check) => (
      <span className={styles.strong} title={check.host.name}>
        {check.host.name}
      </span>
    ),
    text: (check) => check.host.name,
    sort: (check) => check.host.name,
  },
  {
    id: 'check',
    header: t.problems.columns.check,
    width: 160,
    grow: 1,
    fixed: true,
    cell: (check) => (
      <span className={styles.clip} title={check.key}>
        {check.title}
      </span>
    ),
    text: (check) => check.title,
    sort: (check) => check.title,
  },
  {
    id: 'since',
    header: t.problems.columns.since,
    width: 84,
    end: true,
    cell: (check) => <Lasted since={check.since} />,
    text: (check) => check.since ?? '',
    sort: (check) => time(check.since),
  },
  {
    id: 'output',
    header: t.problems.columns.output,
    width: 260,
    grow: 3,
    cell: (check) => (
      <span className={styles.output} title={check.output}>
        {check.output}
      </span>
    ),
    text: (check) => check.output,
  },
  {
    id: 'handling',
    order: 'handled',
    header: t.problems.columns.handling,
    width: 92,
    cell: (check) => <Handling check={check} />,
    text: (check) =>
      [
        check.acknowledgement ? t.check.acknowledgedBy(check.acknowledgement.by) : '',
        check.in_downtime ? t.check.inDowntime : '',
      ]
        .filter(Boolean)
        .join(', '),
    sort: (check) => Number(check.handled),
  },
  {
    id: 'checked',
    header: t.problems.columns.checked,
    width: 92,
    end: true,
    cell: (check) => <Ago at={check.last_checked_at} />,
    text: (check) => check.last_checked_at ?? '',
    sort: (check) => time(check.last_checked_at),
  },
  {
    id: 'attempt',
    header: t.problems.columns.attempt,
    width: 84,
    optional: true,
    cell: (check) => `${check.attempt}/${check.max_attempts} ${t.check.stateType(check.state_type)}`,
    text: (check) => `${check.attempt}/${check.max_attempts} ${check.state_type}`,
  },
  {
    id: 'kind',
    header: t.problems.columns.kind,
    width: 84,
    optional: true,
    cell: (check) => t.check.kind(check.kind),
    text: (check) => check.kind,
    sort: (check) => check.kind,
  },
]

export const idOfCheck = (check: CheckView) => check.id
const nameOf = (check: CheckView) => `${statusWord[check.status]}: ${check.title}, ${check.host.name}`

// Chosen at once at most: an act goes to the server a thousand at a time, and a person reads what it reaches.
const CHOOSE_MOST = 10_000

export function CheckList({
  name,
  label,
  list,
  state,
  columns = checkColumns,
  scope,
  empty,
  oneHost = false,
}: {
  name: string
  label: string
  list: List<CheckView>
  state: {
    sort: Sort | undefined
    onSort: (sort: Sort | undefined) => void
    openId: string | undefined
    onOpen: (check: CheckView) => void
  }
  columns?: readonly Column<CheckView>[]
  /** Names the list: another one begins with nothing chosen. */
  scope: string
  empty: React.ReactNode
  /** All are about one host, which the page names. */
  oneHost?: boolean
}) {
  const may = useMay()
  const { rows, total } = list
  const [choice, setChoice] = useState<{ scope: string; ids: ReadonlySet<string> }>({ scope, ids: none })
  const chosen = choice.scope === scope ? choice.ids : none
  const choose = (ids: ReadonlySet<string>) => setChoice({ scope, ids })
  const [choosing, setChoosing] = useState(false)
  const selected = useMemo(
    () => (chosen.size === 0 ? [] : rows.filter((row) => chosen.has(row.id))),
    [rows, chosen],
  )
  const acts = useActs(() => choose(none))
  // With nothing chosen, an act is about the row at hand.
  const targets = (current: CheckView | undefined) =>
    selected.length > 0 ? selected : current === undefined ? [] : [current]
  const able = (
    [
      ['problem.acknowledge', 'a', t.acts.acknowledge, acts.acknowledge],
      ['problem.downtime', 'd', t.acts.downtime, acts.downtime],
      ['problem.recheck', 'r', t.acts.recheck, acts.recheck],
      ['problem.comment', 'c', t.acts.comment, acts.comment],
    ] as const
  ).filter(([permission]) => may(permission))
  const most = Math.min(total ?? 0, CHOOSE_MOST)
  const chooseAll = async () => {
    setChoosing(true)
    try {
      choose(new Set((await list.all(CHOOSE_MOST)).map(idOfCheck)))
    } catch (error) {
      toastError(t.problems.cannotList, error instanceof Error ? error.message : '')
    } finally {
      setChoosing(false)
    }
  }
  return (
    <>
      <ListError list={list} title={t.problems.cannotList} />
      <Grid
        name={name}
        label={label}
        columns={columns}
        idOf={idOfCheck}
        nameOf={nameOf}
        toneOf={(check) => statusTone[check.status]}
        mutedOf={(check) => check.handled}
        scope={scope}
        {...list}
        {...state}
        ordered
        selection={chosen}
        onSelect={choose}
        shortcuts={(current) =>
          able.map(([, keys, label, act]) => ({ keys, label, run: () => act(targets(current)) }))
        }
        toolbar={
          selected.length > 0 ? (
            <>
              <strong className={styles.chosen}>{t.problems.chosen(selected.length)}</strong>
              {able.map(([permission, , label, act]) => (
                <Button key={permission} size="small" onClick={() => act(selected)}>
                  {label}
                </Button>
              ))}
              {total !== undefined && most > rows.length && selected.length === rows.length && (
                <Button size="small" look="soft" busy={choosing} onClick={() => void chooseAll()}>
                  {most === total ? t.problems.chooseAll(count(total)) : t.problems.chooseFirst(count(most))}
                </Button>
              )}
              <Button size="small" look="quiet" onClick={() => choose(none)}>
                {t.problems.clear}
              </Button>
            </>
          ) : undefined
        }
        narrow={(check) => (
          <>
            <div className={styles.narrowTop}>
              <StatusMark check={check} />
              <span className={styles.strong}>{check.title}</span>
              <Handling check={check} />
            </div>
            <div className={styles.narrowBottom}>
              {!oneHost && <span>{check.host.name}</span>}
              <span className={styles.output}>{check.output}</span>
              <Lasted since={check.since} />
            </div>
          </>
        )}
        empty={empty}
      />
      {acts.dialog}
    </>
  )
}

const none: ReadonlySet<string> = new Set()
