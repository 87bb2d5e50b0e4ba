// Who has access, what is odd about it, and a manager's word on each line. Which review is open is in the address.

import { NumberInput, Select, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { csv, download, downloadCsv } from '../../../ui/csv'
import { Dialog } from '../../../ui/Dialog'
import { Mark } from '../../../ui/Glyph'
import { Empty, Notice, Section, Tag } from '../../../ui/Layout'
import { Ago } from '../../../ui/Time'
import type { Tone } from '../../../ui/tone'
import { useMay } from '../../shell/useMe'
import { useSearchState } from '../../shell/useSearchState'
import { AccessFrame } from '../AccessFrame'
import { Failure } from '../AskedNotice'
import machine from '../Machine.module.css'
import {
  accessFindingsQuery,
  type Review,
  type ReviewLine,
  type ReviewWhole,
  reviewQuery,
  reviewsQuery,
} from '../machine'
import { reviewWords as w } from '../machineWords'

const weights: Record<string, Tone> = { high: 'danger', medium: 'notice', low: 'waiting' }
const roles = ['viewer', 'operator', 'responder', 'author', 'auditor', 'approver', 'none']

export function ReviewsTab() {
  const [search, setSearch] = useSearchState()
  const open = search.open
  if (open !== undefined && open !== '') {
    return <OneReview id={open} onBack={() => setSearch({ open: undefined }, { push: true })} />
  }
  return <AllReviews onOpen={(id) => setSearch({ open: id }, { push: true })} />
}

function AllReviews({ onOpen }: { onOpen: (id: string) => void }) {
  const reviews = useQuery(reviewsQuery)
  const findings = useQuery(accessFindingsQuery)
  const may = useMay()('review.write')
  const queries = useQueryClient()
  const begin = useMutation({
    mutationFn: () => body(client.POST('/api/v1/reviews', { body: { window_days: 90, due_days: 14 } })),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ['reviews'] })
      onOpen(made.review.id)
    },
  })
  const odd = (findings.data?.items ?? []).filter((line) => line.findings.length > 0)
  const error = reviews.error ?? findings.error ?? begin.error
  const button = may ? (
    <Button look="primary" busy={begin.isPending} onClick={() => begin.mutate()}>
      {w.begin}
    </Button>
  ) : undefined
  return (
    <AccessFrame lead={w.lead} actions={button}>
      <div className={machine.page}>
        {error !== null && (
          <Notice tone="danger" title={t.acts.failed}>
            {error.message}
          </Notice>
        )}
        <Section title={w.reviews} flush>
          {reviews.data?.items.length === 0 && (
            <Empty title={w.none} action={button}>
              {w.noneDetail}
            </Empty>
          )}
          <ul className={machine.rows}>
            {reviews.data?.items.map((review) => (
              <li key={review.id}>
                <div>
                  <State review={review} /> <Ago at={review.created_at} /> · {review.created_by}
                  <div className={machine.detail}>
                    {w.progress(review.decided, review.lines)} · {w.odd(review.findings)}
                  </div>
                  <small>
                    {review.state === 'open' ? (
                      <>
                        {w.due} <Ago at={review.due_at} />
                      </>
                    ) : (
                      <>
                        {review.signed_by}: {review.note} · {w.next} <Ago at={review.next_due_at} />
                      </>
                    )}
                  </small>
                </div>
                <Button size="small" onClick={() => onOpen(review.id)}>
                  {w.open}
                </Button>
              </li>
            ))}
          </ul>
        </Section>
        <Section title={w.now} flush>
          {findings.data !== undefined && odd.length === 0 && <Empty title={w.nowNone} />}
          <ul className={machine.rows}>
            {odd.map((line) => (
              <Line key={line.subject} line={line} />
            ))}
          </ul>
        </Section>
      </div>
    </AccessFrame>
  )
}

function State({ review }: { review: Review }) {
  if (review.state === 'signed') return <Mark tone="good" word={w.signed} chip />
  return <Mark tone={review.overdue ? 'danger' : 'notice'} word={review.overdue ? w.overdue : w.open} chip />
}

function Line({ line, onDecide }: { line: ReviewLine; onDecide?: (() => void) | undefined }) {
  return (
    <li>
      <div>
        <strong>{line.name}</strong> <Tag>{w.kindOf(line.kind)}</Tag>{' '}
        {line.facts.role !== '' && <Tag>{t.access.roleOf(line.facts.role)}</Tag>}
        {line.findings.map((finding) => (
          <div key={finding.code} className={machine.finding}>
            <Mark tone={weights[finding.weight] ?? 'waiting'} word={w.codeOf(finding.code)} /> {finding.text}
            {finding.evidence.length > 0 && (
              <details>
                <summary>{w.evidence}</summary>
                <ul className={machine.evidence}>
                  {finding.evidence.map((each) => (
                    <li key={each}>{each}</li>
                  ))}
                </ul>
              </details>
            )}
          </div>
        ))}
        {line.decision !== '' && (
          <div className={machine.detail}>
            {w.decisionOf(line.decision)}
            {line.role !== '' && ` (${t.access.roleOf(line.role)})`}: {line.note || '–'} · {line.decided_by}
          </div>
        )}
      </div>
      {onDecide !== undefined && (
        <Button size="small" look={line.decision === '' ? 'plain' : 'quiet'} onClick={onDecide}>
          {line.decision === '' ? w.decideShort : w.decisionOf(line.decision)}
        </Button>
      )}
    </li>
  )
}

