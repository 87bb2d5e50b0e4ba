// The rules for passwords: a profile, its knobs with what each may be, and what a change would do before it is made.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Choice } from '../../../ui/Choice'
import { CopyLine } from '../../../ui/CopyLine'
import { Notice, Section, TableBox, Tag } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { toast } from '../../../ui/toast'
import { PageError } from '../../shell/PageError'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import styles from './Passwords.module.css'
import { policiesQuery } from './queries'
import { p } from './strings'

type Policies = components['schemas']['PasswordPolicies']
type Policy = components['schemas']['PasswordPolicyView']
type Knob = components['schemas']['PolicyKnob']
type Knobs = Record<string, number>

const DEFAULT = 'default'

const scopeLabel = (scope: string) =>
  scope === DEFAULT
    ? p.everybody
    : scope.startsWith('role:')
      ? p.role(scope.slice(5))
      : p.group(scope.slice(6))

export function PolicyTab() {
  const policies = useQuery(policiesQuery)
  const [scope, setScope] = useState(DEFAULT)
  const [fresh, setFresh] = useState('')
  const may = useMay()
  if (policies.isError)
    return (
      <AccessFrame>
        <PageError error={policies.error} reset={() => void policies.refetch()} />
      </AccessFrame>
    )
  if (policies.data === undefined) return <AccessFrame lead={p.lead}>{t.common.loading}</AccessFrame>
  const { data } = policies
  const scopes = [...new Set([...data.policies.map((policy) => policy.scope), scope])]
  const policy = data.policies.find((each) => each.scope === scope)
  return (
    <AccessFrame lead={p.lead}>
      <div className={styles.page}>
        <div className={styles.row}>
          <Choice
            label={p.scopes}
            options={scopes.map((id) => ({ id, label: scopeLabel(id) }))}
            chosen={scope}
            onChoose={setScope}
          />
          {may('access.write') && (
            <form
              className={styles.row}
              onSubmit={(event) => {
                event.preventDefault()
                if (/^(role|group):\w+$/.test(fresh.trim())) {
                  setScope(fresh.trim())
                  setFresh('')
                }
              }}
            >
              <input
                type="text"
                aria-label={p.addScope}
                placeholder={p.addScopePlaceholder}
                value={fresh}
                onChange={(event) => setFresh(event.target.value)}
                spellCheck={false}
              />
              <Button type="submit" size="small" disabled={!/^(role|group):\w+$/.test(fresh.trim())}>
                {p.add}
              </Button>
            </form>
          )}
        </div>
        <Editor key={scope} scope={scope} policy={policy} data={data} mayWrite={may('access.write')} />
        <Breached data={data} />
      </div>
    </AccessFrame>
  )
}

