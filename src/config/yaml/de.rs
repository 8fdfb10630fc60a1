//! The tree as serde reads it. Its faults know the way to where they are.

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::YamlError;
use super::node::{Entry, Node, NodeContent, Scalar, Value};

/// Reads a node.
#[derive(Clone, Copy)]
pub struct De<'n>(pub &'n Node);

impl<'n> De<'n> {
    fn scalar(self, what: &str) -> Result<&'n Scalar, YamlError> {
        match &self.0.content {
            NodeContent::Scalar(scalar) => Ok(scalar),
            _ => Err(YamlError::wrong(format!("must be {what}"))),
        }
    }

    fn whole<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        least: i64,
        most: u64,
    ) -> Result<V::Value, YamlError> {
        let range = range(least, most);
        let value = self.scalar(&range)?.value();
        match value {
            Value::Unsigned(number) if number <= most => visitor.visit_u64(number),
            Value::Signed(number) if number >= least => visitor.visit_i64(number),
            Value::Unsigned(number) => Err(out_of(&range, number)),
            Value::Signed(number) => Err(out_of(&range, number)),
            _ => Err(YamlError::wrong(format!("must be {range}"))),
        }
    }

    fn items<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match &self.0.content {
            NodeContent::List(items) => visitor.visit_seq(Items::of(items)),
            _ if self.0.is_null() => visitor.visit_seq(Items::of(&[])),
            _ => Err(YamlError::wrong("must be a list")),
        }
    }

    /// A section whose keys are all commented out is written as nothing.
    fn entries<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match &self.0.content {
            NodeContent::Map(entries) => visitor.visit_map(Entries::of(entries)),
            _ if self.0.is_null() => visitor.visit_map(Entries::of(&[])),
            _ => Err(YamlError::wrong("must be a section of keys and values")),
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        visitor.visit_str(&self.scalar("text")?.text)
    }
}

fn out_of(range: &str, number: impl std::fmt::Display) -> YamlError {
    YamlError::wrong(format!("must be {range}, not {number}"))
}

fn range(least: i64, most: u64) -> String {
    if least == 0 && most >= i64::MAX.unsigned_abs() {
        return "a whole number, 0 or more".to_owned();
    }
    format!("a whole number from {least} to {most}")
}

macro_rules! whole_numbers {
    ($($name:ident: $least:expr, $most:expr;)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
            self.whole(visitor, $least, $most)
        }
    )*};
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = YamlError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        let scalar = match &self.0.content {
            NodeContent::Scalar(scalar) => scalar,
            NodeContent::List(items) => return visitor.visit_seq(Items::of(items)),
            NodeContent::Map(entries) => return visitor.visit_map(Entries::of(entries)),
        };
        match scalar.value() {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Unsigned(number) => visitor.visit_u64(number),
            Value::Signed(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match self.scalar("true or false")?.value() {
            Value::Bool(flag) => visitor.visit_bool(flag),
            _ => Err(YamlError::wrong("must be true or false")),
        }
    }

    whole_numbers! {
        deserialize_i8: i8::MIN.into(), i8::MAX.unsigned_abs().into();
        deserialize_i16: i16::MIN.into(), i16::MAX.unsigned_abs().into();
        deserialize_i32: i32::MIN.into(), i32::MAX.unsigned_abs().into();
        deserialize_i64: i64::MIN, i64::MAX.unsigned_abs();
        deserialize_u8: 0, u8::MAX.into();
        deserialize_u16: 0, u16::MAX.into();
        deserialize_u32: 0, u32::MAX.into();
        deserialize_u64: 0, u64::MAX;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match self.scalar("a number")?.value() {
            Value::Unsigned(number) => visitor.visit_u64(number),
            Value::Signed(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            _ => Err(YamlError::wrong("must be a number")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    /// Text is what is written, also when it looks like a number: `1.10` has two digits after its point.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        if self.0.is_null() {
            visitor.visit_unit()
        } else {
            Err(YamlError::wrong("must be empty"))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.entries(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        self.entries(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        match &self.0.content {
            NodeContent::Scalar(scalar) => {
                let word: StrDeserializer<YamlError> = scalar.text.as_str().into_deserializer();
                visitor.visit_enum(word)
            }
            NodeContent::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant(&entries[0]))
            }
            _ => Err(YamlError::wrong(
                "must be a word, or one key with its value",
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlError> {
        visitor.visit_unit()
    }
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
}

impl<'n> Items<'n> {
    fn of(items: &'n [Node]) -> Self {
        Self { items, next: 0 }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = YamlError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, YamlError> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        let value = seed.deserialize(De(item));
        value.map(Some).map_err(|error| error.within(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Entries<'n> {
    entries: &'n [Entry],
    next: usize,
}

impl<'n> Entries<'n> {
    fn of(entries: &'n [Entry]) -> Self {
        Self { entries, next: 0 }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = YamlError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, YamlError> {
        let Some(entry) = self.entries.get(self.next) else {
            return Ok(None);
        };
        let key: StrDeserializer<YamlError> = entry.key.as_str().into_deserializer();
        let key = seed.deserialize(key);
        key.map(Some).map_err(|error| error.within(self.next))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, YamlError> {
        let index = self.next;
        self.next += 1;
        let Some(entry) = self.entries.get(index) else {
            return Err(YamlError::wrong("has no value"));
        };
        let value = seed.deserialize(De(&entry.value));
        value.map_err(|error| error.within(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

/// One word with what belongs to it.
struct Variant<'n>(&'n Entry);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = YamlError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), YamlError> {
        let word: StrDeserializer<YamlError> = self.0.key.as_str().into_deserializer();
        let word = seed.deserialize(word);
        let word = word.map_err(|error| error.within(0))?;
        Ok((word, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = YamlError;

    fn unit_variant(self) -> Result<(), YamlError> {
        if self.0.value.is_null() {
            return Ok(());
        }
        Err(YamlError::wrong("takes no value").within(0))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, YamlError> {
        let value = seed.deserialize(De(&self.0.value));
        value.map_err(|error| error.within(0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, YamlError> {
        let value = De(&self.0.value).items(visitor);
        value.map_err(|error| error.within(0))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, YamlError> {
        let value = De(&self.0.value).entries(visitor);
        value.map_err(|error| error.within(0))
    }
}
