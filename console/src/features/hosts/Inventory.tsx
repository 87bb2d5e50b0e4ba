// What the agent found on the machine, section by section. Columns are drawn from what the items carry.

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { inventoryQuery, inventorySectionQuery } from '../../api/queries'
import type { InventoryItem } from '../../api/types'
import { t } from '../../strings'
import { count } from '../../ui/format'
import { type Column, Grid } from '../../ui/Grid'
import { Empty, Notice } from '../../ui/Layout'
import { Ago } from '../../ui/Time'
import { ListError } from '../shell/ListError'
import { useList } from '../shell/useList'
import { parseSort, printSort, useSearchState } from '../shell/useSearchState'
import styles from './Inventory.module.css'

const order = [
  'os',
  'hardware',
  'packages',
  'listeners',
  'processes',
  'users',
  'groups',
  'sudo',
  'ssh_keys',
  'interfaces',
  'mounts',
  'timers',
  'fields',
]

// Sections that hold one thing read better as facts than as a table of one row.
const MAX_COLUMNS = 8

export function Inventory({ id }: { id: string }) {
  const sections = useQuery(inventoryQuery(id))
  const [search, setSearch] = useSearchState()
  const items = useMemo(
    () =>
      [...(sections.data?.items ?? [])].sort(
        (a, b) => ((order.indexOf(a.section) + 100) % 100) - ((order.indexOf(b.section) + 100) % 100),
      ),
    [sections.data],
  )
  if (sections.isError) {
    return (
      <Notice tone="danger" title={t.inventory.cannotList}>
        {sections.error.message}
      </Notice>
    )
  }
  if (sections.isSuccess && items.length === 0)
    return <Empty title={t.inventory.none}>{t.inventory.noneDetail}</Empty>
  const open = items.some((each) => each.section === search.part) ? search.part : items[0]?.section
  return (
    <div className={styles.box}>
      <nav className={styles.sections} aria-label={t.inventory.sections}>
        {items.map((each) => (
          <button
            key={each.section}
            type="button"
            className={styles.section}
            aria-current={each.section === open ? 'true' : undefined}
            onClick={() => setSearch({ part: each.section, sort: undefined }, { push: true })}
          >
            <span>{t.inventory.section(each.section)}</span>
            <span className={styles.count}>{count(each.items)}</span>
          </button>
        ))}
      </nav>
      {open !== undefined && <SectionTable key={open} id={id} section={open} />}
    </div>
  )
}

const idOf = (item: InventoryItem) => item.key

function SectionTable({ id, section }: { id: string; section: string }) {
  const [search, setSearch] = useSearchState()
  const [text, setText] = useState('')
  const list = useList(
    useInfiniteQuery({ ...inventorySectionQuery(id, section), placeholderData: keepPreviousData }),
  )
  const { rows: all, onEnd } = list
  // Searching is about everything, not about what happens to be loaded.
  useEffect(() => {
    if (text !== '') onEnd?.()
  }, [text, onEnd])
  const wanted = text.toLocaleLowerCase()
  const rows = useMemo(
    () =>
      wanted === ''
        ? all
        : all.filter(
            (item) =>
              item.key.toLocaleLowerCase().includes(wanted) ||
              Object.values(item.fields).some((value) => value.toLocaleLowerCase().includes(wanted)),
          ),
    [all, wanted],
  )
  const names = useMemo(() => {
    const seen = new Map<string, number>()
    for (const item of all.slice(0, 500)) {
      for (const [name, value] of Object.entries(item.fields)) {
        if (value !== '') seen.set(name, (seen.get(name) ?? 0) + 1)
      }
    }
    return [...seen.entries()].sort((a, b) => b[1] - a[1]).map(([name]) => name)
  }, [all])
  // A field that only repeats the key adds nothing.
  const shown = names.filter(
    (name) => !all.slice(0, 50).every((item) => (item.fields[name] ?? '') === item.key),
  )
  const columns = useMemo(
    (): Column<InventoryItem>[] => [
      {
        id: 'key',
        header: t.inventory.key,
        width: 200,
        grow: 2,
        fixed: true,
        cell: (item) => (
          <span className={styles.key} title={item.key}>
            {item.key}
          </span>
        ),
        text: (item) => item.key,
        sort: (item) => item.key,
      },
      ...shown.map(
        (name, index): Column<InventoryItem> => ({
          id: `f-${name}`,
          header: t.inventory.field(name),
          width: 120,
          grow: 1,
          optional: index >= MAX_COLUMNS,
          cell: (item) => (
            <span className={styles.value} title={item.fields[name] ?? ''}>
              {item.fields[name] ?? ''}
            </span>
          ),
          text: (item) => item.fields[name] ?? '',
          sort: (item) => item.fields[name] ?? '',
        }),
      ),
      {
        id: 'changed',
        header: t.inventory.changed,
        width: 96,
        end: true,
        cell: (item) => <Ago at={item.last_changed_at} />,
        text: (item) => item.last_changed_at,
        sort: (item) => Date.parse(item.last_changed_at),
      },
    ],
    [shown],
  )
  return (
    <div className={styles.table}>
      <ListError list={list} title={t.inventory.cannotList} />
      <Grid
        name={`inventory-${section}`}
        label={t.inventory.section(section)}
        columns={columns}
        rows={rows}
        total={wanted === '' ? list.total : undefined}
        more={list.more}
        {...(wanted === '' ? { all: list.all } : {})}
        idOf={idOf}
        nameOf={idOf}
        scope={`${section}|${wanted}`}
        loading={list.loading}
        onEnd={onEnd}
        sort={parseSort(search.sort)}
        onSort={(sort) => setSearch({ sort: printSort(sort) })}
        toolbar={
          <input
            className={styles.search}
            type="search"
            aria-label={t.inventory.search(t.inventory.section(section))}
            placeholder={t.inventory.placeholder}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        }
        narrow={(item) => (
          <>
            <span className={styles.key}>{item.key}</span>
            <span className={styles.value}>
              {shown
                .map((name) => item.fields[name])
                .filter(Boolean)
                .slice(0, 3)
                .join(' · ')}
            </span>
          </>
        )}
        empty={<Empty title={t.inventory.noMatch} />}
      />
    </div>
  )
}
