//! A specification of the user's own, against an emulated account.
