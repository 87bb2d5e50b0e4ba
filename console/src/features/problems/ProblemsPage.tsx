// What needs a person, unhandled first. The filter, the order and the open panel are in the address.

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { checksQuery, complete } from '../../api/queries'
import type { CheckView } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { FilterBar } from '../../ui/FilterBar'
import { count } from '../../ui/format'
import { type Column, Grid } from '../../ui/Grid'
import { Empty, Notice, Page } from '../../ui/Layout'
import { Ago, Lasted } from '../../ui/Time'
import { Handling, StatusMark } from '../checks/StatusMark'
import { statusRank, statusTone, statusWord } from '../checks/status'
import { useMay } from '../shell/useMe'
import { parseSort, printSort, usePanel, useSearchState } from '../shell/useSearchState'
import { useActs } from './Acts'
import styles from './ProblemsPage.module.css'

const DEFAULT_FILTER = '-handled'

const views = [
  { id: 'unhandled', label: t.problems.views.unhandled, scope: undefined, q: undefined },
  { id: 'handled', label: t.problems.views.handled, scope: undefined, q: 'handled' },
  { id: 'problems', label: t.problems.views.problems, scope: undefined, q: '' },
  { id: 'all', label: t.problems.views.all, scope: 'all', q: '' },
] as const

const time = (at: string | null | undefined): number => (at ? Date.parse(at) : 0)

export const checkColumns: readonly Column<CheckView>[] = [
  {
    id: 'status',
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

const idOf = (check: CheckView) => check.id
const nameOf = (check: CheckView) => `${statusWord[check.status]}: ${check.title}, ${check.host.name}`

export function ProblemsPage() {
  const [search, setSearch] = useSearchState()
  const { panel, open } = usePanel()
  const may = useMay()
  const filter = search.q ?? (search.scope === 'all' ? '' : DEFAULT_FILTER)
  const scope = search.scope === 'all' ? 'checks' : 'problems'
  const list = useInfiniteQuery({ ...checksQuery(scope, filter), placeholderData: keepPreviousData })
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const total = list.data?.pages[0]?.total ?? undefined
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const selected = useMemo(() => rows.filter((row) => chosen.has(row.id)), [rows, chosen])
  const acts = useActs(() => setChosen(new Set()))
  const sort = parseSort(search.sort)
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])

  const view = views.find((each) => (each.q ?? DEFAULT_FILTER) === filter && each.scope === search.scope)?.id
  const openId = panel?.startsWith('check:') ? panel.slice(6) : undefined

  // With nothing chosen, an act is about the row at hand.
  const targets = (current: CheckView | undefined) =>
    selected.length > 0 ? selected : current === undefined ? [] : [current]

  const unhandled = scope === 'problems' && filter === DEFAULT_FILTER
  return (
    <Page
      fill
      title={t.problems.title}
      below={
        <div className={styles.filters}>
          <FilterBar
            label={t.problems.filter}
            placeholder={t.problems.placeholder}
            value={filter}
            onChange={(q) => {
              setChosen(new Set())
              setSearch({ q })
            }}
            complete={complete}
          />
          <div className={styles.views} role="group" aria-label={t.problems.viewsLabel}>
            {views.map((each) => (
              <button
                key={each.id}
                type="button"
                className={styles.view}
                aria-pressed={view === each.id}
                onClick={() => {
                  setChosen(new Set())
                  setSearch({ q: each.q, scope: each.scope })
                }}
              >
                {each.label}
              </button>
            ))}
          </div>
        </div>
      }
    >
      {list.isError && (
        <div className={styles.error}>
          <Notice
            tone="danger"
            title={t.problems.cannotList}
            action={
              <Button size="small" onClick={() => void list.refetch()}>
                {t.errors.again}
              </Button>
            }
          >
            {list.error.message}
          </Notice>
        </div>
      )}
      <Grid
        name="problems"
        label={t.problems.title}
        columns={checkColumns}
        rows={rows}
        idOf={idOf}
        nameOf={nameOf}
        toneOf={(check) => statusTone[check.status]}
        mutedOf={(check) => check.handled}
        scope={`${scope}|${filter}`}
        loading={list.isPending}
        total={total ?? undefined}
        onEnd={more}
        sort={sort}
        onSort={(next) => setSearch({ sort: printSort(next) })}
        openId={openId}
        onOpen={(check) => open(`check:${check.id}`)}
        selection={chosen}
        onSelect={setChosen}
        shortcuts={(current) => [
          { keys: 'a', label: t.acts.acknowledge, run: () => acts.acknowledge(targets(current)) },
          { keys: 'd', label: t.acts.downtime, run: () => acts.downtime(targets(current)) },
          { keys: 'r', label: t.acts.recheck, run: () => acts.recheck(targets(current)) },
          { keys: 'c', label: t.acts.comment, run: () => acts.comment(targets(current)) },
        ]}
        toolbar={
          selected.length > 0 ? (
            <>
              <strong className={styles.chosen}>{t.problems.chosen(selected.length)}</strong>
              {may('problem.acknowledge') && (
                <Button size="small" onClick={() => acts.acknowledge(selected)}>
                  {t.acts.acknowledge}
                </Button>
              )}
              {may('problem.downtime') && (
                <Button size="small" onClick={() => acts.downtime(selected)}>
                  {t.acts.downtime}
                </Button>
              )}
              {may('problem.recheck') && (
                <Button size="small" onClick={() => acts.recheck(selected)}>
                  {t.acts.recheck}
                </Button>
              )}
              {may('problem.comment') && (
                <Button size="small" onClick={() => acts.comment(selected)}>
                  {t.acts.comment}
                </Button>
              )}
              {total !== undefined &&
                total !== null &&
                total > rows.length &&
                selected.length === rows.length && (
                  <Button
                    size="small"
                    look="soft"
                    busy={list.isFetchingNextPage}
                    onClick={async () => {
                      let page = await list.fetchNextPage()
                      while (page.hasNextPage) page = await page.fetchNextPage()
                      setChosen(new Set(page.data?.pages.flatMap((each) => each.items.map(idOf)) ?? []))
                    }}
                  >
                    {t.problems.chooseAll(count(total))}
                  </Button>
                )}
              <Button size="small" look="quiet" onClick={() => setChosen(new Set())}>
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
              <span>{check.host.name}</span>
              <span className={styles.output}>{check.output}</span>
              <Lasted since={check.since} />
            </div>
          </>
        )}
        empty={
          unhandled ? (
            <Empty title={t.problems.allQuiet}>{t.problems.allQuietDetail}</Empty>
          ) : (
            <Empty
              title={t.problems.noMatch}
              action={
                <Button onClick={() => setSearch({ q: undefined, scope: undefined })}>
                  {t.problems.back}
                </Button>
              }
            >
              {t.problems.noMatchDetail}
            </Empty>
          )
        }
      />
      {acts.dialog}
    </Page>
  )
}
