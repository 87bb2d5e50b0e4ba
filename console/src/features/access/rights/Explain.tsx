// What somebody can see and do, and why; and the reverse. From a person's panel, and as a page of its own.

import { NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { components } from '../../../api/generated/schema'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Dialog } from '../../../ui/Dialog'
import { Mark } from '../../../ui/Glyph'
import { Notice, Section, TableBox } from '../../../ui/Layout'
import { AccessFrame } from '../AccessFrame'
import { actionsQuery, explainQuery, whoQuery } from './queries'
import styles from './Rights.module.css'
import { ROOT, whereOf } from './scope'
import { r } from './strings'

type Explanation = components['schemas']['Explanation']
type Held = components['schemas']['HeldGrant']
const w = r.explain

const viaOf = (held: Held): string => held.group ?? w.via[held.via] ?? held.via

/** All there is to say about one account or token, on one thing or the whole server. */
export function Explained({ who, on }: { who: string; on: string }) {
  const found = useQuery(explainQuery(who, on))
  if (found.isError) {
    return (
      <Notice tone="danger" title={r.cannotList}>
        {found.error.message}
      </Notice>
    )
  }
  return found.data === undefined ? <p>{t.common.loading}</p> : <Answer told={found.data} />
}

function Answer({ told }: { told: Explanation }) {
  const { sees } = told
  return (
    <>
      {told.who.off && <Notice tone="notice" title={w.off} />}
      <p>{w.sees(sees.hosts, sees.checks, sees.agents, sees.channels)}</p>
      <Section title={w.holds} flush>
        <TableBox label={w.holds}>
          <table className={styles.table}>
            <tbody>
              {told.holds.map((held, index) => (
                <tr key={held.id ?? index}>
                  <td>
                    {held.effect === 'deny' ? (
                      <Mark tone="danger" word={r.grants.deny} chip />
                    ) : (
                      <Mark tone="good" word={r.grants.allow} chip />
                    )}
                  </td>
                  <td>{held.role}</td>
                  <td>{viaOf(held)}</td>
                  <td className={styles.why}>{whereOf(held.scope, ROOT)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      </Section>
      <Section title={`${w.answers}: ${w.onThing(told.on.title)}`} flush>
        <TableBox label={w.answers}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">{w.may}</th>
                <th scope="col">{w.action}</th>
                <th scope="col">{w.why}</th>
              </tr>
            </thead>
            <tbody>
              {told.answers.map((answer) => (
                <tr key={answer.action}>
                  <td>
                    {answer.allowed ? (
                      <Mark tone="good" word={w.may} chip />
                    ) : (
                      <Mark tone="waiting" word={w.mayNot} chip />
                    )}
                  </td>
                  <td>{answer.action}</td>
                  <td className={styles.why}>{answer.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      </Section>
    </>
  )
}

export function ExplainDialog({ who, name, onClose }: { who: string; name: string; onClose: () => void }) {
  const [on, setOn] = useState('')
  const [asked, setAsked] = useState('')
  return (
    <Dialog title={w.title(name)} open onClose={onClose} width={760}>
      <form
        className={styles.row}
        onSubmit={(event) => {
          event.preventDefault()
          setAsked(on.trim())
        }}
      >
        <TextInput
          label={w.on}
          description={w.onHelp}
          value={on}
          onChange={(event) => setOn(event.currentTarget.value)}
          spellCheck={false}
        />
        <Button type="submit" size="small">
          {w.ask}
        </Button>
      </form>
      <Explained who={who} on={asked} />
    </Dialog>
  )
}

export function ExplainTab() {
  const actions = useQuery(actionsQuery)
  const [who, setWho] = useState('')
  const [action, setAction] = useState('host.read')
  const [on, setOn] = useState('')
  const [asked, setAsked] = useState<{ who: string; on: string } | undefined>(undefined)
  const [reverse, setReverse] = useState<{ action: string; on: string } | undefined>(undefined)
  const thing = (
    <TextInput
      label={w.on}
      description={w.onHelp}
      value={on}
      onChange={(event) => setOn(event.currentTarget.value)}
      spellCheck={false}
    />
  )
  return (
    <AccessFrame lead={w.lead}>
      <div className={styles.stack}>
        <Section title={w.forward}>
          <form
            className={styles.form}
            onSubmit={(event) => {
              event.preventDefault()
              setAsked({ who: who.trim(), on: on.trim() })
            }}
          >
            <div className={styles.pair}>
              <TextInput
                label={w.who}
                description={w.whoHelp}
                value={who}
                onChange={(event) => setWho(event.currentTarget.value)}
                autoCapitalize="off"
                spellCheck={false}
              />
              {thing}
            </div>
            <div className={styles.row}>
              <Button type="submit" look="primary" size="small" disabled={who.trim() === ''}>
                {w.ask}
              </Button>
            </div>
          </form>
          {asked !== undefined && <Explained {...asked} />}
        </Section>
        <Section title={w.reverse}>
          <form
            className={styles.form}
            onSubmit={(event) => {
              event.preventDefault()
              setReverse({ action, on: on.trim() })
            }}
          >
            <div className={styles.pair}>
              <NativeSelect
                label={w.action}
                value={action}
                onChange={(event) => setAction(event.currentTarget.value)}
                data={(actions.data?.items ?? []).map((each) => each.name)}
              />
              {thing}
            </div>
            <div className={styles.row}>
              <Button type="submit" look="primary" size="small">
                {w.ask}
              </Button>
            </div>
          </form>
          {reverse !== undefined && <WhoMay {...reverse} />}
        </Section>
      </div>
    </AccessFrame>
  )
}

function WhoMay({ action, on }: { action: string; on: string }) {
  const found = useQuery(whoQuery(action, on))
  if (found.isError) {
    return (
      <Notice tone="danger" title={r.cannotList}>
        {found.error.message}
      </Notice>
    )
  }
  if (found.data === undefined) return <p>{t.common.loading}</p>
  if (found.data.items.length === 0) return <p>{w.nobody}</p>
  return (
    <TableBox label={w.reverse}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{w.who}</th>
            <th scope="col">{w.why}</th>
          </tr>
        </thead>
        <tbody>
          {found.data.items.map((one) => (
            <tr key={one.who.id}>
              <td>{one.who.name}</td>
              <td className={styles.why}>{one.why}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}
