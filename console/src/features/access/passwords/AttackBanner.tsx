// Says that many sign-ins fail, to those who look after the server.

import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../../../api/queries'
import { Notice } from '../../../ui/Layout'
import { p } from './strings'

const LOOK_EVERY_MS = 60_000

export function AttackBanner() {
  const me = useQuery({ ...meQuery, refetchInterval: LOOK_EVERY_MS }).data
  if (!me?.sign_in_attack_until) return null
  return (
    <Notice tone="notice" title={p.attack} action={<a href="/evidence?action=session.open">Audit log</a>}>
      {p.attackDetail}
    </Notice>
  )
}
