-- Money in the ledger; what each table is for stands in ledger/store/money_tables.py.

CREATE TABLE money_balances (
    balance_minor BIGINT NOT NULL,
    programme INTEGER NOT NULL,
    party INTEGER NOT NULL,
    account SMALLINT NOT NULL,
    currency TEXT NOT NULL,
    CONSTRAINT money_balances_pkey PRIMARY KEY (programme, currency, account, party)
);

CREATE TABLE money_postings (
    sequence BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    programme INTEGER NOT NULL,
    debit_party INTEGER NOT NULL,
    credit_party INTEGER NOT NULL,
    lane SMALLINT NOT NULL,
    line SMALLINT NOT NULL,
    debit SMALLINT NOT NULL,
    credit SMALLINT NOT NULL,
    currency TEXT NOT NULL,
    CONSTRAINT money_postings_pkey PRIMARY KEY (lane, sequence, line),
    CONSTRAINT money_postings_amount_above_zero CHECK (amount_minor > 0),
    CONSTRAINT money_postings_moves_something CHECK ((debit, debit_party) <> (credit, credit_party)),
    CONSTRAINT money_postings_currency_length CHECK (length(currency) = 3)
);

CREATE INDEX money_postings_credit_index ON money_postings (credit_party, credit, sequence);

CREATE INDEX money_postings_debit_index ON money_postings (debit_party, debit, sequence);
