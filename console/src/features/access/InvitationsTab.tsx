// Invitations, and the way to make one.

import { useState } from 'react'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { IconPlus } from '../../ui/icons'
import { useMay } from '../shell/useMe'
import { AccessFrame } from './AccessFrame'
import { Invitations } from './Invitations'
import { InviteDialog } from './InviteDialog'

export function InvitationsTab() {
  const may = useMay()
  const [inviting, setInviting] = useState(false)
  const invite = may('user.write') ? (
    <Button look="primary" icon={<IconPlus size={15} aria-hidden />} onClick={() => setInviting(true)}>
      {t.access.invite}
    </Button>
  ) : undefined
  return (
    <AccessFrame fill actions={invite}>
      <Invitations onNew={() => setInviting(true)} />
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </AccessFrame>
  )
}
