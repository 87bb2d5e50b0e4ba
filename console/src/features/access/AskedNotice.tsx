// What a dialog says when its act was only asked for, and the plain error otherwise.

import { AskedError } from '../../api/asked'
import { t } from '../../strings'
import { Notice } from '../../ui/Layout'
import { approvalWords as w } from './machineWords'

export function Failure({ error }: { error: Error | null }) {
  if (error === null) return null
  if (error instanceof AskedError) {
    const who = error.approval.could_decide.join(', ') || w.somebody
    return (
      <Notice tone="notice" title={w.asked}>
        {w.askedDetail(who)}
      </Notice>
    )
  }
  return (
    <Notice tone="danger" title={t.acts.failed}>
      {error.message}
    </Notice>
  )
}
