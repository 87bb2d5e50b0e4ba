// Says on every page that an account kept for emergencies was used, to those who look after the server.

import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../../../api/queries'
import { Notice } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { words } from './words'

export function EmergencyBanner() {
  // Asked again every minute by the banner about failing sign-ins.
  const used = useQuery(meQuery).data?.emergency_used
  if (used == null) return null
  const w = words.emergency
  return (
    <Notice
      tone="danger"
      title={w.used(used.name)}
      action={<a href="/evidence?action=session.open">{w.log}</a>}
    >
      {w.lastUsed} <At at={used.at} />. {w.usedDetail}
    </Notice>
  )
}
