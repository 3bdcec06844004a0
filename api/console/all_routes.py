"""All routes of the console, in one router: each page has a module of its own."""

from __future__ import annotations

from fastapi import APIRouter

from vanvault.api.console import (
    access_route,
    disposals_route,
    extractions_route,
    help_route,
    holds_route,
    home_route,
    inbox_route,
    jobs_route,
    language_route,
    message_route,
    no_page_route,
    people_route,
    promotion_route,
    reports_route,
    search_route,
    session_routes,
    sites_route,
    static_route,
)

console_router = APIRouter(include_in_schema=False)
_ROUTES = (
    home_route,
    inbox_route,
    jobs_route,
    search_route,
    message_route,
    extractions_route,
    sites_route,
    promotion_route,
    access_route,
    people_route,
    reports_route,
    holds_route,
    disposals_route,
    help_route,
    session_routes,
    language_route,
    static_route,
    no_page_route,  # last: it takes every address
)
for _module in _ROUTES:
    console_router.include_router(_module.router)
