// The last second factor is on its way out: everybody of the account sees it, and can stop it.

import { useMutation, useQuery } from '@tanstack/react-query'
import { client } from '../../api/client'
import { factorsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { useRefreshFactors } from './Passkeys'
import { words } from './words'

export function FactorRemoval() {
  const removal = useQuery(factorsQuery).data?.removal
  const refresh = useRefreshFactors()
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
    <Notice
      tone="notice"
      title={words.factor.going(words.factor.kinds[removal.factor] ?? removal.factor)}
      action={
        <Button size="small" onClick={() => keep.mutate()} busy={keep.isPending}>
          {words.factor.keep}
        </Button>
      }
    >
      {words.factor.goingDetail(removal.asked_by)} <At at={removal.due_at} />.
    </Notice>
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
