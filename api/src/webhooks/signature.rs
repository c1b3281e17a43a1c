//! Signatures after Standard Webhooks (<https://www.standardwebhooks.com>): HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::webhooks::Secret;
use store::webhooks::sending::Claimed;

/// Begins a secret in writing.
const SECRET_PREFIX: &str = "whsec_";

/// A secret in writing, as receivers' libraries take it.
pub(super) fn write_secret(secret: &Secret) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret.bytes()))
}

/// The header `webhook-signature` of a delivery: a signature by each secret in force, by spaces.
pub(super) fn header(claimed: &Claimed, timestamp: u64, body: &[u8]) -> String {
    let id = claimed.event_id.to_string();
    let secrets = std::iter::once(&claimed.secret).chain(&claimed.previous_secret);
    let signatures: Vec<_> = secrets.filter_map(|secret| sign(secret, &id, timestamp, body)).collect();
    signatures.join(" ")
}

/// A signature; there is one for every secret, since HMAC takes keys of any length.
fn sign(secret: &Secret, id: &str, timestamp: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specifications_libraries() {
        // From the test of the specification's reference libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(
            &Secret::from(secret),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
