// Opens any object over any page. The address says which: `panel=check:ID`.

import { lazy, Suspense } from 'react'
import { usePanel } from './useSearchState'

const CheckPanel = lazy(() => import('../checks/CheckPanel'))
const HostPanel = lazy(() => import('../hosts/HostPanel'))
const AgentPanel = lazy(() => import('../agents/AgentPanel'))
const PersonPanel = lazy(() => import('../access/PersonPanel'))
const AuditPanel = lazy(() => import('../evidence/AuditPanel'))

export function SidePanel() {
  const { panel, close } = usePanel()
  if (panel === undefined) return null
  const colon = panel.indexOf(':')
  const kind = panel.slice(0, colon)
  const id = panel.slice(colon + 1)
  return (
    <Suspense fallback={null}>
      {kind === 'check' && <CheckPanel key={id} id={id} onClose={close} />}
      {kind === 'host' && <HostPanel key={id} id={id} onClose={close} />}
      {kind === 'agent' && <AgentPanel key={id} id={id} onClose={close} />}
      {kind === 'person' && <PersonPanel key={id} id={id} onClose={close} />}
      {kind === 'audit' && <AuditPanel key={id} seq={id} onClose={close} />}
    </Suspense>
  )
}
