// One box for places, hosts, checks and acts. Loaded when first opened.

import { useMantineColorScheme } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type ReactNode, useDeferredValue, useEffect, useId, useState } from 'react'
import { body, client } from '../../api/client'
import { t } from '../../strings'
import { setHighContrast, useHighContrast } from '../../theme/contrast'
import { quoteIfNeeded } from '../../ui/filterText'
import { Glyph } from '../../ui/Glyph'
import { IconActivity, IconServer2 } from '../../ui/icons'
import { Kbd } from '../../ui/Layout'
import { Sheet } from '../../ui/Sheet'
import { statusTone, statusWord } from '../checks/status'
import styles from './Palette.module.css'
import { destinations } from './Rail'
import { useMay } from './useMe'

interface Entry {
  id: string
  group: string
  label: string
  detail?: string | undefined
  icon: ReactNode
  hint?: string | undefined
  run: () => void
}

export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const wanted = useDeferredValue(text.trim())
  const navigate = useNavigate()
  const may = useMay()
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  const contrast = useHighContrast()
  const id = useId()

  const found = useQuery({
    queryKey: ['palette', wanted],
    enabled: wanted.length > 0,
    staleTime: 5000,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const filter = quoteIfNeeded(wanted)
      const [hosts, checks] = await Promise.all([
        may('host.read')
          ? body(client.GET('/api/v1/hosts', { params: { query: { q: wanted, limit: 6 } }, signal }))
          : { items: [] },
        may('check.read')
          ? body(client.GET('/api/v1/checks', { params: { query: { filter, limit: 8 } }, signal }))
          : { items: [] },
      ])
      return { hosts: hosts.items.slice(0, 6), checks: checks.items.slice(0, 8) }
    },
  }).data

  const close = (run: () => void) => () => {
    onClose()
    run()
  }
  const matches = (label: string) => label.toLocaleLowerCase().includes(wanted.toLocaleLowerCase())

  const entries: Entry[] = [
    ...destinations
      .filter((place) => place.needs.some(may) && matches(place.label))
      .map(
        (place): Entry => ({
          id: `go-${place.to}`,
          group: t.palette.places,
          label: place.label,
          icon: <place.icon size={16} stroke={1.6} aria-hidden />,
          hint: `g ${place.key}`,
          run: close(() => void navigate({ to: place.to })),
        }),
      ),
    ...(wanted === '' ? [] : (found?.hosts ?? [])).map(
      (host): Entry => ({
        id: host.id,
        group: t.palette.hosts,
        label: host.name,
        detail: host.os,
        icon: <IconServer2 size={16} stroke={1.6} aria-hidden />,
        run: close(() => void navigate({ to: '/hosts/$id', params: { id: host.id } })),
      }),
    ),
    ...(wanted === '' ? [] : (found?.checks ?? [])).map(
      (check): Entry => ({
        id: check.id,
        group: t.palette.checks,
        label: check.title,
        detail: `${check.host.name} · ${statusWord[check.status]}`,
        icon: <Glyph tone={statusTone[check.status]} size={15} />,
        run: close(
          () =>
            void navigate({
              to: '/problems',
              search: {
                scope: 'all',
                q: `host:${quoteIfNeeded(check.host.name)}`,
                panel: `check:${check.id}`,
              },
            }),
        ),
      }),
    ),
    ...(wanted === '' || !may('check.read')
      ? []
      : [
          {
            id: 'filter',
            group: t.palette.acts,
            label: t.palette.filterProblems(wanted),
            icon: <IconActivity size={16} stroke={1.6} aria-hidden />,
            run: close(() => void navigate({ to: '/problems', search: { q: wanted } })),
          },
        ]),
    ...[
      { label: t.palette.light, run: () => setColorScheme('light') },
      { label: t.palette.dark, run: () => setColorScheme('dark') },
      { label: t.palette.auto, run: () => setColorScheme('auto') },
      {
        label: contrast ? t.palette.normalContrast : t.palette.highContrast,
        run: () => setHighContrast(!contrast),
      },
      { label: t.keys.help, run: onHelp },
    ]
      .filter((each) => matches(each.label))
      .map(
        (each): Entry => ({
          id: each.label,
          group: t.palette.acts,
          label: each.label,
          icon: null,
          run: close(each.run),
        }),
      ),
  ]

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new question starts at its first answer.
  useEffect(() => setActive(0), [wanted])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setActive((now) => (now + step + entries.length) % Math.max(1, entries.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      entries[active]?.run()
    }
  }

  const groups = [...new Set(entries.map((entry) => entry.group))]
  return (
    <Sheet title={t.keys.palette} onClose={onClose} width={600} bare>
      <input
        className={styles.input}
        role="combobox"
        aria-label={t.palette.label}
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={entries[active] === undefined ? undefined : `${id}-${active}`}
        placeholder={t.palette.placeholder}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        data-autofocus
        autoComplete="off"
        spellCheck={false}
      />
      <div className={styles.list} role="listbox" id={`${id}-list`} aria-label={t.palette.results}>
        {groups.map((group) => (
          <div key={group} role="group" aria-label={group}>
            <div className={styles.group} aria-hidden>
              {group}
            </div>
            {entries.map((entry, index) =>
              entry.group !== group ? null : (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the text field handles the keys.
                <div
                  key={entry.id}
                  id={`${id}-${index}`}
                  role="option"
                  aria-selected={index === active}
                  className={styles.entry}
                  onClick={entry.run}
                  onPointerMove={() => setActive(index)}
                >
                  <span className={styles.icon}>{entry.icon}</span>
                  <span className={styles.label}>{entry.label}</span>
                  {entry.detail !== undefined && <span className={styles.detail}>{entry.detail}</span>}
                  {entry.hint !== undefined && (
                    <span className={styles.hint} aria-hidden>
                      {entry.hint.split(' ').map((key) => (
                        <Kbd key={key}>{key}</Kbd>
                      ))}
                    </span>
                  )}
                </div>
              ),
            )}
          </div>
        ))}
        {entries.length === 0 && <p className={styles.nothing}>{t.palette.nothing}</p>}
      </div>
    </Sheet>
  )
}
