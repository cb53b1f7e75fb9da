-- Members' codes; what the table is for stands in ledger/store/code_tables.py.

CREATE TABLE member_codes (
    digest BYTEA NOT NULL,
    member BIGINT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    used_sequence BIGINT,
    lane SMALLINT NOT NULL,
    used_lane SMALLINT,
    CONSTRAINT member_codes_pkey PRIMARY KEY (digest),
    CONSTRAINT member_codes_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT member_codes_ends_after_it_is_made CHECK (expires_at > made_at),
    CONSTRAINT member_codes_used_for_a_transaction CHECK ((used_at is null) = (used_sequence is null) and (used_at is null) = (used_lane is null))
);

CREATE INDEX member_codes_member_index ON member_codes (lane, member);

CREATE INDEX member_codes_expires_index ON member_codes (expires_at);
