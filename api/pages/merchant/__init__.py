"""The merchant console: what people of one partner see and do. Every page is of the session's partner alone."""

from litestar import Router

from api.pages.merchant.counter import (
    check_sale,
    counter_page,
    done_page,
    keep_till,
    look_at_member,
    post_sale,
    till_page,
)
from api.pages.merchant.disputes import disputes_page
from api.pages.merchant.imports import download_import_lines, import_page, imports_page, upload_import
from api.pages.merchant.keys import (
    end_key_page,
    end_own_key,
    keys_page,
    make_own_key,
    replace_own_key,
    replacement_page,
)
from api.pages.merchant.reversal import check_reversal, post_own_reversal, reversal_page
from api.pages.merchant.statements import download_statement, statement_page, statements_page
from api.pages.merchant.today import today_page
from api.pages.merchant.transactions import transaction_page, transactions_page
from api.pages.merchant.webhooks import (
    add_own_webhook,
    change_webhook,
    ping_webhook,
    removal_page,
    remove_own_webhook,
    renew_webhook_secret,
    replay_deliveries,
    webhook_page,
    webhooks_page,
)
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["merchant_router"]

merchant_router = Router(
    "/merchant",
    route_handlers=[
        today_page,
        transactions_page,
        transaction_page,
        reversal_page,
        check_reversal,
        post_own_reversal,
        imports_page,
        upload_import,
        import_page,
        download_import_lines,
        statements_page,
        statement_page,
        download_statement,
        disputes_page,
        keys_page,
        make_own_key,
        replacement_page,
        replace_own_key,
        end_key_page,
        end_own_key,
        webhooks_page,
        add_own_webhook,
        webhook_page,
        ping_webhook,
        change_webhook,
        renew_webhook_secret,
        replay_deliveries,
        removal_page,
        remove_own_webhook,
        counter_page,
        till_page,
        keep_till,
        look_at_member,
        check_sale,
        post_sale,
        done_page,
    ],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/merchant``."""
