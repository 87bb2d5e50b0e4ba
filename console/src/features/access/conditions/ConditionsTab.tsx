// What acts of administrators ask for, and who may knock at the console at all.

import { Checkbox, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../../api/client'
import { conditionsQuery, consoleClientsQuery } from '../../../api/queries'
import type { ClientsNow, ConditionsNow } from '../../../api/types'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Choice } from '../../../ui/Choice'
import { Facts, Notice, Section } from '../../../ui/Layout'
import { At } from '../../../ui/Time'
import { toast } from '../../../ui/toast'
import { words } from '../../session/words'
import { useMay } from '../../shell/useMe'
import { AccessFrame } from '../AccessFrame'
import styles from './Conditions.module.css'

const w = words.conditions

const lines = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .map((each) => each.trim())
    .filter((each) => each !== '')

export function ConditionsTab() {
  const now = useQuery(conditionsQuery)
  const door = useQuery(consoleClientsQuery)
  const error = now.error ?? door.error
  return (
    <AccessFrame lead={w.lead}>
      <div className={styles.page}>
        {error !== null && (
          <Notice tone="danger" title={t.acts.failed}>
            {error.message}
          </Notice>
        )}
        {now.data !== undefined && <Conditions key={JSON.stringify(now.data.conditions)} now={now.data} />}
        {now.data !== undefined && <You now={now.data} />}
        {door.data !== undefined && <Door key={door.data.mode} door={door.data} />}
      </div>
    </AccessFrame>
  )
}

function Conditions({ now }: { now: ConditionsNow }) {
  const may = useMay()('condition.write')
  const queries = useQueryClient()
  const [factor, setFactor] = useState(now.conditions.factor)
  const [networks, setNetworks] = useState(now.conditions.networks.join('\n'))
  const [device, setDevice] = useState(now.conditions.device)
  const save = useMutation({
    mutationFn: () =>
      body(
        client.PUT('/api/v1/admin-conditions', {
          body: { factor, networks: lines(networks), device, actions: now.conditions.actions },
        }),
      ),
    onSuccess: (fresh) => {
      queries.setQueryData(conditionsQuery.queryKey, fresh)
      toast(w.saved)
    },
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  const offered = now.seen_networks.filter((each) => !lines(networks).includes(each))
  const actions = now.conditions.actions.length > 0 ? now.conditions.actions : now.default_actions
  return (
    <Section title={w.title}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <div className={styles.field}>
          <strong>{w.factor}</strong>
          <Choice
            label={w.factor}
            options={[
              { id: 'any', label: w.any },
              { id: 'passkey', label: w.passkey },
            ]}
            chosen={factor}
            onChoose={(id) => may && setFactor(id)}
          />
          <small>{w.factorHelp}</small>
        </div>
        <Textarea
          label={w.networks}
          description={w.networksHelp}
          value={networks}
          onChange={(event) => setNetworks(event.currentTarget.value)}
          error={problem?.field('networks')}
          autosize
          minRows={2}
          spellCheck={false}
          readOnly={!may}
        />
        {may && offered.length > 0 && (
          <div className={styles.offered}>
            <span>{w.propose}</span>
            {offered.map((each) => (
              <Button
                key={each}
                size="small"
                aria-label={w.add(each)}
                onClick={() => setNetworks([...lines(networks), each].join('\n'))}
              >
                {each}
              </Button>
            ))}
          </div>
        )}
        <Checkbox
          label={w.device}
          description={w.deviceHelp}
          checked={device}
          onChange={(event) => setDevice(event.currentTarget.checked)}
          disabled={!may}
        />
        <details className={styles.actions}>
          <summary>
            {w.actions}: {w.actionsDefault(actions.length)}
          </summary>
          <code>{actions.join(' ')}</code>
        </details>
        {save.isError && problem?.field('networks') === undefined && (
          <Notice tone="danger" title={w.cannot}>
            {save.error.message}
          </Notice>
        )}
        {may && (
          <div>
            <Button type="submit" look="primary" busy={save.isPending}>
              {w.save}
            </Button>
          </div>
        )}
      </form>
    </Section>
  )
}

function You({ now }: { now: ConditionsNow }) {
  return (
    <Section title={w.you}>
      <div className={styles.form}>
        <Notice
          tone={now.unmet == null ? 'calm' : 'notice'}
          title={now.unmet == null ? w.youMeet : w.youDoNot}
        >
          {now.unmet ?? undefined}
        </Notice>
        <Facts
          items={[
            [w.yourAddress, now.address ?? '–'],
            [w.yourSession, t.me.method(now.method)],
            [w.yourDevice, now.device_enrolled ? w.isEnrolled : w.notEnrolled],
            [w.certificate, now.certificate ?? '–'],
            [w.wayBack, now.way_back],
          ]}
        />
      </div>
    </Section>
  )
}

function Door({ door }: { door: ClientsNow }) {
  const may = useMay()('condition.write')
  const queries = useQueryClient()
  const [mode, setMode] = useState(door.mode)
  const [authorities, setAuthorities] = useState('')
  const [revoked, setRevoked] = useState('')
  const save = useMutation({
    mutationFn: () => body(client.PUT('/api/v1/console-clients', { body: { mode, authorities, revoked } })),
    onSuccess: (fresh) => {
      queries.setQueryData(consoleClientsQuery.queryKey, fresh)
      setAuthorities('')
      setRevoked('')
      toast(w.savedDoor)
    },
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  return (
    <Section title={w.clients}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <p>{w.clientsLead}</p>
        <Choice
          label={w.mode}
          options={(['off', 'ask', 'require'] as const).map((id) => ({ id, label: w.modes[id] }))}
          chosen={mode}
          onChoose={(id) => may && setMode(id)}
        />
        {door.authorities.length > 0 && (
          <Facts
            items={[
              ...door.authorities.map(
                (each, i) =>
                  [
                    door.authorities.length > 1 ? `${w.authority} ${i + 1}` : w.authority,
                    <>
                      {each.subject}, {w.until} <At at={each.not_after} />
                    </>,
                  ] as const,
              ),
              [w.lists, String(door.revocation_lists)],
              [w.wayBack, door.way_back],
            ]}
          />
        )}
        {may && mode !== 'off' && (
          <>
            <Textarea
              label={w.authorities}
              description={door.authorities.length > 0 ? w.keepFiles : undefined}
              value={authorities}
              onChange={(event) => setAuthorities(event.currentTarget.value)}
              error={problem?.field('authorities')}
              minRows={3}
              autosize
              maxRows={8}
              spellCheck={false}
            />
            <Textarea
              label={w.revoked}
              description={door.revocation_lists > 0 ? w.keepFiles : undefined}
              value={revoked}
              onChange={(event) => setRevoked(event.currentTarget.value)}
              error={problem?.field('revoked')}
              minRows={2}
              autosize
              maxRows={8}
              spellCheck={false}
            />
          </>
        )}
        {save.isError &&
          problem?.field('authorities') === undefined &&
          problem?.field('revoked') === undefined && (
            <Notice tone="danger" title={w.cannot}>
              {save.error.message}
            </Notice>
          )}
        {may && (
          <div>
            <Button type="submit" look="primary" busy={save.isPending}>
              {w.saveDoor}
            </Button>
          </div>
        )}
      </form>
    </Section>
  )
}
