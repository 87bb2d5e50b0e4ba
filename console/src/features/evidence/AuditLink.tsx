import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMay } from '../shell/useMe'

/** Leads to the audit entries of an object, for those who may read them. */
export function AuditLink({
  object,
  action,
  children,
}: {
  object: string
  /** Beginning of the action. */
  action?: string
  children: ReactNode
}) {
  const may = useMay()
  if (!may('audit.read')) return children
  return (
    <Link to="/evidence" search={{ object, ...(action === undefined ? {} : { action }) }}>
      {children}
    </Link>
  )
}
