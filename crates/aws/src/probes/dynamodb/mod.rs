//! Amazon DynamoDB. It authorizes before it looks for the table, and looks at
//! the table's key before it touches an item, so requests with a key that the
//! table does not have are authorized and then refused.
//!
//! Where the table's key is known, the requests have a key of the right form
//! that no item has, and AWS's documentation says what they are answered.
//!
//! Where a table is not found, the action is allowed all the same, and the
//! missing table is a warning. Who has seen what is in [`permissions_core::evidence`].

pub(super) mod get_item;
pub(super) mod list_tables;
pub(super) mod put_item;
pub(super) mod query;
pub(super) mod scan;
pub(super) mod update_item;

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity};

use permissions_core::answer::Leftover;
use permissions_core::place::{ABSENT_ATTRIBUTE, Names, Place};
use permissions_core::probe::{Better, shell_quote};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::{KeyType, Table, TableKey};
use permissions_core::voice::Setting;

/// A guard that no item can pass: the attribute would have to exist and not to exist.
const GUARD: &str = "attribute_exists(#guard) AND attribute_not_exists(#guard)";

const KEY_MISMATCH: Proof = Proof::error("ValidationException", "the provided key element does not match the schema");

const KEY_COUNT: Proof = Proof::error("ValidationException", "the number of conditions on the keys is invalid");

const GUARDED: Proof = Proof::error("ConditionalCheckFailedException", "");

/// A made-up index fits a grant on all indexes of a table.
const INDEX_MISSING: Proof = Proof::error("ValidationException", "the table does not have the specified index");

const TABLE_MISSING: Proof = Proof::error("ResourceNotFoundException", "").warn(Warning::ResourceMissing);

/// In the order in which they are tried where only the key's name is known.
const KEY_TYPES: [KeyType; 3] = [KeyType::String, KeyType::Number, KeyType::Binary];

/// What to name for documented proofs.
const NAME_THE_KEY: Better = Better::Name {
    setting: Setting::TableKey,
    to: "the name and the type of the table's key, such as modelId:S",
    else_: None,
    within: None,
};

/// Whether a success says what it cost, as it was asked to: no other service's
/// answer does.
fn success_name(cost: Option<&ConsumedCapacity>) -> &'static str {
    if cost.is_some() { "200" } else { "200 without its cost" }
}

/// A key, or an item, that the table does not have: of its own key where that is
/// known, else of an attribute that is not its key.
fn absent_key(table: &Table, names: &Names) -> HashMap<String, AttributeValue> {
    match &table.key {
        Some(key) => key_of(key, names),
        None => HashMap::from([(ABSENT_ATTRIBUTE.to_owned(), AttributeValue::S("absent".to_owned()))]),
    }
}

/// The key of an item that the table does not have.
fn key_of(key: &TableKey, names: &Names) -> HashMap<String, AttributeValue> {
    HashMap::from([(key.name.clone(), absent_value(key.kind, names))])
}

/// A value that no item of the table has as its key.
fn absent_value(kind: KeyType, names: &Names) -> AttributeValue {
    match kind {
        KeyType::String => AttributeValue::S(names.record_name()),
        KeyType::Number => AttributeValue::N(names.record_number()),
        KeyType::Binary => AttributeValue::B(Blob::new(names.record_name())),
    }
}

/// What a condition such as `dynamodb:LeadingKeys` or `dynamodb:Attributes` can look at.
fn key_context(table: &Table) -> String {
    match &table.key {
        Some(key) => format!("a value of its own of the key {}", key.name),
        None => format!("the attribute {ABSENT_ATTRIBUTE} as its key"),
    }
}

/// The item that is there, should AWS carry a write out.
fn absent_item(table: &Table, place: &Place) -> Leftover {
    item_of(table, table.key.as_ref(), place)
}

/// The item of this key; without one, of the attribute that no table has as its key.
fn item_of(table: &Table, key: Option<&TableKey>, place: &Place) -> Leftover {
    let names = &place.names;
    let key = match key {
        Some(TableKey { name, kind: KeyType::Number }) => serde_json::json!({name: {"N": names.record_number()}}),
        Some(TableKey { name, kind: KeyType::String }) => serde_json::json!({name: {"S": names.record_name()}}),
        Some(TableKey { name, kind: KeyType::Binary }) => {
            serde_json::json!({name: {"B": aws_smithy_types::base64::encode(names.record_name())}})
        }
        None => serde_json::json!({ABSENT_ATTRIBUTE: {"S": "absent"}}),
    };
    let table = &table.name;
    Leftover {
        what: format!("the item {key} of the table {table}"),
        command: Some(format!(
            "aws dynamodb delete-item --region={} --table-name={table} --key={}",
            place.region,
            shell_quote(&key.to_string())
        )),
    }
}

#[cfg(test)]
const MISSING_TABLE: (&str, &str) = ("ResourceNotFoundException", "Requested resource not found");
