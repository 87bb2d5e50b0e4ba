// The last second factor is on its way out: everybody of the account sees it, and can stop it.

import { Textarea } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { AskedError } from '../../api/asked'
import { client } from '../../api/client'
import { factorsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { Failure } from '../access/AskedNotice'
import { useRefreshFactors } from './Passkeys'
import { words } from './words'

export function FactorRemoval() {
  const removal = useQuery(factorsQuery).data?.removal
  const refresh = useRefreshFactors()
  const [hurrying, setHurrying] = useState(false)
  const keep = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/me/factor-removal')
    },
    onSuccess: () => {
      refresh()
      toast(words.factor.kept)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  if (removal == null) return null
  return (
    <>
      <Notice
        tone="notice"
        title={words.factor.going(words.factor.kinds[removal.factor] ?? removal.factor)}
        action={
          <Button size="small" onClick={() => keep.mutate()} busy={keep.isPending}>
            {words.factor.keep}
          </Button>
        }
      >
        {words.factor.goingDetail(removal.asked_by)} <At at={removal.due_at} />.{' '}
        <Button size="small" look="quiet" onClick={() => setHurrying(true)}>
          {words.factor.atOnce}
        </Button>
      </Notice>
      {hurrying && <AtOnce onClose={() => setHurrying(false)} />}
    </>
  )
}

/** Asks another person to agree to it without the day. */
function AtOnce({ onClose }: { onClose: () => void }) {
  const [reason, setReason] = useState('')
  const ask = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/me/factor-removal/at-once', { body: { reason: reason.trim() } })
    },
    onSuccess: onClose,
  })
  return (
    <Dialog
      title={words.factor.atOnceTitle}
      open
      onClose={onClose}
      onSubmit={() => ask.mutate()}
      submit={words.factor.atOnceAsk}
      danger
      busy={ask.isPending}
      disabled={reason.trim() === '' || ask.error instanceof AskedError}
      footer={t.acts.audited}
    >
      <p>{words.factor.atOnceLead}</p>
      <Textarea
        label={t.acts.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        required
      />
      <Failure error={ask.error} />
    </Dialog>
  )
}

export function RemoveTotp({ onClose }: { onClose: () => void }) {
  const refresh = useRefreshFactors()
  const last = useQuery(factorsQuery).data?.passkeys === 0
  const remove = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/me/totp')
    },
    onSuccess: () => {
      refresh()
      toast(last ? words.factor.asked : words.factor.removedTotp)
      onClose()
    },
  })
  return (
    <Dialog
      title={words.factor.removeTotpTitle}
      open
      onClose={onClose}
      onSubmit={() => remove.mutate()}
      submit={words.factor.removeTotp}
      danger
      busy={remove.isPending}
      footer={t.acts.audited}
    >
      <p>{words.factor.removeTotpLead}</p>
      {last ? (
        <Notice tone="notice" title={words.passkey.removeLast} />
      ) : (
        <Notice tone="calm" title={t.me.othersEnd} />
      )}
      {remove.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {remove.error.message}
        </Notice>
      )}
    </Dialog>
  )
}
