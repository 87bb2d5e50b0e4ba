// An OpenID provider that is not ours, over TLS, for the tests. Reads one JSON line of settings on its standard input,
// writes one JSON line when it listens, and ends with its input.
import https from 'node:https';
import readline from 'node:readline';
import Provider from 'oidc-provider';

const lines = readline.createInterface({ input: process.stdin });
const settings = JSON.parse(await new Promise((resolve) => lines.once('line', resolve)));
lines.on('close', () => process.exit(0));

const server = https.createServer({ key: settings.key, cert: settings.cert });
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `https://localhost:${server.address().port}`;

// Callers say what their redirect address is before the provider knows it: it is listening by then.
const client = settings.client;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client.id,
      ...(client.auth === 'none' ? {} : { client_secret: client.secret }),
      redirect_uris: client.redirect_uris,
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: client.auth,
      id_token_signed_response_alg: client.alg,
      ...(client.logout ? { backchannel_logout_uri: client.logout, backchannel_logout_session_required: true } : {}),
    },
  ],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'], groups: ['groups'] },
  scopes: ['openid', 'profile', 'email', 'groups'],
  conformIdTokenClaims: settings.thin,
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      name: `Person ${id}`,
      preferred_username: id,
      email: `${id}@op.example`,
      groups: settings.people[id] ?? [],
    }),
  }),
  cookies: { keys: ['test'] },
  // It refuses to call private addresses, rightly; the server under test is on this machine.
  fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
  jwks: settings.jwks,
});
server.on('request', provider.callback());
process.stdout.write(`${JSON.stringify({ issuer })}\n`);

for await (const line of lines) {
  // Nothing is asked for while it runs; the loop ends with the input.
  if (line === 'end') break;
}
process.exit(0);
