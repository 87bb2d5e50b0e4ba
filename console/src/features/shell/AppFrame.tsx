// The frame around every signed-in page: rail, top bar, page, side panel.

import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { onSignedOut } from '../../api/client'
import { t } from '../../strings'
import { useShortcuts } from '../../ui/keys'
import { readPref, writePref } from '../../ui/prefs'
import { AttackBanner } from '../access/passwords/AttackBanner'
import { ChangeFirst } from '../access/passwords/ChangeFirst'
import { EmergencyBanner } from '../access/providers/EmergencyBanner'
import { ReadOnlyBanner } from '../access/tenants/ReadOnlyBanner'
import { Confirm } from '../session/Confirm'
import { EnrolPage } from '../session/EnrolPage'
import styles from './AppFrame.module.css'
import { BrokenStream } from './LiveDot'
import { destinations, Rail } from './Rail'
import { SidePanel } from './SidePanel'
import { TopBar } from './TopBar'
import { useLive } from './useLive'
import { useMe } from './useMe'

const Palette = lazy(() => import('./Palette'))
const Help = lazy(() => import('./Help'))

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'

/** The frame, or the one page that somebody sees whose password must be changed first. */
export function AppFrame() {
  const { must_change_password: must, must_enrol: bare } = useMe()
  if (bare) return <EnrolPage />
  return must ? <ChangeFirst reason={must} /> : <Frame />
}

function Frame() {
  const navigate = useNavigate()
  const href = useRouterState({ select: (state) => state.location.href })
  const path = useRouterState({ select: (state) => state.location.pathname })
  const [folded, setFolded] = useState(() => readPref('rail.folded', false, isBoolean))
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const main = useRef<HTMLElement>(null)
  useLive()

  useEffect(
    () =>
      onSignedOut(() => {
        // A full load: nothing of the old session stays in memory.
        window.location.assign(`/signin?to=${encodeURIComponent(href)}`)
      }),
    [href],
  )

  // A new page starts at its top, and says its name to assistive technology.
  useEffect(() => {
    main.current?.scrollTo(0, 0)
    const place = destinations.find((each) => (each.to === '/' ? path === '/' : path.startsWith(each.to)))
    document.title = place === undefined ? 'Watchkeep' : `${place.label} · Watchkeep`
  }, [path])

  useShortcuts(t.keys.everywhere, [
    { keys: 'ctrl+k', label: t.keys.palette, run: () => setPalette(true), whileTyping: true },
    { keys: '/', label: t.keys.palette, run: () => setPalette(true) },
    { keys: '?', label: t.keys.help, run: () => setHelp(true) },
    ...destinations.map((place) => ({
      keys: `g ${place.key}`,
      label: t.keys.go(place.label),
      run: () => void navigate({ to: place.to }),
    })),
  ])

  const fold = (next: boolean) => {
    setFolded(next)
    writePref('rail.folded', next)
  }

  return (
    <div className={styles.frame} data-folded={folded}>
      <a className={styles.skip} href="#main">
        {t.shell.skip}
      </a>
      <Rail folded={folded} onFold={fold} />
      <TopBar onPalette={() => setPalette(true)} onHelp={() => setHelp(true)} />
      {/* One place for all of them: each would take a cell of the frame, and the second one the rail's. */}
      <div className={styles.banners}>
        <BrokenStream />
        <EmergencyBanner />
        <AttackBanner />
        <ReadOnlyBanner />
      </div>
      <div className={styles.work}>
        <main className={styles.main} id="main" ref={main} tabIndex={-1}>
          <Outlet />
        </main>
        <SidePanel />
      </div>
      <Suspense fallback={null}>
        {palette && <Palette onClose={() => setPalette(false)} onHelp={() => setHelp(true)} />}
        <Confirm />
        {help && <Help onClose={() => setHelp(false)} />}
      </Suspense>
    </div>
  )
}
