// A one-time link, the one time it is shown.

import type { Invitation } from '../../api/types'
import { t } from '../../strings'
import { CopyLine } from '../../ui/CopyLine'
import { Dialog } from '../../ui/Dialog'
import { Notice } from '../../ui/Layout'
import { At } from '../../ui/Time'

export function LinkDialog({
  name,
  invitation,
  onClose,
}: {
  name: string
  invitation: Invitation
  onClose: () => void
}) {
  return (
    <Dialog title={t.access.linkTitle(name)} open onClose={onClose} width={620} footer={t.access.linkLost}>
      <p>{t.access.linkLead}</p>
      <CopyLine text={`${window.location.origin}${invitation.path}`} label={t.access.linkLabel} />
      <Notice tone="notice" title={t.access.linkOnce}>
        {t.access.linkUntil} <At at={invitation.expires_at} />
      </Notice>
    </Dialog>
  )
}