function Editor({
  scope,
  policy,
  data,
  mayWrite,
}: {
  scope: string
  policy: Policy | undefined
  data: Policies
  mayWrite: boolean
}) {
  const queries = useQueryClient()
  const [profile, setProfile] = useState(policy?.profile ?? 'nist')
  const [knobs, setKnobs] = useState<Knobs>(() => ({ ...policy?.knobs }))
  const input = { scope, profile, knobs }
  const [asked, setAsked] = useState(input)
  const key = JSON.stringify(input)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the input.
  useEffect(() => {
    const timer = setTimeout(() => setAsked(input), 300)
    return () => clearTimeout(timer)
  }, [key])
  const preview = useQuery({
    queryKey: ['policies', 'password', 'preview', asked],
    queryFn: ({ signal }) => body(client.POST('/api/v1/policies/password/preview', { body: asked, signal })),
    retry: false,
    gcTime: 0,
    placeholderData: (before) => before,
  })
  const done = (word: string) => {
    void queries.invalidateQueries({ queryKey: policiesQuery.queryKey })
    toast(word)
  }
  const save = useMutation({
    mutationFn: () => body(client.PUT('/api/v1/policies/password', { body: input })),
    onSuccess: () => done(p.saved),
  })
  const remove = useMutation({
    mutationFn: async () => {
      await client.POST('/api/v1/policies/password/remove', { body: { scope } })
    },
    onSuccess: () => {
      setProfile('nist')
      setKnobs({})
      done(p.removed)
    },
  })
  const refusals = [preview.error, save.error].find(
    (error) => error instanceof ApiError && error.status === 422,
  ) as ApiError | undefined
  const chosen = data.profiles.find((each) => each.name === profile) ?? data.profiles[0]
  if (chosen === undefined) return null
  const turn = (knob: Knob, to: number | undefined) =>
    setKnobs((before) => {
      const { [knob.key]: _, ...rest } = before
      return to === undefined ? rest : { ...rest, [knob.key]: to }
    })
  const same = policy !== undefined && policy.profile === profile && sameKnobs(policy.knobs, knobs)
  return (
    <div className={styles.stack}>
      <Section title={p.profile}>
        <div className={styles.stack}>
          <Choice
            label={p.profile}
            options={data.profiles.map((each) => ({
              id: each.name,
              label: p.profiles[each.name] ?? each.name,
            }))}
            chosen={profile}
            onChoose={(name) => {
              setProfile(name)
              setKnobs({})
            }}
          />
          <p className={styles.detail}>{chosen.detail}</p>
          {policy?.changed_by && policy.changed_at && (
            <small className={styles.detail}>
              {p.changed(policy.changed_by)}, <At at={policy.changed_at} />
            </small>
          )}
        </div>
      </Section>
      <TableBox label={p.tab}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{p.knob}</th>
              <th scope="col">{p.value}</th>
              <th scope="col">{p.allowed}</th>
              <th scope="col">{p.by}</th>
            </tr>
          </thead>
          <tbody>
            {chosen.knobs.map((knob) => (
              <KnobRow
                key={`${profile}-${knob.key}`}
                knob={knob}
                turned={knobs[knob.key]}
                wrong={refusals?.field(`knobs/${knob.key}`)}
                onTurn={(to) => turn(knob, to)}
                mayWrite={mayWrite}
              />
            ))}
          </tbody>
        </table>
      </TableBox>
      <Section title={p.preview}>
        {preview.data !== undefined && refusals === undefined ? (
          <div className={styles.stack}>
            <p className={styles.detail}>
              {p.previewText(preview.data.accounts, preview.data.must_change, preview.data.may_change)}
            </p>
            <div>
              <strong>{p.inWords}</strong>
              <ul className={styles.words}>
                {preview.data.rules.map((rule) => (
                  <li key={rule}>{rule}</li>
                ))}
              </ul>
            </div>
          </div>
        ) : (
          <p className={styles.detail}>{refusals?.problem?.detail ?? t.common.loading}</p>
        )}
      </Section>
      {save.isError && refusals === undefined && (
        <Notice tone="danger" title={t.acts.failed}>
          {save.error.message}
        </Notice>
      )}
      {remove.isError && (
        <Notice tone="danger" title={t.acts.failed}>
          {remove.error.message}
        </Notice>
      )}
      {mayWrite && (
        <div className={styles.row}>
          <Button
            look="primary"
            onClick={() => save.mutate()}
            busy={save.isPending}
            disabled={same || refusals !== undefined}
          >
            {p.save}
          </Button>
          {same && <span className={styles.detail}>{p.unchanged}</span>}
          {policy?.changed_at && (
            <Button look="quiet" onClick={() => remove.mutate()} busy={remove.isPending}>
              {scope === DEFAULT ? p.removeDefault : p.remove}
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

const sameKnobs = (a: Knobs, b: Knobs) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, to]) => b[key] === to)

function KnobRow({
  knob,
  turned,
  wrong,
  onTurn,
  mayWrite,
}: {
  knob: Knob
  turned: number | undefined
  wrong: string | undefined
  onTurn: (to: number | undefined) => void
  mayWrite: boolean
}) {
  const now = turned ?? knob.value ?? 0
  const fixed = !mayWrite || knob.least >= knob.most
  const none = now === 0 && knob.none
  return (
    <tr data-turned={turned !== undefined}>
      <td>
        {knob.title}
        {turned !== undefined && (
          <small>
            {p.turned} ·{' '}
            <button type="button" onClick={() => onTurn(undefined)}>
              {p.back}
            </button>
          </small>
        )}
      </td>
      <td>
        {knob.switch ? (
          <input
            type="checkbox"
            aria-label={knob.title}
            checked={now === 1}
            disabled={fixed}
            onChange={(event) => onTurn(event.target.checked ? 1 : 0)}
          />
        ) : (
          <input
            type="number"
            aria-label={knob.title}
            aria-invalid={wrong !== undefined}
            value={none ? '' : now}
            placeholder={knob.none ? p.none : undefined}
            min={knob.none ? 0 : knob.least}
            max={Math.max(knob.most, 0)}
            disabled={fixed}
            onChange={(event) => onTurn(event.target.value === '' ? 0 : Number(event.target.value))}
          />
        )}
        {wrong !== undefined && (
          <small className={styles.wrong} role="alert">
            {wrong}
          </small>
        )}
      </td>
      <td>{knob.allowed}</td>
      <td>
        <Tag>{knob.clause}</Tag>
      </td>
    </tr>
  )
}

function Breached({ data }: { data: Policies }) {
  return (
    <Section title={p.list}>
      <div className={styles.stack}>
        {typeof data.blocklist_entries !== 'number' ? (
          <p className={styles.detail}>{p.listBuiltIn}</p>
        ) : (
          <p className={styles.detail}>
            {p.listEntries(data.blocklist_entries)}
            {data.blocklist_made_at && (
              <>
                , <At at={data.blocklist_made_at} />
              </>
            )}
          </p>
        )}
        {data.blocklist_trouble && (
          <Notice tone="danger" title={p.listTrouble}>
            {data.blocklist_trouble}
          </Notice>
        )}
        <span className={styles.detail}>{p.listHow}</span>
        <CopyLine text="watchkeep password blocklist import FILE" label={p.listHow} />
      </div>
    </Section>
  )
}
