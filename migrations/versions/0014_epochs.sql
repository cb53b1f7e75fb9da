-- Epochs; what the tables are for stands in ledger/store/epoch_tables.py.

CREATE TABLE epochs (
    number INTEGER NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    restored_to TIMESTAMP WITH TIME ZONE,
    lost_until TIMESTAMP WITH TIME ZONE,
    identity BYTEA NOT NULL,
    superseded_seals BYTEA NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT epochs_pkey PRIMARY KEY (number),
    CONSTRAINT epochs_number_above_zero CHECK (number > 0),
    CONSTRAINT epochs_identity_length CHECK (octet_length(identity) = 16)
);

CREATE UNIQUE INDEX epochs_identity_index ON epochs (identity);

CREATE TABLE epoch_starts (
    sequence BIGINT NOT NULL,
    epoch INTEGER NOT NULL,
    lane SMALLINT NOT NULL,
    CONSTRAINT epoch_starts_pkey PRIMARY KEY (lane, epoch)
);
