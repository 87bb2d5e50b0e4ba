// Chooses a tenant by its place in the tree. Not shown while there is only one.

import { Select } from '@mantine/core'
import { useTenants } from './queries'
import { tenantWords as w } from './words'

export function TenantField({
  label = w.lands,
  value,
  onChange,
  except,
  error,
}: {
  label?: string
  /** An id; the caller's own tenant when undefined. */
  value: string | undefined
  onChange: (tenant: string) => void
  /** Not to choose from: this one and what is below it. */
  except?: string
  error?: string | undefined
}) {
  const tenants = useTenants()
  const left = without(tenants, except)
  if (left.length < 2 && except === undefined) return null
  return (
    <Select
      label={label}
      data={left.map((each) => ({ value: each.id, label: each.title }))}
      value={value ?? left[0]?.id ?? null}
      onChange={(chosen) => chosen !== null && onChange(chosen)}
      searchable={left.length > 12}
      allowDeselect={false}
      error={error}
    />
  )
}

/** The list is the tree, each after the one it hangs on: what is below one follows it, deeper. */
export function without<T extends { id: string; depth: number }>(
  tenants: readonly T[],
  except?: string,
): T[] {
  const at = tenants.findIndex((each) => each.id === except)
  const from = tenants[at]
  if (from === undefined) return [...tenants]
  const after = tenants.findIndex((each, index) => index > at && each.depth <= from.depth)
  return tenants.filter((_, index) => index < at || (after !== -1 && index >= after))
}
