// Says on every page that configuration cannot be changed now, where, and why.

import { useQuery } from '@tanstack/react-query'
import { summaryQuery } from '../../../api/queries'
import { Notice } from '../../../ui/Layout'
import { useMay } from '../../shell/useMe'
import { tenantWords as w } from './words'

export function ReadOnlyBanner() {
  const may = useMay()
  const closed = useQuery({ ...summaryQuery, enabled: may('overview.read') }).data?.read_only ?? []
  const title = (name: string) => {
    if (name !== '') return w.bannerTenant(name)
    return may('system.read') ? w.bannerServer : w.bannerAbove
  }
  return closed.map((each) => (
    <Notice key={each.tenant ?? ''} tone="notice" title={`${title(each.name)}: ${each.why}`}>
      {w.bannerDetail}
    </Notice>
  ))
}
