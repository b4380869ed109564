//! The text of an address, without an allocation for IPv4.

use std::net::{IpAddr, Ipv4Addr};

/// The longest IPv4 address: `255.255.255.255`.
const LONGEST: usize = 15;

/// Calls a function with the text of an address.
///
/// An IPv4 client of a dual-stack socket is `::ffff:192.0.2.1`, which matches no allow-list: its text is that of IPv4.
pub(super) fn with_text(address: IpAddr, f: impl FnOnce(&[u8])) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mut buffer = [0; LONGEST];
            let length = write_v4(address, &mut buffer);
            f(&buffer[..length]);
        }
        IpAddr::V6(address) => f(address.to_string().as_bytes()),
    }
}

/// Writes an IPv4 address. `Display` goes through a formatter, which costs more than the rest of the header.
fn write_v4(address: Ipv4Addr, buffer: &mut [u8; LONGEST]) -> usize {
    let mut length = 0;
    let mut push = |byte| {
        buffer[length] = byte;
        length += 1;
    };
    for (i, octet) in address.octets().into_iter().enumerate() {
        if i > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_that_of_display() {
        let v4 = (0..=255).flat_map(|octet| [[octet, 0, 1, 255], [9, octet, 100, octet], [255, 255, 255, octet]]);
        let v6 = ["::1", "2001:db8::7", "fe80::1"].map(|text| text.parse::<IpAddr>().unwrap());
        for address in v4.map(IpAddr::from).chain(v6) {
            with_text(address, |text| assert_eq!(text, address.to_string().as_bytes()));
        }
        with_text("::ffff:192.0.2.7".parse().unwrap(), |text| assert_eq!(text, b"192.0.2.7"));
    }
}
