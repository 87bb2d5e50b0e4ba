// Drawn from openapi/watchkeep.json by `npm run types`. Never edited by hand.

export interface paths {
    "/api/v1/access-findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts and tokens as they are now, with what is odd about them */
        get: operations["getAccessFindings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/access/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What somebody may do, where, and why */
        get: operations["getAccessExplain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/access/who": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who may do this to that: people, then tokens */
        get: operations["getAccessWho"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
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
    "/api/v1/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every action that a role can have */
        get: operations["getActions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin-conditions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the acts of administrators ask for */
        get: operations["getAdminConditions"];
        /** Changes them; refused to whoever would be locked out by it */
        put: operations["putAdminConditions"];
        post?: never;
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
    "/api/v1/api-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everybody's tokens, newest first */
        get: operations["getApiTokens"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a token, at once */
        delete: operations["deleteApiTokensId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-tokens/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new secret for a service account's token */
        post: operations["postApiTokensIdRotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Requests that another person must agree to, newest first */
        get: operations["getApprovals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One request */
        get: operations["getApprovalsId"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/agree": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Agree: the act is done at once */
        post: operations["postApprovalsIdAgree"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/decline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Decline: nothing is done */
        post: operations["postApprovalsIdDecline"];
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
    "/api/v1/console-clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whose client certificates the console's door knows */
        get: operations["getConsoleClients"];
        /** Changes it; refused to whoever would not be let in afterwards */
        put: operations["putConsoleClients"];
        post?: never;
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
    "/api/v1/factor-removals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts whose last factor is on its way out */
        get: operations["getFactorRemovals"];
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
    "/api/v1/four-eyes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** When a second person is asked for */
        get: operations["getFourEyes"];
        /** When a second person is asked for; less often is itself such an act */
        put: operations["putFourEyes"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Grants, newest first */
        get: operations["getGrants"];
        put?: never;
        /** Give a role to somebody somewhere, or deny it; only who holds it there may */
        post: operations["postGrants"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants/{id}/take": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take a grant away, from the next request on */
        post: operations["postGrantsIdTake"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Groups of people, by name */
        get: operations["getGroups"];
        put?: never;
        /** Make a group of people */
        post: operations["postGroups"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One group of people */
        get: operations["getGroupsId"];
        /** Rename a group */
        put: operations["putGroupsId"];
        post?: never;
        /** Remove a group with its memberships and grants */
        delete: operations["deleteGroupsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups/{id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is in a group, and who says so */
        get: operations["getGroupsIdMembers"];
        put?: never;
        /** Put somebody into a group; only who holds all it holds may */
        post: operations["postGroupsIdMembers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/groups/{id}/members/{person}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Take somebody out of a group */
        delete: operations["deleteGroupsIdMembersPerson"];
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
    "/api/v1/me/access": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What I may do, where, and why */
        get: operations["getMeAccess"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What I asked for, newest first */
        get: operations["getMeApprovals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/approvals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraw a request of mine */
        delete: operations["deleteMeApprovalsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/browsers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Browsers that are known as mine: my tries from there are counted by themselves */
        get: operations["getMeBrowsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/browsers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Treat a browser as a stranger from now on */
        delete: operations["deleteMeBrowsersId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Browsers from which I may administer */
        get: operations["getMeDevices"];
        put?: never;
        /** Enrols this browser with a passkey */
        post: operations["postMeDevices"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/devices/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a browser's enrolment */
        delete: operations["deleteMeDevicesId"];
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
        /** A fresh passkey or code, for acts that ask for one: the session goes on under another token */
        post: operations["postMeElevate"];
        /** From now on dangerous acts ask for a fresh factor again */
        delete: operations["deleteMeElevate"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/elevate/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins to give a passkey as the fresh factor */
        post: operations["postMeElevateBegin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/factor-removal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Keep my last factor after all */
        delete: operations["deleteMeFactorRemoval"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/factor-removal/at-once": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have my last factor removed without the day: when another person agrees */
        post: operations["postMeFactorRemovalAtOnce"];
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
    "/api/v1/me/outside": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who I am elsewhere, as far as I can sign in by it */
        get: operations["getMeOutside"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/outside/elevate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A fresh factor given at the provider: where to send the browser */
        post: operations["postMeOutsideElevate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/outside/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Link who I am elsewhere: where to send the browser */
        post: operations["postMeOutsideLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/outside/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Take a provider off my account: sessions that came over it end */
        delete: operations["deleteMeOutsideId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My passkeys, oldest first */
        get: operations["getMePasskeys"];
        put?: never;
        /** Registers a passkey: ends my other sessions */
        post: operations["postMePasskeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins to register a passkey */
        post: operations["postMePasskeysBegin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Names a passkey */
        put: operations["putMePasskeysId"];
        post?: never;
        /** Removes a passkey: ends my other sessions. The last factor goes after a day */
        delete: operations["deleteMePasskeysId"];
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
    "/api/v1/me/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rules for my password */
        get: operations["getMePolicy"];
        put?: never;
        post?: never;
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
    "/api/v1/me/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My tokens, newest first */
        get: operations["getMeTokens"];
        put?: never;
        /** Make a token of my own; its secret is shown once */
        post: operations["postMeTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a token of mine, at once */
        delete: operations["deleteMeTokensId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/tokens/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new secret for a token of mine; the old one works on for a while */
        post: operations["postMeTokensIdRotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove my authenticator: ends my other sessions. The last factor goes after a day */
        delete: operations["deleteMeTotp"];
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
    "/api/v1/policies/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rules for passwords, and what they may be */
        get: operations["getPoliciesPassword"];
        /** Set the rules for everybody, a role or a group */
        put: operations["putPoliciesPassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/password/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How many accounts rules would make change their password */
        post: operations["postPoliciesPasswordPreview"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/password/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Remove the rules of a role or a group; those for everybody go back to `nist` */
        post: operations["postPoliciesPasswordRemove"];
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
    "/api/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who vouches for people, by name */
        get: operations["getProviders"];
        put?: never;
        /** Let somebody vouch for people */
        post: operations["postProviders"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of them */
        get: operations["getProvidersId"];
        /** Change one: sessions that came over it end when it matters to them */
        put: operations["putProvidersId"];
        post?: never;
        /** Remove one, with its links: sessions that came over it end */
        delete: operations["deleteProvidersId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sends the browser to a provider */
        get: operations["getProvidersIdBegin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The browser is back, with what the provider adds to the address */
        get: operations["getProvidersIdCallback"];
        put?: never;
        /** The browser is back, with what the provider's page sends */
        post: operations["postProvidersIdCallback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The provider says that a session is over */
        post: operations["postProvidersIdLogout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the provider's administrator loads over there */
        get: operations["getProvidersIdMetadata"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Walk through what a sign-in needs, and explain each step */
        post: operations["postProvidersIdTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/providers/{id}/test-person": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Walk through the sign-in of one person, and say what the rules give */
        post: operations["postProvidersIdTestPerson"];
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
    "/api/v1/reviews": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Reviews, newest first */
        get: operations["getReviews"];
        put?: never;
        /** Begin a review: a list of all accounts and tokens as they are now */
        post: operations["postReviews"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reviews/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A review with its lines */
        get: operations["getReviewsId"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reviews/{id}/lines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep, reduce or disable one line */
        post: operations["postReviewsIdLines"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reviews/{id}/sign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign it off: what was decided is done, and the review is closed */
        post: operations["postReviewsIdSign"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Built-in roles, then custom ones by name */
        get: operations["getRoles"];
        put?: never;
        /** Make a custom role */
        post: operations["postRoles"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change a custom role, for everybody who holds it from the next request on */
        put: operations["putRolesId"];
        post?: never;
        /** Remove a custom role that no grant gives */
        delete: operations["deleteRolesId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/service-accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts that no person signs in with */
        get: operations["getServiceAccounts"];
        put?: never;
        /** Make a service account */
        post: operations["postServiceAccounts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/service-accounts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Say who answers for it, what for, and when to look again */
        put: operations["putServiceAccountsId"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/service-accounts/{id}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a token of a service account; its secret is shown once */
        post: operations["postServiceAccountsIdTokens"];
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
    "/api/v1/session/enrol": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** For an account without a second factor: a session that may enrol one, and nothing else */
        post: operations["postSessionEnrol"];
        delete?: never;
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
    "/api/v1/session/passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in with a passkey alone */
        post: operations["postSessionPasskey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/passkey/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins to sign in with a passkey, without a name or password */
        post: operations["postSessionPasskeyBegin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in/emergency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts kept for the day the providers are down */
        get: operations["getSignInEmergency"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in/local": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Who may sign in with a local account */
        put: operations["putSignInLocal"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in/methods": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Ways to sign in: what may be known of them before */
        get: operations["getSignInMethods"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in/outside": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a browser that came back from a provider still has to do */
        get: operations["getSignInOutside"];
        put?: never;
        /** Name and password of an account elsewhere */
        post: operations["postSignInOutside"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in/outside/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The answer to a question of the provider */
        post: operations["postSignInOutsideAnswer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The counts of the overview alone: what every page shows of the whole */
        get: operations["getSummary"];
        put?: never;
        post?: never;
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
    "/api/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tenants one sees, each after the one it hangs on */
        get: operations["getTenants"];
        put?: never;
        /** Make a tenant */
        post: operations["postTenants"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Rename a tenant, or hang it on another with all below it */
        put: operations["putTenantsId"];
        post?: never;
        /** Remove a tenant that holds nothing */
        delete: operations["deleteTenantsId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/move": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What would change if it hung on another */
        get: operations["getTenantsIdMove"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/read-only": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close a tenant and all below it to changes of configuration, or open it again; at the first: the server */
        post: operations["postTenantsIdReadOnly"];
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
    "/api/v1/users/{id}/emergency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep an account for emergencies, or no longer */
        post: operations["postUsersIdEmergency"];
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
    "/api/v1/users/{id}/factor-removal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Stop the removal of an account's last factor */
        delete: operations["deleteUsersIdFactorRemoval"];
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
    "/api/v1/users/{id}/require-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody may know the password: its person can do nothing before choosing another. Ends all sessions */
        post: operations["postUsersIdRequireChange"];
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
        /** Give an account another role; its sessions end */
        post: operations["postUsersIdRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where somebody is signed in */
        get: operations["getUsersIdSessions"];
        put?: never;
        post?: never;
        /** End somebody's sessions, or one of them; devices are strangers then */
        delete: operations["deleteUsersIdSessions"];
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
        /** @description Something one may or may not do. */
        AccessAction: {
            /** @description Asks for a second factor given in the last ten minutes. */
            fresh_factor: boolean;
            /** @description `read`, `handle` or `configure`. */
            kind: string;
            name: string;
            /** @description The section of the console it belongs to. */
            section: string;
        };
        /** @description A role given to somebody somewhere, or denied. */
        AccessGrant: {
            created_at: string;
            created_by: string;
            custom: boolean;
            /** @description `allow` or `deny`. */
            effect: string;
            expired: boolean;
            expires_at?: string | null;
            group?: string | null;
            id: string;
            /** @description The person's or group's name. */
            name: string;
            /** @description Given to a person, or else to a group. */
            person?: string | null;
            reason: string;
            role: string;
            scope: components["schemas"]["GrantScope"];
        };
        /** @description A role: a named set of actions. */
        AccessRole: {
            about: string;
            actions: string[];
            /**
             * Format: int64
             * @description How many grants give it, or deny it.
             */
            grants: number;
            /** @description Absent for a built-in one. */
            id?: string | null;
            name: string;
            /** Format: int64 */
            revision: number;
        };
        /** @description What a custom role is to be. */
        AccessRoleInput: {
            about?: string;
            /** @description Names of actions. */
            actions: string[];
            /** @description 2 to 40 of a-z, 0-9 and `-`, a letter first. */
            name: string;
            /** @description Why: asked for when another person has to agree. */
            reason?: string;
            /**
             * Format: int64
             * @description The revision that was read; absent overwrites.
             */
            revision?: number | null;
        };
        /** @description An account, named. */
        AccountRef: {
            id: string;
            /** @description `person` or `service`. */
            kind: string;
            name: string;
        };
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
        /** @description Whether an action is permitted, and why. */
        ActionAnswer: {
            action: string;
            allowed: boolean;
            /** @description The grants that speak about it here, the deciding one first. */
            reasons: components["schemas"]["HeldGrant"][];
            /** @description For people. */
            why: string;
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
        /** @description Agrees to a request. */
        AgreeInput: {
            note?: string;
            /** @description Of the request that was looked at. */
            payload_sha256: string;
        };
        /** @description What came of agreeing. */
        Agreed: {
            approval: components["schemas"]["Approval"];
            /** @description What the act answered, such as a one-time link: hand it on yourself, it is shown once. */
            result: Record<string, never>;
        };
        /** @description A token of the API. Its secret is shown once, when it is made. */
        ApiToken: {
            created_at: string;
            created_by: string;
            /** Format: int64 */
            days_left: number;
            expires_at: string;
            /** @description How it begins. */
            hint: string;
            id: string;
            last_address: string;
            /** @description To the minute. */
            last_used_at?: string | null;
            name: string;
            /** @description Address ranges it may be used from; none: from anywhere. */
            networks: string[];
            /** @description Until when the secret before the last rotation works too. */
            old_secret_until?: string | null;
            owner: components["schemas"]["AccountRef"];
            revoked_at?: string | null;
            revoked_by: string;
            rotated_at?: string | null;
            /** @description It may what one of these says, where its owner may too. */
            scopes: components["schemas"]["TokenScope"][];
            /** @description `live`, `expired`, `revoked`, or `owner-disabled`. */
            state: string;
        };
        /** @description A token to make. */
        ApiTokenInput: {
            /**
             * Format: int32
             * @description 1 to 365; 90 when absent.
             */
            days?: number;
            /** @description What it is for. */
            name: string;
            /** @description `192.0.2.0/24`, `2001:db8::7`; none: from anywhere. */
            networks?: string[];
            scopes: components["schemas"]["TokenScope"][];
        };
        /** @description A token that was just made, with its secret: the only time it is shown. */
        ApiTokenMade: {
            /** @description Goes behind `Authorization: Bearer`. */
            secret: string;
            token: components["schemas"]["ApiToken"];
        };
        /** @description A request that another person must agree to. */
        Approval: {
            /** @description `user.set_role`, `channel.change`, ... */
            act: string;
            /** @description A program asked, with a token of the requester's. */
            by_token: boolean;
            /** @description Who could agree to it. */
            could_decide: string[];
            decided_at?: string | null;
            decided_by: string;
            expires_at: string;
            id: string;
            /** @description The act's particulars, as they will be done. */
            input: Record<string, never>;
            /** @description The caller can agree to it. */
            may_decide: boolean;
            /** @description The caller asked for it. */
            mine: boolean;
            note: string;
            object: string;
            /** @description SHA-256 of the act whole; agreeing names it, so that one agrees to what one has seen. */
            payload_sha256: string;
            reason: string;
            requested_at: string;
            requested_by: string;
            /** @description `open`, `done`, `declined`, `withdrawn`, `void` or `expired`. */
            state: string;
            /** @description What will be done, in a sentence. */
            summary: string;
            /** @description Why the caller cannot; empty when he can. */
            why_not: string;
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
        /** @description A browser that I signed in from before. */
        Browser: {
            address: string;
            /** @description The one at hand. */
            current: boolean;
            first_seen_at: string;
            id: string;
            last_used_at: string;
            user_agent: string;
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
            /** @description It hears of hosts of this tenant and of those below. */
            tenant: string;
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
            /** @description Why; asked for where a second person must agree. */
            reason?: string;
            /** Format: int64 */
            revision?: number | null;
            /** @description Password or signing key. Kept as it is when absent; never shown again. */
            secret?: string | null;
            /** @description Where it is when absent; a new one at the home of whoever makes it. */
            tenant?: string | null;
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
        /** @description The first code of the authenticator application, or the passkey that was made: finishes the claim. */
        ClaimFinish: {
            code?: string | null;
            passkey?: components["schemas"]["PasskeyAdd"] | null;
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
        /** @description Who may knock at the console's door. */
        ClientFiles: {
            /**
             * @description Certificates of the authorities, PEM.
             * @default
             */
            authorities: string;
            /**
             * @description `off`, `ask` or `require`.
             * @default off
             */
            mode: components["schemas"]["ClientMode"];
            /**
             * @description Lists of revoked certificates, PEM; empty when the authorities give none.
             * @default
             */
            revoked: string;
        };
        /** @description An authority of client certificates. */
        ClientIssuer: {
            not_after: string;
            subject: string;
        };
        /**
         * @description What the door does about client certificates.
         * @enum {string}
         */
        ClientMode: "off" | "ask" | "require";
        /** @description What the door does now. */
        ClientsNow: {
            authorities: components["schemas"]["ClientIssuer"][];
            /** @description Whose certificate this connection presented. */
            certificate?: string | null;
            mode: components["schemas"]["ClientMode"];
            /**
             * Format: int64
             * @description How many lists of revoked certificates there are.
             */
            revocation_lists: number;
            way_back: string;
        };
        /** @description Something that is read-only: the server, or a tenant with all below it. */
        Closed: {
            /** @description Empty where `tenant` is absent. */
            name: string;
            /** @description Absent for the whole server, and for a tenant above those one sees. */
            tenant?: string | null;
            why: string;
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
        /** @description What the acts of administrators ask for. */
        Conditions: {
            /**
             * @description The actions that ask; empty: all that nobody but an administrator may do and that change something.
             * @default []
             */
            actions: string[];
            /**
             * @description From an enrolled browser, or with a client certificate, alone.
             * @default false
             */
            device: boolean;
            /** @default any */
            factor: components["schemas"]["FactorCondition"];
            /**
             * @description `192.0.2.0/24`, `2001:db8::/32`; empty: from anywhere.
             * @default []
             */
            networks: string[];
        };
        /** @description The conditions, and whether whoever asks satisfies them now. */
        ConditionsNow: {
            /** @description Where this request came from; absent on the server's machine. */
            address?: string | null;
            /** @description Whose client certificate this connection presented. */
            certificate?: string | null;
            conditions: components["schemas"]["Conditions"];
            /** @description The actions that ask when none are named. */
            default_actions: string[];
            /** @description This browser is enrolled. */
            device_enrolled: boolean;
            /** @description How this session was opened. */
            method: string;
            /** @description Networks from which administrators have signed in lately: a proposal. */
            seen_networks: string[];
            /** @description Why whoever asks does not satisfy them now. */
            unmet?: string | null;
            /** @description What opens the console again for whoever is locked out. */
            way_back: string;
        };
        /** @description A browser that may administer. */
        Device: {
            address: string;
            created_at: string;
            /** @description The one this request came from. */
            current: boolean;
            expires_at: string;
            id: string;
            last_used_at: string;
            name: string;
            user_agent: string;
        };
        /** @description Enrols this browser. */
        DeviceInput: {
            name: string;
            /** @description Given by the passkey that `POST /me/elevate/begin` asked for. */
            passkey: components["schemas"]["PasskeyUsed"];
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
        /** @description A fresh factor: a code of the authenticator, a recovery code, or a passkey. */
        ElevateInput: {
            code?: string | null;
            passkey?: components["schemas"]["PasskeyUsed"] | null;
        };
        /** @description An account kept for emergencies. */
        EmergencyAccount: {
            detail: string;
            id: string;
            name: string;
            /** @description Whether it could be used today, and what is missing if not. */
            ready: boolean;
            since: string;
        };
        /** @description Whether an account is kept for emergencies. */
        EmergencyInput: {
            emergency: boolean;
            reason: string;
        };
        /** @description An account kept for emergencies signed in. */
        EmergencyUse: {
            /** @description The last time. */
            at: string;
            /** @description The account's name. */
            name: string;
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
        /** @description What is asked about. */
        ExplainedThing: {
            id: string;
            tenant: string;
            tenant_title: string;
            title: string;
        };
        /** @description A person or a token. */
        ExplainedWho: {
            id: string;
            /** @description `person` or `token`. */
            kind: string;
            name: string;
            /** @description Can do nothing at all just now: disabled, revoked or run out. */
            off: boolean;
        };
        /** @description Who may do what, and why. */
        Explanation: {
            /** @description One for the action that was asked about; for every action when none was. */
            answers: components["schemas"]["ActionAnswer"][];
            /** @description All that is held, what speaks of the thing and what does not. */
            holds: components["schemas"]["HeldGrant"][];
            on: components["schemas"]["ExplainedThing"];
            sees: components["schemas"]["Seen"];
            who: components["schemas"]["ExplainedWho"];
        };
        /**
         * @description Which factor acts of administrators ask for.
         * @enum {string}
         */
        FactorCondition: "any" | "passkey";
        /** @description The last second factor of an account, on its way out. */
        FactorRemoval: {
            asked_at: string;
            asked_by: string;
            /** @description When it goes, unless somebody stops it. */
            due_at: string;
            /** @description `totp` or `passkey`. */
            factor: string;
            user: string;
            user_name: string;
        };
        /** @description What a second factor can be made of: an authenticator application, or a passkey where the page can have one. */
        FactorSetup: {
            /** @description Why the page can have no passkey. */
            no_passkey?: string | null;
            passkey?: components["schemas"]["PasskeyCreate"] | null;
            /** @description Base32, to type by hand. */
            secret: string;
            /** @description `otpauth://` address, for the QR code. */
            uri: string;
        };
        /** @description What I sign in with. */
        Factors: {
            /** @description Until then no code is asked for again. */
            fresh_until?: string | null;
            /** @description This session is for enrolling a factor, and for nothing else until then. */
            must_enrol: boolean;
            /** Format: int64 */
            passkeys: number;
            /** Format: int64 */
            recovery_codes_left: number;
            removal?: components["schemas"]["FactorRemoval"] | null;
            /** @description An authenticator application. */
            totp: boolean;
        };
        /** @description What is known of an account or token in a review. */
        Facts: {
            /**
             * Format: int64
             * @description Acts in the window, by the audit log.
             */
            acts: number;
            created_at: string;
            last_used_at?: string | null;
            /** @description Of a token: its owner. */
            owner?: string;
            role: string;
        };
        /** @description What is wrong with one field. */
        FieldError: {
            detail: string;
            /** @description JSON pointer. */
            pointer: string;
        };
        /** @description Something odd. */
        Finding: {
            /**
             * @description `unused`, `never-used`, `shared`, `over-privileged`, `no-second-factor`, `from-anywhere`, `ends-soon`, `no-owner`,
             *     `review-overdue`.
             */
            code: string;
            /** @description What it was concluded from. */
            evidence: string[];
            /** @description One sentence. */
            text: string;
            /** @description `high`, `medium` or `low`. */
            weight: string;
        };
        /**
         * @description When a second person is asked for.
         * @enum {string}
         */
        FourEyes: "off" | "when_two" | "always";
        /** @description Another policy. */
        FourEyesInput: {
            mode: components["schemas"]["FourEyes"];
            reason: string;
        };
        /** @description When a second person is asked for. */
        FourEyesPolicy: {
            /** @description The caller would act alone now. */
            alone: boolean;
            /** @description Who could agree to what the caller asks for. */
            could_decide: string[];
            mode: components["schemas"]["FourEyes"];
        };
        /** @description A grant to be made. */
        GrantInput: {
            /** @description `allow`, or `deny`, which wins over every allow. */
            effect?: string;
            /** @description From then on it holds nothing. */
            expires_at?: string | null;
            group?: string | null;
            /** @description Only this host. */
            host?: string | null;
            /** @description Only hosts with these labels: `env=prod, team in (db, web), !legacy`. A group of hosts is the label `group`. */
            labels?: string | null;
            /** @description Only what the person owns. */
            owned?: boolean;
            /** @description To whom: a person's id or name, or else a group's id. */
            person?: string | null;
            /** @description Why. */
            reason: string;
            /** @description A built-in role's name, or a custom one's. */
            role: string;
            /** @description Only these: `monitor`, `hosts`, `agents`, `notifications`, `evidence`, `system`, `access`. */
            sections?: string[];
            /** @description The tenant with all below it; the whole server when absent. */
            tenant?: string | null;
        };
        /** @description Where a grant holds: a tenant with all below it, and of that only what each other field says. */
        GrantScope: {
            /** @description Only this host. */
            host?: string | null;
            host_name?: string | null;
            /** @description Only hosts with these labels. */
            labels?: string | null;
            /** @description Only what the person owns. */
            owned: boolean;
            /** @description Only actions of these sections of the console; all when empty. */
            sections: string[];
            tenant: string;
            tenant_title: string;
        };
        /** @description What a group is to be. */
        GroupInput: {
            about?: string;
            name: string;
            /**
             * Format: int64
             * @description The revision that was read; absent overwrites.
             */
            revision?: number | null;
            /** @description Where it belongs; the whole server when absent. It stays there. */
            tenant?: string | null;
        };
        /** @description Somebody in a group. */
        GroupMember: {
            disabled: boolean;
            display_name: string;
            name: string;
            /** @description `local`, or the id of the provider that says so. */
            origin: string;
            person: string;
            since: string;
        };
        /** @description A grant as somebody holds it. */
        HeldGrant: {
            effect: string;
            /** @description The group it comes through. */
            group?: string | null;
            /** @description Absent for what no grant says: the account's own role, a token's limits. */
            id?: string | null;
            role: string;
            scope: components["schemas"]["GrantScope"];
            /** @description `home`, `person`, `group`, `token` or `server`. */
            via: string;
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
        /** @description Hosts by their status. */
        HostCounts: {
            /** Format: int32 */
            critical: number;
            /** Format: int32 */
            ok: number;
            /** Format: int32 */
            pending: number;
            /** Format: int32 */
            total: number;
            /** Format: int32 */
            unknown: number;
            /** Format: int32 */
            warning: number;
        };
        /** @description New values for a host that people set. */
        HostInput: {
            addresses?: string[];
            fields?: {
                [key: string]: string;
            };
            /** @description As they are when absent. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description RFC 1123 name. */
            name: string;
            /**
             * Format: int64
             * @description The revision that was read; refused when somebody else changed the host since. Absent when creating.
             */
            revision?: number | null;
            /** @description Where it is when absent; a new one at the home of whoever makes it. */
            tenant?: string | null;
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
            /** @description What rights and lists may go by. */
            labels: {
                [key: string]: string;
            };
            last_seen_at?: string | null;
            name: string;
            os: string;
            problems: components["schemas"]["ProblemCounts"];
            /** Format: int64 */
            revision: number;
            status: components["schemas"]["CheckStatus"];
            tenant: string;
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
        /** @description A word on one line. */
        LineInput: {
            /** @description `keep`, `reduce` or `disable`. */
            decision: string;
            /** @description Why; needed unless there is nothing odd and it is kept. */
            note?: string;
            /** Format: int64 */
            number: number;
            /** @description For `reduce`: the role. */
            role?: string;
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
        /** @description Who may sign in with a local account. */
        LocalSignIn: {
            /** @description `everybody`, or `emergency`: accounts kept for emergencies alone. */
            local: string;
            reason: string;
        };
        /** @description One rule: what members of a group there are here. */
        MappingRule: {
            /** @description The group's name there, to the letter; `*` is everybody. */
            group: string;
            /** @description Ids of groups here. They add up. */
            groups?: string[];
            /** @description The first rule that matches and has one gives it. Only accounts that were made by a provider get it. */
            role?: string | null;
        };
        /** @description Who is signed in. */
        Me: {
            display_name: string;
            emergency_used?: components["schemas"]["EmergencyUse"] | null;
            id: string;
            /** @description Why the password must be changed before anything else. */
            must_change_password?: string | null;
            /** @description This session is for enrolling a second factor, and for nothing else until then. */
            must_enrol: boolean;
            name: string;
            /** @description Actions this person may do, such as `problem.acknowledge`. */
            permissions: string[];
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
            session_expires_at: string;
            /** @description Many sign-ins fail, and unknown browsers work for each try until then. For those who may see the server's state. */
            sign_in_attack_until?: string | null;
        };
        /** @description Whom to put into a group. */
        MemberInput: {
            /** @description The account's id. */
            person: string;
            /** @description Why: asked for when another person has to agree. */
            reason?: string;
        };
        /** @description What may be known before anybody signed in. */
        Meta: {
            /** @description False until the first administrator has claimed this server. */
            claimed: boolean;
            product: string;
        };
        /** @description The rules for my password. */
        MyPasswordPolicy: {
            /** @description When it must be changed by. */
            ends_at?: string | null;
            must_change?: string | null;
            rules: string[];
            set_at: string;
        };
        /** @description Another name. */
        NameInput: {
            name: string;
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
        /** @description The answer to a provider's question. */
        OutsideAnswer: {
            answer: string;
            ticket: string;
        };
        /** @description Which provider, and where to go on afterwards. */
        OutsideBegin: {
            provider: string;
            /** @description A page of ours. */
            to?: string | null;
        };
        /** @description Where to send the browser. */
        OutsideDeparture: {
            url: string;
        };
        /** @description Who I am elsewhere. */
        OutsideIdentity: {
            /** @description A factor given there now counts here as a fresh one: `POST /me/outside/elevate`. */
            confirms: boolean;
            kind: string;
            last_used_at: string;
            linked_at: string;
            /** @description My account was made for it: it cannot be taken off. */
            made_account: boolean;
            /** @description What I am called there. */
            name: string;
            provider: string;
            provider_name: string;
        };
        /** @description What comes next for somebody who signs in over a provider. */
        OutsideNext: {
            challenge?: components["schemas"]["SignInChallenge"] | null;
            me?: components["schemas"]["Me"] | null;
            /** @description `in`: signed in. `factor`: `challenge` is to be answered as at any sign-in. `answer`: `question` is. */
            next: string;
            question?: components["schemas"]["OutsideQuestion"] | null;
        };
        /** @description A provider's question. */
        OutsideQuestion: {
            /** @description Whether what is typed may be shown. */
            echo: boolean;
            prompt: string;
            /** @description Give it back with the answer, within five minutes. */
            ticket: string;
        };
        /** @description Name and password of an account elsewhere. */
        OutsideSignIn: {
            name: string;
            password: string;
            provider: string;
            /** @description The puzzle and its solution, where one was asked for. */
            puzzle?: string | null;
            /** Format: int64 */
            solution?: number | null;
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
        /** @description One of my passkeys. */
        Passkey: {
            created_at: string;
            id: string;
            last_used_at?: string | null;
            name: string;
            /** @description The host name it works under. */
            rp_id: string;
            /** @description It may be copied to other devices of its owner by its maker's service. */
            synced: boolean;
            /** @description Whether that is the name this console is open under. */
            works_here: boolean;
        };
        /** @description A passkey under a name. */
        PasskeyAdd: {
            /** @description What the person calls it. */
            name: string;
            passkey: components["schemas"]["PasskeyCreated"];
        };
        /** @description What a browser needs to use a passkey. */
        PasskeyAsk: {
            /** @description Empty: whichever the person has for this host. */
            allow: components["schemas"]["PasskeyRef"][];
            challenge: string;
            rp_id: string;
            /** Format: int32 */
            timeout_ms: number;
        };
        /** @description What a browser needs to make a passkey. All bytes are base64url without padding. */
        PasskeyCreate: {
            /** @description COSE algorithms, best first. */
            algorithms: number[];
            /** @description Whether the model must be told: `none` or `direct`. */
            attestation: string;
            challenge: string;
            /** @description Passkeys that are registered already. */
            exclude: components["schemas"]["PasskeyRef"][];
            /** @description The host name it will belong to. */
            rp_id: string;
            /** Format: int32 */
            timeout_ms: number;
            user_display_name: string;
            user_handle: string;
            user_name: string;
        };
        /** @description A passkey that a browser has made. */
        PasskeyCreated: {
            attestation: string;
            client_data: string;
            /** @description How the browser says it is reached. */
            transports?: string[];
        };
        /** @description One of a person's passkeys, as browsers know it. */
        PasskeyRef: {
            id: string;
            transports: string[];
        };
        /** @description Signs in with a passkey alone. */
        PasskeySignIn: {
            passkey: components["schemas"]["PasskeyUsed"];
        };
        /** @description A passkey that was used. */
        PasskeyUsed: {
            authenticator_data: string;
            client_data: string;
            id: string;
            signature: string;
            user_handle?: string | null;
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
            /** @description The password it would replace. */
            current?: string | null;
            password: string;
            /** @description The token of a one-time link: the rules of whoever it lets in hold. With a session, one's own do. */
            token?: string | null;
        };
        /** @description The rules for passwords, and what they may be. */
        PasswordPolicies: {
            /** @description So many sign-ins fail that unknown browsers work for each try, until then. */
            attack_until?: string | null;
            /**
             * Format: int64
             * @description Passwords on the list of breached ones that the operator loaded; none without a list.
             */
            blocklist_entries?: number | null;
            blocklist_made_at?: string | null;
            /** @description Why a list that is there cannot be used. */
            blocklist_trouble?: string | null;
            /** @description The default first. */
            policies: components["schemas"]["PasswordPolicyView"][];
            profiles: components["schemas"]["PolicyProfile"][];
        };
        /** @description A policy to set, or to try. */
        PasswordPolicyInput: {
            /** @description What is turned, by key; 1 and 0 for on and off; 0 for none. */
            knobs?: {
                [key: string]: number;
            };
            /** @description `nist`, `pci-dss-4`, `pci-strict` or `classic`. */
            profile: string;
            /** @description `default`, or `role:` and a role's name, or `group:` and a group's id. */
            scope: string;
        };
        /** @description What a policy would do. */
        PasswordPolicyPreview: {
            /**
             * Format: int64
             * @description Accounts it is for that have a password.
             */
            accounts: number;
            /**
             * Format: int64
             * @description So many more may have to: their passwords were set under weaker rules, and are looked at when they sign in.
             */
            may_change: number;
            /**
             * Format: int64
             * @description Of these, so many must change the password at their next sign-in, since it is too old.
             */
            must_change: number;
            /** @description The rules as people with a second factor read them. */
            rules: string[];
        };
        /** @description Which policy. */
        PasswordPolicyScope: {
            scope: string;
        };
        /** @description A policy in force. */
        PasswordPolicyView: {
            changed_at?: string | null;
            changed_by?: string | null;
            /** @description What was turned, by key. */
            knobs: {
                [key: string]: number;
            };
            profile: string;
            /** @description The rules as people with a second factor read them. */
            rules: string[];
            /** @description `default`, or `role:` and a role's name, or `group:` and a group's id. */
            scope: string;
            /** @description Every knob with its value; none for what is left off. */
            values: {
                [key: string]: number | null;
            };
        };
        /** @description A rule for passwords, and how one stands to it. */
        PasswordRule: {
            /** @description `length`, `common`, `breached`, `context`, `pattern`, `guesses`, ... */
            code: string;
            met: boolean;
            title: string;
            /** @description Why it is not met. */
            why?: string | null;
        };
        /** @description Whether a password would be accepted, and why not. */
        PasswordVerdict: {
            accepted: boolean;
            /** @description How to make it better. */
            advice: string[];
            /** @description The policy in words. */
            policy: string[];
            /** @description Why it is refused, in words. */
            reasons: string[];
            /** @description Every rule that applies, in a steady order. */
            rules: components["schemas"]["PasswordRule"][];
            /**
             * Format: int32
             * @description 0 (guessed at once) to 4.
             */
            score: number;
        };
        /** @description A group of people. */
        PeopleGroup: {
            about: string;
            created_at: string;
            /**
             * Format: int64
             * @description How many grants it holds.
             */
            grants: number;
            id: string;
            /** Format: int64 */
            members: number;
            name: string;
            /** Format: int64 */
            revision: number;
            /** @description Where it belongs. */
            tenant: string;
            tenant_title: string;
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
        /** @description Whose sign-in is walked through. */
        PersonTest: {
            name: string;
            /** @description Without it: everything but the password. It is not kept. */
            password?: string | null;
        };
        /** @description One knob under a profile. */
        PolicyKnob: {
            /** @description What is allowed, in words. */
            allowed: string;
            /** @description Who sets the bounds. */
            clause: string;
            key: string;
            /** Format: int32 */
            least: number;
            /** Format: int32 */
            most: number;
            /** @description Whether 0 may be given for none. */
            none: boolean;
            /** @description Whether it is on or off; 1 and 0 in `value`, `least` and `most`. */
            switch: boolean;
            title: string;
            /**
             * Format: int32
             * @description As the profile has it; absent for none.
             */
            value?: number | null;
        };
        /** @description A profile and what it lets be turned. */
        PolicyProfile: {
            /** @description What it is, in words. */
            detail: string;
            knobs: components["schemas"]["PolicyKnob"][];
            /** @description `nist`, `pci-dss-4`, `pci-strict` or `classic`. */
            name: string;
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
        /** @description A provider, to add or change. */
        ProviderInput: {
            /** @description As the kind wants it; see the guide. */
            config: Record<string, never>;
            create_accounts?: boolean;
            enabled?: boolean;
            kind: string;
            name: string;
            /** @description Why. */
            reason?: string;
            /**
             * @description For kinds with a key of their own (SAML), which is made when the provider is: make a new one. The old one opens
             *     what is encrypted for it until the next time.
             */
            renew_secret?: boolean;
            /** Format: int64 */
            revision?: number | null;
            /** @description In order. Without one that matches nobody comes in. */
            rules?: components["schemas"]["MappingRule"][];
            /** @description Client secret, bind password, shared secret. Kept as it is when absent; never shown again. */
            secret?: string | null;
            trusts_factor?: boolean;
        };
        /** @description What a test found. */
        ProviderTest: {
            ok: boolean;
            steps: components["schemas"]["TestStep"][];
        };
        /** @description Somebody who vouches for people. */
        ProviderView: {
            /** @description To enter over there: where browsers come back to. */
            callback: string;
            config: Record<string, never>;
            /** @description Whoever comes for the first time gets an account. */
            create_accounts: boolean;
            enabled: boolean;
            has_secret: boolean;
            id: string;
            kind: string;
            /** @description To enter over there: where ends of sessions are told. */
            logout: string;
            /** @description Our own metadata, for kinds that have some. */
            metadata: string;
            name: string;
            /**
             * Format: int64
             * @description How many people it is linked to.
             */
            people: number;
            /** Format: int64 */
            revision: number;
            rules: components["schemas"]["MappingRule"][];
            /** @description A second factor given there counts here. */
            trusts_factor: boolean;
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
        /** @description A review. */
        Review: {
            created_at: string;
            created_by: string;
            /** Format: int64 */
            decided: number;
            due_at: string;
            /** Format: int64 */
            findings: number;
            id: string;
            /** Format: int64 */
            lines: number;
            next_due_at?: string | null;
            note: string;
            overdue: boolean;
            signed_at?: string | null;
            signed_by: string;
            /** @description `open` or `signed`. */
            state: string;
            /** Format: int64 */
            window_days: number;
        };
        /** @description A review to begin. */
        ReviewInput: {
            /**
             * Format: int32
             * @description When it is to be signed: in 1 to 90 days; 14 when absent.
             */
            due_days?: number;
            /**
             * Format: int32
             * @description How far back use counts: 7 to 400; 90 when absent.
             */
            window_days?: number;
        };
        /** @description An account or token that is looked at. */
        ReviewLine: {
            decided_at?: string | null;
            decided_by: string;
            /** @description Empty until somebody decided: `keep`, `reduce` or `disable`. */
            decision: string;
            facts: components["schemas"]["Facts"];
            findings: components["schemas"]["Finding"][];
            /** @description `person`, `service` or `token`. */
            kind: string;
            name: string;
            note: string;
            /** Format: int64 */
            number: number;
            /** @description The role to reduce to. */
            role: string;
            subject: string;
        };
        /** @description A review with its lines. */
        ReviewWhole: {
            lines: components["schemas"]["ReviewLine"][];
            review: components["schemas"]["Review"];
        };
        /** @description Another role for an account. */
        RoleInput: {
            reason: string;
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
        };
        /** @description A new secret for a token. */
        RotateInput: {
            /**
             * Format: int32
             * @description Life of the new one: 1 to 365 days; 90 when absent.
             */
            days?: number;
            /**
             * Format: int32
             * @description How long the old secret works too: 0 to 168 hours; 24 when absent.
             */
            overlap_hours?: number;
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
        /** @description How much is seen of what there is. */
        Seen: {
            /** Format: int64 */
            agents: number;
            /** Format: int64 */
            channels: number;
            /** Format: int64 */
            checks: number;
            /** Format: int64 */
            hosts: number;
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
        /** @description An account that no person signs in with. */
        ServiceAccount: {
            created_at: string;
            created_by: string;
            disabled: boolean;
            display_name: string;
            id: string;
            /** Format: int64 */
            live_tokens: number;
            name: string;
            owner?: components["schemas"]["AccountRef"] | null;
            /** @description That person has an account that is not disabled. */
            owner_living: boolean;
            purpose: string;
            review_due_at: string;
            review_overdue: boolean;
            /** Format: int64 */
            revision: number;
            role: string;
        };
        /** @description A service account to change. */
        ServiceAccountEdit: {
            /** @description Name of the person who answers for it. */
            owner: string;
            purpose: string;
            /** Format: int32 */
            review_days?: number;
            /** Format: int64 */
            revision: number;
        };
        /** @description A service account to make. */
        ServiceAccountInput: {
            display_name?: string;
            name: string;
            /** @description Name of the person who answers for it. */
            owner: string;
            purpose: string;
            /** @description Why; asked for where a second person must agree. */
            reason?: string;
            /**
             * Format: int32
             * @description When somebody must look at it again: in 1 to 365 days; 180 when absent.
             */
            review_days?: number;
            /** @description What it may do at most; its tokens may less. */
            role: string;
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
            /** @description The puzzle that an earlier answer asked to solve. */
            puzzle?: string | null;
            /**
             * Format: int64
             * @description The number for which SHA-256 of `puzzle.number` begins with as many zero bits as were asked for.
             */
            solution?: number | null;
        };
        /** @description The second factor is still to come. */
        SignInChallenge: {
            /** @description Give it back with the code, within five minutes. */
            challenge: string;
            /**
             * @description In the order in which they are best used: `passkey`, `totp`, `recovery`. `enrol` alone: the account has none, and
             *     must get one before anything else.
             */
            factors: string[];
            passkey?: components["schemas"]["PasskeyAsk"] | null;
        };
        /** @description Goes on to enrol a factor, for an account without any. */
        SignInEnrol: {
            challenge: string;
        };
        /** @description Second step of signing in. */
        SignInFactor: {
            challenge: string;
            /** @description Six digits, or a recovery code. */
            code?: string | null;
            passkey?: components["schemas"]["PasskeyUsed"] | null;
        };
        /** @description A way to sign in that anybody may know of. */
        SignInMethod: {
            /** @description Name and password are given here; otherwise the browser goes there, by a link. */
            asks_password: boolean;
            id: string;
            /** @description `oidc`, `saml`, `ldap` or `radius`. */
            kind: string;
            name: string;
        };
        /** @description How people sign in. */
        SignInMethods: {
            items: components["schemas"]["SignInMethod"][];
            /** @description `everybody`, or `emergency`: local accounts are for emergencies alone. */
            local: string;
        };
        /** @description Signs a review off. */
        SignInput: {
            /**
             * Format: int32
             * @description When the next one is due: in 1 to 400 days; 90 when absent.
             */
            next_days?: number;
            note: string;
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
        /** @description The counts of the overview alone. */
        Summary: {
            agents: components["schemas"]["AgentCounts"];
            hosts: components["schemas"]["HostCounts"];
            now: string;
            problems: components["schemas"]["ProblemCounts"];
            /** @description What may not be changed now; empty when everything may. */
            read_only: components["schemas"]["Closed"][];
            /** @description For those who may see the server's state. */
            self_checks: components["schemas"]["SelfCheck"][];
        };
        /** @description Close, or open again. */
        SwitchInput: {
            read_only: boolean;
            /** @description Whoever is refused a change reads it. */
            why: string;
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
        /** @description What is to be different about a tenant. */
        TenantChange: {
            /** @description As it is when absent. */
            name?: string | null;
            /** @description Where it is when absent. */
            parent?: string | null;
            /**
             * Format: int64
             * @description The revision that was read; refused when somebody else changed it since.
             */
            revision?: number | null;
        };
        /** @description A tenant to make. */
        TenantInput: {
            /** @description Unique among those of one parent. */
            name: string;
            /** @description The tenant it is to hang on; the home of whoever makes it when absent. */
            parent?: string | null;
        };
        /** @description What would change if a tenant moved. */
        TenantMove: {
            channels: number;
            channels_gained: string[];
            /** @description Channels that will hear of its hosts no longer, and those that will. */
            channels_lost: string[];
            /** @description Whether its configuration could not be changed afterwards. */
            closed_after: boolean;
            /** @description Whoever holds something at these sees it after the move. */
            gains: string[];
            hosts: number;
            /** @description Whoever holds something at these sees it now, and no longer after the move. */
            loses: string[];
            /** @description Checks in the way: their agent would be elsewhere. */
            stranded: string[];
            /** @description Tenants that move: itself and all below it. */
            tenants: number;
        };
        /** @description A tenant, with what it holds itself. */
        TenantView: {
            channels: number;
            /** @description Whether its configuration may not be changed now, by its own switch or one above. */
            closed: boolean;
            /** @description 0 for the highest one sees. */
            depth: number;
            hosts: number;
            id: string;
            may_switch: boolean;
            /** @description Whether the caller may change it, and use its switch. */
            may_write: boolean;
            name: string;
            /** @description The tenant it hangs on; absent for the first, and where one does not see it. */
            parent?: string | null;
            /**
             * Format: int64
             * @description Accounts at home here; absent for those who may not see people.
             */
            people?: number | null;
            /** @description Its own switch. */
            read_only: boolean;
            /** Format: int64 */
            revision: number;
            /** @description Names from the highest one sees down to it: `Europe / Paris`. */
            title: string;
            /** @description Why, when it is; of the one above that makes it so, when it is one above. */
            why: string;
        };
        /** @description A step of a test. */
        TestStep: {
            detail: string;
            ok: boolean;
            title: string;
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
            /** @description Where the host lands. */
            tenant: string;
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
            /** @description Where the host lands; the home of whoever makes it when absent. */
            tenant?: string | null;
            /**
             * Format: int64
             * @description 60 to 86 400.
             */
            ttl_s?: number;
        };
        /** @description A role at a place. A token may what one of its scopes says, where its owner may too. */
        TokenScope: {
            /** @description Only this host. */
            host?: string | null;
            /** @description Only hosts with these labels: `site=paris,group=web`. */
            labels?: string | null;
            /** @description A built-in role: what it may do at most. */
            role: string;
            /** @description Only these sections: `monitor`, `hosts`, `agents`, `notifications`, `evidence`, `system`, `access`. */
            sections?: string[];
            /** @description Tenant with all below it; the whole server when absent. */
            tenant?: string | null;
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
            /** @description Where the person is at home: the role holds there and below. */
            tenant: string;
        };
        /** @description Invites a person. */
        UserInput: {
            display_name?: string;
            name: string;
            /** @description Why; asked for where a second person must agree. */
            reason?: string;
            /** @description `viewer`, `operator` or `admin`. */
            role: string;
            /** @description Where the person is to be at home; the home of whoever invites when absent. */
            tenant?: string | null;
        };
        /** @description Somebody who may. */
        WhoMay: {
            who: components["schemas"]["ExplainedWho"];
            why: string;
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
    getAccessFindings: {
        parameters: {
            query?: {
                /** @description How far back use counts, 7 to 400; 90 when absent */
                days?: number;
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
                        items: components["schemas"]["ReviewLine"][];
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
    getAccessExplain: {
        parameters: {
            query?: {
                /** @description An account's id or name, or a token's id */
                who?: string;
                /** @description One action; all when absent */
                action?: string;
                /** @description An id of a host, check, agent, channel, tenant or account; the whole server when absent */
                on?: string;
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
                    "application/json": components["schemas"]["Explanation"];
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
    getAccessWho: {
        parameters: {
            query?: {
                /** @description The action */
                action?: string;
                /** @description An id of a host, check, agent, channel, tenant or account; the whole server when absent */
                on?: string;
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
                        items: components["schemas"]["WhoMay"][];
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
    getActions: {
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
                        items: components["schemas"]["AccessAction"][];
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
    getAdminConditions: {
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
                    "application/json": components["schemas"]["ConditionsNow"];
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
    putAdminConditions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Conditions"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConditionsNow"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    getApiTokens: {
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
                        items: components["schemas"]["ApiToken"][];
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
    deleteApiTokensId: {
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
    postApiTokensIdRotate: {
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
                "application/json": components["schemas"]["RotateInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokenMade"];
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
    getApprovals: {
        parameters: {
            query?: {
                /** @description Only those that wait for a decision */
                open?: boolean;
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
                        items: components["schemas"]["Approval"][];
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
    getApprovalsId: {
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
                    "application/json": components["schemas"]["Approval"];
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
    postApprovalsIdAgree: {
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
                "application/json": components["schemas"]["AgreeInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agreed"];
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
    postApprovalsIdDecline: {
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
                    "application/json": components["schemas"]["Approval"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
                    "application/json": components["schemas"]["FactorSetup"];
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
    getConsoleClients: {
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
                    "application/json": components["schemas"]["ClientsNow"];
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
    putConsoleClients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientFiles"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientsNow"];
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
    getFactorRemovals: {
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
                        items: components["schemas"]["FactorRemoval"][];
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
    getFourEyes: {
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
                    "application/json": components["schemas"]["FourEyesPolicy"];
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
    putFourEyes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FourEyesInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FourEyesPolicy"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    getGrants: {
        parameters: {
            query?: {
                /** @description Only those given to this person, not through groups */
                person?: string;
                /** @description Only those given to this group */
                group?: string;
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
                        items: components["schemas"]["AccessGrant"][];
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
    postGrants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GrantInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessGrant"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    postGrantsIdTake: {
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
    getGroups: {
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
                        items: components["schemas"]["PeopleGroup"][];
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
    postGroups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeopleGroup"];
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
    getGroupsId: {
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
                    "application/json": components["schemas"]["PeopleGroup"];
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
    putGroupsId: {
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
                "application/json": components["schemas"]["GroupInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeopleGroup"];
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
    deleteGroupsId: {
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
    getGroupsIdMembers: {
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
                        items: components["schemas"]["GroupMember"][];
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
    postGroupsIdMembers: {
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
                "application/json": components["schemas"]["MemberInput"];
            };
        };
        responses: {
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
    deleteGroupsIdMembersPerson: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                person: string;
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
    getMeAccess: {
        parameters: {
            query?: {
                /** @description One action; all when absent */
                action?: string;
                /** @description An id of a host, check, agent, channel, tenant or account; the whole server when absent */
                on?: string;
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
                    "application/json": components["schemas"]["Explanation"];
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
    getMeApprovals: {
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
                        items: components["schemas"]["Approval"][];
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
    deleteMeApprovalsId: {
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
    getMeBrowsers: {
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
                        items: components["schemas"]["Browser"][];
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
    deleteMeBrowsersId: {
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
    getMeDevices: {
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
                        items: components["schemas"]["Device"][];
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
    postMeDevices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
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
    deleteMeDevicesId: {
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
    postMeElevate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ElevateInput"];
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
    deleteMeElevate: {
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
    postMeElevateBegin: {
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
                    "application/json": components["schemas"]["PasskeyAsk"];
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
    deleteMeFactorRemoval: {
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
    postMeFactorRemovalAtOnce: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonInput"];
            };
        };
        responses: {
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
    getMeOutside: {
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
                        items: components["schemas"]["OutsideIdentity"][];
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
    postMeOutsideElevate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OutsideBegin"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutsideDeparture"];
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
    postMeOutsideLink: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OutsideBegin"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutsideDeparture"];
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
    deleteMeOutsideId: {
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
    getMePasskeys: {
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
                        items: components["schemas"]["Passkey"][];
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
    postMePasskeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyAdd"];
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
    postMePasskeysBegin: {
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
                    "application/json": components["schemas"]["PasskeyCreate"];
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
    putMePasskeysId: {
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
                "application/json": components["schemas"]["NameInput"];
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
    deleteMePasskeysId: {
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
    getMePolicy: {
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
                    "application/json": components["schemas"]["MyPasswordPolicy"];
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
    getMeTokens: {
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
                        items: components["schemas"]["ApiToken"][];
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
    postMeTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiTokenInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokenMade"];
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
    deleteMeTokensId: {
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
    postMeTokensIdRotate: {
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
                "application/json": components["schemas"]["RotateInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokenMade"];
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
    deleteMeTotp: {
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
    getPoliciesPassword: {
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
                    "application/json": components["schemas"]["PasswordPolicies"];
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
    putPoliciesPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordPolicyInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordPolicyView"];
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
    postPoliciesPasswordPreview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordPolicyInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordPolicyPreview"];
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
    postPoliciesPasswordRemove: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordPolicyScope"];
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
    getProviders: {
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
                        items: components["schemas"]["ProviderView"][];
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
    postProviders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderView"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    getProvidersId: {
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
                    "application/json": components["schemas"]["ProviderView"];
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
    putProvidersId: {
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
                "application/json": components["schemas"]["ProviderInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderView"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    deleteProvidersId: {
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
    getProvidersIdBegin: {
        parameters: {
            query?: {
                /** @description The page to go on to afterwards */
                to?: string;
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
            303: {
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
    getProvidersIdCallback: {
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
            303: {
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
    postProvidersIdCallback: {
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
                "application/x-www-form-urlencoded": {
                    [key: string]: string;
                };
            };
        };
        responses: {
            /** @description Done */
            303: {
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
    postProvidersIdLogout: {
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
                "application/x-www-form-urlencoded": {
                    [key: string]: string;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
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
    getProvidersIdMetadata: {
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
                    "application/xml": string;
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
    postProvidersIdTest: {
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
                    "application/json": components["schemas"]["ProviderTest"];
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
    postProvidersIdTestPerson: {
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
                "application/json": components["schemas"]["PersonTest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderTest"];
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
    getReviews: {
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
                        items: components["schemas"]["Review"][];
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
    postReviews: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReviewInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewWhole"];
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
    getReviewsId: {
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
                    "application/json": components["schemas"]["ReviewWhole"];
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
    postReviewsIdLines: {
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
                "application/json": components["schemas"]["LineInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewWhole"];
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
    postReviewsIdSign: {
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
                "application/json": components["schemas"]["SignInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewWhole"];
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
    getRoles: {
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
                        items: components["schemas"]["AccessRole"][];
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
    postRoles: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccessRoleInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessRole"];
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
    putRolesId: {
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
                "application/json": components["schemas"]["AccessRoleInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessRole"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    deleteRolesId: {
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
    getServiceAccounts: {
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
                        items: components["schemas"]["ServiceAccount"][];
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
    postServiceAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ServiceAccountInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccount"];
                };
            };
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    putServiceAccountsId: {
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
                "application/json": components["schemas"]["ServiceAccountEdit"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccount"];
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
    postServiceAccountsIdTokens: {
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
                "application/json": components["schemas"]["ApiTokenInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokenMade"];
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
    postSessionEnrol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInEnrol"];
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
    postSessionPasskey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeySignIn"];
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
    postSessionPasskeyBegin: {
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
                    "application/json": components["schemas"]["PasskeyAsk"];
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
    getSignInEmergency: {
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
                        items: components["schemas"]["EmergencyAccount"][];
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
    putSignInLocal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LocalSignIn"];
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
    getSignInMethods: {
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
                    "application/json": components["schemas"]["SignInMethods"];
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
    getSignInOutside: {
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
                    "application/json": components["schemas"]["OutsideNext"];
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
    postSignInOutside: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OutsideSignIn"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutsideNext"];
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
    postSignInOutsideAnswer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OutsideAnswer"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutsideNext"];
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
    getSummary: {
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
                    "application/json": components["schemas"]["Summary"];
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
    getTenants: {
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
                        items: components["schemas"]["TenantView"][];
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
    postTenants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TenantInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantView"];
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
    putTenantsId: {
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
                "application/json": components["schemas"]["TenantChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantView"];
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
    deleteTenantsId: {
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
    getTenantsIdMove: {
        parameters: {
            query?: {
                /** @description The tenant it would hang on, by id */
                to?: string;
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
                    "application/json": components["schemas"]["TenantMove"];
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
    postTenantsIdReadOnly: {
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
                "application/json": components["schemas"]["SwitchInput"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantView"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
    postUsersIdEmergency: {
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
                "application/json": components["schemas"]["EmergencyInput"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
    deleteUsersIdFactorRemoval: {
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
    postUsersIdRequireChange: {
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
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
            /** @description Asked for: another person must agree; nothing was done yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
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
    getUsersIdSessions: {
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
    deleteUsersIdSessions: {
        parameters: {
            query?: {
                /** @description Only this one */
                session?: string;
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
