import { type MantineColorScheme, Menu, useMantineColorScheme } from '@mantine/core'
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { client } from '../../api/client'
import { t } from '../../strings'
import { setHighContrast, useHighContrast } from '../../theme/contrast'
import { IconButton } from '../../ui/Button'
import { zone } from '../../ui/format'
import {
  IconChevronDown,
  IconContrast,
  IconDeviceDesktop,
  IconDeviceMobile,
  IconKey,
  IconKeyboard,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUser,
} from '../../ui/icons'
import { Kbd } from '../../ui/Layout'
import { toastError } from '../../ui/toast'
import { Elevation } from './Elevation'
import { LiveDot } from './LiveDot'
import { RangePicker } from './RangePicker'
import styles from './TopBar.module.css'
import { useMe } from './useMe'

export function TopBar({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }) {
  const path = useRouterState({ select: (state) => state.location.pathname })
  const hasRange = /^\/(hosts\/.+|evidence)/.test(path)
  return (
    <header className={styles.bar}>
      <button type="button" className={styles.search} onClick={onPalette} aria-keyshortcuts="Control+K /">
        <IconSearch size={15} aria-hidden />
        <span className={styles.searchWord}>{t.shell.search}</span>
        <span className={styles.searchKeys} aria-hidden>
          <Kbd>Ctrl</Kbd> <Kbd>K</Kbd>
        </span>
      </button>
      <div className={styles.end}>
        {hasRange && <RangePicker allTime={path === '/evidence'} />}
        <Elevation />
        <LiveDot />
        <span className={styles.help}>
          <IconButton label={t.shell.help} onClick={onHelp}>
            <IconKeyboard size={18} stroke={1.6} aria-hidden />
          </IconButton>
        </span>
        <PersonMenu />
      </div>
    </header>
  )
}

function PersonMenu() {
  const me = useMe()
  const navigate = useNavigate()
  // Without it a style element would be written by script, which the content policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  const contrast = useHighContrast()
  const signOut = async () => {
    try {
      await client.DELETE('/api/v1/session')
      window.location.assign('/signin')
    } catch (error) {
      toastError(t.shell.signOutFailed, error instanceof Error ? error.message : '')
    }
  }
  const name = me.display_name === '' ? me.name : me.display_name
  const themes = [
    { id: 'light', icon: IconSun },
    { id: 'dark', icon: IconMoon },
    { id: 'auto', icon: IconDeviceDesktop },
  ] as const
  return (
    <Menu
      position="bottom-end"
      width={230}
      shadow="md"
      transitionProps={{ duration: 80 }}
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <button type="button" className={styles.person} aria-label={t.shell.personMenu(name)}>
          <span className={styles.initial} aria-hidden>
            {Array.from(name)[0]?.toUpperCase()}
          </span>
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={styles.who}>
          <strong>{name}</strong>
          <span>
            {me.name} · {t.shell.role(me.role)}
          </span>
        </div>
        <Menu.Divider />
        <Menu.Label>{t.shell.theme}</Menu.Label>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(value) => setColorScheme(value as MantineColorScheme)}
        >
          {themes.map((each) => (
            <Menu.RadioItem
              key={each.id}
              value={each.id}
              rightSection={<each.icon size={15} stroke={1.6} aria-hidden />}
            >
              {t.shell.themes[each.id]}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.CheckboxItem
          checked={contrast}
          onChange={setHighContrast}
          rightSection={<IconContrast size={15} stroke={1.6} aria-hidden />}
        >
          {t.shell.highContrast}
        </Menu.CheckboxItem>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconUser size={15} stroke={1.6} aria-hidden />}
          onClick={() => void navigate({ to: '/me' })}
        >
          {t.shell.account}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconKey size={15} stroke={1.6} aria-hidden />}
          onClick={() => void navigate({ to: '/me', search: { open: 'password' } })}
        >
          {t.me.changePassword}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconDeviceMobile size={15} stroke={1.6} aria-hidden />}
          onClick={() => void navigate({ to: '/me', search: { open: 'authenticator' } })}
        >
          {t.me.newAuthenticator}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={15} stroke={1.6} aria-hidden />}
          onClick={() => void signOut()}
        >
          {t.shell.signOut}
        </Menu.Item>
        <Menu.Divider />
        <div className={styles.zone}>
          {t.shell.zone} {zone()}
        </div>
      </Menu.Dropdown>
    </Menu>
  )
}
