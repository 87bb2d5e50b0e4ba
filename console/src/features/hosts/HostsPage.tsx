import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { hostsQuery } from '../../api/queries'
import type { HostView } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { FilterBar } from '../../ui/FilterBar'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid, orderOf } from '../../ui/Grid'
import { IconPlus } from '../../ui/icons'
import { Empty, Page } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Ago } from '../../ui/Time'
import { ConfigureButton } from '../access/tenants/ClosedButton'
import { statusRank, statusTone, statusWord } from '../checks/status'
import { ListError } from '../shell/ListError'
import { useList, useListState } from '../shell/useList'
import { useMay } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import { SavedViews } from '../views/SavedViews'
import { HostDialog } from './HostDialog'
import styles from './Hosts.module.css'
import { ProblemSummary } from './ProblemSummary'

const badness = (host: HostView): number =>
  host.problems.critical * 1e6 + host.problems.warning * 1e3 + host.problems.unknown

const columns: readonly Column<HostView>[] = [
  {
    id: 'status',
    order: 'state',
    header: t.hosts.columns.status,
    width: 112,
    fixed: true,
    cell: (host) => <Mark tone={statusTone[host.status]} word={statusWord[host.status]} chip />,
    text: (host) => statusWord[host.status],
    sort: (host) => statusRank[host.status],
  },
  {
    id: 'name',
    header: t.hosts.columns.name,
    width: 180,
    grow: 2,
    fixed: true,
    cell: (host) => <span className={cells.strong}>{host.name}</span>,
    text: (host) => host.name,
    sort: (host) => host.name,
  },
  {
    id: 'problems',
    header: t.hosts.columns.problems,
    width: 150,
    cell: (host) => <ProblemSummary counts={host.problems} />,
    text: (host) => `${host.problems.critical}/${host.problems.warning}/${host.problems.unknown}`,
    sort: badness,
  },
  {
    id: 'agent',
    header: t.hosts.columns.agent,
    width: 120,
    cell: (host) =>
      host.agent ? (
        <Mark
          tone={host.connected ? 'good' : 'notice'}
          word={host.connected ? t.agents.connected : t.agents.silent}
        />
      ) : (
        <span className={cells.faint}>{t.hosts.noAgent}</span>
      ),
    text: (host) => (host.agent ? (host.connected ? t.agents.connected : t.agents.silent) : t.hosts.noAgent),
    sort: (host) => (host.agent ? (host.connected ? 2 : 1) : 0),
  },
  {
    id: 'os',
    header: t.hosts.columns.os,
    width: 170,
    grow: 1,
    cell: (host) => (
      <span className={cells.clip} title={host.os}>
        {host.os}
      </span>
    ),
    text: (host) => host.os,
    sort: (host) => host.os,
  },
  {
    id: 'addresses',
    header: t.hosts.columns.addresses,
    width: 150,
    grow: 1,
    cell: (host) => (
      <span className={cells.clip} title={host.addresses.join(', ')}>
        {host.addresses.join(', ')}
      </span>
    ),
    text: (host) => host.addresses.join(' '),
  },
  {
    id: 'group',
    order: 'field.group',
    header: t.hosts.fields.group,
    width: 110,
    cell: (host) => <span className={cells.clip}>{host.fields.group}</span>,
    text: (host) => host.fields.group ?? '',
    sort: (host) => host.fields.group ?? '',
  },
  {
    id: 'location',
    order: 'field.location',
    header: t.hosts.fields.location,
    width: 110,
    optional: true,
    cell: (host) => <span className={cells.clip}>{host.fields.location}</span>,
    text: (host) => host.fields.location ?? '',
    sort: (host) => host.fields.location ?? '',
  },
  {
    id: 'responsible',
    order: 'field.responsible',
    header: t.hosts.fields.responsible,
    width: 130,
    optional: true,
    cell: (host) => <span className={cells.clip}>{host.fields.responsible}</span>,
    text: (host) => host.fields.responsible ?? '',
    sort: (host) => host.fields.responsible ?? '',
  },
  {
    id: 'seen',
    header: t.hosts.columns.seen,
    width: 96,
    end: true,
    cell: (host) => <Ago at={host.last_seen_at} />,
    text: (host) => host.last_seen_at ?? '',
    sort: (host) => (host.last_seen_at ? Date.parse(host.last_seen_at) : 0),
  },
]

const idOf = (host: HostView) => host.id
const nameOf = (host: HostView) => `${host.name}, ${statusWord[host.status]}`

export function HostsPage() {
  const [search, setSearch] = useSearchState()
  const state = useListState('host', idOf)
  const navigate = useNavigate()
  const may = useMay()
  const [adding, setAdding] = useState(false)
  const filter = search.q ?? ''
  const list = useList(
    useInfiniteQuery({
      ...hostsQuery(filter, orderOf(columns, state.sort)),
      placeholderData: keepPreviousData,
    }),
  )
  return (
    <Page
      fill
      title={t.hosts.title}
      actions={
        <>
          {may('host.write') && (
            <ConfigureButton icon={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
              {t.hosts.add}
            </ConfigureButton>
          )}
          {may('agent.enrol') && (
            <Button look="primary" onClick={() => void navigate({ to: '/agents', search: { tab: 'enrol' } })}>
              {t.hosts.enrol}
            </Button>
          )}
        </>
      }
      below={
        <div className={styles.filters}>
          <FilterBar
            label={t.hosts.filter}
            placeholder={t.hosts.placeholder}
            value={filter}
            onChange={(q) => setSearch({ q: q === '' ? undefined : q })}
            complete={noCompletion}
          />
          <SavedViews
            list="hosts"
            state={{ filter, scope: '', sort: search.sort ?? '' }}
            onOpen={(to) => setSearch({ q: to.filter || undefined, sort: to.sort || undefined })}
          />
        </div>
      }
    >
      <ListError list={list} title={t.hosts.cannotList} />
      <Grid
        name="hosts"
        label={t.hosts.title}
        columns={columns}
        idOf={idOf}
        nameOf={nameOf}
        toneOf={(host) => statusTone[host.status]}
        scope={filter}
        {...list}
        {...state}
        ordered
        shortcuts={(current) => [
          {
            keys: 'o',
            label: t.hosts.openPage,
            run: () =>
              current !== undefined && void navigate({ to: '/hosts/$id', params: { id: current.id } }),
          },
        ]}
        narrow={(host) => (
          <>
            <div className={cells.narrowTop}>
              <Mark tone={statusTone[host.status]} word={statusWord[host.status]} chip />
              <span className={cells.strong}>{host.name}</span>
            </div>
            <div className={cells.narrowBottom}>
              <span className={cells.clip}>{host.os}</span>
              <Ago at={host.last_seen_at} />
            </div>
          </>
        )}
        empty={
          filter === '' ? (
            <Empty
              title={t.hosts.none}
              action={
                may('agent.enrol') && (
                  <Button
                    look="primary"
                    onClick={() => void navigate({ to: '/agents', search: { tab: 'enrol' } })}
                  >
                    {t.hosts.enrol}
                  </Button>
                )
              }
            >
              {t.hosts.noneDetail}
            </Empty>
          ) : (
            <Empty title={t.hosts.noMatch}>{t.problems.noMatchDetail}</Empty>
          )
        }
      />
      {adding && (
        <HostDialog
          onClose={() => setAdding(false)}
          onDone={(host) => void navigate({ to: '/hosts/$id', params: { id: host.id } })}
        />
      )}
    </Page>
  )
}

// Hosts are searched by plain text: there is nothing to complete.
const noCompletion = async () => []
