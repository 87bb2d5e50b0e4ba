import type { Agent } from '../../api/types'
import { t } from '../../strings'
import type { Tone } from '../../ui/tone'

/** How an agent stands, in a tone and a word. Quarantine is never quiet. */
export function standing(agent: Pick<Agent, 'standing' | 'connected'>): {
  tone: Tone
  word: string
  rank: number
} {
  switch (agent.standing) {
    case 'quarantined':
      return { tone: 'danger', word: t.agents.quarantined, rank: 0 }
    case 'revoked':
      return { tone: 'waiting', word: t.agents.revoked, rank: 3 }
    case 'active':
      return agent.connected
        ? { tone: 'good', word: t.agents.connected, rank: 2 }
        : { tone: 'notice', word: t.agents.silent, rank: 1 }
    default:
      return { tone: 'unclear', word: agent.standing, rank: 1 }
  }
}

/** What an agent may do beyond its own host, which every agent may. */
export const furtherGrants = (grants: readonly string[]): string[] =>
  grants.filter((grant) => grant !== 'host')
