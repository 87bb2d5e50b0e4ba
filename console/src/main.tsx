import './nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { startContrast } from './theme/contrast'

startContrast()

// The server was updated under an open page: its old parts are gone. Load anew, but not for ever.
window.addEventListener('vite:preloadError', (event) => {
  const key = 'watchkeep.reloaded'
  if (Date.now() - Number(sessionStorage.getItem(key)) > 60_000) {
    event.preventDefault()
    sessionStorage.setItem(key, String(Date.now()))
    window.location.reload()
  }
})

const root = document.getElementById('root')
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
