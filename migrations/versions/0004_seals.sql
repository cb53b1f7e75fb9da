CREATE TABLE seals (
    number INTEGER NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    public_key TEXT NOT NULL,
    signature TEXT NOT NULL,
    lasts BIGINT[] NOT NULL,
    seal BYTEA NOT NULL,
    lanes BYTEA NOT NULL,
    CONSTRAINT seals_pkey PRIMARY KEY (number),
    CONSTRAINT seals_number_above_zero CHECK (number > 0),
    CONSTRAINT seals_lanes_are_there CHECK (cardinality(lasts) > 0)
);
