//! Why a token is refused: Envoy's words for the client, a reason for people.

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// There is no token, and there has to be one.
    Missing,
    /// The token is longer than `maxTokenSize`.
    TooLong,
    /// It has not three parts.
    Form,
    /// Its header is no base64url.
    HeaderBase64,
    /// Its header is no JSON mapping.
    HeaderJson,
    /// It has no `alg` that is a text.
    AlgMissing,
    /// Its `alg` is none of ours.
    AlgUnknown,
    /// Its `kid` is no text.
    Kid,
    /// Its header has a `crit`, an extension that must be understood, and none is.
    Critical,
    /// Its payload is no base64url.
    PayloadBase64,
    /// Its payload is no JSON mapping.
    PayloadJson,
    /// A claim that must be a text is none.
    Text(TextClaim),
    /// A claim that must be a time is no number.
    Time(TimeClaim),
    /// A claim that must be a time is negative or too large.
    TimeRange(TimeClaim),
    /// `aud` is neither a text nor a list of texts.
    AudienceType,
    /// Its signature is no base64url.
    SignatureBase64,
    /// No rule at its place is for its issuer.
    Issuer,
    /// `nbf` is yet to come.
    NotYetValid,
    /// `exp` is over.
    Expired,
    /// It is for another audience.
    Audience,
    /// There are no keys.
    KeysUnavailable,
    /// The issuer has withdrawn every key.
    KeysWithdrawn,
    /// No key has its `kid`.
    UnknownKid,
    /// No key of its `kid` has its `alg`.
    NoKey,
    /// The key of its `kid` is not of the kind its `alg` needs.
    KeyKind,
    /// No key verifies its signature.
    Signature,
    /// Its EdDSA signature has not 64 bytes.
    Ed25519Length,
}

/// A registered claim that is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextClaim {
    /// Issuer.
    Iss,
    /// Subject.
    Sub,
    /// Identity of the token.
    Jti,
}

/// A registered claim that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeClaim {
    /// Issued at.
    Iat,
    /// Not before.
    Nbf,
    /// Expires.
    Exp,
}

impl Rejection {
    /// The HTTP status, Envoy's.
    pub const fn status(self) -> u16 {
        match self {
            Rejection::Audience => 403,
            _ => 401,
        }
    }

    /// What the client reads: the words of Envoy's `jwt_authn`, but where it has none.
    pub const fn message(self) -> &'static str {
        use {TextClaim::*, TimeClaim::*};
        match self {
            Rejection::Missing => "Jwt is missing",
            Rejection::TooLong => "Jwt is too long",
            Rejection::Form => {
                "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
            }
            Rejection::HeaderBase64 => "Jwt header is an invalid Base64url encoded",
            Rejection::HeaderJson => "Jwt header is an invalid JSON",
            Rejection::AlgMissing => "Jwt header [alg] field is required and must be a string",
            Rejection::AlgUnknown => "Jwt header [alg] is not supported",
            Rejection::Kid => "Jwt header [kid] field is not a string",
            Rejection::Critical => "Jwt header [crit] is not supported",
            Rejection::PayloadBase64 => "Jwt payload is an invalid Base64url encoded",
            Rejection::PayloadJson => "Jwt payload is an invalid JSON",
            Rejection::Text(Iss) => "Jwt payload [iss] field is not a string",
            Rejection::Text(Sub) => "Jwt payload [sub] field is not a string",
            Rejection::Text(Jti) => "Jwt payload [jti] field is not a string",
            Rejection::Time(Iat) => "Jwt payload [iat] field is not an integer",
            Rejection::Time(Nbf) => "Jwt payload [nbf] field is not an integer",
            Rejection::Time(Exp) => "Jwt payload [exp] field is not an integer",
            Rejection::TimeRange(Iat) => "Jwt payload [iat] field is not a positive 64 bit integer",
            Rejection::TimeRange(Nbf) => "Jwt payload [nbf] field is not a positive 64 bit integer",
            Rejection::TimeRange(Exp) => "Jwt payload [exp] field is not a positive 64 bit integer",
            Rejection::AudienceType => "Jwt payload [aud] field is not a string or string list",
            Rejection::SignatureBase64 => "Jwt signature is an invalid Base64url encoded",
            Rejection::Issuer => "Jwt issuer is not configured",
            Rejection::NotYetValid => "Jwt not yet valid",
            Rejection::Expired => "Jwt is expired",
            Rejection::Audience => "Audiences in Jwt are not allowed",
            Rejection::KeysUnavailable | Rejection::KeysWithdrawn => "Jwks remote fetch is failed",
            Rejection::UnknownKid | Rejection::NoKey => {
                "Jwks doesn't have key to match kid or alg from Jwt"
            }
            Rejection::KeyKind | Rejection::Signature => "Jwt verification fails",
            Rejection::Ed25519Length => "Jwt ED25519 signature is wrong length",
        }
    }

    /// Which reason it is counted under.
    pub const fn reason(self) -> Reason {
        match self {
            Rejection::Missing => Reason::Missing,
            Rejection::TooLong => Reason::TooLong,
            Rejection::Form => Reason::Malformed,
            Rejection::HeaderBase64 | Rejection::HeaderJson | Rejection::Kid => {
                Reason::MalformedHeader
            }
            Rejection::AlgMissing | Rejection::AlgUnknown => Reason::Algorithm,
            Rejection::Critical => Reason::Critical,
            Rejection::PayloadBase64 | Rejection::PayloadJson => Reason::MalformedPayload,
            Rejection::Text(_)
            | Rejection::Time(_)
            | Rejection::TimeRange(_)
            | Rejection::AudienceType => Reason::MalformedClaim,
            Rejection::SignatureBase64 => Reason::MalformedSignature,
            Rejection::Issuer => Reason::Issuer,
            Rejection::NotYetValid => Reason::NotYetValid,
            Rejection::Expired => Reason::Expired,
            Rejection::Audience => Reason::Audience,
            Rejection::KeysUnavailable => Reason::KeysUnavailable,
            Rejection::KeysWithdrawn => Reason::KeysWithdrawn,
            Rejection::UnknownKid => Reason::UnknownKid,
            Rejection::NoKey | Rejection::KeyKind => Reason::NoKey,
            Rejection::Signature | Rejection::Ed25519Length => Reason::Signature,
        }
    }
}

