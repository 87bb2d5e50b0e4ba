import type { Agent } from '../../api/types'
import { t } from '../../strings'
import type { Tone } from '../../ui/tone'

export interface Standing {
  id: string
  tone: Tone
  word: string
}

/** How an agent stands, in a tone and a word: what needs a person first. Quarantine is never quiet. */
export const standings = [
  { id: 'quarantined', tone: 'danger', word: t.agents.quarantined },
  { id: 'silent', tone: 'notice', word: t.agents.silent },
  { id: 'connected', tone: 'good', word: t.agents.connected },
  { id: 'revoked', tone: 'waiting', word: t.agents.revoked },
] as const satisfies readonly Standing[]

export function standing(agent: Pick<Agent, 'standing' | 'connected'>): Standing & { rank: number } {
  const id = agent.standing === 'active' ? (agent.connected ? 'connected' : 'silent') : agent.standing
  const rank = standings.findIndex((each) => each.id === id)
  const known = standings[rank]
  // A standing this console does not know yet comes first, under its own name.
  return known === undefined ? { id, tone: 'unclear', word: id, rank: -1 } : { ...known, rank }
}

/** What an agent may do beyond its own host, which every agent may. */
export const furtherGrants = (grants: readonly string[]): string[] =>
  grants.filter((grant) => grant !== 'host')
