// What the form of a SAML provider says.

export const samlWords = {
  metadata: 'Metadata of the provider',
  metadataHelp:
    'Paste its XML. It fills the fields below, and is not kept. Paste it again when its keys change.',
  metadataSignedBy: 'Certificate that signed the metadata',
  metadataSignedByHelp: 'From elsewhere than the metadata itself. Then the signature must hold.',
  entityId: 'Entity id of the provider',
  entityIdHelp: 'Its name for itself, to the letter.',
  ssoUrl: 'Sign-on address (HTTP-Redirect)',
  certificates: 'Certificates it signs with',
  certificatesHelp:
    'PEM or base64, an empty line between two. Enter the next one beside the present one before it changes.',
  subject: 'Attribute that says who somebody is, for ever',
  subjectHelp: 'Empty: the NameID, which must be persistent then.',
  nameId: 'Format of the NameID',
  nameIds: {
    'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent': 'persistent',
    'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified': 'unspecified',
    'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress': 'e-mail address',
    'urn:oasis:names:tc:SAML:2.0:nameid-format:transient': 'transient (needs a subject attribute)',
    '': 'whatever the provider sends',
  } as Record<string, string>,
  mailIsSubject: 'Believe a NameID that is an e-mail address',
  mailIsSubjectHelp: 'An address is given to somebody else one day, and with it the account here.',
  attributes: 'Attributes',
  attributesHelp:
    'Names or friendly names, one a line; the first that the provider sends counts. Empty: the usual ones.',
  attributeName: 'Account name',
  attributeDisplay: 'Full name',
  attributeMail: 'E-mail',
  attributeGroups: 'Groups',
  factors: 'Stands for a second factor',
  factorsHelp: 'AuthnContext classes, one a line.',
  contexts: 'Ask for these AuthnContext classes',
  contextsHelp: 'One a line. Empty: the provider’s choice.',
  sloUrl: 'Logout address (HTTP-Redirect)',
  sloUrlHelp: 'Where browsers go back to when the provider has ended a session. Comes with the metadata.',
  signRequests: 'Sign our requests',
  unsolicited: 'The provider may begin by itself',
  unsolicitedHelp:
    'Then nobody here asked, and somebody can slip their own sign-in into another’s browser. A tile over there does without: let it open our /begin address.',
  skew: 'Clocks may be apart (seconds)',
  renew: 'Make a new key of this server for it',
  renewHelp:
    'At once for encryption; for signatures after seven days, so that the provider can load the metadata anew. The old one goes with the next.',
  more: 'More settings',
  addresses: {
    callback: 'Assertion consumer (HTTP-POST), reply URL',
    logout: 'Single logout (HTTP-POST)',
    metadata: 'Entity id, audience; our metadata is there',
  },
} as const
