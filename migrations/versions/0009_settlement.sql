-- Settlement; what each table is for stands in settlement/store/tables.py.

CREATE TABLE settlement_proposals (
    proposal UUID NOT NULL,
    programme INTEGER NOT NULL,
    operation TEXT NOT NULL,
    request BYTEA NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by TEXT,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision_reason TEXT,
    outcome TEXT,
    state TEXT DEFAULT 'waiting' NOT NULL,
    decision BIGINT,
    CONSTRAINT settlement_proposals_pkey PRIMARY KEY (proposal),
    CONSTRAINT settlement_proposals_operation_known CHECK (operation in ('terms', 'adjustment', 'reserve', 'account', 'limit', 'period')),
    CONSTRAINT settlement_proposals_state_known CHECK (state in ('waiting', 'approved', 'rejected')),
    CONSTRAINT settlement_proposals_decided_by_somebody CHECK ((state = 'waiting') = (decided_by is null)),
    CONSTRAINT settlement_proposals_decision_numbered CHECK ((state = 'waiting') = (decision is null)),
    CONSTRAINT settlement_proposals_second_person CHECK (decided_by is null or decided_by <> proposed_by),
    CONSTRAINT settlement_proposals_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme),
    CONSTRAINT settlement_proposals_decision_unique UNIQUE (decision)
);

CREATE TABLE contract_terms (
    programme INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    version INTEGER NOT NULL,
    starts_on DATE NOT NULL,
    document BYTEA NOT NULL,
    proposal UUID NOT NULL,
    CONSTRAINT contract_terms_pkey PRIMARY KEY (programme, partner, version),
    CONSTRAINT contract_terms_version_above_zero CHECK (version > 0),
    CONSTRAINT contract_terms_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme),
    CONSTRAINT contract_terms_partner_fkey FOREIGN KEY(partner) REFERENCES partners (partner)
);

CREATE TABLE fx_quotes (
    quote BIGINT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    quoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    programme INTEGER NOT NULL,
    currency TEXT NOT NULL,
    source TEXT NOT NULL,
    quoted_by TEXT NOT NULL,
    CONSTRAINT fx_quotes_pkey PRIMARY KEY (programme, currency, valid_from, quoted_at),
    CONSTRAINT fx_quotes_quote_above_zero CHECK (quote > 0),
    CONSTRAINT fx_quotes_lasts CHECK (expires_at > valid_from),
    CONSTRAINT fx_quotes_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme)
);

CREATE TABLE bank_days (
    day DATE NOT NULL,
    is_business BOOLEAN NOT NULL,
    note TEXT NOT NULL,
    set_by TEXT NOT NULL,
    CONSTRAINT bank_days_pkey PRIMARY KEY (day)
);

CREATE TABLE settlement_days (
    programme INTEGER NOT NULL,
    day DATE NOT NULL,
    cut_off_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_by TEXT NOT NULL,
    CONSTRAINT settlement_days_pkey PRIMARY KEY (programme, day),
    CONSTRAINT settlement_days_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme)
);

CREATE TABLE settlement_ranges (
    last_sequence BIGINT NOT NULL,
    day DATE NOT NULL,
    programme INTEGER NOT NULL,
    lane SMALLINT NOT NULL,
    CONSTRAINT settlement_ranges_pkey PRIMARY KEY (programme, day, lane),
    CONSTRAINT settlement_ranges_last_not_negative CHECK (last_sequence >= 0)
);

CREATE TABLE settlement_batches (
    batch TEXT NOT NULL,
    programme INTEGER NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    revision INTEGER NOT NULL,
    inputs BYTEA NOT NULL,
    figures BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    state TEXT NOT NULL,
    sequence BIGINT,
    CONSTRAINT settlement_batches_pkey PRIMARY KEY (batch),
    CONSTRAINT settlement_batches_state_known CHECK (state in ('draft', 'submitted', 'approved', 'instructed', 'partly_confirmed', 'confirmed', 'closed', 'cancelled')),
    CONSTRAINT settlement_batches_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT settlement_batches_posted_when_approved CHECK ((state in ('draft', 'submitted', 'cancelled')) = (sequence is null)),
    CONSTRAINT settlement_batches_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme)
);

CREATE UNIQUE INDEX settlement_batches_day_index ON settlement_batches (programme, last_day, revision);

CREATE UNIQUE INDEX settlement_batches_unapproved_index ON settlement_batches (programme) WHERE state in ('draft', 'submitted');

CREATE TABLE settlement_batch_days (
    day DATE NOT NULL,
    programme INTEGER NOT NULL,
    batch TEXT NOT NULL,
    is_freed BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT settlement_batch_days_pkey PRIMARY KEY (batch, day),
    CONSTRAINT settlement_batch_days_batch_fkey FOREIGN KEY(batch) REFERENCES settlement_batches (batch)
);

CREATE UNIQUE INDEX settlement_batch_days_once_index ON settlement_batch_days (programme, day) WHERE not is_freed;

CREATE TABLE settlement_batch_steps (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    step INTEGER NOT NULL,
    batch TEXT NOT NULL,
    state TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT settlement_batch_steps_pkey PRIMARY KEY (batch, step),
    CONSTRAINT settlement_batch_steps_batch_fkey FOREIGN KEY(batch) REFERENCES settlement_batches (batch)
);

