-- The vault of personal data; what each table is for stands in ledger/store/vault_tables.py.

CREATE SEQUENCE consent_numbers;

CREATE TABLE consents (
    consent_id UUID NOT NULL,
    public_id UUID NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    partner INTEGER,
    purpose TEXT NOT NULL,
    given_by TEXT NOT NULL,
    revoked_by TEXT,
    CONSTRAINT consents_pkey PRIMARY KEY (consent_id),
    CONSTRAINT consents_purpose_known CHECK (purpose in ('balance', 'offers', 'health', 'cross-border', 'guardian')),
    CONSTRAINT consents_given_by_known CHECK (given_by in ('member', 'partner', 'staff')),
    CONSTRAINT consents_revoked_by_known CHECK (revoked_by in ('member', 'partner', 'staff')),
    CONSTRAINT consents_revocation_is_whole CHECK ((revoked_at is null) = (revoked_by is null)),
    CONSTRAINT consents_partner_where_the_purpose_has_one CHECK ((purpose = 'balance') = (partner is not null)),
    CONSTRAINT consents_partner_fkey FOREIGN KEY(partner) REFERENCES partners (partner)
);

CREATE INDEX consents_member_index ON consents (public_id, consent_id);

CREATE UNIQUE INDEX consents_standing_index ON consents (public_id, purpose, partner) NULLS NOT DISTINCT WHERE revoked_at is null;

CREATE TABLE erasures (
    public_id UUID NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
    erased_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (public_id),
    CONSTRAINT erasures_erased_by_known CHECK (erased_by in ('member', 'operator', 'support')),
    CONSTRAINT erasures_reason_known CHECK (reason in ('member-asked', 'guardian-asked', 'no-longer-needed', 'legal-duty'))
);

CREATE TABLE personal_data (
    public_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    birth_year SMALLINT,
    region TEXT,
    CONSTRAINT personal_data_pkey PRIMARY KEY (public_id),
    CONSTRAINT personal_data_birth_year_range CHECK (birth_year between 1900 and 2999),
    CONSTRAINT personal_data_region_length CHECK (length(region) between 1 and 32),
    CONSTRAINT personal_data_holds_something CHECK (region is not null or birth_year is not null)
);