const header = [
  'number',
  'kind',
  'name',
  'owner',
  'role',
  'last_used_at',
  'findings',
  'decision',
  'new_role',
  'note',
  'decided_by',
  'decided_at',
]

function save(whole: ReviewWhole, as: 'csv' | 'json') {
  const name = `${whole.review.id}.${as}`
  if (as === 'json') {
    download(name, new Blob([JSON.stringify(whole, null, 2)], { type: 'application/json' }))
    return
  }
  const rows = whole.lines.map((line) => [
    String(line.number),
    line.kind,
    line.name,
    line.facts.owner ?? '',
    line.facts.role,
    line.facts.last_used_at ?? '',
    line.findings.map((finding) => finding.code).join(' '),
    line.decision,
    line.role,
    line.note,
    line.decided_by,
    line.decided_at ?? '',
  ])
  downloadCsv(name, csv(header, rows))
}

function OneReview({ id, onBack }: { id: string; onBack: () => void }) {
  const whole = useQuery(reviewQuery(id))
  const may = useMay()('review.write')
  const [deciding, setDeciding] = useState<ReviewLine | undefined>(undefined)
  const [signing, setSigning] = useState(false)
  const review = whole.data?.review
  const open = review?.state === 'open' && may
  return (
    <AccessFrame
      lead={review === undefined ? undefined : w.progress(review.decided, review.lines)}
      actions={
        <>
          <Button look="quiet" onClick={onBack}>
            {w.back}
          </Button>
          {whole.data !== undefined && (
            <>
              <Button onClick={() => save(whole.data, 'csv')}>{w.csv}</Button>
              <Button onClick={() => save(whole.data, 'json')}>{w.json}</Button>
            </>
          )}
          {open && (
            <Button
              look="primary"
              disabled={review.decided < review.lines}
              title={review.decided < review.lines ? w.signFirst(review.lines - review.decided) : undefined}
              onClick={() => setSigning(true)}
            >
              {w.sign}
            </Button>
          )}
        </>
      }
    >
      <div className={machine.page}>
        {whole.isError && (
          <Notice tone="danger" title={t.acts.failed}>
            {whole.error.message}
          </Notice>
        )}
        {review !== undefined && (
          <Section title={w.tab} aside={<State review={review} />} flush>
            <ul className={machine.rows}>
              {whole.data?.lines.map((line) => (
                <Line key={line.number} line={line} onDecide={open ? () => setDeciding(line) : undefined} />
              ))}
            </ul>
          </Section>
        )}
      </div>
      {deciding !== undefined && <Decide id={id} line={deciding} onClose={() => setDeciding(undefined)} />}
      {signing && <Sign id={id} onClose={() => setSigning(false)} />}
    </AccessFrame>
  )
}

function Decide({ id, line, onClose }: { id: string; line: ReviewLine; onClose: () => void }) {
  const queries = useQueryClient()
  const [decision, setDecision] = useState(line.decision || 'keep')
  const [role, setRole] = useState(line.role || 'viewer')
  const [note, setNote] = useState(line.note)
  const choices =
    line.kind === 'token' ? (['keep', 'disable'] as const) : (['keep', 'reduce', 'disable'] as const)
  const decide = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/reviews/{id}/lines', {
          params: { path: { id } },
          body: { number: line.number, decision, note, role: decision === 'reduce' ? role : '' },
        }),
      ),
    onSuccess: (whole) => {
      queries.setQueryData(reviewQuery(id).queryKey, whole)
      onClose()
    },
  })
  return (
    <Dialog
      title={w.decide(line.name)}
      open
      onClose={onClose}
      onSubmit={() => decide.mutate()}
      busy={decide.isPending}
      disabled={note.trim() === '' && (decision !== 'keep' || line.findings.length > 0)}
      footer={t.acts.audited}
    >
      <Select
        label={w.decide(line.name)}
        data={choices.map((each) => ({ value: each, label: w[each] }))}
        value={decision}
        onChange={(next) => setDecision(next ?? 'keep')}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
      />
      {decision === 'reduce' && (
        <Select
          label={w.newRole}
          data={roles.map((each) => ({ value: each, label: t.access.roleOf(each) }))}
          value={role}
          onChange={(next) => setRole(next ?? 'viewer')}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
        />
      )}
      <Textarea
        label={w.note}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        rows={2}
        maxLength={500}
        data-autofocus
      />
      <Failure error={decide.error} />
    </Dialog>
  )
}

function Sign({ id, onClose }: { id: string; onClose: () => void }) {
  const queries = useQueryClient()
  const [note, setNote] = useState('')
  const [days, setDays] = useState<number | string>(90)
  const sign = useMutation({
    mutationFn: () =>
      body(
        client.POST('/api/v1/reviews/{id}/sign', {
          params: { path: { id } },
          body: { note, next_days: Number(days) },
        }),
      ),
    onSuccess: onClose,
    // Accounts and tokens are other now.
    onSettled: () => void queries.invalidateQueries(),
  })
  return (
    <Dialog
      title={w.sign}
      open
      onClose={onClose}
      onSubmit={() => sign.mutate()}
      submit={w.sign}
      busy={sign.isPending}
      disabled={note.trim() === ''}
      footer={t.acts.audited}
    >
      <p>{w.signDetail}</p>
      <Textarea
        label={w.conclusion}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        rows={2}
        maxLength={500}
        required
        data-autofocus
      />
      <NumberInput label={w.nextDays} value={days} onChange={setDays} min={1} max={400} />
      <Failure error={sign.error} />
    </Dialog>
  )
}
