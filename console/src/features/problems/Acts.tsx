// What a person does about checks: take charge, plan a downtime, comment, look again. One place for list, panel and
// host page; each act says what it reaches before it happens, what failed after, and how to take it back.

import { Checkbox, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { ApiError } from '../../api/client'
import type { BulkResult, CheckStatus, CheckView, HostView } from '../../api/types'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import { count } from '../../ui/format'
import { Mark } from '../../ui/Glyph'
import { Notice } from '../../ui/Layout'
import { toast, toastError } from '../../ui/toast'
import { statusRank, statusTone, statusWord } from '../checks/status'
import { useMay } from '../shell/useMe'
import styles from './Acts.module.css'
import * as bulk from './bulk'

type Open =
  | { act: 'acknowledge' | 'comment' | 'recheck'; checks: readonly CheckView[] }
  | { act: 'downtime'; checks: readonly CheckView[]; host?: HostView }
  | undefined

export interface Acts {
  acknowledge: (checks: readonly CheckView[]) => void
  unacknowledge: (checks: readonly CheckView[]) => void
  downtime: (checks: readonly CheckView[]) => void
  hostDowntime: (host: HostView) => void
  comment: (checks: readonly CheckView[]) => void
  recheck: (checks: readonly CheckView[]) => void
  dialog: ReactNode
}

export function useActs(onDone?: () => void): Acts {
  const [open, setOpen] = useState<Open>(undefined)
  const queries = useQueryClient()
  const may = useMay()
  const close = () => setOpen(undefined)

  const settled = (title: string, result: BulkResult, undo?: () => void) => {
    for (const key of ['checks', 'check', 'overview', 'events', 'hosts', 'downtimes']) {
      void queries.invalidateQueries({ queryKey: [key] })
    }
    onDone?.()
    close()
    if (result.failed.length > 0) {
      toastError(
        t.acts.someFailed(result.failed.length, result.done + result.failed.length),
        [...new Set(result.failed.map((each) => each.reason))].slice(0, 3).join(' · '),
      )
    }
    if (result.done > 0) toast(title, undo === undefined ? {} : { undo: { label: t.acts.undo, run: undo } })
  }
  const failed = (error: Error) => toastError(t.acts.failed, error.message)

  const back = (act: () => Promise<BulkResult>) => () => void act().then(takenBack, failed)
  const takenBack = (result: BulkResult) => settled(t.acts.takenBack(result.done), result)

  const acknowledged = (checks: readonly CheckView[], result: BulkResult) => {
    const mine = bulk.newlyTaken(checks, result)
    settled(
      t.acts.acknowledged(result.done),
      result,
      mine.length === 0 ? undefined : back(() => bulk.unacknowledge(mine)),
    )
  }
  const unacknowledge = useMutation({
    mutationFn: bulk.unacknowledge,
    onSuccess: (result, checks) => {
      const groups = bulk.standing(checks, result)
      settled(
        t.acts.unacknowledged(result.done),
        result,
        groups.length === 0
          ? undefined
          : back(async () => {
              const results = await Promise.all(
                groups.map((group) => bulk.acknowledge(group.checks, group.how)),
              )
              return {
                done: results.reduce((sum, each) => sum + each.done, 0),
                failed: results.flatMap((each) => each.failed),
                made: [],
              }
            }),
      )
    },
    onError: failed,
  })
  const recheck = useMutation({
    mutationFn: bulk.recheck,
    onSuccess: (result) => settled(t.acts.rechecked(result.done), result),
    onError: failed,
  })

  return {
    acknowledge: (checks) =>
      may('problem.acknowledge') && checks.length > 0 && setOpen({ act: 'acknowledge', checks }),
    unacknowledge: (checks) =>
      may('problem.acknowledge') && checks.length > 0 && unacknowledge.mutate(checks),
    downtime: (checks) =>
      may('problem.downtime') && checks.length > 0 && setOpen({ act: 'downtime', checks }),
    hostDowntime: (host) => may('problem.downtime') && setOpen({ act: 'downtime', checks: [], host }),
    comment: (checks) => may('problem.comment') && checks.length > 0 && setOpen({ act: 'comment', checks }),
    recheck: (checks) => {
      if (!may('problem.recheck')) return
      const able = checks.filter((check) => check.can_recheck)
      if (able.length === 0 && checks.length > 0)
        toast(t.acts.cannotRecheck, { detail: t.acts.cannotRecheckWhy })
      else if (able.length === 1) recheck.mutate(able)
      else if (able.length > 1) setOpen({ act: 'recheck', checks: able })
    },
    dialog: (
      <>
        {open?.act === 'acknowledge' && (
          <AcknowledgeDialog
            checks={open.checks}
            onClose={close}
            onDone={(result) => acknowledged(open.checks, result)}
          />
        )}
        {open?.act === 'downtime' && (
          <DowntimeDialog
            checks={open.checks}
            host={open.host}
            onClose={close}
            onDone={(result) =>
              settled(
                t.acts.downtimePlanned(result.done),
                result,
                result.made.length === 0 ? undefined : back(() => bulk.cancelDowntimes(result.made)),
              )
            }
          />
        )}
        {open?.act === 'comment' && (
          <CommentDialog
            checks={open.checks}
            onClose={close}
            onDone={(result) => settled(t.acts.commented(result.done), result)}
          />
        )}
        {open?.act === 'recheck' && (
          <Dialog
            title={t.acts.recheckTitle(open.checks.length)}
            open
            onClose={close}
            onSubmit={() => recheck.mutate(open.checks)}
            submit={t.acts.recheck}
            busy={recheck.isPending}
            footer={t.acts.recheckFoot}
          >
            <Reach checks={open.checks} />
          </Dialog>
        )}
      </>
    ),
  }
}

// More than this nobody reads before acting; the counts above say the rest.
const REACH_MOST = 100

/** What an act will reach: how many of what, and which. */
function Reach({ checks, acknowledging = false }: { checks: readonly CheckView[]; acknowledging?: boolean }) {
  const shown = checks.slice(0, REACH_MOST)
  const hosts = new Set(checks.map((check) => check.host.id)).size
  const statuses = (Object.keys(statusRank) as CheckStatus[])
    .map((status) => ({ status, count: checks.filter((check) => check.status === status).length }))
    .filter((each) => each.count > 0)
  const taken = acknowledging ? checks.filter((check) => check.acknowledgement).length : 0
  const well = acknowledging ? checks.filter((check) => check.status === 'ok').length : 0
  return (
    <div className={styles.reach}>
      {checks.length > 1 && (
        <p className={styles.sum}>
          {t.acts.reach(checks.length, hosts)}
          {statuses.map((each) => (
            <Mark
              key={each.status}
              tone={statusTone[each.status]}
              word={`${count(each.count)} ${statusWord[each.status]}`}
            />
          ))}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard. */}
      <ul tabIndex={0} aria-label={t.acts.reachLabel}>
        {shown.map((check) => (
          <li key={check.id}>
            <Mark tone={statusTone[check.status]} word={statusWord[check.status]} />
            <span className={styles.what}>
              <strong>{check.host.name}</strong> {check.title}
            </span>
          </li>
        ))}
      </ul>
      {checks.length > shown.length && <p>{t.acts.andMore(checks.length - shown.length)}</p>}
      {taken > 0 && <p>{t.acts.alreadyTaken(taken)}</p>}
      {well > 0 && <p>{t.acts.nothingToTake(well)}</p>}
    </div>
  )
}

const spans = [
  { value: '1800', label: t.acts.minutes(30) },
  { value: '3600', label: t.acts.hours(1) },
  { value: '7200', label: t.acts.hours(2) },
  { value: '28800', label: t.acts.hours(8) },
  { value: '86400', label: t.acts.days(1) },
  { value: '604800', label: t.acts.days(7) },
]

function Failure({ error }: { error: Error | null }) {
  if (error === null) return null
  return (
    <Notice tone="danger" title={t.acts.failed}>
      {error.message}
    </Notice>
  )
}

function AcknowledgeDialog({
  checks,
  onClose,
  onDone,
}: {
  checks: readonly CheckView[]
  onClose: () => void
  onDone: (result: BulkResult) => void
}) {
  const [note, setNote] = useState('')
  const [sticky, setSticky] = useState(true)
  const [ends, setEnds] = useState<string | null>('')
  const act = useMutation({
    mutationFn: () =>
      bulk.acknowledge(checks, {
        note: note.trim(),
        sticky,
        ...(ends ? { expires_at: new Date(Date.now() + Number(ends) * 1000).toISOString() } : {}),
      }),
    onSuccess: onDone,
  })
  return (
    <Dialog
      title={t.acts.acknowledgeTitle(checks.length)}
      open
      onClose={onClose}
      onSubmit={() => act.mutate()}
      submit={t.acts.acknowledge}
      busy={act.isPending}
      disabled={note.trim() === ''}
      footer={t.acts.audited}
    >
      <Reach checks={checks} acknowledging />
      <Textarea
        label={t.acts.note}
        description={t.acts.noteHelp}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        autosize={false}
        rows={3}
        maxLength={2000}
        data-autofocus
        required
        error={act.error instanceof ApiError ? act.error.field('note') : undefined}
      />
      <Select
        label={t.acts.expires}
        data={[{ value: '', label: t.acts.untilOk }, ...spans]}
        value={ends}
        onChange={setEnds}
        allowDeselect={false}
        comboboxProps={{ withinPortal: true }}
      />
      <Checkbox
        label={t.acts.sticky}
        description={t.acts.stickyHelp}
        checked={sticky}
        onChange={(event) => setSticky(event.currentTarget.checked)}
      />
      <Failure error={act.error} />
    </Dialog>
  )
}

function CommentDialog({
  checks,
  onClose,
  onDone,
}: {
  checks: readonly CheckView[]
  onClose: () => void
  onDone: (result: BulkResult) => void
}) {
  const [text, setText] = useState('')
  const act = useMutation({
    mutationFn: () => bulk.comment(checks, text.trim()),
    onSuccess: onDone,
  })
  return (
    <Dialog
      title={t.acts.commentTitle(checks.length)}
      open
      onClose={onClose}
      onSubmit={() => act.mutate()}
      submit={t.acts.comment}
      busy={act.isPending}
      disabled={text.trim() === ''}
    >
      <Reach checks={checks} />
      <Textarea
        label={t.acts.text}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        rows={4}
        maxLength={2000}
        data-autofocus
        required
      />
      <Failure error={act.error} />
    </Dialog>
  )
}

const toField = (at: number): string =>
  new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

function DowntimeDialog({
  checks,
  host,
  onClose,
  onDone,
}: {
  checks: readonly CheckView[]
  host: HostView | undefined
  onClose: () => void
  onDone: (result: BulkResult) => void
}) {
  const [start, setStart] = useState(() => toField(Date.now()))
  const [span, setSpan] = useState<string | null>('7200')
  const [end, setEnd] = useState(() => toField(Date.now() + 7_200_000))
  const [note, setNote] = useState('')
  const from = new Date(start).getTime()
  const to = span === 'other' ? new Date(end).getTime() : from + Number(span) * 1000
  const isSpan = Number.isFinite(from) && Number.isFinite(to) && to > from && to > Date.now()
  const act = useMutation({
    mutationFn: () =>
      bulk.planDowntime(
        host === undefined
          ? checks.map((check) => ({ host: check.host.id, check: check.id }))
          : [{ host: host.id }],
        {
          // The field has minutes: a start of "now" must not lie in the future.
          start_at: new Date(Math.min(from, Math.max(from, Date.now() - 60_000))).toISOString(),
          end_at: new Date(to).toISOString(),
          note: note.trim(),
        },
      ),
    onSuccess: onDone,
  })
  return (
    <Dialog
      title={host === undefined ? t.acts.downtimeTitle(checks.length) : t.acts.hostDowntimeTitle(host.name)}
      open
      onClose={onClose}
      onSubmit={() => act.mutate()}
      submit={t.acts.downtime}
      busy={act.isPending}
      disabled={note.trim() === '' || !isSpan}
      footer={t.acts.audited}
    >
      {host === undefined ? <Reach checks={checks} /> : <p>{t.acts.hostDowntimeReach}</p>}
      <div className={styles.pair}>
        <TextInput
          type="datetime-local"
          label={t.acts.starts}
          value={start}
          onChange={(event) => setStart(event.currentTarget.value)}
        />
        <Select
          label={t.acts.lasts}
          data={[...spans, { value: 'other', label: t.acts.untilTime }]}
          value={span}
          onChange={setSpan}
          allowDeselect={false}
        />
      </div>
      {span === 'other' && (
        <TextInput
          type="datetime-local"
          label={t.acts.ends}
          value={end}
          onChange={(event) => setEnd(event.currentTarget.value)}
          error={isSpan ? undefined : t.acts.endBeforeStart}
        />
      )}
      <Textarea
        label={t.acts.reason}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        rows={2}
        maxLength={2000}
        data-autofocus
        required
      />
      <Failure error={act.error} />
    </Dialog>
  )
}
