-- Webhooks and the worker's jobs; what each table is for stands in ledger/store/webhook_tables.py.

CREATE TABLE webhooks (
    webhook UUID NOT NULL,
    partner INTEGER NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    types TEXT[],
    state TEXT DEFAULT 'active' NOT NULL,
    pause_reason TEXT,
    secret BYTEA NOT NULL,
    former_secret BYTEA,
    former_secret_ends_at TIMESTAMP WITH TIME ZONE,
    positions BIGINT[] NOT NULL,
    planned_to BIGINT DEFAULT 0 NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    next_probe_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (webhook),
    CONSTRAINT webhooks_state_known CHECK (state in ('active', 'paused')),
    CONSTRAINT webhooks_pause_reason_known CHECK (pause_reason in ('asked', 'gone', 'failing')),
    CONSTRAINT webhooks_pause_has_reason CHECK ((state = 'paused') = (pause_reason is not null)),
    CONSTRAINT webhooks_former_secret_ends CHECK ((former_secret is null) = (former_secret_ends_at is null)),
    CONSTRAINT webhooks_failures_not_negative CHECK (failures >= 0)
);

CREATE INDEX webhooks_partner_index ON webhooks (partner, webhook);

CREATE TABLE webhook_deliveries (
    webhook UUID NOT NULL,
    event UUID NOT NULL,
    planned_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    first_attempt_at TIMESTAMP WITH TIME ZONE,
    last_attempt_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_status SMALLINT,
    last_failure TEXT,
    type TEXT NOT NULL,
    state TEXT DEFAULT 'pending' NOT NULL,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (webhook, event),
    CONSTRAINT webhook_deliveries_state_known CHECK (state in ('pending', 'delivered', 'dead')),
    CONSTRAINT webhook_deliveries_last_failure_known CHECK (last_failure in ('status', 'redirect', 'timeout', 'connection', 'tls', 'target-refused', 'internal-error')),
    CONSTRAINT webhook_deliveries_ended_when_not_pending CHECK ((state = 'pending') = (ended_at is null)),
    CONSTRAINT webhook_deliveries_attempts_not_negative CHECK (attempts >= 0),
    CONSTRAINT webhook_deliveries_webhook_fkey FOREIGN KEY(webhook) REFERENCES webhooks (webhook) ON DELETE CASCADE
)
 WITH (fillfactor = 70);

CREATE INDEX webhook_deliveries_dead_index ON webhook_deliveries (webhook, event) WHERE state = 'dead';

CREATE INDEX webhook_deliveries_ended_index ON webhook_deliveries (state, ended_at) WHERE state <> 'pending';

CREATE INDEX webhook_deliveries_pending_index ON webhook_deliveries (webhook, next_attempt_at, event) WHERE state = 'pending';

CREATE TABLE jobs (
    job TEXT NOT NULL,
    next_run_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_started_at TIMESTAMP WITH TIME ZONE,
    last_finished_at TIMESTAMP WITH TIME ZONE,
    last_outcome TEXT,
    CONSTRAINT jobs_pkey PRIMARY KEY (job)
);
