import { Fragment } from 'react'
import { t } from '../../strings'
import { Dialog } from '../../ui/Dialog'
import { useShortcutList } from '../../ui/keys'
import { Kbd } from '../../ui/Layout'
import styles from './Help.module.css'

const printed: Record<string, string> = { ctrl: 'Ctrl', Escape: 'Esc' }

export default function Help({ onClose }: { onClose: () => void }) {
  const groups = useShortcutList()
  const names = [...new Set(groups.map((group) => group.name))]
  return (
    <Dialog title={t.keys.help} open onClose={onClose} width={620}>
      <div className={styles.columns}>
        {names.map((name) => {
          const seen = new Set<string>()
          const shortcuts = groups
            .filter((group) => group.name === name)
            .flatMap((group) => group.shortcuts)
            .filter((each) => each.hidden !== true && !seen.has(each.keys) && seen.add(each.keys))
          return (
            <section key={name} className={styles.group}>
              <h3>{name}</h3>
              <dl>
                {shortcuts.map((each) => (
                  <Fragment key={each.keys}>
                    <dt>{each.label}</dt>
                    <dd>
                      {each.keys.split(/[ +]/).map((key) => (
                        <Kbd key={key}>{printed[key] ?? key}</Kbd>
                      ))}
                    </dd>
                  </Fragment>
                ))}
              </dl>
            </section>
          )
        })}
      </div>
    </Dialog>
  )
}
