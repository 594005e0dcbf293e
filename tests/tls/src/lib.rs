//! Nothing: see `tests/echo.rs`.
