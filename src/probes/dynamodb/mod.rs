//! Amazon DynamoDB. It authorizes before it looks for the table, and looks at
//! the table's key before it touches an item, so requests with a key that the
//! table does not have are authorized and then refused.
//!
//! Where a table is not found, the action is allowed all the same, and the
//! missing table is a warning (Tarsnap/kivaloo#222 shows the order).

pub(super) mod get_item;
pub(super) mod list_tables;
pub(super) mod put_item;
pub(super) mod query;
pub(super) mod scan;
pub(super) mod update_item;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity};

use crate::probe::ABSENT_ATTRIBUTE;
use crate::verdict::{Grade, Proof, Warning};

/// A guard that no item can pass: the attribute would have to exist and not to exist.
const GUARD: &str = "attribute_exists(#guard) AND attribute_not_exists(#guard)";

const KEY_MISMATCH: Proof = Proof::error(
    "ValidationException",
    &["the provided key element does not match the schema"],
    Grade::Observed,
    "public threads quote the text; Tarsnap/kivaloo#222 shows that authorization comes first",
);

const KEY_COUNT: Proof = Proof::error(
    "ValidationException",
    &["the number of conditions on the keys is invalid"],
    Grade::Observed,
    "public threads quote the text; Tarsnap/kivaloo#222 shows that authorization comes first",
);

const GUARDED: Proof = Proof::error(
    "ConditionalCheckFailedException",
    &[],
    Grade::Documented,
    "DynamoDB Developer Guide, \"Working with items\": the guard is evaluated on the item",
);

const TABLE_MISSING: Proof = Proof::error(
    "ResourceNotFoundException",
    &[],
    Grade::Observed,
    "Tarsnap/kivaloo#222: DynamoDB denies before it looks for the table",
)
.warn(Warning::ResourceMissing);

/// Whether a success says what it cost, as it was asked to: no other service's
/// answer does.
fn counted(cost: Option<&ConsumedCapacity>) -> &'static str {
    if cost.is_some() { "200" } else { "200 without its cost" }
}

/// A key, or an item, made of an attribute that the table does not have as its key.
fn absent_key() -> HashMap<String, AttributeValue> {
    HashMap::from([(ABSENT_ATTRIBUTE.to_owned(), AttributeValue::S("absent".to_owned()))])
}

#[cfg(test)]
const MISSING_TABLE: (&str, &str) = ("ResourceNotFoundException", "Requested resource not found");
