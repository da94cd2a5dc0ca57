//! gRPC's framing of messages: a zero byte (not compressed), the length in four, the message.

const PREFIX: usize = 5;

/// Frames one message, which is to be shorter than 4 GiB: a frame cannot say more.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(PREFIX.saturating_add(message.len()));
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// The messages of a body; a cut-off last one is left out.
pub fn unframe(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((prefix, rest)) = body.split_first_chunk::<PREFIX>() {
        let [_, length @ ..] = prefix;
        let Some((message, next)) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)
        else {
            break;
        };
        messages.push(message.to_vec());
        body = next;
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_framing() {
        let body = [frame(b"one"), frame(b""), frame(b"three")].concat();
        assert_eq!(
            unframe(&body),
            [b"one".to_vec(), b"".to_vec(), b"three".to_vec()]
        );
    }

    #[test]
    fn a_cut_off_message_is_left_out() {
        let body = [frame(b"one"), frame(b"two")].concat();
        assert_eq!(unframe(&body[..body.len() - 1]), [b"one".to_vec()]);
    }
}
