// The style nonce of this page load. The server writes it into index.html and into the content policy.

import { setNonce } from 'get-nonce'

const content = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? ''

/** Empty where nobody replaced the placeholder: the development server. */
export const styleNonce = content.startsWith('__') ? '' : content

if (styleNonce !== '') {
  // react-remove-scroll, under Mantine's dialogs, takes its nonce from here.
  setNonce(styleNonce)
}
