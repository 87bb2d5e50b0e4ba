import type { AuditAsk } from '../../api/queries'
import type { Range } from '../shell/range'
import type { AnySearch } from '../shell/useSearchState'

/** What the address asks of the audit log. All time, unless a range was chosen. */
export function useAuditAsk(search: AnySearch, range: Range): AuditAsk {
  return {
    ...(search.actor ? { actor: search.actor } : {}),
    ...(search.action ? { action: search.action } : {}),
    ...(search.object ? { object: search.object } : {}),
    ...(search.outcome ? { outcome: search.outcome } : {}),
    ...(search.range === undefined
      ? {}
      : {
          from: new Date(
            range.preset === undefined ? range.from : Math.floor(range.from / 60_000) * 60_000,
          ).toISOString(),
          ...(range.preset === undefined ? { to: new Date(range.to).toISOString() } : {}),
        }),
  }
}