CREATE TABLE payments (
    end_to_end_id TEXT NOT NULL,
    batch TEXT NOT NULL,
    programme INTEGER NOT NULL,
    party INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    amount_minor BIGINT NOT NULL,
    booked_minor BIGINT NOT NULL,
    refundable_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    message_id TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    CONSTRAINT payments_pkey PRIMARY KEY (end_to_end_id),
    CONSTRAINT payments_state_known CHECK (state in ('planned', 'instructed', 'accepted', 'confirmed', 'rejected', 'returned')),
    CONSTRAINT payments_amount_above_zero CHECK (amount_minor > 0 and booked_minor > 0),
    CONSTRAINT payments_refundable_within_amount CHECK (refundable_minor between 0 and amount_minor),
    CONSTRAINT payments_id_length CHECK (length(end_to_end_id) <= 35),
    CONSTRAINT payments_batch_fkey FOREIGN KEY(batch) REFERENCES settlement_batches (batch)
);

CREATE UNIQUE INDEX payments_attempt_index ON payments (batch, party, attempt);

CREATE TABLE payment_files (
    message_id TEXT NOT NULL,
    batch TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    number INTEGER NOT NULL,
    currency TEXT NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT payment_files_pkey PRIMARY KEY (message_id),
    CONSTRAINT payment_files_batch_fkey FOREIGN KEY(batch) REFERENCES settlement_batches (batch)
);

CREATE UNIQUE INDEX payment_files_batch_index ON payment_files (batch, number);

CREATE TABLE payment_notices (
    reference TEXT NOT NULL,
    batch TEXT NOT NULL,
    programme INTEGER NOT NULL,
    party INTEGER NOT NULL,
    amount_minor BIGINT NOT NULL,
    received_minor BIGINT DEFAULT 0 NOT NULL,
    currency TEXT NOT NULL,
    due_on DATE NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    CONSTRAINT payment_notices_pkey PRIMARY KEY (reference),
    CONSTRAINT payment_notices_state_known CHECK (state in ('open', 'paid')),
    CONSTRAINT payment_notices_received_within_amount CHECK (amount_minor > 0 and received_minor between 0 and amount_minor),
    CONSTRAINT payment_notices_batch_fkey FOREIGN KEY(batch) REFERENCES settlement_batches (batch)
);

CREATE INDEX payment_notices_party_index ON payment_notices (programme, party, due_on);

CREATE TABLE bank_files (
    digest BYTEA NOT NULL,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    message_id TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    outcome BYTEA NOT NULL,
    CONSTRAINT bank_files_pkey PRIMARY KEY (digest),
    CONSTRAINT bank_files_digest_length CHECK (octet_length(digest) = 32)
);

CREATE UNIQUE INDEX bank_files_message_index ON bank_files (kind, message_id);

CREATE TABLE bank_entries (
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    digest BYTEA NOT NULL,
    CONSTRAINT bank_entries_pkey PRIMARY KEY (account, reference),
    CONSTRAINT bank_entries_digest_fkey FOREIGN KEY(digest) REFERENCES bank_files (digest) DEFERRABLE INITIALLY deferred
);

CREATE TABLE suspense_items (
    item UUID NOT NULL,
    programme INTEGER NOT NULL,
    amount_minor BIGINT NOT NULL,
    booked_on DATE NOT NULL,
    currency TEXT NOT NULL,
    payer TEXT NOT NULL,
    remittance TEXT NOT NULL,
    matched_by TEXT,
    matched_to TEXT,
    CONSTRAINT suspense_items_pkey PRIMARY KEY (item),
    CONSTRAINT suspense_items_amount_not_zero CHECK (amount_minor <> 0),
    CONSTRAINT suspense_items_match_is_whole CHECK ((matched_by is null) = (matched_to is null))
);

CREATE TABLE disputes (
    dispute UUID NOT NULL,
    sequence BIGINT NOT NULL,
    points BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    commission_minor BIGINT NOT NULL,
    reserve_minor BIGINT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    reversal_sequence BIGINT,
    programme INTEGER NOT NULL,
    acceptor INTEGER NOT NULL,
    lane SMALLINT NOT NULL,
    reversal_lane SMALLINT,
    is_held BOOLEAN NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    reason TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    decided_by TEXT,
    decision_reason TEXT,
    CONSTRAINT disputes_pkey PRIMARY KEY (dispute),
    CONSTRAINT disputes_state_known CHECK (state in ('open', 'for-acceptor', 'against-acceptor')),
    CONSTRAINT disputes_decided_by_somebody CHECK ((state = 'open') = (decided_by is null)),
    CONSTRAINT disputes_second_person CHECK (decided_by is null or decided_by <> opened_by),
    CONSTRAINT disputes_amounts_in_range CHECK (amount_minor > 0 and commission_minor >= 0 and reserve_minor >= 0),
    CONSTRAINT disputes_reversal_is_whole CHECK ((reversal_lane is null) = (reversal_sequence is null)),
    CONSTRAINT disputes_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme),
    CONSTRAINT disputes_acceptor_fkey FOREIGN KEY(acceptor) REFERENCES partners (partner)
);

CREATE UNIQUE INDEX disputes_reversal_index ON disputes (reversal_lane, reversal_sequence) WHERE reversal_lane is not null;

CREATE UNIQUE INDEX disputes_transaction_index ON disputes (lane, sequence);

CREATE TABLE cover_movements (
    movement TEXT NOT NULL,
    amount BIGINT NOT NULL,
    programme INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    attempt INTEGER DEFAULT 1 NOT NULL,
    is_posted BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT cover_movements_pkey PRIMARY KEY (movement),
    CONSTRAINT cover_movements_amount_not_zero CHECK (amount <> 0)
);

CREATE INDEX cover_movements_waiting_index ON cover_movements (movement) WHERE not is_posted;