/// A stable reason; see the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No token where one is required.
    Missing,
    /// A token of inordinate length.
    TooLong,
    /// Not three parts.
    Malformed,
    /// A header that cannot be read.
    MalformedHeader,
    /// A payload that cannot be read.
    MalformedPayload,
    /// A registered claim of the wrong type.
    MalformedClaim,
    /// A signature that cannot be read.
    MalformedSignature,
    /// No `alg`, or none of ours.
    Algorithm,
    /// An extension that must be understood.
    Critical,
    /// An issuer that no rule has.
    Issuer,
    /// Too early.
    NotYetValid,
    /// Too late.
    Expired,
    /// For another audience.
    Audience,
    /// No keys at all.
    KeysUnavailable,
    /// No keys any more.
    KeysWithdrawn,
    /// No key of its name.
    UnknownKid,
    /// No key for its algorithm.
    NoKey,
    /// A wrong signature.
    Signature,
}

impl Reason {
    /// Those that are about a token alone, whichever rule looks at it.
    pub const OF_TOKENS: [Reason; 10] = [
        Reason::Missing,
        Reason::TooLong,
        Reason::Malformed,
        Reason::MalformedHeader,
        Reason::MalformedPayload,
        Reason::MalformedClaim,
        Reason::MalformedSignature,
        Reason::Algorithm,
        Reason::Critical,
        Reason::Issuer,
    ];

    /// Those that are about a token and the rule of its issuer.
    pub const OF_RULES: [Reason; 8] = [
        Reason::NotYetValid,
        Reason::Expired,
        Reason::Audience,
        Reason::KeysUnavailable,
        Reason::KeysWithdrawn,
        Reason::UnknownKid,
        Reason::NoKey,
        Reason::Signature,
    ];

    /// Its name, and its name in a shadow.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Reason::Missing => ("missing", "shadow_missing"),
            Reason::TooLong => ("too_long", "shadow_too_long"),
            Reason::Malformed => ("malformed", "shadow_malformed"),
            Reason::MalformedHeader => ("malformed_header", "shadow_malformed_header"),
            Reason::MalformedPayload => ("malformed_payload", "shadow_malformed_payload"),
            Reason::MalformedClaim => ("malformed_claim", "shadow_malformed_claim"),
            Reason::MalformedSignature => ("malformed_signature", "shadow_malformed_signature"),
            Reason::Algorithm => ("algorithm", "shadow_algorithm"),
            Reason::Critical => ("critical", "shadow_critical"),
            Reason::Issuer => ("issuer", "shadow_issuer"),
            Reason::NotYetValid => ("not_yet_valid", "shadow_not_yet_valid"),
            Reason::Expired => ("expired", "shadow_expired"),
            Reason::Audience => ("audience", "shadow_audience"),
            Reason::KeysUnavailable => ("jwks_unavailable", "shadow_jwks_unavailable"),
            Reason::KeysWithdrawn => ("jwks_withdrawn", "shadow_jwks_withdrawn"),
            Reason::UnknownKid => ("unknown_kid", "shadow_unknown_kid"),
            Reason::NoKey => ("no_key", "shadow_no_key"),
            Reason::Signature => ("signature", "shadow_signature"),
        }
    }
}
