// The rules beside a password field: each with a mark whether it is met, and why not.

import type { PasswordVerdict } from '../../../api/types'
import { Glyph } from '../../../ui/Glyph'
import styles from './Passwords.module.css'
import { p } from './strings'

export function Rules({ verdict }: { verdict: PasswordVerdict }) {
  return (
    <ul className={styles.rules} aria-label={p.rules}>
      {verdict.rules.map((rule) => (
        <li key={rule.code}>
          <Glyph tone={rule.met ? 'good' : 'notice'} />
          <span>
            {rule.title}
            <span className="sr-only">: {rule.met ? p.met : p.notMet}</span>
            {!rule.met && rule.why && <small>{rule.why}</small>}
          </span>
        </li>
      ))}
    </ul>
  )
}
