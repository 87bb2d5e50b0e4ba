// Who may enter, and what they may do: one page of the section at a time.

import { Suspense } from 'react'
import { Forbidden } from '../shell/PageError'
import { useMay } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import { AccessFrame } from './AccessFrame'
import { tabOf } from './tabs'

export function AccessPage() {
  const [search] = useSearchState()
  const tab = tabOf(search.tab, useMay())
  if (tab === undefined) return <Forbidden />
  return (
    <Suspense fallback={<AccessFrame>{null}</AccessFrame>}>
      <tab.page key={tab.id} />
    </Suspense>
  )
}
