// One check at the side: state, what it said, figures, what was decided, what happened.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { checkQuery, lastStateQuery } from '../../api/queries'
import type { CheckDetail } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { count, quantity, span } from '../../ui/format'
import { Facts, Notice } from '../../ui/Layout'
import { Panel } from '../../ui/Panel'
import { Tabs } from '../../ui/Tabs'
import { Ago, At, Lasted } from '../../ui/Time'
import { AuditLink } from '../evidence/AuditLink'
import { useActs } from '../problems/Acts'
import { useMay } from '../shell/useMe'
import styles from './CheckPanel.module.css'
import { limitWords } from './ranges'
import { Handling, StatusMark } from './StatusMark'
import { Timeline } from './Timeline'
import { Trace } from './Trace'
import { stateChange } from './trace'

type Tab = 'now' | 'timeline' | 'settings'

export default function CheckPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const check = useQuery(checkQuery(id))
  const acts = useActs()
  const may = useMay()
  const [tab, setTab] = useState<Tab>('now')
  const data = check.data
  return (
    <Panel
      title={data === undefined ? t.check.panel : t.check.panelOf(data.title)}
      onClose={onClose}
      head={
        data !== undefined && (
          <>
            <Link to="/hosts/$id" params={{ id: data.host.id }} className={styles.host}>
              {data.host.name}
            </Link>
            <h2 className={styles.title}>{data.title}</h2>
          </>
        )
      }
    >
      {check.isError && (
        <Notice tone="danger" title={t.check.cannotShow}>
          {check.error.message}
        </Notice>
      )}
      {data !== undefined && (
        <>
          <div className={styles.state}>
            <StatusMark check={data} />
            <span className={styles.since}>
              {t.check.forTime} <Lasted since={data.since} />
            </span>
            <Handling check={data} words />
          </div>
          <p className={styles.output}>{data.output === '' ? t.check.noOutput : data.output}</p>
          {data.reason && (
            <Notice tone="notice" title={t.check.reason(data.reason)}>
              {t.check.reasonDetail(data.reason)}
            </Notice>
          )}
          <div className={styles.acts}>
            {may('problem.acknowledge') &&
              data.status !== 'ok' &&
              data.status !== 'pending' &&
              (data.acknowledgement ? (
                <Button size="small" onClick={() => acts.unacknowledge([data])}>
                  {t.acts.unacknowledge}
                </Button>
              ) : (
                <Button size="small" look="primary" onClick={() => acts.acknowledge([data])}>
                  {t.acts.acknowledge}
                </Button>
              ))}
            {may('problem.downtime') && (
              <Button size="small" onClick={() => acts.downtime([data])}>
                {t.acts.downtime}
              </Button>
            )}
            {may('problem.recheck') && data.can_recheck && (
              <Button size="small" onClick={() => acts.recheck([data])}>
                {t.acts.recheck}
              </Button>
            )}
            {may('problem.comment') && (
              <Button size="small" onClick={() => acts.comment([data])}>
                {t.acts.comment}
              </Button>
            )}
          </div>
          {data.acknowledgement && (
            <div className={styles.ack}>
              <strong>
                <AuditLink object={data.id} action="problem.">
                  {t.check.acknowledgedBy(data.acknowledgement.by)}
                </AuditLink>
              </strong>{' '}
              <Ago at={data.acknowledgement.at} />
              <p>{data.acknowledgement.note}</p>
              {data.acknowledgement.expires_at && (
                <span className={styles.quiet}>
                  {t.check.until} <At at={data.acknowledgement.expires_at} />
                </span>
              )}
            </div>
          )}
          <div className={styles.tabs}>
            <Tabs<Tab>
              label={t.check.tabs}
              open={tab}
              onOpen={setTab}
              tabs={[
                { id: 'now', label: t.check.tabNow },
                { id: 'timeline', label: t.check.tabTimeline },
                { id: 'settings', label: t.check.tabSettings },
              ]}
            />
          </div>
          {tab === 'now' && <NowTab check={data} onTimeline={() => setTab('timeline')} />}
          {tab === 'timeline' && <Timeline ask={{ check: id }} limit={40} />}
          {tab === 'settings' && <SettingsTab check={data} />}
        </>
      )}
      {acts.dialog}
    </Panel>
  )
}

function NowTab({ check, onTimeline }: { check: CheckDetail; onTimeline: () => void }) {
  // The newest change of state carries the decision about telling people.
  const last = useQuery(lastStateQuery(check.id)).data?.items[0]
  const change = last === undefined ? undefined : stateChange(last.detail)
  return (
    <>
      {check.metrics.length > 0 && (
        <table className={styles.metrics}>
          <caption className="sr-only">{t.check.metrics}</caption>
          <thead>
            <tr>
              <th scope="col">{t.check.metric}</th>
              <th scope="col">{t.check.value}</th>
              <th scope="col">{t.check.warn}</th>
              <th scope="col">{t.check.crit}</th>
            </tr>
          </thead>
          <tbody>
            {check.metrics.map((metric) => (
              <tr key={metric.label}>
                <th scope="row">{metric.label}</th>
                <td>{quantity(metric.value, metric.unit)}</td>
                <td title={metric.warn ?? ''}>{limitWords(metric.warn, metric.unit)}</td>
                <td title={metric.crit ?? ''}>{limitWords(metric.crit, metric.unit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {check.long_output !== '' && <pre className={styles.long}>{check.long_output}</pre>}
      <div>
        <h3 className={styles.sub}>{t.trace.title}</h3>
        {last === undefined || change === undefined ? (
          <p className={styles.quiet}>{t.trace.noChange}</p>
        ) : (
          <Trace change={change} check={check.id} at={last.at} />
        )}
      </div>
      <Facts
        items={[
          [t.check.lastChecked, <Ago key="l" at={check.last_checked_at} />],
          [t.check.nextDue, <Ago key="n" at={check.next_due_at} />],
          [
            t.check.attempt,
            `${check.attempt} / ${check.max_attempts} (${t.check.stateType(check.state_type)})`,
          ],
          ...(check.no_data_since
            ? ([[t.check.noDataSince, <Ago key="d" at={check.no_data_since} />]] as const)
            : []),
          [
            t.check.told,
            <button key="t" type="button" className={styles.link} onClick={onTimeline}>
              {t.check.times(check.notifications_sent)}
            </button>,
          ],
        ]}
      />
    </>
  )
}

function SettingsTab({ check }: { check: CheckDetail }) {
  const spec = Object.entries(check.spec as Record<string, unknown>)
  return (
    <Facts
      items={[
        [t.check.key, <code key="k">{check.key}</code>],
        [t.check.kindLabel, t.check.kind(check.kind)],
        [t.check.interval, span(check.interval_s * 1000)],
        [t.check.retryInterval, span(check.retry_interval_s * 1000)],
        [t.check.maxAttempts, String(check.max_attempts)],
        [t.check.runner, check.runner ? <code key="r">{check.runner}</code> : t.check.judgedHere],
        [t.check.enabled, check.enabled ? t.common.yes : t.common.no],
        [
          t.check.revision,
          <AuditLink key="rev" object={check.id}>
            {count(check.revision)}
          </AuditLink>,
        ],
        ...spec.map(
          ([name, value]) =>
            [
              name,
              <code key={name}>{typeof value === 'string' ? value : JSON.stringify(value)}</code>,
            ] as const,
        ),
      ]}
    />
  )
}
