//! Who may do what: tokens with a role, kept as hashes, compared in constant time.
//!
//! ```toml
//! [[token]]
//! name = "alice"            # goes into the journal with everything she does
//! role = "trader"           # viewer looks; trader also approves, declines, kills; risk also sets states and arms
//! blake3 = "5f0c..."        # of the token; `plimsoll token alice --role trader` makes both
//! ```
//!
//! A token is 256 random bits, so its plain hash cannot be searched; no salt and no slow hash are needed.

use serde::Deserialize;
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use units::{Issue, Issues};

/// What a person may do; each role may what those before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Approves and declines what rules ask for, and may stop everything.
    Trader,
    /// Sets states, arms.
    Risk,
}

impl Role {
    /// The word for files and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Trader => "trader",
            Self::Risk => "risk",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Viewer, Self::Trader, Self::Risk];
        all.into_iter().find(|role| role.word() == text).ok_or_else(|| "one of viewer, trader, risk".into())
    }
}

/// A token as it is given to a person, once.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// 256 random bits as text.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The text, to be shown to its owner and nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex().to_string()
    }
}

impl fmt::Debug for Secret {
    /// Never in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Everybody who may come in.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Debug, Clone)]
struct Token {
    name: String,
    role: Role,
    hash: blake3::Hash,
}

/// A person who has shown a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) role: Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    #[serde(default)]
    token: Vec<TokenToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenToml {
    name: String,
    role: Role,
    blake3: String,
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut issues = Issues::default();
        let mut fault = |row: usize, field: &str, value: &str, rule: &str| {
            let (file, row) = (file.to_owned(), row as u64);
            issues.push(Issue { file, row, field: field.into(), value: value.into(), rule: rule.into() });
        };
        let parsed: FileToml = match toml::from_str(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                fault(0, "", "", error.message());
                return Err(issues);
            }
        };
        let mut tokens: Vec<Token> = Vec::new();
        for (place, TokenToml { name, role, blake3 }) in parsed.token.into_iter().enumerate() {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
            if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
                fault(place + 1, "name", &name, "1 to 64 letters, digits or -_.@");
            } else if tokens.iter().any(|token| token.name == name) {
                fault(place + 1, "name", &name, "is named twice");
            }
            match blake3::Hash::from_hex(&blake3) {
                Ok(hash) => tokens.push(Token { name, role, hash }),
                Err(_) => {
                    fault(place + 1, "blake3", "", "64 hexadecimal digits, as `plimsoll token` prints them");
                }
            }
        }
        if issues.is_empty() { Ok(Self(tokens)) } else { Err(issues) }
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &str, role: Role, secret: &Secret) -> Self {
        self.0.push(Token { name: name.to_owned(), role, hash: blake3::hash(secret.0.as_bytes()) });
        self
    }

    /// True when nobody may come in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token it is. Every token is compared, each in constant time.
    pub(crate) fn person(&self, token: &str) -> Option<Person> {
        let hash = blake3::hash(token.as_bytes());
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.hash.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(Person { name: token.name.clone(), role: token.role });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_never_printed() {
        let secret = Secret::random().unwrap();
        let tokens = Tokens::default().with("alice", Role::Trader, &secret);
        let person = tokens.person(secret.reveal()).unwrap();
        assert_eq!((person.name.as_str(), person.role), ("alice", Role::Trader));
        assert_eq!(tokens.person(&secret.reveal()[1..]), None);
        assert_eq!(tokens.person(""), None);
        let printed = format!("{secret:?} {tokens:?}");
        assert!(!printed.contains(secret.reveal()), "{printed}");
    }

    #[test]
    fn every_mistake_of_a_file_is_told_at_once() {
        let text = "[[token]]\nname = \"a b\"\nrole = \"risk\"\nblake3 = \"12\"\n[[token]]\nname = \"\"\nrole = \"viewer\"\nblake3 = \"00\"\n";
        let issues = Tokens::parse("tokens.toml", text).unwrap_err();
        assert_eq!(issues.total(), 4, "{issues}");
        assert!(Tokens::parse("t", "[[token]]\nname = \"a\"\nrole = \"boss\"\nblake3 = \"\"\n").is_err());
        let hash = blake3::hash(b"x").to_hex();
        let text = format!("[[token]]\nname = \"a\"\nrole = \"viewer\"\nblake3 = \"{hash}\"\n");
        assert_eq!(Tokens::parse("t", &text).unwrap().person("x").unwrap().role, Role::Viewer);
    }

    #[test]
    fn each_role_may_what_those_before_it_may() {
        assert!(Role::Viewer < Role::Trader && Role::Trader < Role::Risk);
    }
}
