// Drawn from openapi/watchkeep.json by `npm run types`. Never edited by hand.

export interface paths {
    "/api/v1/acknowledgements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take charge of problems */
        post: operations["postAcknowledgements"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/acknowledgements/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let go of problems */
        post: operations["postAcknowledgementsRemove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Agents by host */
        get: operations["getAgents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An agent */
        get: operations["getAgentsId"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/executions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What it executed, newest first */
        get: operations["getAgentsIdExecutions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/read-only": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the server's management of an agent, or begin it again */
        post: operations["postAgentsIdReadOnly"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Trust a quarantined agent again */
        post: operations["postAgentsIdRelease"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Revoke: its links close within a second, for good */
        post: operations["postAgentsIdRevoke"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Audit entries, newest first */
        get: operations["getAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Recompute every entry of the log */
        get: operations["getAuditVerify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify/progress": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a check of the log is that is under way */
        get: operations["getAuditVerifyProgress"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/certificates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every certificate made here, soonest to end first */
        get: operations["getCertificates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Ways to reach people */
        get: operations["getChannels"];
        put?: never;
        /** Add a way to reach people */
        post: operations["postChannels"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change a way to reach people */
        put: operations["putChannelsId"];
        post?: never;
        /** Remove a way to reach people */
        delete: operations["deleteChannelsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test */
        post: operations["postChannelsIdTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All checks, worst first */
        get: operations["getChecks"];
        put?: never;
        /** Add a probe or plugin check */
        post: operations["postChecks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/checks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A check whole */
        get: operations["getChecksId"];
        /** Change a check */
        put: operations["putChecksId"];
        post?: never;
        /** Remove a check */
        delete: operations["deleteChecksId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/claim/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Name and password of the first administrator */
        post: operations["postClaimBegin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/claim/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whom a one-time link lets in, if it works */
        post: operations["postClaimCheck"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/claim/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The first code: makes the account and signs in */
        post: operations["postClaimFinish"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/comments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say something on timelines */
        post: operations["postComments"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/csp-reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a browser refused to load or run on the console: counted and logged */
        post: operations["postCspReports"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downtimes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Downtimes in effect and planned */
        get: operations["getDowntimes"];
        put?: never;
        /** Plan downtimes */
        post: operations["postDowntimes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/downtimes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Cancel a downtime */
        delete: operations["deleteDowntimesId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/enrolment-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tokens, newest first */
        get: operations["getEnrolmentTokens"];
        put?: never;
        /** Make a token: one machine, once, for a while */
        post: operations["postEnrolmentTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/enrolment-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Take an unused token back */
        delete: operations["deleteEnrolmentTokensId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The timeline, newest first */
        get: operations["getEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/filter/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the last word of a filter could go on */
        get: operations["getFilterComplete"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Hosts by name */
        get: operations["getHosts"];
        put?: never;
        /** Add a host without an agent */
        post: operations["postHosts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A host */
        get: operations["getHostsId"];
        /** Change a host's name and fields */
        put: operations["putHostsId"];
        post?: never;
        /** Remove a host with its checks */
        delete: operations["deleteHostsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{id}/inventory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sections of the inventory */
        get: operations["getHostsIdInventory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{id}/inventory/{section}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One section */
        get: operations["getHostsIdInventorySection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{id}/range": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Points of series over time */
        get: operations["getHostsIdRange"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hosts/{id}/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is measured */
        get: operations["getHostsIdSeries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Links that were neither used nor withdrawn */
        get: operations["getInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraw a link: it works no more */
        delete: operations["deleteInvitationsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What changes, as server-sent events; `Last-Event-ID` resumes */
        get: operations["getLive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in */
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/elevate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A fresh code, for acts that ask for one: the session goes on under another token */
        post: operations["postMeElevate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What I sign in with */
        get: operations["getMeFactors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change my password: ends my other sessions */
        post: operations["postMePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** New recovery codes; the old ones are void. Ends my other sessions */
        post: operations["postMeRecoveryCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My sessions */
        get: operations["getMeSessions"];
        put?: never;
        post?: never;
        /** End all of my other sessions */
        delete: operations["deleteMeSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one of my sessions */
        delete: operations["deleteMeSessionsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/totp/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new authenticator; the old one works until the new one is confirmed */
        post: operations["postMeTotpBegin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/totp/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The new authenticator's first code: ends my other sessions */
        post: operations["postMeTotpFinish"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/meta": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What may be known before signing in */
        get: operations["getMeta"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sent and waiting, newest first */
        get: operations["getNotifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What needs a person, first */
        get: operations["getOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/password/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How strong a password would be */
        post: operations["postPasswordCheck"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Checks that are not OK, worst first */
        get: operations["getProblems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rechecks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run checks now */
        post: operations["postRechecks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** First step of signing in */
        post: operations["postSession"];
        /** Sign out */
        delete: operations["deleteSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Second step of signing in */
        post: operations["postSessionFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The server itself */
        get: operations["getSystem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts by name */
        get: operations["getUsers"];
        put?: never;
        /** Invite a person: a link that works once, for a day; an older one for the name is void */
        post: operations["postUsers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Disable an account: its sessions end at once */
        post: operations["postUsersIdDisable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Enable an account */
        post: operations["postUsersIdEnable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/reopen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let an account sign in again after too many failures */
        post: operations["postUsersIdReopen"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reset password and factors: nothing opens the account but the link, which works once, for a day */
        post: operations["postUsersIdReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/role": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give an account another role, from its next request on */
        post: operations["postUsersIdRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/views": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My saved views, and those that are shared */
        get: operations["getViews"];
        put?: never;
        /** Save a view; to share it needs `view.share` */
        post: operations["postViews"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/views/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change a view of mine */
        put: operations["putViewsId"];
        post?: never;
        /** Remove a view of mine; an administrator removes shared ones, too */
        delete: operations["deleteViewsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Takes charge of problems. */
        AcknowledgeInput: {
            checks: string[];
            expires_at?: string | null;
            note: string;
            /** @description Stays through changes between warning, critical and unknown. */
            sticky?: boolean;
        };
        /** @description Who took charge. */
        Acknowledgement: {
            at: string;
            by: string;
            expires_at?: string | null;
            note: string;
            sticky: boolean;
        };
        /** @description An enrolled agent. */
        Agent: {
            cert_not_after: string;
            cert_serial: string;
            /** Format: int64 */
            committed_seq: number;
            connected: boolean;
            enrolled_at: string;
            grants: string[];
            host: components["schemas"]["HostRef"];
            id: string;
            last_address: string;
            last_seen_at?: string | null;
            os: string;
            plugins: components["schemas"]["AgentPlugin"][];
            /** @description An administrator ended the server's management of it: it is sent nothing to run. */
            read_only: boolean;
            /** @description Its own policy file refuses every assignment. */
            remote_off: boolean;
            /** @description `active`, `quarantined` or `revoked`. */
            standing: string;
            version: string;
        };
        /** @description How agents stand. */
        AgentCounts: {
            /** Format: int32 */
            connected: number;
            /** Format: int32 */
            quarantined: number;
            /** Format: int32 */
            revoked: number;
            /** Format: int32 */
            silent: number;
        };
        /** @description A plugin that the agent's own policy file allows. */
        AgentPlugin: {
            name: string;
            params: string[];
            sha256: string;
        };
        /** @description An audit entry. */
        AuditEntry: {
            action: string;
            actor: string;
            at: string;
            /** @description The canonical entry, whole: source, session, reason, differences. */
            entry: Record<string, never>;
            leaf_hash: string;
            object: string;
            outcome: string;
            /** Format: int64 */
            seq: number;
        };
        /** @description How far a check of the audit log is that is under way. */
        AuditProgress: {
            /**
             * Format: int64
             * @description Entries recomputed.
             */
            done: number;
            running: boolean;
            /**
             * Format: int64
             * @description Entries there were when it began.
             */
            total: number;
        };
        /** @description What a check of the whole audit log found. */
        AuditReport: {
            /** Format: int64 */
            entries: number;
            findings: string[];
            intact: boolean;
            root_hash: string;
        };
        /** @description Why one part of a bulk act failed. */
        BulkFailure: {
            id: string;
            reason: string;
        };
        /** @description What came of each part of a bulk act. */
        BulkResult: {
            /** Format: int32 */
            done: number;
            failed: components["schemas"]["BulkFailure"][];
            /** @description Ids of what came into being, so that it can be taken back: downtimes. */
            made: string[];
        };
        /** @description A certificate Watchkeep made. */
        Certificate: {
            agent?: string | null;
            algorithm: string;
            /** Format: int64 */
            days_left: number;
            fingerprint_sha256: string;
            not_after: string;
            not_before: string;
            revoked: boolean;
            /** @description `root`, `intermediate`, `server` or `agent`. */
            role: string;
            serial: string;
            subject: string;
        };
        /** @description A way to reach people. */
        Channel: {
            config: Record<string, never>;
            enabled: boolean;
            has_secret: boolean;
            id: string;
            /** @description `email` or `webhook`. */
            kind: string;
            name: string;
            /** Format: int64 */
            revision: number;
        };
        /** @description A way to reach people, to add or change. */
        ChannelInput: {
            /**
             * @description email: `{"server":"mail.example:465","security":"tls"|"starttls","from":"..","to":[".."],"username":".."}`;
             *     webhook: `{"url":"https://.."}`; both: `"severities":["critical","warning","unknown"]`.
             */
            config: Record<string, never>;
            enabled?: boolean;
            kind: string;
            name: string;
            /** Format: int64 */
            revision?: number | null;
            /** @description Password or signing key. Kept as it is when absent; never shown again. */
            secret?: string | null;
        };
        /** @description A check whole. */
        CheckDetail: components["schemas"]["CheckView"] & {
            /** Format: int64 */
            interval_s: number;
            long_output: string;
            metrics: components["schemas"]["PerfValue"][];
            /** Format: int32 */
            notifications_sent: number;
            /** Format: int64 */
            retry_interval_s: number;
            /** Format: int64 */
            revision: number;
            /** @description The agent that runs it, none when the server judges. */
            runner?: string | null;
            /** @description Arguments, for probes and plugins. */
            spec: Record<string, never>;
        };
        /** @description A check to add or change. */
        CheckInput: {
            enabled?: boolean;
            host: string;
            /** Format: int64 */
            interval_s?: number | null;
            /** @description Unique on the host: `http:intranet`. */
            key: string;
            /** Format: int32 */
            max_attempts?: number | null;
            /** Format: int64 */
            retry_interval_s?: number | null;
            /** Format: int64 */
            revision?: number | null;
            /** @description The agent that runs it; absent: the host's own. */
            runner?: string | null;
            /** @description `{"kind":"tcp","address":"10.0.0.5","port":443,"thresholds":[{"metric":"time","warn":"0.5","crit":"2"}]}`. */
            spec: Record<string, never>;
            title?: string;
            volatile?: boolean;
        };
        /**
         * @description `ok`, `warning`, `critical`, `unknown`, or `pending` before the first result.
         * @enum {string}
         */
        CheckStatus: "ok" | "warning" | "critical" | "unknown" | "pending";
        /** @description A check with its present state. */
        CheckView: {
            acknowledgement?: components["schemas"]["Acknowledgement"] | null;
            /** Format: int32 */
            attempt: number;
            /** @description A probe or plugin can be asked to run now; a built-in check is judged from what comes in. */
            can_recheck: boolean;
            enabled: boolean;
            flapping: boolean;
            /** @description Acknowledged or in downtime. */
            handled: boolean;
            host: components["schemas"]["HostRef"];
            id: string;
            in_downtime: boolean;
            key: string;
            /** @description `builtin`, `probe`, `plugin` or `alive`. */
            kind: string;
            last_checked_at?: string | null;
            /** Format: int32 */
            max_attempts: number;
            next_due_at?: string | null;
            /** @description Set while no current data comes in: since when. */
            no_data_since?: string | null;
            output: string;
            /** @description Machine-readable reason when the result was no ordinary verdict: `timeout`, `stale`, `agent-unreachable`, ... */
            reason?: string;
            /** @description When the present status began. */
            since?: string | null;
            /** @description `soft` while a problem is being confirmed, else `hard`. */
            state_type: string;
            status: components["schemas"]["CheckStatus"];
            title: string;
        };
        /** @description Names checks. */
        ChecksInput: {
            checks: string[];
        };
        /** @description The first administrator's name and password. */
        ClaimBegin: {
            display_name?: string;
            name: string;
            password: string;
            token: string;
        };
        /** @description The one-time claim link's token. */
        ClaimCheck: {
            token: string;
        };
        /** @description The first code of the authenticator application: finishes the claim. */
        ClaimFinish: {
            code: string;
            token: string;
        };
        /** @description Whom a one-time link lets in. */
        ClaimFor: {
            display_name: string;
            expires_at: string;
            /** @description `server` (the first administrator), `invitation` (a new account) or `reset` (new factors for an account). */
            kind: string;
            /** @description Empty where the person chooses it. */
            name: string;
            role: string;
        };
        /** @description Shown once, never again. */
        Claimed: {
            me: components["schemas"]["Me"];
            recovery_codes: string[];
        };
        /** @description A code of the authenticator; where it says so, a recovery code. */
        CodeInput: {
            code: string;
        };
        /** @description Says something on the timeline. */
        CommentInput: {
            checks: string[];
            text: string;
        };
        /** @description How a filter could go on. */
        Completion: {
            label: string;
            /** @description The last word, completed. */
            value: string;
        };
        /** @description A planned downtime. */
        Downtime: {
            active: boolean;
            check?: string | null;
            check_title?: string | null;
            created_by: string;
            end_at: string;
            host: components["schemas"]["HostRef"];
            id: string;
            note: string;
            start_at: string;
        };
        /** @description Plans a downtime. */
        DowntimeInput: {
            end_at: string;
            note: string;
            start_at: string;
            targets: components["schemas"]["DowntimeTarget"][];
        };
        /** @description What a downtime covers. */
        DowntimeTarget: {
            /** @description Absent: the host with all its checks. */
            check?: string | null;
            host: string;
        };
        /** @description An entry of the timeline. */
        Event: {
            at: string;
            check?: string | null;
            check_title?: string | null;
            /** @description For `state`: `{from, to, state_type, attempt, trace: {gates: [{gate, passed, detail}], verdict, revision}}`. */
            detail: Record<string, never>;
            host?: components["schemas"]["HostRef"] | null;
            id: string;
            /**
             * @description `state`, `ack`, `unack`, `downtime-start`, `downtime-end`, `comment`, `inventory`, `agent`, `notification`,
             *     `security`.
             */
            kind: string;
            /** @description `info`, `ok`, `warning`, `critical`, `unknown`. */
            severity: string;
            summary: string;
        };
        /** @description The record of one execution on an agent. */
        Execution: {
            argv: string[];
            check?: string | null;
            /** Format: int64 */
            duration_ms: number;
            grade: string;
            id: string;
            kind: string;
            outcome: string;
            sha256: string;
            started_at: string;
            what: string;
        };
        /** @description What I sign in with. */
        Factors: {
            /** @description Until then no code is asked for again. */
            fresh_until?: string | null;
            /** Format: int64 */
            recovery_codes_left: number;
            /** @description An authenticator application. */
            totp: boolean;
        };
        /** @description What is wrong with one field. */
        FieldError: {
            detail: string;
            /** @description JSON pointer. */
            pointer: string;
        };
        /** @description One cell of the honeycomb. */
        HostCell: {
            connected: boolean;
            id: string;
            name: string;
            /** Format: int32 */
            problems: number;
            /** @description The worst state of its checks that nobody handles. */
            status: components["schemas"]["CheckStatus"];
        };
        /** @description New values for a host that people set. */
        HostInput: {
            addresses?: string[];
            fields?: {
                [key: string]: string;
            };
            /** @description RFC 1123 name. */
            name: string;
            /**
             * Format: int64
             * @description The revision that was read; refused when somebody else changed the host since. Absent when creating.
             */
            revision?: number | null;
        };
        /** @description A host, named. */
        HostRef: {
            id: string;
            name: string;
        };
        /** @description A host in a list. */
        HostView: {
            addresses: string[];
            agent?: string | null;
            connected: boolean;
            /** @description description, group, department, responsible, location and whatever else people wrote. */
            fields: {
                [key: string]: string;
            };
            id: string;
            in_downtime: boolean;
            last_seen_at?: string | null;
            name: string;
            os: string;
            problems: components["schemas"]["ProblemCounts"];
            /** Format: int64 */
            revision: number;
            status: components["schemas"]["CheckStatus"];
        };
        /** @description One thing of an inventory. */
        InventoryItem: {
            fields: {
                [key: string]: string;
            };
            first_seen_at: string;
            key: string;
            last_changed_at: string;
        };
        /** @description One section of an inventory. */
        InventorySection: {
            /** Format: int64 */
            items: number;
            section: string;
        };
        /** @description An invitation. The path is shown once; put the console's address in front of it. */
        Invitation: {
            expires_at: string;
            /** @description `/claim#…`: where the person sets a password and a second factor, once. */
            path: string;
        };
        /** @description One event of the live stream (`event:` is the same word as `live`, `data:` this, `id:` grows). */
        Live: (components["schemas"]["CheckView"] & {
            /** @enum {string} */
            live: "check";
        }) | (components["schemas"]["Event"] & {
            /** @enum {string} */
            live: "event";
        }) | {
            connected: boolean;
            id: string;
            /** @enum {string} */
            live: "agent";
            standing: string;
        } | {
            /** @enum {string} */
            live: "configuration";
        } | {
            /** @enum {string} */
            live: "resync";
        };
        /** @description Who is signed in. */
        Me: {
            display_name: string;
            id: string;
            name: string;
            /** @description Actions this person may do, such as `problem.acknowledge`. */
            permissions: string[];
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
            session_expires_at: string;
        };
        /** @description What may be known before anybody signed in. */
        Meta: {
            /** @description False until the first administrator has claimed this server. */
            claimed: boolean;
            product: string;
        };
        /** @description A notification that was sent, or is to be. */
        Notification: {
            /** Format: int64 */
            attempts: number;
            channel: string;
            check: string;
            created_at: string;
            delivered_at?: string | null;
            host: string;
            id: string;
            kind: string;
            last_error?: string;
            /** @description `pending`, `delivered` or `failed`. */
            state: string;
            summary: string;
        };
        /** @description A link that was neither used nor withdrawn. The link itself is not kept. */
        OpenInvitation: {
            created_at: string;
            created_by: string;
            display_name: string;
            /** @description It works no more. */
            expired: boolean;
            expires_at: string;
            id: string;
            /** @description `invitation` (a new account) or `reset` (new factors for an account). */
            kind: string;
            name: string;
            role: string;
        };
        /** @description What the first screen shows. */
        Overview: {
            agents: components["schemas"]["AgentCounts"];
            /** @description Newest first, at most 20. */
            events: components["schemas"]["Event"][];
            hosts: components["schemas"]["HostCell"][];
            now: string;
            /** @description The newest problems that nobody handles, worst first, at most 20. */
            open: components["schemas"]["CheckView"][];
            problems: components["schemas"]["ProblemCounts"];
            self_checks: components["schemas"]["SelfCheck"][];
        };
        /** @description Another password. */
        PasswordChange: {
            current: string;
            password: string;
        };
        /** @description Asks how strong a password would be. */
        PasswordCheck: {
            /** @description Words that must not carry the password: name, host, mail. */
            context?: string[];
            password: string;
        };
        /** @description Whether a password would be accepted, and why not. */
        PasswordVerdict: {
            accepted: boolean;
            /** @description How to make it better. */
            advice: string[];
            /** @description Why it is refused, in words. */
            reasons: string[];
            /**
             * Format: int32
             * @description 0 (guessed at once) to 4.
             */
            score: number;
        };
        /** @description One performance value with its thresholds in the plugin guideline's notation. */
        PerfValue: {
            crit?: string;
            label: string;
            /** Format: double */
            max?: number | null;
            /** Format: double */
            min?: number | null;
            unit: string;
            /**
             * Format: double
             * @description Null: undetermined.
             */
            value?: number | null;
            warn?: string;
        };
        /** @description A port this server listens on, or an address it calls. */
        Port: {
            address: string;
            authentication: string;
            /** @description `in` or `out`. */
            direction: string;
            protocol: string;
            purpose: string;
        };
        /** @description RFC 9457 problem details. */
        Problem: {
            detail: string;
            errors?: components["schemas"]["FieldError"][];
            /** @description The request's id, as the log has it. */
            instance: string;
            /** Format: int32 */
            status: number;
            title: string;
            /** @description `about:blank` or a relative reference that names the kind, such as `/problems/conflict`. */
            type: string;
        };
        /** @description How many problems there are. */
        ProblemCounts: {
            /** Format: int32 */
            critical: number;
            /**
             * Format: int32
             * @description Of these, acknowledged or in downtime.
             */
            handled: number;
            /** Format: int32 */
            ok: number;
            /** Format: int32 */
            pending: number;
            /** Format: int32 */
            unknown: number;
            /** Format: int32 */
            warning: number;
        };
        /** @description A queue and how full it is. */
        Queue: {
            detail: string;
            /** Format: int64 */
            length: number;
            /** Format: int64 */
            limit: number;
            name: string;
        };
        /** @description Series with their points. */
        RangeAnswer: {
            from: string;
            series: components["schemas"]["RangeSeries"][];
            /** Format: int64 */
            step_ms: number;
            to: string;
        };
        /** @description One series' points. */
        RangeSeries: components["schemas"]["Series"] & {
            /** @description Each `[at_ms, min, max, avg, last]`; a step without samples is left out. */
            points: number[][];
            /** @description `raw`, `1m` or `1h`. */
            tier: string;
        };
        /** @description Whether an agent is to be read-only, and why. */
        ReadOnlyInput: {
            read_only: boolean;
            reason: string;
        };
        /** @description Why. */
        ReasonInput: {
            reason: string;
        };
        /** @description Shown once, never again. */
        RecoveryCodes: {
            recovery_codes: string[];
        };
        /** @description Another role for an account. */
        RoleInput: {
            reason: string;
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
        };
        /** @description A list's filter under a name. */
        SavedView: {
            created_at: string;
            filter: string;
            id: string;
            /** @description `problems` or `hosts`. */
            list: string;
            mine: boolean;
            name: string;
            /** @description Whose it is. */
            owner: string;
            /** Format: int64 */
            revision: number;
            /** @description `all`: all checks rather than problems. Empty otherwise. */
            scope: string;
            /** @description Everybody sees it. */
            shared: boolean;
            /** @description `column`, `-column` or empty. */
            sort: string;
        };
        /** @description A view to keep, or to change. */
        SavedViewInput: {
            filter?: string;
            /** @description `problems` or `hosts`. */
            list: string;
            name: string;
            /**
             * Format: int64
             * @description Of the view that is changed.
             */
            revision?: number | null;
            scope?: string;
            /** @description Shows it to everybody. */
            shared?: boolean;
            sort?: string;
        };
        /** @description One line of the server's opinion of itself. */
        SelfCheck: {
            detail: string;
            key: string;
            status: components["schemas"]["CheckStatus"];
            title: string;
        };
        /** @description A series of a host. */
        Series: {
            /** @description Grows for ever; ask for its rate. */
            counter: boolean;
            labels: {
                [key: string]: string;
            };
            name: string;
            unit: string;
        };
        /** @description One of my sessions. */
        Session: {
            address: string;
            created_at: string;
            current: boolean;
            id: string;
            last_used_at: string;
            method: string;
            user_agent: string;
        };
        /** @description First step of signing in. */
        SignIn: {
            name: string;
            password: string;
        };
        /** @description The second factor is still to come. */
        SignInChallenge: {
            /** @description Give it back with the code, within five minutes. */
            challenge: string;
            /** @description `totp`, `recovery`. */
            factors: string[];
        };
        /** @description Second step of signing in. */
        SignInFactor: {
            challenge: string;
            /** @description Six digits, or a recovery code. */
            code: string;
        };
        /** @description What is kept where. */
        Storage: {
            /** Format: int64 */
            audit_entries: number;
            /** Format: int64 */
            database_bytes: number;
            database_engine: string;
            /** Format: int64 */
            events: number;
            /** Format: int64 */
            metrics_bytes: number;
            /** Format: int64 */
            metrics_corrupt_blocks: number;
            /** Format: int64 */
            metrics_series: number;
            /** Format: int64 */
            metrics_wal_bytes: number;
            reports: string[];
            /** Format: int64 */
            schema_version: number;
        };
        /** @description How the server itself is. */
        System: {
            /** @description Counted since start: what was refused, shed or left out. */
            counters: {
                [key: string]: number;
            };
            ports: components["schemas"]["Port"][];
            queues: components["schemas"]["Queue"][];
            self_checks: components["schemas"]["SelfCheck"][];
            started_at: string;
            storage: components["schemas"]["Storage"];
        };
        /** @description An enrolment token in the list. */
        Token: {
            created_at: string;
            created_by: string;
            expires_at: string;
            grants: string[];
            host_pattern: string;
            id: string;
            /** @description `open`, `used`, `expired` or `withdrawn`. */
            state: string;
            used_by?: string | null;
        };
        /** @description A new enrolment token. The line is shown once. */
        TokenCreated: {
            expires_at: string;
            id: string;
            /** @description The one line to paste on the machine. */
            line: string;
        };
        /** @description Asks for an enrolment token. */
        TokenInput: {
            /** @description `probe`: may also run checks of other hosts. */
            grants?: string[];
            /** @description Which host names may use it: `web-*`. */
            host_pattern?: string;
            /**
             * Format: int64
             * @description 60 to 86 400.
             */
            ttl_s?: number;
        };
        /** @description What an authenticator application needs. */
        TotpSetup: {
            /** @description Base32, to type by hand. */
            secret: string;
            /** @description `otpauth://` address, for the QR code. */
            uri: string;
        };
        /** @description A person's account. */
        User: {
            /** @description Its factors were reset: nobody can sign in until the link is used. */
            awaits_factors: boolean;
            /** @description Too many: the password opens nothing until somebody reopens the account. */
            closed: boolean;
            created_at: string;
            disabled: boolean;
            display_name: string;
            /** @description `password`, `totp`, `recovery`: what there is to sign in with. */
            factors: string[];
            /**
             * Format: int64
             * @description Failed sign-ins in a row.
             */
            failures: number;
            id: string;
            /** @description The newest session's beginning. */
            last_sign_in_at?: string | null;
            name: string;
            /** Format: int64 */
            recovery_codes_left: number;
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
        };
        /** @description Invites a person. */
        UserInput: {
            display_name?: string;
            name: string;
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    postAcknowledgements: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcknowledgeInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkResult"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postAcknowledgementsRemove: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChecksInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkResult"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAgents: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Agent"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAgentsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAgentsIdExecutions: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Execution"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postAgentsIdReadOnly: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReadOnlyInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postAgentsIdRelease: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postAgentsIdRevoke: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAudit: {
        parameters: {
            query?: {
                /** @description Name, as the list shows it */
                actor?: string;
                /** @description Beginning of the action, such as `problem.` */
                action?: string;
                /** @description Object, as the list shows it */
                object?: string;
                /** @description success, denied or failed */
                outcome?: string;
                /** @description RFC 3339 */
                from?: string;
                /** @description RFC 3339, exclusive */
                to?: string;
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditEntry"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAuditVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditReport"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAuditVerifyProgress: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditProgress"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getCertificates: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Certificate"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getChannels: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Channel"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postChannels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Channel"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putChannelsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Channel"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteChannelsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postChannelsIdTest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getChecks: {
        parameters: {
            query?: {
                /** @description Words that must all hold, as in the console's filter bar */
                filter?: string;
                /** @description Only this host's, by id */
                host?: string;
                /** @description `state`, `host`, `check`, `since`, `handled`, `checked`, `attempt` or `kind`; `-` in front turns it round */
                sort?: string;
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["CheckView"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postChecks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckDetail"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getChecksId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckDetail"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putChecksId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CheckInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckDetail"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteChecksId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postClaimBegin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimBegin"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpSetup"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postClaimCheck: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimCheck"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimFor"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postClaimFinish: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimFinish"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Claimed"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postComments: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommentInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkResult"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postCspReports: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDowntimes: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Downtime"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postDowntimes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DowntimeInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkResult"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteDowntimesId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getEnrolmentTokens: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Token"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postEnrolmentTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenCreated"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteEnrolmentTokensId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getEvents: {
        parameters: {
            query?: {
                /** @description Only this host's */
                host?: string;
                /** @description Only this check's */
                check?: string;
                /** @description Only these kinds, separated by commas */
                kind?: string;
                /** @description RFC 3339 */
                from?: string;
                /** @description RFC 3339, exclusive */
                to?: string;
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Event"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getFilterComplete: {
        parameters: {
            query?: {
                /** @description The filter so far */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Completion"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHosts: {
        parameters: {
            query?: {
                /** @description Text in name, address, OS or a field */
                q?: string;
                /** @description `state`, `name`, `problems`, `agent`, `os`, `seen` or `field.NAME`; `-` in front turns it round */
                sort?: string;
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["HostView"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postHosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostView"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostView"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putHostsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostView"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteHostsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostsIdInventory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["InventorySection"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostsIdInventorySection: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path: {
                id: string;
                section: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["InventoryItem"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostsIdRange: {
        parameters: {
            query?: {
                /** @description Metric name, or the beginning of names when it ends in a dot */
                name?: string;
                /** @description Labels that must match, `name:value`, separated by a vertical bar */
                label?: string;
                /** @description RFC 3339; an hour ago when absent */
                from?: string;
                /** @description RFC 3339, exclusive; now when absent */
                to?: string;
                /** @description Width of a point; about 500 points when absent */
                step_ms?: number;
                /** @description Counters as growth per second */
                rate?: boolean;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RangeAnswer"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostsIdSeries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Series"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getInvitations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["OpenInvitation"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteInvitationsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Live"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postMeElevate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Factors"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMeFactors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Factors"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postMePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postMeRecoveryCodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMeSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Session"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteMeSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteMeSessionsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postMeTotpBegin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpSetup"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postMeTotpFinish: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CodeInput"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMeta: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Meta"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getNotifications: {
        parameters: {
            query?: {
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Notification"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOverview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postPasswordCheck: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordCheck"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordVerdict"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getProblems: {
        parameters: {
            query?: {
                /** @description Words that must all hold, as in the console's filter bar */
                filter?: string;
                /** @description Only this host's, by id */
                host?: string;
                /** @description `state`, `host`, `check`, `since`, `handled`, `checked`, `attempt` or `kind`; `-` in front turns it round */
                sort?: string;
                /** @description Items at most, 1 to 500; 100 when absent */
                limit?: number;
                /** @description `next` of the page before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["CheckView"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postRechecks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChecksInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkResult"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInChallenge"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postSessionFactor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInFactor"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSystem: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["System"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["User"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsersIdDisable: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsersIdEnable: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsersIdReopen: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsersIdReset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postUsersIdRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoleInput"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getViews: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SavedView"][];
                        /** @description Give it as `after` for the next page; absent on the last */
                        next?: string;
                        /** @description All that match, where counting is cheap */
                        total?: number;
                    };
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postViews: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SavedViewInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedView"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putViewsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SavedViewInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedView"];
                };
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteViewsId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Why not, as RFC 9457 problem details */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
