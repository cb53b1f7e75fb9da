-- Who pays for points; what each table is for stands in ledger/store/funding_tables.py.

CREATE TABLE campaigns (
    campaign INTEGER NOT NULL,
    code TEXT NOT NULL,
    programme INTEGER NOT NULL,
    funding INTEGER NOT NULL,
    lead INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT campaigns_pkey PRIMARY KEY (campaign),
    CONSTRAINT campaigns_number_above_zero CHECK (campaign > 0),
    CONSTRAINT campaigns_funding_of_its_own CHECK (funding > 1000000000),
    CONSTRAINT campaigns_code_unique UNIQUE (code),
    CONSTRAINT campaigns_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme),
    CONSTRAINT campaigns_funding_unique UNIQUE (funding),
    CONSTRAINT campaigns_lead_fkey FOREIGN KEY(lead) REFERENCES partners (partner)
);

CREATE TABLE cover_prices (
    programme INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    starts_on DATE NOT NULL,
    price_micros BIGINT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE DEFAULT ledger_now() NOT NULL,
    CONSTRAINT cover_prices_pkey PRIMARY KEY (programme, partner, starts_on),
    CONSTRAINT cover_prices_price_not_negative CHECK (price_micros >= 0),
    CONSTRAINT cover_prices_programme_fkey FOREIGN KEY(programme) REFERENCES programmes (programme),
    CONSTRAINT cover_prices_partner_fkey FOREIGN KEY(partner) REFERENCES partners (partner)
);
