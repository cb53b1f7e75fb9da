-- Sessions of people who are signed in to the pages; what the table is for stands in ledger/store/session_tables.py.

CREATE TABLE sessions (
    secret_digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    partner INTEGER,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (secret_digest),
    CONSTRAINT sessions_digest_length CHECK (octet_length(secret_digest) = 32),
    CONSTRAINT sessions_person_length CHECK (length(person) between 1 and 255),
    CONSTRAINT sessions_kind_known CHECK (kind in ('citizen', 'merchant', 'staff')),
    CONSTRAINT sessions_merchants_have_a_partner CHECK ((kind = 'merchant') = (partner is not null)),
    CONSTRAINT sessions_staff_have_roles CHECK ((kind = 'staff') = (cardinality(roles) > 0)),
    CONSTRAINT sessions_partner_fkey FOREIGN KEY(partner) REFERENCES partners (partner)
);

-- A subject is whatever the identity provider makes of it: statistics would repeat it when the session is gone.
ALTER TABLE sessions ALTER COLUMN person SET STATISTICS 0;

CREATE INDEX sessions_seen_index ON sessions (seen_at);

CREATE INDEX sessions_person_index ON sessions (person);
