import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { summaryQuery } from '../../api/queries'
import type { Permission } from '../../api/types'
import { t } from '../../strings'
import { IconButton } from '../../ui/Button'
import { count } from '../../ui/format'
import {
  IconActivity,
  IconHeartbeat,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconPlug,
  IconServer2,
  IconSettings2,
  IconShieldCheck,
  IconUsers,
} from '../../ui/icons'
import { useNarrow } from '../../ui/useNarrow'
import { openApprovalsQuery, waiting } from '../access/machine'
import { approvalWords } from '../access/machineWords'
import { Logo, Wordmark } from './Logo'
import styles from './Rail.module.css'
import { useMay } from './useMe'

export const destinations = [
  { to: '/', label: t.rail.now, key: 'n', icon: IconHeartbeat, needs: ['overview.read'], group: 0 },
  { to: '/problems', label: t.rail.problems, key: 'p', icon: IconActivity, needs: ['check.read'], group: 0 },
  { to: '/hosts', label: t.rail.hosts, key: 'h', icon: IconServer2, needs: ['host.read'], group: 0 },
  {
    to: '/evidence',
    label: t.rail.evidence,
    key: 'e',
    icon: IconShieldCheck,
    needs: ['audit.read'],
    group: 1,
  },
  {
    to: '/access',
    label: t.rail.access,
    key: 'u',
    icon: IconUsers,
    needs: [
      'user.read',
      'access.read',
      'provider.read',
      'token.read',
      'approval.read',
      'review.read',
      'tenant.write',
    ],
    group: 2,
  },
  { to: '/agents', label: t.rail.agents, key: 'a', icon: IconPlug, needs: ['agent.read'], group: 2 },
  { to: '/system', label: t.rail.system, key: 's', icon: IconSettings2, needs: ['system.read'], group: 2 },
] as const satisfies readonly {
  to: string
  label: string
  key: string
  icon: unknown
  /** Any one of them: a place of several pages opens to whoever may see one. */
  needs: readonly Permission[]
  group: number
}[]

export function Rail({ folded, onFold }: { folded: boolean; onFold: (folded: boolean) => void }) {
  const may = useMay()
  const narrow = useNarrow()
  const overview = useQuery({ ...summaryQuery, enabled: may('overview.read') }).data
  const open =
    overview === undefined
      ? 0
      : overview.problems.critical +
        overview.problems.warning +
        overview.problems.unknown -
        overview.problems.handled
  const asked = waiting(useQuery({ ...openApprovalsQuery, enabled: may('approval.decide') }).data)
  const small = folded && !narrow
  return (
    <nav className={styles.rail} aria-label={t.rail.label} data-folded={small}>
      <Link to="/" className={styles.brand} aria-label={t.rail.home}>
        {small ? <Logo /> : <Wordmark />}
      </Link>
      <ul className={styles.list}>
        {destinations
          .filter((place) => place.needs.some(may))
          .map((place, index, all) => (
            <li key={place.to} data-gap={index > 0 && all[index - 1]?.group !== place.group}>
              <Link
                to={place.to}
                className={styles.item}
                activeOptions={{ exact: place.to === '/' }}
                activeProps={{ 'data-active': true, 'aria-current': 'page' }}
                title={small ? place.label : undefined}
                search={{}}
              >
                <place.icon size={18} stroke={1.6} aria-hidden />
                <span className={small ? 'sr-only' : styles.word}>{place.label}</span>
                {place.to === '/access' && asked > 0 && (
                  <span className={styles.count} data-tone="notice">
                    <span aria-hidden>{count(asked)}</span>
                    <span className="sr-only">{approvalWords.waiting(asked)}</span>
                  </span>
                )}
                {place.to === '/problems' && open > 0 && (
                  <span
                    className={styles.count}
                    data-tone={overview?.problems.critical ? 'danger' : 'notice'}
                  >
                    <span aria-hidden>{count(open)}</span>
                    <span className="sr-only">{t.rail.openProblems(open)}</span>
                  </span>
                )}
              </Link>
            </li>
          ))}
      </ul>
      <div className={styles.fold}>
        <IconButton label={folded ? t.rail.unfold : t.rail.fold} onClick={() => onFold(!folded)}>
          {folded ? (
            <IconLayoutSidebarLeftExpand size={17} stroke={1.6} aria-hidden />
          ) : (
            <IconLayoutSidebarLeftCollapse size={17} stroke={1.6} aria-hidden />
          )}
        </IconButton>
      </div>
    </nav>
  )
}
