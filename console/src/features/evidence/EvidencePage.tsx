// Who did what, when, and with what outcome. Each row opens its entry with the fields before and after; the whole log
// can be recomputed at any time.

import { keepPreviousData, useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { body, client } from '../../api/client'
import { auditQuery } from '../../api/queries'
import type { AuditEntry, AuditReport } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { count } from '../../ui/format'
import { Mark } from '../../ui/Glyph'
import { type Column, Grid } from '../../ui/Grid'
import { IconShieldCheck } from '../../ui/icons'
import { Empty, Notice, Page } from '../../ui/Layout'
import cells from '../../ui/List.module.css'
import { Ago } from '../../ui/Time'
import type { Tone } from '../../ui/tone'
import { ListError } from '../shell/ListError'
import { useRange } from '../shell/range'
import { useList, useListState } from '../shell/useList'
import { useSearchState } from '../shell/useSearchState'
import styles from './Evidence.module.css'
import { useAuditAsk } from './useAuditAsk'

export const outcomeTone = (outcome: string): Tone =>
  outcome === 'success'
    ? 'good'
    : outcome === 'denied'
      ? 'danger'
      : outcome === 'failed'
        ? 'notice'
        : 'unclear'

const columns: readonly Column<AuditEntry>[] = [
  {
    id: 'seq',
    header: t.evidence.columns.seq,
    width: 76,
    end: true,
    cell: (entry) => <span className={styles.seq}>{count(entry.seq)}</span>,
    text: (entry) => String(entry.seq),
  },
  {
    id: 'at',
    header: t.evidence.columns.at,
    width: 96,
    fixed: true,
    cell: (entry) => <Ago at={entry.at} />,
    text: (entry) => entry.at,
  },
  {
    id: 'actor',
    header: t.evidence.columns.actor,
    width: 150,
    grow: 1,
    fixed: true,
    cell: (entry) => (
      <span className={cells.clip} title={entry.actor}>
        {entry.actor}
      </span>
    ),
    text: (entry) => entry.actor,
  },
  {
    id: 'action',
    header: t.evidence.columns.action,
    width: 190,
    grow: 1,
    fixed: true,
    cell: (entry) => <code className={cells.clip}>{entry.action}</code>,
    text: (entry) => entry.action,
  },
  {
    id: 'object',
    header: t.evidence.columns.object,
    width: 220,
    grow: 2,
    cell: (entry) => (
      <span className={cells.clip} title={entry.object}>
        {entry.object}
      </span>
    ),
    text: (entry) => entry.object,
  },
  {
    id: 'outcome',
    header: t.evidence.columns.outcome,
    width: 104,
    cell: (entry) => <Mark tone={outcomeTone(entry.outcome)} word={t.evidence.outcome(entry.outcome)} />,
    text: (entry) => entry.outcome,
  },
  {
    id: 'hash',
    header: t.evidence.columns.hash,
    width: 130,
    cell: (entry) => (
      <code className={styles.hash} title={entry.leaf_hash}>
        {entry.leaf_hash.slice(0, 14)}
      </code>
    ),
    text: (entry) => entry.leaf_hash,
  },
]

const idOf = (entry: AuditEntry) => String(entry.seq)
const nameOf = (entry: AuditEntry) => `${entry.seq}: ${entry.actor} ${entry.action} ${entry.outcome}`
const filters = ['actor', 'action', 'object'] as const

export function EvidencePage() {
  const [search, setSearch] = useSearchState()
  const state = useListState('audit', idOf)
  const [range] = useRange()
  const ask = useAuditAsk(search, range)
  const list = useList(useInfiniteQuery({ ...auditQuery(ask), placeholderData: keepPreviousData }))
  const verify = useMutation({ mutationFn: () => body(client.GET('/api/v1/audit/verify')) })
  return (
    <Page
      fill
      title={t.evidence.title}
      lead={t.evidence.lead}
      actions={
        <Button
          icon={<IconShieldCheck size={16} aria-hidden />}
          busy={verify.isPending}
          onClick={() => verify.mutate()}
        >
          {verify.isPending ? t.evidence.verifying : t.evidence.verify}
        </Button>
      }
      below={
        <>
          {verify.data !== undefined && <Report report={verify.data} />}
          {verify.isError && (
            <div className={styles.notice}>
              <Notice tone="danger" title={t.evidence.cannotVerify}>
                {verify.error.message}
              </Notice>
            </div>
          )}
          <div className={styles.filters}>
            {filters.map((name) => (
              <FilterField
                key={name}
                name={name}
                value={search[name] ?? ''}
                onChange={(value) => setSearch({ [name]: value === '' ? undefined : value })}
              />
            ))}
            <label className={styles.field}>
              <span>{t.evidence.columns.outcome}</span>
              <select
                value={search.outcome ?? ''}
                onChange={(event) =>
                  setSearch({
                    outcome: event.currentTarget.value === '' ? undefined : event.currentTarget.value,
                  })
                }
              >
                <option value="">{t.evidence.any}</option>
                {['success', 'denied', 'failed'].map((each) => (
                  <option key={each} value={each}>
                    {t.evidence.outcome(each)}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </>
      }
    >
      <ListError list={list} title={t.evidence.cannotList} />
      <Grid
        name="audit"
        label={t.evidence.log}
        columns={columns}
        idOf={idOf}
        nameOf={nameOf}
        toneOf={(entry) => (entry.outcome === 'success' ? undefined : outcomeTone(entry.outcome))}
        scope={JSON.stringify(ask)}
        {...list}
        openId={state.openId}
        onOpen={state.onOpen}
        ordered
        narrow={(entry) => (
          <>
            <div className={cells.narrowTop}>
              <code className={cells.clip}>{entry.action}</code>
              <Mark tone={outcomeTone(entry.outcome)} word={t.evidence.outcome(entry.outcome)} />
            </div>
            <div className={cells.narrowBottom}>
              <span className={cells.clip}>{entry.actor}</span>
              <Ago at={entry.at} />
            </div>
          </>
        )}
        empty={<Empty title={t.evidence.none}>{t.evidence.noneDetail}</Empty>}
      />
    </Page>
  )
}

function FilterField({
  name,
  value,
  onChange,
}: {
  name: (typeof filters)[number]
  value: string
  onChange: (value: string) => void
}) {
  const [draft, setDraft] = useState(value)
  useEffect(() => setDraft(value), [value])
  useEffect(() => {
    if (draft === value) return
    const timer = setTimeout(() => onChange(draft.trim()), 350)
    return () => clearTimeout(timer)
  })
  return (
    <label className={styles.field}>
      <span>{t.evidence.columns[name]}</span>
      <input
        type="search"
        value={draft}
        placeholder={t.evidence.placeholders[name]}
        onChange={(event) => setDraft(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
      />
    </label>
  )
}

function Report({ report }: { report: AuditReport }) {
  return (
    <div className={styles.notice}>
      <Notice
        tone={report.intact ? 'calm' : 'danger'}
        title={report.intact ? t.evidence.intact(report.entries) : t.evidence.broken(report.entries)}
      >
        {report.findings.length > 0 && (
          <ul className={styles.findings}>
            {report.findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        )}
        <div className={styles.root}>
          {t.evidence.root} <code>{report.root_hash}</code>
        </div>
      </Notice>
    </div>
  )
}
