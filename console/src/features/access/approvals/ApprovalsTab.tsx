// What waits for a second person: exactly what will be done, who asks and why, and who could agree.

import { Select, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { CopyLine } from '../../../ui/CopyLine'
import { Dialog } from '../../../ui/Dialog'
import { Mark } from '../../../ui/Glyph'
import { Empty, Facts, Notice, Section } from '../../../ui/Layout'
import { Ago, At } from '../../../ui/Time'
import { toast } from '../../../ui/toast'
import type { Tone } from '../../../ui/tone'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import { Failure } from '../AskedNotice'
import machine from '../Machine.module.css'
import {
  type Approval,
  approvalsQuery,
  type FourEyesPolicy,
  fourEyesQuery,
  openApprovalsQuery,
} from '../machine'
import { approvalWords as w } from '../machineWords'

const tones: Record<string, Tone> = { open: 'notice', done: 'good', void: 'unclear' }

type Act = { what: 'agree' | 'decline' | 'withdraw'; approval: Approval }

export function ApprovalsTab() {
  const open = useQuery(openApprovalsQuery)
  const all = useQuery(approvalsQuery)
  const policy = useQuery(fourEyesQuery)
  const [act, setAct] = useState<Act | undefined>(undefined)
  const decided = (all.data?.items ?? []).filter((each) => each.state !== 'open')
  const error = open.error ?? all.error ?? policy.error
  return (
    <AccessFrame lead={w.lead}>
      <div className={machine.page}>
        {error !== null && (
          <Notice tone="danger" title={t.evidence.cannotList}>
            {error.message}
          </Notice>
        )}
        {policy.data?.mode === 'off' && <Notice tone="danger" title={w.off} />}
        {policy.data?.alone === true && policy.data.mode !== 'off' && (
          <Notice tone="notice" title={w.alone}>
            {w.aloneDetail}
          </Notice>
        )}
        <Section title={w.open} flush>
          {open.data?.items.length === 0 && <Empty title={w.none} />}
          {open.data?.items.map((approval) => (
            <Card key={approval.id} approval={approval} onAct={(what) => setAct({ what, approval })} />
          ))}
        </Section>
        {policy.data !== undefined && <Policy policy={policy.data} />}
        {decided.length > 0 && (
          <Section title={w.decided} flush>
            {decided.map((approval) => (
              <Card key={approval.id} approval={approval} onAct={(what) => setAct({ what, approval })} />
            ))}
          </Section>
        )}
      </div>
      {act !== undefined && <Decide act={act} onClose={() => setAct(undefined)} />}
    </AccessFrame>
  )
}

function Card({ approval, onAct }: { approval: Approval; onAct: (what: Act['what']) => void }) {
  const may = useMay()('approval.decide')
  const open = approval.state === 'open'
  return (
    <article className={machine.card} aria-label={approval.summary}>
      <div className={machine.cardHead}>
        <h3>{approval.summary}</h3>
        <Mark tone={tones[approval.state] ?? 'waiting'} word={w.stateOf(approval.state)} chip />
      </div>
      <Facts
        items={[
          [
            w.askedBy,
            <span key="by">
              {approval.requested_by}
              {approval.by_token && ` ${w.byToken}`}, <Ago at={approval.requested_at} />
            </span>,
          ],
          [w.because, approval.reason],
          ...(open
            ? ([
                [
                  w.particulars,
                  <pre key="in" className={machine.exact}>
                    {JSON.stringify(approval.input, null, 1)}
                  </pre>,
                ],
                [w.could, approval.could_decide.join(', ') || w.nobody],
                [w.until, <At key="until" at={approval.expires_at} />],
              ] as const)
            : ([
                [w.stateOf(approval.state), `${approval.decided_by} ${approval.note}`.trim() || '–'],
              ] as const)),
        ]}
      />
      {open && (
        <div className={machine.acts}>
          {approval.mine && (
            <Button size="small" onClick={() => onAct('withdraw')}>
              {w.withdraw}
            </Button>
          )}
          {may && !approval.mine && (
            <>
              <Button size="small" onClick={() => onAct('decline')}>
                {w.decline}
              </Button>
              <Button
                size="small"
                look="primary"
                disabled={!approval.may_decide}
                title={approval.why_not || undefined}
                onClick={() => onAct('agree')}
              >
                {w.agree}
              </Button>
            </>
          )}
        </div>
      )}
      {open && may && !approval.may_decide && !approval.mine && (
        <p className={machine.detail}>{approval.why_not}</p>
      )}
    </article>
  )
}

/** The one-time link that an act may have answered. */
const linkOf = (result: unknown): string | undefined => {
  const path = typeof result === 'object' && result !== null && 'path' in result ? result.path : undefined
  return typeof path === 'string' ? path : undefined
}

function Decide({ act, onClose }: { act: Act; onClose: () => void }) {
  const queries = useQueryClient()
  const [note, setNote] = useState('')
  const { approval, what } = act
  const run = useMutation({
    mutationFn: async (): Promise<string | undefined> => {
      const params = { path: { id: approval.id } }
      if (what === 'agree') {
        const agreed = await body(
          client.POST('/api/v1/approvals/{id}/agree', {
            params,
            body: { payload_sha256: approval.payload_sha256, note },
          }),
        )
        return linkOf(agreed.result)
      }
      if (what === 'decline') {
        await client.POST('/api/v1/approvals/{id}/decline', { params, body: { reason: note } })
      } else {
        await client.DELETE('/api/v1/me/approvals/{id}', { params })
      }
      return undefined
    },
    onSuccess: (link) => {
      toast(
        `${approval.summary}: ${w.stateOf(what === 'agree' ? 'done' : what === 'decline' ? 'declined' : 'withdrawn')}`,
      )
      if (link === undefined) onClose()
    },
    // What was agreed to may be anything.
    onSettled: () => void queries.invalidateQueries(),
    gcTime: 0,
  })
  if (run.data !== undefined) {
    return (
      <Dialog title={w.done} open onClose={onClose} width={620}>
        <p>{w.resultLink}</p>
        <CopyLine text={`${window.location.origin}${run.data}`} label={w.resultLink} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title={
        what === 'agree'
          ? w.agreeOf(approval.summary)
          : what === 'decline'
            ? w.declineOf(approval.summary)
            : w.withdraw
      }
      open
      onClose={onClose}
      onSubmit={() => run.mutate()}
      submit={what === 'agree' ? w.agree : what === 'decline' ? w.decline : w.withdraw}
      busy={run.isPending}
      disabled={what === 'decline' && note.trim() === ''}
      footer={t.acts.audited}
    >
      {what === 'agree' && <p>{w.agreeDetail}</p>}
      {what !== 'withdraw' && (
        <Textarea
          label={w.note}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          rows={2}
          maxLength={500}
          required={what === 'decline'}
          data-autofocus
        />
      )}
      <Failure error={run.error} />
    </Dialog>
  )
}

function Policy({ policy }: { policy: FourEyesPolicy }) {
  const may = useMay()('approval.policy')
  const queries = useQueryClient()
  const [mode, setMode] = useState<FourEyesPolicy['mode']>(policy.mode)
  const [reason, setReason] = useState('')
  const [changing, setChanging] = useState(false)
  const save = useMutation({
    mutationFn: () => body(client.PUT('/api/v1/four-eyes', { body: { mode, reason } })),
    onSuccess: () => setChanging(false),
    onSettled: () => {
      for (const key of ['four-eyes', 'approvals']) void queries.invalidateQueries({ queryKey: [key] })
    },
  })
  return (
    <Section
      title={w.policy}
      aside={
        may && (
          <Button size="small" onClick={() => setChanging(true)}>
            {w.change}
          </Button>
        )
      }
    >
      <Facts
        items={[
          [w.policy, w.modes[policy.mode] ?? policy.mode],
          [w.could, policy.could_decide.join(', ') || w.nobody],
        ]}
      />
      {changing && (
        <Dialog
          title={w.policy}
          open
          onClose={() => setChanging(false)}
          onSubmit={() => save.mutate()}
          busy={save.isPending}
          disabled={mode === policy.mode || reason.trim() === ''}
          footer={t.acts.audited}
        >
          <Select
            label={w.policy}
            data={Object.entries(w.modes).map(([value, label]) => ({ value, label }))}
            value={mode}
            onChange={(next) => setMode((next ?? policy.mode) as FourEyesPolicy['mode'])}
            allowDeselect={false}
            comboboxProps={{ withinPortal: false }}
          />
          <Textarea
            label={t.acts.reason}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            rows={2}
            maxLength={500}
            required
          />
          <Failure error={save.error} />
        </Dialog>
      )}
    </Section>
  )
}
