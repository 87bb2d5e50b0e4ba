// What every page of the Access section shares: the way to the others beside it, and its own heading.

import { type ReactNode, useId } from 'react'
import { t } from '../../strings'
import { Page } from '../../ui/Layout'
import { useMay } from '../shell/useMe'
import { useSearchState } from '../shell/useSearchState'
import styles from './AccessFrame.module.css'
import { type AccessTab, groups, tabOf, tabs } from './tabs'

const noBadge = () => undefined

function Badge({ tab }: { tab: AccessTab }) {
  const badge = (tab.useBadge ?? noBadge)()
  return badge === undefined ? null : <span className={styles.badge}>{badge}</span>
}

/**
 * The frame of one page: `actions` beside the heading, `below` under it, such as a filter. `fill` gives the rest of the
 * height to one list.
 */
export function AccessFrame({
  lead,
  actions,
  below,
  fill = false,
  children,
}: {
  lead?: ReactNode
  actions?: ReactNode
  below?: ReactNode
  fill?: boolean
  children: ReactNode
}) {
  const may = useMay()
  const [search, setSearch] = useSearchState()
  const label = useId()
  const open = tabOf(search.tab, may)
  const shown = groups
    .map((group) => ({
      ...group,
      tabs: tabs.filter((tab) => tab.group === group.id && (tab.needs === undefined || may(tab.needs))),
    }))
    .filter((group) => group.tabs.length > 0)
  // Another page has another filter and another order.
  const go = (id: string) =>
    setSearch(
      { tab: id === tabs[0]?.id ? undefined : id, q: undefined, sort: undefined, panel: undefined },
      { push: true },
    )
  return (
    <div className={styles.split}>
      <nav className={styles.nav} aria-label={t.access.tabsLabel}>
        <select
          className={styles.pick}
          aria-label={t.access.tabsLabel}
          value={open?.id}
          onChange={(event) => go(event.target.value)}
        >
          {shown.map((group) => (
            <optgroup key={group.id} label={group.label}>
              {group.tabs.map((tab) => (
                <option key={tab.id} value={tab.id}>
                  {tab.label}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
        {shown.map((group) => (
          <div key={group.id} className={styles.group}>
            <h2 id={`${label}-${group.id}`}>{group.label}</h2>
            <ul aria-labelledby={`${label}-${group.id}`}>
              {group.tabs.map((tab) => (
                <li key={tab.id}>
                  <button
                    type="button"
                    className={styles.item}
                    aria-current={tab.id === open?.id ? 'page' : undefined}
                    onClick={() => go(tab.id)}
                  >
                    {tab.label}
                    <Badge tab={tab} />
                  </button>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className={styles.page}>
        <Page fill={fill} title={open?.label ?? t.rail.access} lead={lead} actions={actions} below={below}>
          {children}
        </Page>
      </div>
    </div>
  )
}
