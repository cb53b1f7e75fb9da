-- Rates of exchange between programmes; what the table is for stands in ledger/store/funding_tables.py.

CREATE TABLE exchange_rates (
    rate INTEGER NOT NULL,
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    issuer INTEGER NOT NULL,
    starts_on DATE NOT NULL,
    give INTEGER NOT NULL,
    get INTEGER NOT NULL,
    price_micros BIGINT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE DEFAULT ledger_now() NOT NULL,
    CONSTRAINT exchange_rates_pkey PRIMARY KEY (rate),
    CONSTRAINT exchange_rates_number_above_zero CHECK (rate > 0),
    CONSTRAINT exchange_rates_between_two_programmes CHECK (source <> target),
    CONSTRAINT exchange_rates_amounts_in_range CHECK (give > 0 and get >= 0 and price_micros >= 0),
    CONSTRAINT exchange_rates_source_fkey FOREIGN KEY(source) REFERENCES programmes (programme),
    CONSTRAINT exchange_rates_target_fkey FOREIGN KEY(target) REFERENCES programmes (programme),
    CONSTRAINT exchange_rates_issuer_fkey FOREIGN KEY(issuer) REFERENCES partners (partner)
);

CREATE UNIQUE INDEX exchange_rates_day_index ON exchange_rates (source, target, starts_on);
