// The tree of tenants, with what each holds, and the read-only switch of each.

import { useQuery } from '@tanstack/react-query'
import { type CSSProperties, useState } from 'react'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Empty, Notice, Tag } from '../../../ui/Layout'
import { AccessFrame } from '../AccessFrame'
import { type Tenant, tenantsQuery } from './queries'
import { type TenantAct, TenantDialog } from './TenantDialogs'
import styles from './Tenants.module.css'
import { tenantWords as w } from './words'

export function TenantsTab() {
  const tenants = useQuery(tenantsQuery)
  const [open, setOpen] = useState<{ act: TenantAct; tenant: Tenant } | undefined>(undefined)
  const items = tenants.data?.items ?? []
  const first = items[0]
  return (
    <AccessFrame
      lead={w.lead}
      actions={
        first?.may_write && (
          <Button
            look="primary"
            disabled={first.closed}
            title={first.closed ? first.why : undefined}
            onClick={() => setOpen({ act: 'add', tenant: first })}
          >
            {w.add}
          </Button>
        )
      }
    >
      {tenants.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {tenants.error.message}
        </Notice>
      )}
      {tenants.data !== undefined && items.length === 0 && <Empty title={w.none} />}
      <ul className={styles.tree}>
        {items.map((tenant) => (
          <Row key={tenant.id} tenant={tenant} onAct={(act) => setOpen({ act, tenant })} />
        ))}
      </ul>
      {open !== undefined && (
        <TenantDialog act={open.act} tenant={open.tenant} onClose={() => setOpen(undefined)} />
      )}
    </AccessFrame>
  )
}

function Row({ tenant, onAct }: { tenant: Tenant; onAct: (act: TenantAct) => void }) {
  const held = [
    w.hosts(tenant.hosts),
    ...(tenant.people == null ? [] : [w.people(tenant.people)]),
    w.channels(tenant.channels),
  ].join(' · ')
  // The first tenant of the server cannot be moved or removed; of the first that one sees the server decides.
  const hangs = tenant.parent != null
  const why = tenant.closed ? `${w.readOnly}: ${tenant.why}` : undefined
  const button = (act: TenantAct, label: string) => (
    <Button size="small" look="quiet" disabled={tenant.closed} title={why} onClick={() => onAct(act)}>
      {label}
      <span className="sr-only"> {tenant.title}</span>
    </Button>
  )
  return (
    <li style={{ '--depth': tenant.depth } as CSSProperties}>
      <div className={styles.name}>
        <strong>{tenant.name}</strong>
        <small>{held}</small>
        {tenant.closed && (
          <Tag>
            {w.readOnly}: {tenant.why}
          </Tag>
        )}
      </div>
      <div className={styles.acts}>
        {tenant.may_write && (
          <>
            {button('add', w.add)}
            {button('rename', w.rename)}
            {hangs && button('move', w.move)}
            {hangs && button('remove', w.remove)}
          </>
        )}
        {tenant.may_switch && (
          <Button size="small" look="quiet" onClick={() => onAct('switch')}>
            {tenant.read_only ? w.open : w.close}
            <span className="sr-only"> {tenant.title}</span>
          </Button>
        )}
      </div>
    </li>
  )
}
