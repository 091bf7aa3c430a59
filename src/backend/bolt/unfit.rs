//! Why a value that a server sent cannot be carried, in words that name the property and the item.

use crate::error::Error;
use crate::model::packstream::{MAX_DEPTH, tag};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Why a property cannot be carried.
#[derive(Debug)]
pub(in crate::backend) struct Unfit {
    pub(in crate::backend) key: String,
    pub(in crate::backend) why: Why,
}

#[derive(Debug)]
pub(in crate::backend) enum Why {
    /// What is wrong with the value, behind "property … of … ".
    Value(String),
    /// The bytes are not PackStream.
    Bytes(Error),
}

impl From<Error> for Why {
    fn from(error: Error) -> Self {
        Self::Bytes(error)
    }
}

impl Unfit {
    /// The bytes of a property cannot be read.
    pub(in crate::backend) fn unread(key: &str, cause: Error) -> Self {
        Self { key: key.to_owned(), why: Why::Bytes(cause) }
    }

    /// The error, with the item that it is about.
    pub(in crate::backend) fn of(self, noun: &str, id: i64) -> Error {
        let key = self.key;
        match self.why {
            Why::Value(what) => Error::failed(format!("property {key:?} of {noun} {id} {what}")),
            Why::Bytes(cause) => {
                Error::failed(format!("property {key:?} of {noun} {id} cannot be read")).caused_by(cause)
            }
        }
    }
}

/// A structure that is no value of a property.
pub(in crate::backend) fn strange(tag: u8) -> Why {
    let what = match tag {
        tag::NODE => "a node".to_owned(),
        tag::RELATIONSHIP | tag::UNBOUND_RELATIONSHIP => "a relationship".to_owned(),
        tag::PATH => "a path".to_owned(),
        tag => format!("a structure {tag:#04X}, which nobody knows"),
    };
    Why::Value(format!("is {what}"))
}

/// A container this deep is allowed.
pub(in crate::backend) fn nested(depth: usize) -> Result<(), Why> {
    match depth > MAX_DEPTH {
        true => Err(Why::Value(format!("is nested deeper than {MAX_DEPTH} levels"))),
        false => Ok(()),
    }
}

/// The instant of a local time in a zone, if there is exactly one.
pub(in crate::backend) fn instant(local: i64, zone: &str) -> Result<i64, String> {
    let unknown = || format!("is a date-time in the time zone {zone:?}, whose rules are not known here");
    let rules = TimeZone::get(zone).map_err(|_| unknown())?;
    let civil = jiff::Timestamp::from_second(local).map_err(|_| unknown())?;
    let civil = TimeZone::UTC.to_datetime(civil);
    match rules.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => Ok(local - i64::from(offset.seconds())),
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => {
            Err(format!("is {civil} in {zone:?}, which is no single instant, and Bolt before 5.0 tells no more"))
        }
    }
}
