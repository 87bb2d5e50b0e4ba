import type { Certificate } from '../../api/types'
import type { Tone } from '../../ui/tone'

/** Days left against the whole life: a week of seven days is full, not nearly over. */
export function daysTone(
  certificate: Pick<Certificate, 'days_left' | 'not_before' | 'not_after' | 'revoked'>,
): Tone {
  if (certificate.revoked) return 'waiting'
  if (certificate.days_left < 0) return 'danger'
  const life = Date.parse(certificate.not_after) - Date.parse(certificate.not_before)
  const left = Date.parse(certificate.not_after) - Date.now()
  const share = life > 0 ? left / life : 0
  return share < 0.1 ? 'danger' : share < 0.25 ? 'notice' : 'good'
}
